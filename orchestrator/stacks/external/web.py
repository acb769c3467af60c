"""Where the DICOMweb services of an archive that already runs are."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from dicom.association.ends import Tls
from dicom.web.target import WebAuth, WebTarget
from orchestrator.stacks.external.site import Site


def dicomweb_of(site: Site) -> WebTarget:
    """The services below ``site.web.url``: of an Orthanc's plugin, of DCM4CHEE's AE, or there.

    Certificates of an https server are verified, host name included, against the site's own
    authorities or else against those that ``requests`` trusts.

    Raises:
        InputError: a variable that holds a credential is not set.
    """
    url = urlsplit(site.web.url.rstrip("/"))
    secure = url.scheme == "https"
    trusted = site.web.trusted or DEFAULT_CA_BUNDLE_PATH
    below = {
        "orthanc": "/dicom-web",
        "dcm4chee": f"/dcm4chee-arc/aets/{quote(site.dicom.aetitle, safe='')}/rs",
        "dicomweb": "",
    }
    credentials = site.web.credentials()
    return WebTarget(
        host=url.hostname or "",
        port=url.port or (443 if secure else 80),
        root=url.path + below[site.kind],
        tls=Tls(trusted=trusted, check_hostname=True) if secure else None,
        auth=None
        if credentials is None
        else WebAuth(user=credentials.user, password=credentials.password, token=credentials.token),
    )
