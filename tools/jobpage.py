"""Writes docs/job.md, every field of a job file, from the model that job files are read with.

Call it from the repository's root as `python -m tools.jobpage`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.spec.schema import job_schema
from orchestrator.store.local import LocalStore

PAGE = Path("docs/job.md")
HEAD = """\
# The job file, field by field

Only `task` and `input` are required. What a task is given and may return is in [task.md](task.md). A field is set for
one run by `--set`: `ftorch submit job.yaml --set retry.attempts=1 --set output.overwrite=true`. `ftorch schema` prints
all of this as a JSON Schema, for completion and checks in an editor.

Paths are relative to the job file. A length of time is written 250ms, 30s, 1.5m, 2h or 1d (a bare number is seconds), a
size 512Mi, 2Gi, 10G or 100k (a bare number is bytes). Unknown keys are errors. (`python -m tools.jobpage` writes this.)
"""
KINDS = {"string": "text", "integer": "whole number", "boolean": "true, false", "number": "number", "object": "mapping"}


def page() -> str:
    """The whole page."""
    schema = job_schema()
    types = schema["$defs"]
    return "\n".join([HEAD, *_sections(types, "JobSpec", "", set())]) + "\n"


def _sections(types: dict[str, Any], name: str, path: str, told: set[str]) -> Iterator[str]:
    if name in told:
        return
    told.add(name)
    spec = types[name]
    required = set(spec.get("required", ()))
    yield f"## {f'`{path}`' if path else 'The file'}\n"
    if path:
        yield f"{spec['description']}\n"
    yield "| field | values | default | what it is |"
    yield "|---|---|---|---|"
    for field, what in spec["properties"].items():
        default = "required" if field in required else _default(what)
        yield f"| `{field}` | {_values(what)} | {default} | {what['description'].replace('|', '\\|')} |"
    yield ""
    for field, what in spec["properties"].items():
        inner = _inner(what)
        if inner is not None:
            many = "[]" if what.get("type") == "array" else ""
            yield from _sections(types, inner, f"{path}.{field}{many}".lstrip("."), told)


def _inner(what: dict[str, Any]) -> str | None:
    """The section that a field's value is, or each of its values."""
    for one in (what, what.get("items", {}), *what.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
    return None


def _default(what: dict[str, Any]) -> str:
    if "$ref" in what or what.get("default") is None:
        return ""
    default = what["default"]
    return f"`{default if isinstance(default, str) else json.dumps(default)}`" if default != "" else '`""`'


def _values(what: dict[str, Any]) -> str:
    if "title" in what:
        return {"Duration": "time", "Size": "size", "Share": "number or percentage", "Cpus": "CPUs"}[what["title"]]
    if "enum" in what:
        return ", ".join(f"`{one}`" for one in what["enum"])
    if "anyOf" in what:
        return " or ".join(_values(one) for one in what["anyOf"] if one.get("type") != "null")
    if what.get("type") == "array":
        return f"list of {_values(what['items'])}s"
    if "minimum" in what and "maximum" in what:
        return f"{what['minimum']:,} to {what['maximum']:,}"
    return KINDS[what.get("type", "object")]


if __name__ == "__main__":
    LocalStore(PAGE.parent.absolute()).put(PAGE.name, [page().encode()])
