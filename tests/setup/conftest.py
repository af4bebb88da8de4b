"""A small project that tools/setup can set up without a network, and a pool with a Python that builds in no time."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BACKEND = """
import zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "ftorch-0-py3-none-any.whl"
    info = "ftorch-0.dist-info/"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: ftorch\\nVersion: 0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\nftorch = tiny:main\\n")
        wheel.writestr(info + "RECORD", "")
    return name

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise NotImplementedError
"""

PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@dataclass(frozen=True)
class Project:
    """A folder with tools/setup in it, and the environment to call it in."""

    root: Path
    env: dict[str, str]

    def setup(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Calls tools/setup and returns its end; stdout and stderr are one text, in ``stdout``."""
        return subprocess.run(
            [self.root / "tools/setup", *args],
            env=self.env | env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    @property
    def stamp(self) -> Path:
        """The file whose presence says that .venv is whole."""
        return self.root / ".venv/.ftorch-setup"

    def lock(self, digest: str | None = None) -> None:
        """Writes a lock of one package, the wheel beside it, with that SHA-256 or the right one."""
        wheel = self.root / "wheels/tiny-1.0-py3-none-any.whl"
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / "requirements.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")


def make_tiny_wheel(folder: Path) -> None:
    """Writes a wheel of one module, ``tiny``, whose ``main`` prints a greeting."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "def main():\n    print('tiny works')\n")
        info = "tiny-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")


@pytest.fixture(scope="session")
def path_without_pythons(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with every program of this machine's base system, and no python or uv."""
    folder = tmp_path_factory.mktemp("bin")
    for place in ("/bin", "/usr/bin", "/sbin", "/usr/sbin"):
        for program in Path(place).iterdir():
            link = folder / program.name
            if not program.name.startswith(("python", "uv")) and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


@pytest.fixture
def project(tmp_path: Path, path_without_pythons: str) -> Project:
    """A project whose lock is one local wheel, on a machine without any Python to find."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "tools", root / "tools")
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(PROJECT)
    make_tiny_wheel(root / "wheels")
    env = {
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "PATH": path_without_pythons,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(root / "wheels"),
        "FTORCH_OS_RELEASE": str(tmp_path / "os-release"),
    }
    (tmp_path / "os-release").write_text('ID=plan9\nPRETTY_NAME="Plan 9"\n')
    made = Project(root, env)
    made.lock()
    return made


def program(path: Path, text: str) -> Path:
    """Writes an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_python(path: Path, answer: str) -> Path:
    """A program that answers set-up's probe as such a Python would, and can make no virtual environment."""
    return program(path, f'if [ "$2" = -c ]; then echo "{answer}"; else echo "no venv from me"; exit 1; fi')


CONFIGURE = """#!/bin/sh
echo "checking for a compiler... none needed"
for word; do case $word in --prefix=*) echo "${word#--prefix=}" >prefix ;; esac; done
echo "$* CFLAGS=${CFLAGS-}" >>configured
"""

# Two files to compile. While the folder LEAVE has a pipe named `gate`, the second one says that it was reached, and
# waits.
MAKEFILE = """all: one.o two.o
one.o:
\t@echo cc -c one.c -o one.o
\t@echo one >>compiled; touch one.o
two.o: one.o
\t@echo cc -c two.c -o two.o
\t@if [ -p "$(LEAVE)/gate" ]; then echo reached >"$(LEAVE)/reached"; read -r go <"$(LEAVE)/gate"; fi
\t@echo two >>compiled; touch two.o
altinstall: all
\tcp compiled configured "$(LEAVE)"
\tmkdir -p "$(DESTDIR)$$(cat prefix)/bin"
\tprintf '#!/bin/sh\\nexec "%s" "$$@"\\n' "$(REAL)" >"$(DESTDIR)$$(cat prefix)/bin/python3.14t"
\tchmod +x "$(DESTDIR)$$(cat prefix)/bin/python3.14t"
"""


@dataclass(frozen=True)
class Pool:
    """An apt configuration with one archive, a folder, and what a build of its Python leaves behind."""

    folder: Path
    left: Path
    env: dict[str, str]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    """An archive, known to apt alone, whose Python 3.14 'compiles' into a wrapper around a fake."""
    if not os.access("/usr/lib/apt/apt-helper", os.X_OK):
        pytest.skip("needs apt: a Debian or Ubuntu system")
    folder, left, source = tmp_path / "archive", tmp_path / "left", tmp_path / "Python-3.14.99"
    for made in (folder / "pool", left, source):
        made.mkdir(parents=True)
    (source / "configure").write_text(CONFIGURE)
    (source / "configure").chmod(0o755)
    (source / "Makefile").write_text(MAKEFILE)
    for name in ("support", "test_concurrent_futures", "test_much_else"):
        (source / "Lib/test" / name).mkdir(parents=True)
        (source / "Lib/test" / name / "__init__.py").write_text("")
    (source / "Lib/test/__init__.py").write_text("")
    tarball = folder / "pool/python.tar.xz"
    with tarfile.open(tarball, "w:xz") as archive:
        archive.add(source, source.name)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    os_release = tmp_path / "debian-release"
    os_release.write_text("ID=mint\nID_LIKE='ubuntu debian'\n")
    env = {
        "APT_CONFIG": str(write_apt_config(tmp_path / "apt", f"deb [trusted=yes] copy:{folder} stable main\n")),
        "FTORCH_OS_RELEASE": str(os_release),
        "FTORCH_BUILD_PACKAGES": "",
        "FTORCH_SOURCE": f"3.14.99 pool/python.tar.xz {digest}",
        "LEAVE": str(left),
        "REAL": str(fake_python(tmp_path / "real", "3.14 1 ")),
    }
    return Pool(folder, left, env)


def write_apt_config(folder: Path, sources: str) -> Path:
    """Writes an apt configuration that knows these sources and nothing of the machine's; returns its file."""
    for made in ("state/lists/partial", "cache/archives/partial", "parts"):
        (folder / made).mkdir(parents=True)
    (folder / "sources.list").write_text(sources)
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        f'Dir::Etc::sourceparts "{folder}/parts";\n'
        f'Dir::State "{folder}/state";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'APT::Sandbox::User "root";\n'
    )
    return config
