"""An archive that already runs, described in a site file (``STACK=@site.yaml``)."""
