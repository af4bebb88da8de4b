"""What `ftorch image` writes: a job and what its task needs, on top of ftorch's own image."""

import json
import os
import re
import shlex
from collections.abc import Iterator
from string import Template

from orchestrator.spec.model import JobSpec
from orchestrator.version import __version__

FOLDER = "/app"
REQUIREMENTS = "requirements.txt"
SBOM = "/opt/python/share/sbom"
IGNORED = ".dockerignore"

_DOCKERFILE = Template("""\
# The job $name with its code, on ftorch's image; written by `ftorch image`, and yours to change.
ARG FTORCH_IMAGE=$image
FROM $${FTORCH_IMAGE}
${requirements}COPY . $folder
# The build ends here if the job is wrong, or something that it imports turns the GIL on.
RUN ["ftorch", "audit", "--no-probe", $job_file]
CMD ["submit", $job_file]
""")

_INSTALL = Template("""\
# The image has no pip: it comes for this step and goes with it. The bill of materials tells what was installed.
COPY requirements.txt /tmp/requirements.txt
USER 0
RUN python -m ensurepip && \\
    python -m pip install --no-cache-dir --root-user-action ignore --report /tmp/pip.json -r /tmp/requirements.txt && \\
    python -m pip uninstall --yes pip && \\
    python -I $sbom/sbom.py / /tmp/pip.json $sbom/ftorch.cdx.json $name && \\
    rm /tmp/requirements.txt /tmp/pip.json
USER 65532:65532
""")

_NEVER = ("**/.ftorch", ".git", ".venv", "**/__pycache__")
_PLAIN = re.compile(r"[\w.-]+(/[\w.-]+)*")


def dockerfile(spec: JobSpec, job_name: str, image: str | None, has_requirements: bool) -> str:
    """The Dockerfile of a job; its context is the job's folder.

    Args:
        spec: the job.
        job_name: the job file's name in its folder.
        image: ftorch's image; by default this version's, by its usual name.
        has_requirements: is there a requirements.txt beside the job file?
    """
    return _DOCKERFILE.substitute(
        name=spec.name,
        image=image or f"ftorch:{__version__}",
        folder=FOLDER,
        job_file=json.dumps(path_in_image(job_name)),
        requirements=_INSTALL.substitute(name=shlex.quote(spec.name), sbom=SBOM) if has_requirements else "",
    )


def path_in_image(job_name: str) -> str:
    """Where the image has the job file, for `kubernetes.job_file`."""
    return f"{FOLDER}/{job_name}"


def ignored(spec: JobSpec) -> str:
    """The .dockerignore beside it: what was made in the folder and what is mounted, the run's input and output."""
    return "".join(f"{line}\n" for line in (*_NEVER, *sorted(set(_data(spec)))))


def _data(spec: JobSpec) -> Iterator[str]:
    """The input's folder and the output below the job's folder, where their names mean themselves in a pattern."""
    for path in (spec.input.files.root if spec.input.files else None, spec.output.path):
        below = os.path.normpath(path) if path else "."
        if below != "." and not below.startswith("..") and _PLAIN.fullmatch(below):
            yield below
