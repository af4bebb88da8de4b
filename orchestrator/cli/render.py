"""`ftorch render`: what would be put on a cluster, as text."""

import re
from pathlib import Path

import click

from orchestrator.cli.options import job_argument, load, overrides_option
from orchestrator.cli.streams import complain, say
from orchestrator.errors import JobError, StoreUnavailable

EPILOG = """\b
Examples:
  ftorch render job.yaml | kubectl apply -f -
  ftorch render job.yaml --out manifests/
  ftorch render job.yaml --helm-values > values.yaml && helm install photos helm/ftorch -f values.yaml
"""


class _Version(click.ParamType[tuple[int, int]]):
    """A version of Kubernetes: 1.36, v1.36.2."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The version as (major, minor)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"v?(\d{1,3})\.(\d{1,3})(?:[.+-].*)?", str(value))
        if found is None:
            self.fail(f"{value!r} is no version; write 1.36", param, ctx)
        return int(found[1]), int(found[2])


@click.command(epilog=EPILOG)
@job_argument()
@click.option("--helm-values", is_flag=True, help="Write the Helm chart's values instead of the objects.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write DIR/NAME.yaml instead of printing.",
)
@click.option("--name", metavar="NAME", help="The Job's name, which is the run's; by default the job's.")
@click.option("--namespace", "-n", metavar="NAME", help="Where it goes; by default kubernetes.namespace.")
@click.option(
    "--kubernetes-version", "version", type=_Version(), default="1.36", help="The API server's.", show_default=True
)
@overrides_option
def command(
    job: Path,
    helm_values: bool,
    out: Path | None,
    name: str | None,
    namespace: str | None,
    version: tuple[int, int],
    overrides: tuple[str, ...],
) -> None:
    """Print the Kubernetes objects of JOB as `submit --on kubernetes` applies them; nothing is sent anywhere."""
    from orchestrator.cluster import render
    from orchestrator.cluster.manifests.wanted import advice
    from orchestrator.cluster.text import to_yaml

    if namespace is not None:
        overrides = (*overrides, f"kubernetes.namespace={namespace}")
    job_file, spec = load(job, overrides)
    base = job_file.parent
    if helm_values:
        text = to_yaml([render.helm_values(spec, base, version)])
    else:
        text = render.rendered_text(spec, base, version, name)
    if out is None:
        say(text.rstrip("\n"))
    else:
        say(f"wrote {_write(out, f'{name or spec.name}.yaml', text)}")
    for line in advice(spec):
        complain(f"ftorch: advice: {line}")


def _write(folder: Path, name: str, text: str) -> Path:
    """Write a file whole or not at all.

    Raises:
        JobError: it cannot be written there.
    """
    from orchestrator.store.local import LocalStore

    path = folder / name
    try:
        LocalStore(folder).put(name, [text.encode()])
    except StoreUnavailable as error:
        reason = error.message.rpartition(": ")[2]
        raise JobError(f"it cannot be written: {reason}", where=str(path), hint="Name another folder.") from error
    return path
