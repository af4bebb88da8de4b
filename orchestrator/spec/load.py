"""From a job file to a :class:`JobSpec`, and between a JobSpec and the run folder's JSON.

A mistake ends in one :class:`JobFileError` that tells every problem of its stage: syntax, then keys
and types, then the rules between fields.
"""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import msgspec
from msgspec import structs

from orchestrator.errors import JobFileError
from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import FieldPath, Node, plain
from orchestrator.spec.problems import Problem, error_of
from orchestrator.spec.units import from_plain, to_plain

SECTIONS = frozenset(
    ("with", "output", "resources", "retry", "failures", "timeout", "runtime", "measure", "kubernetes")
)
"""The parts of a job file that may stand there empty, all their lines commented out."""


def load_job(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> JobSpec:
    """Read a job file.

    Args:
        path: the file; its folder names the job where the file does not.
        overrides: texts as `--set` takes them: ``resources.threads=4``.

    Raises:
        JobFileError: it cannot be read, or is no valid job; the message says where, and what was expected.
    """
    from orchestrator.spec.yaml_source import decode

    origin = os.fspath(path)
    data = _read(origin)
    if origin.endswith(".py"):
        raise _python_file(Path(origin))
    text = decode(data, origin)
    return _load(text, origin, overrides, Path(origin).absolute())


def load_job_text(text: str, filename: str = "job.yaml", overrides: Sequence[str] = ()) -> JobSpec:
    """Read a job from the text of a job file; otherwise like :func:`load_job`.

    Raises:
        JobFileError: it is no valid job.
    """
    return _load(text, filename, overrides, PurePath(filename))


def dump_job(spec: JobSpec) -> bytes:
    """The job as JSON with every default filled in; the same job, in the same order, gives the same bytes."""
    return msgspec.json.encode(spec, enc_hook=to_plain)


def parse_job(data: bytes) -> JobSpec:
    """The job that :func:`dump_job` wrote.

    Raises:
        JobFileError: the bytes are none, or come from a version with other fields.
    """
    try:
        return msgspec.json.decode(data, type=JobSpec, dec_hook=from_plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise JobFileError(f"this is not a job as ftorch writes it: {error}", where="job.json") from None


def _read(path: str) -> bytes:
    from orchestrator.spec.yaml_source import MAX_BYTES

    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        inside = Path(path) / "job.yaml"
        hint = f"Did you mean {inside}?" if inside.is_file() else None
        raise JobFileError("found a folder, expected a job file", where=path, hint=hint) from None
    except FileNotFoundError:
        raise JobFileError("there is no such file", where=path, hint="`ftorch init` writes a job file.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise JobFileError(f"the file cannot be read: {reason}", where=path) from None


def _python_file(path: Path) -> JobFileError:
    """Who names a task's file means the job that names the task."""
    beside = path.with_name("job.yaml")
    if beside.is_file():
        hint = f"Did you mean {beside}?"
    else:
        hint = f"`ftorch init` writes a job file, which names a function of it: task: ./{path.name}:function"
    return JobFileError("found a Python file, expected a job file", where=str(path), hint=hint)


def _load(text: str, origin: str, overrides: Sequence[str], path: PurePath) -> JobSpec:
    from orchestrator.spec.overrides import apply_override
    from orchestrator.spec.rules import rule_problems
    from orchestrator.spec.yaml_source import compose

    root = compose(text, origin)
    for override in overrides:
        root = apply_override(root, override)
    root = _without_empty_sections(root)
    spec = _convert(root, path)
    problems = rule_problems(spec, _given(root))
    if problems:
        raise error_of(problems, root)
    return spec


def _without_empty_sections(root: Node) -> Node:
    if not isinstance(root.value, dict):
        return root
    members = {key: node for key, node in root.value.items() if node.value is not None or key not in SECTIONS}
    return structs.replace(root, value=members)


def _convert(root: Node, path: PurePath) -> JobSpec:
    data: Any = plain(root)
    if isinstance(data, dict) and "name" not in data:
        from orchestrator.spec.rules_name import default_name

        data["name"] = default_name(path)
    try:
        return msgspec.convert(data, JobSpec, dec_hook=from_plain)
    except msgspec.ValidationError as error:
        from orchestrator.spec.check import shape_problems

        problems = [*shape_problems(root)] or [Problem((), str(error))]
        raise error_of(problems, root) from None


def _given(root: Node) -> frozenset[FieldPath]:
    """The fields of the sections that the user wrote, as ("output", "keys")."""
    sections = root.value if isinstance(root.value, dict) else {}
    return frozenset(
        (section, field) for section, node in sections.items() if isinstance(node.value, dict) for field in node.value
    )
