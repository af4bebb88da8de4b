"""What goes to a cluster beside the manifests: the job file as text, and the code that a ConfigMap can hold."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from orchestrator.cluster.manifests.files import JOB_FILE, LARGEST
from orchestrator.cluster.manifests.target import Target, Version
from orchestrator.errors import JobError
from orchestrator.inputs.globs import selection
from orchestrator.spec.model import JobSpec, Kubernetes
from orchestrator.spec.units import to_plain

MOST_FILES = 1000

_AS_GO_WRITES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def target_of(spec: JobSpec, base: Path, run: str, version: Version, namespace: str | None = None) -> Target:
    """The job with the files that it takes along.

    Args:
        spec: the job.
        base: the job file's folder.
        run: the run's id.
        version: the API server's.
        namespace: where it goes; by default `kubernetes.namespace`.

    Raises:
        JobError: a file cannot be read, is no text, or all are too large for a ConfigMap.
    """
    return Target(spec, run, files_of(spec, base), namespace or spec.kubernetes.namespace, version)


def files_of(spec: JobSpec, base: Path) -> dict[str, str]:
    """The ConfigMap's files by their path below `base`; none where the image holds the job file.

    Raises:
        JobError: a file cannot be read, is no text, or all are too large for a ConfigMap.
    """
    if spec.kubernetes.job_file is not None:
        return {}
    files = {JOB_FILE: job_text(spec)}
    size = 0
    for path in sorted(set(_code(spec, base))):
        text = _read(base / path)
        size += len(text.encode())
        if size > LARGEST or len(files) > MOST_FILES:
            raise JobError(
                f"the code beside the job file is too large for a ConfigMap: expected at most {LARGEST:,} bytes "
                f"in {MOST_FILES} files",
                where="kubernetes.files",
                hint="Put it into the image and name it there (kubernetes.job_file), or choose fewer files.",
            )
        if path != JOB_FILE:
            files[path] = text
    return files


def job_text(spec: JobSpec) -> str:
    """The job file that the pods read: JSON, which is YAML; reading it gives an equal job (:func:`job_in_pods`).

    JSON in the form of Helm's `toPrettyJson`, so that a chart's ConfigMap has the same text and fingerprint.
    """
    text = json.dumps(job_values(job_in_pods(spec)), indent=2, sort_keys=True, ensure_ascii=False)
    return text.translate(_AS_GO_WRITES) + "\n"


def job_in_pods(spec: JobSpec) -> JobSpec:
    """The job without what only the cluster needs to know: of `kubernetes`, how many nodes and shards there are."""
    known = Kubernetes(nodes=spec.kubernetes.nodes, shards=spec.kubernetes.shards)
    return structs.replace(spec, kubernetes=known, schedule=None)


def job_values(spec: JobSpec) -> dict[str, Any]:
    """The job as plain values, without what is there by default."""
    head = {"apiVersion": spec.apiVersion, "kind": spec.kind, "name": spec.name}
    return head | _written(spec)


def _written(part: msgspec.Struct) -> dict[str, Any]:
    """The fields of a part of the job that differ from their defaults."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(type(part)):
        value = getattr(part, field.name)
        default = field.default if field.default is not msgspec.NODEFAULT else _made(field.default_factory)
        if value != default:
            values[field.encode_name] = _plain(value)
    return values


def _made(factory: Any) -> Any:
    return factory() if factory is not msgspec.NODEFAULT else msgspec.NODEFAULT


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _written(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value, enc_hook=to_plain)


def _code(spec: JobSpec, base: Path) -> Iterator[str]:
    """The paths below `base` of what the job takes along."""
    chosen = spec.kubernetes.files
    if chosen is not None:
        yield from _matching(base, chosen)
        return
    target = spec.task.partition(":")[0]
    if target.endswith(".py"):
        folder = os.path.dirname(os.path.normpath(target))
        yield from _matching(base, [os.path.join(folder, "*.py")])
        return
    head = target.partition(".")[0]
    if (base / f"{head}.py").is_file():
        yield from _matching(base, ["*.py"])
    elif (base / head).is_dir():
        yield from _matching(base, [f"{head}/**/*.py"])


def _matching(base: Path, patterns: list[str]) -> Iterator[str]:
    """The files that match, in no particular order; hidden folders are passed over."""
    chosen = selection(patterns)
    for folder, below, names in os.walk(base):
        inside = os.path.relpath(folder, base)
        prefix = "" if inside == "." else f"{inside}/"
        below[:] = [name for name in below if name[0] != "." and chosen.enters(os.fsencode(prefix + name))]
        yield from (prefix + name for name in names if chosen.takes(os.fsencode(prefix + name)))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1).decode()
    except OSError as error:
        raise JobError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        hint = "Put it into the image, or leave it out by kubernetes.files."
        raise JobError(
            "the file is no UTF-8 text, which is all that the ConfigMap takes", where=str(path), hint=hint
        ) from None
