"""The set-up behind make: what it installs, what it refuses, and that words stay words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Stands for a host's python3: makes environments that hold itself, notes what pip is to install.
FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >>"$CALLS"
case "$1 $2" in
'-c '*) exec {python} "$@" ;;
'--version ') echo 'Python 3.11.2' ;;
'-m venv')
    if [ -n "${{NEEDS_PACKAGE:-}}" ] && ! [ -e "$NEEDS_PACKAGE" ]; then
        echo 'ensurepip is not available'
        exit 1
    fi
    mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
    ;;
'-m pip') [ -z "${{PIP_FAILS:-}}" ] || {{ [ "$3" = --version ] || exit 1; }} ;;
'-m orchestrator') exec {python} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" ;;
*) exit 9 ;;
esac
"""
FAKE_APT = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
"$PACSLAB_SBIN/policy-rc.d" || echo "services may not start: $?" >>"$CALLS"
case "$*" in *install*) [ -z "${APT_FAILS:-}" ] && touch "${NEEDS_PACKAGE:-/dev/null}" ;; esac
"""
TOOLS = (
    *("sh", "make", "sed", "cat", "cksum", "tail", "printf", "dirname", "mktemp"),
    *("mkdir", "touch", "rm", "mv", "cp", "chmod"),
)


class Checkout:
    """A checkout with the real Makefile and tools on a machine of fakes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "check out"
        self.calls = folder / "calls"
        self.binaries = folder / "bin"
        self.sbin = folder / "sbin"
        self.policy = self.sbin / "policy-rc.d"
        self.folder.mkdir()
        self.binaries.mkdir()
        self.sbin.mkdir()
        shutil.copytree(ROOT / "tools", self.folder / "tools")
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.folder)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None, f"this machine has no {tool}"
            (self.binaries / tool).symlink_to(found)
        self.binary("python3", FAKE_PYTHON.format(python=sys.executable))
        self.root(True)

    def binary(self, name: str, text: str) -> None:
        path = self.binaries / name
        path.write_text(text)
        path.chmod(0o755)

    def root(self, really: bool) -> None:
        self.binary("id", f"#!/bin/sh\necho {0 if really else 1000}\n")

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        base = {
            "PATH": str(self.binaries),
            "CALLS": str(self.calls),
            "PACSLAB_SBIN": str(self.sbin),
            "HOME": str(self.folder),
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**base, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def called(self, word: str) -> list[str]:
        if not self.calls.exists():
            return []
        return [line for line in self.calls.read_text().splitlines() if word in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_set_up_installs_and_the_second_does_nothing(checkout: Checkout) -> None:
    assert checkout.run("make", "setup", NO_APT="1").returncode == 0
    (install,) = checkout.called("pip install")
    assert install.endswith("--editable .")
    checkout.calls.unlink()
    assert checkout.run("make", "setup", NO_APT="1").returncode == 0
    assert not checkout.calls.exists()


def test_tests_get_the_development_packages_too(checkout: Checkout) -> None:
    assert checkout.run("tools/setup", "test", NO_APT="1").returncode == 0
    assert checkout.called("pip install")[-1].endswith("--editable .[dev]")


def test_a_new_date_on_the_same_inputs_installs_nothing(checkout: Checkout) -> None:
    checkout.run("make", "setup", NO_APT="1")
    os.utime(checkout.folder / ".venv/run.stamp", (0, 0))
    checkout.calls.unlink()
    checkout.run("make", "setup", NO_APT="1")
    assert checkout.called("pip install") == []


def test_new_constraints_are_installed(checkout: Checkout) -> None:
    checkout.run("make", "setup", NO_APT="1")
    with (checkout.folder / "constraints.txt").open("a") as file:
        file.write("more==1\n")
    os.utime(checkout.folder / ".venv/run.stamp", (0, 0))
    checkout.calls.unlink()
    checkout.run("make", "setup", NO_APT="1")
    assert len(checkout.called("pip install")) == 1


def test_a_failed_installation_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.run("tools/setup", "run", NO_APT="1", PIP_FAILS="1")
    assert failed.returncode == 3
    assert "is a package index reachable?" in failed.stderr
    assert checkout.run("tools/setup", "run", NO_APT="1").returncode == 0
    assert len(checkout.called("pip install")) == 2


def test_an_old_python_is_refused_with_the_way_out(checkout: Checkout) -> None:
    checkout.binary(
        "python3", '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit\nexit 1\n'
    )
    refused = checkout.run("tools/setup", "run", NO_APT="1")
    assert refused.returncode == 3
    assert "needs Python 3.11 or newer, found Python 3.9.2" in refused.stderr
    assert "make PYTHON=" in refused.stderr


def test_a_python_of_ones_own_choice_is_used(checkout: Checkout) -> None:
    shutil.move(checkout.binaries / "python3", checkout.binaries / "mypython")
    assert checkout.run("make", "setup", "PYTHON=mypython", NO_APT="1").returncode == 0
    assert checkout.called("mypython -m venv")


def test_orthanc_is_installed_as_root_without_starting_its_service(checkout: Checkout) -> None:
    checkout.binary("apt-get", FAKE_APT)
    done = checkout.run("tools/setup", "run")
    assert done.returncode == 0
    assert done.stderr.count("installing the Debian packages orthanc and orthanc-dicomweb") == 1
    (install,) = checkout.called("apt-get")
    assert install.endswith("install orthanc orthanc-dicomweb")
    assert checkout.called("services may not start: 101")
    assert not checkout.policy.exists()


def test_a_policy_that_was_there_is_put_back(checkout: Checkout) -> None:
    checkout.policy.write_text("#!/bin/sh\nexit 42\n")
    checkout.policy.chmod(0o755)
    checkout.binary("apt-get", FAKE_APT)
    checkout.run("tools/setup", "run")
    assert checkout.called("services may not start: 101")
    assert checkout.policy.read_text() == "#!/bin/sh\nexit 42\n"


@pytest.mark.parametrize("refusal", ["NO_APT", "not root"])
def test_debian_packages_can_be_refused(checkout: Checkout, refusal: str) -> None:
    checkout.binary("apt-get", FAKE_APT)
    checkout.root(refusal != "not root")
    environment = {"NO_APT": "1"} if refusal == "NO_APT" else {}
    done = checkout.run("tools/setup", "run", **environment)
    assert done.returncode == 0
    assert "profile archive" in done.stderr
    assert checkout.called("apt-get") == []


def test_without_a_mirror_the_set_up_goes_on_with_the_profile(checkout: Checkout) -> None:
    checkout.binary("apt-get", FAKE_APT)
    done = checkout.run("tools/setup", "run", APT_FAILS="1")
    assert done.returncode == 0
    assert "that failed: Orthanc's side is our profile archive" in done.stderr
    assert not checkout.policy.exists()


def test_an_orthanc_that_is_here_is_not_installed_again(checkout: Checkout) -> None:
    checkout.binary("apt-get", FAKE_APT)
    checkout.binary("Orthanc", "#!/bin/sh\n")
    checkout.run("tools/setup", "run")
    assert checkout.called("apt-get") == []


def test_a_python_without_ensurepip_gets_its_debian_package(checkout: Checkout) -> None:
    checkout.binary("apt-get", FAKE_APT)
    package = str(checkout.folder / "venv-package")
    done = checkout.run("tools/setup", "run", NEEDS_PACKAGE=package)
    assert done.returncode == 0
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"installing the Debian package python{version}-venv" in done.stderr
    assert len(checkout.called("-m venv")) == 2


def test_without_apt_the_missing_package_is_named(checkout: Checkout) -> None:
    done = checkout.run("tools/setup", "run", NEEDS_PACKAGE="/no/such/file", NO_APT="1")
    assert done.returncode == 3
    assert "apt-get install python3." in done.stderr
    assert "ensurepip is not available" in done.stderr


def asked(checkout: Checkout, *variables: str) -> list[str]:
    checkout.run("make", "setup", NO_APT="1")
    done = checkout.run("make", "scenario", *variables, NO_APT="1")
    assert done.returncode == 0, done.stderr
    words: list[str] = json.loads(done.stdout)
    assert words[:2] == ["-m", "orchestrator"]
    return words[2:]


def test_make_variables_become_options(checkout: Checkout) -> None:
    assert asked(
        checkout,
        *("NAME=wrong-* tls", "STACK=orthanc", "BACKEND=local", "KEEP=1", "JSON=1"),
        *("STUDY=my files", "WORKERS=2", "SEED=5", "JUNIT=out.xml", "ALLOW_CONFIG=yes"),
    ) == [
        *("run", "--keep", "--json", "--allow-config", "--stack", "orthanc"),
        *("--backend", "local", "--study", "my files", "--junit", "out.xml"),
        *("--workers", "2", "--seed", "5", "--", "wrong-* tls"),
    ]


def test_a_variable_that_is_switched_off_is_off(checkout: Checkout) -> None:
    assert asked(checkout, "NAME=healthy", "KEEP=0", "JSON=no") == ["run", "--", "healthy"]


@pytest.mark.parametrize(
    "evil", ["a; touch pwned", "$(touch pwned)", "`touch pwned`", "'", '"', "--all"]
)
def test_no_word_is_ever_a_command(checkout: Checkout, evil: str) -> None:
    assert asked(checkout, f"NAME={evil}", f"STUDY={evil}") == ["run", "--study", evil, "--", evil]
    assert not (checkout.folder / "pwned").exists()


def test_a_glob_is_not_expanded_by_the_shell(checkout: Checkout) -> None:
    assert asked(checkout, "NAME=*") == ["run", "--", "*"]


def test_make_scenario_without_a_name_says_what_to_type(checkout: Checkout) -> None:
    checkout.run("make", "setup", NO_APT="1")
    done = checkout.run("tools/scenario")
    assert done.returncode == 2
    assert "make scenario NAME=wrong-aetitle" in done.stderr


def test_make_alone_lists_every_target(checkout: Checkout) -> None:
    text = checkout.run("make").stdout
    targets = ("scenario", "scenarios", "test", "lint", "bench", "images", "up", "down", "clean")
    for target in targets:
        assert f"make {target} " in text


@pytest.mark.parametrize(
    "script", [".ci/run", *(f"tools/{n}" for n in ("setup", "scenario", "test"))]
)
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shell = path.read_text().splitlines()[0].removeprefix("#!").split()
    subprocess.run([*shell, "-n", str(path)], check=True, timeout=10)
