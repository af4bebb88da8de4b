"""What a job may be called, and how a task is named."""

import keyword
import re
from collections.abc import Iterator
from pathlib import PurePath

from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import shown
from orchestrator.spec.problems import Problem

LONGEST_NAME = 52
"""DNS-1123 allows 63 characters, and a CronJob adds 11 to name its jobs."""

NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def default_name(path: PurePath) -> str:
    """A job's name where the file gives none: the file's own, or for job.yaml its folder's.

    Args:
        path: the job file; its folder counts only as far as the path has it.
    """
    candidates = (path.parent.name, path.stem) if path.stem == "job" else (path.stem, path.parent.name)
    return next(filter(None, map(as_name, candidates)), "job")


def as_name(text: str) -> str:
    """The nearest name that a job may have; empty where nothing is left: "Für Müller" → "fur-muller"."""
    if not text.isascii():
        import unicodedata

        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    dashed = re.sub(r"[^a-z0-9]+", "-", text.lower())
    return dashed.strip("-")[:LONGEST_NAME].rstrip("-")


def name_problems(spec: JobSpec) -> Iterator[Problem]:
    """Yield why Kubernetes would not take the name."""
    name = spec.name
    if len(name) > LONGEST_NAME:
        yield Problem(("name",), f"found {len(name)} characters, expected at most {LONGEST_NAME}")
    elif not re.fullmatch(NAME, name):
        near = as_name(name)
        yield Problem(
            ("name",),
            f'found the text "{shown(name)}", expected lower-case letters, digits and dashes, no dash first or last',
            f'Did you mean "{near}"?' if near else None,
        )


def task_problems(spec: JobSpec) -> Iterator[Problem]:
    """Yield why the task's name can be none."""
    target, colon, function = spec.task.rpartition(":")
    mistake, hint = None, None
    if not colon:
        mistake = "expected module.path:function or ./file.py:function"
        hint = _without_colon(spec.task)
    elif not _is_identifier(function):
        mistake = f'expected the name of a function after the colon, found "{shown(function)}"'
    elif target.endswith(".py") or "/" in target:
        mistake, hint = _file_mistake(target, function)
    elif not all(_is_identifier(part) for part in target.split(".")):
        mistake = f'expected a module before the colon, found "{shown(target)}"'
    if mistake is not None:
        yield Problem(("task",), f'found the text "{shown(spec.task)}", {mistake}', hint)


def _file_mistake(target: str, function: str) -> tuple[str | None, str | None]:
    parts = target.split("/")
    if target.startswith("/") or ".." in parts:
        hint = "A task file lies in the job file's folder or below, so that both can go to a cluster."
        return "a path that escapes its root: the job file's folder", hint
    if not target.endswith(".py") or parts[-1] == ".py" or "\0" in target:
        return "expected a file that ends in .py before the colon", None
    if parts[0] != ".":
        return "expected ./ before a file's name", f'Did you mean "./{shown(target)}:{function}"?'
    return None, None


def _without_colon(task: str) -> str | None:
    if task.endswith(".py"):
        return f'Name the function too: "{shown(task)}:function".'
    module, dot, function = task.rpartition(".")
    is_dotted = dot and all(_is_identifier(part) for part in task.split("."))
    return f'Did you mean "{module}:{function}"?' if is_dotted else None


def _is_identifier(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)
