"""What the shell may complete: runs and fields of the job file. Imported heavily only when the shell asks."""

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


def complete_run(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The runs of the jobs in this folder by name, the newest first; any folder where there are none."""
    from orchestrator.run.folder import list_runs

    names = [store.root.name for store, _ in reversed(list_runs(Path.cwd()))]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="dir")]


def complete_field(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The fields of a job file, as ``resources.threads=``, and the values of those that have a few."""
    from orchestrator.spec.schema import job_schema

    schema = job_schema()
    fields = _fields(schema["$defs"], schema["$ref"].rpartition("/")[2], "")
    path, equals, value = incomplete.partition("=")
    if equals:
        choices = _choices(fields.get(path, {}))
        return [CompletionItem(f"{path}={choice}") for choice in choices if choice.startswith(value)]
    return [
        CompletionItem(f"{name}=", help=field.get("description", ""))
        for name, field in fields.items()
        if name.startswith(incomplete)
    ]


def _fields(definitions: dict[str, Any], name: str, prefix: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key, field in definitions[name]["properties"].items():
        options = [field, *field.get("anyOf", ())]
        below = next((option["$ref"].rpartition("/")[2] for option in options if "$ref" in option), None)
        if below is not None and "properties" in definitions[below]:
            found |= _fields(definitions, below, f"{prefix}{key}.")
        else:
            found[prefix + key] = field
    return found


def _choices(field: dict[str, Any]) -> list[str]:
    options = [field, *field.get("anyOf", ())]
    choices = [str(value) for option in options for value in option.get("enum", ())]
    return choices or (["true", "false"] if field.get("type") == "boolean" else [])
