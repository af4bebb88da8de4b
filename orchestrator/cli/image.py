"""`ftorch image`: a Dockerfile for a job and what its task needs."""

import shlex
from pathlib import Path

import click

from orchestrator.cli.options import job_argument, load
from orchestrator.cli.streams import say
from orchestrator.errors import JobError, StoreUnavailable

EPILOG = """\b
Examples:
  ftorch image job.yaml
  ftorch image photos --out photos.Dockerfile --from registry.example.org/ftorch:0.1.0
"""


@click.command(epilog=EPILOG)
@job_argument()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the Dockerfile goes; by default into the job's folder.",
)
@click.option("--from", "image", metavar="IMAGE", help="ftorch's image; by default ftorch:VERSION of this ftorch.")
def command(job: Path, out: Path | None, image: str | None) -> None:
    """Write a Dockerfile that puts JOB's folder, and what its requirements.txt names, on top of ftorch's image.

    Beside the job goes a .dockerignore, unless there is one: input, output and runs stay out of the image.
    """
    from orchestrator.spec.image import IGNORED, REQUIREMENTS, dockerfile, ignored, path_in_image

    job_file, spec = load(job)
    folder = job_file.parent
    context = job if job.is_dir() else job.parent
    path = out or context / "Dockerfile"
    text = dockerfile(spec, job_file.name, image, (folder / REQUIREMENTS).is_file())
    _write(path, text)
    say(f"wrote {path}")
    if not (folder / IGNORED).exists():
        _write(context / IGNORED, ignored(spec))
        say(f"wrote {context / IGNORED}")
    where = f"-t {spec.name} -f {shlex.quote(str(path))} {shlex.quote(str(context))}"
    say(f"next: docker build {where}")
    say(f"  or: podman build {where}")
    say(f"on a cluster: kubernetes: {{image: REGISTRY/{spec.name}, job_file: {path_in_image(job_file.name)}}}")


def _write(path: Path, text: str) -> None:
    """Write a new file, whole or not at all.

    Raises:
        JobError: there is one, or it cannot be written there.
    """
    from orchestrator.store.local import LocalStore

    try:
        if LocalStore(path.parent).create(path.name, [text.encode()]):
            return
    except StoreUnavailable as error:
        reason = error.message.rpartition(": ")[2]
        raise JobError(f"it cannot be written: {reason}", where=str(path), hint="Name another by --out.") from error
    raise JobError("it would be overwritten", where=str(path), hint="Name another file by --out, or remove it.")
