"""Which format an output has: the one that is named, else the one that its path's suffix stands for."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from orchestrator.errors import OutputError
from orchestrator.spec.model import Output
from orchestrator.spec.nodes import shown

type Format = Literal["jsonl", "csv", "text", "tree", "json", "none"]

SUFFIXES: Mapping[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".txt": "text",
    ".text": "text",
    ".sums": "text",
    ".md5": "text",
    ".sha1": "text",
    ".sha256": "text",
    ".sha512": "text",
    ".b3": "text",
}
SHOWN = ".jsonl, .ndjson, .csv, .txt, .sha256, .json"


def written_format(output: Output) -> Format | None:
    """The format as far as the job file tells it; None where neither `format` nor the suffix does."""
    if output.format != "auto":
        return output.format
    if output.path is None or output.path.endswith("/"):
        return None
    return SUFFIXES.get(PurePosixPath(output.path).suffix.lower())


def format_mistake(output: Output) -> str | None:
    """Why no format can be told from the path; None where it can, or where there is no path."""
    if output.path is None or written_format(output) is not None:
        return None
    if output.path.endswith("/"):
        return f'found the folder "{shown(output.path)}" and no format; expected output.format to name one'
    suffix = PurePosixPath(output.path).suffix
    found = f"the suffix {shown(suffix)}" if suffix else "no suffix"
    return f"found {found}, expected one of {SHOWN}, or output.format to say what it is"


def resolve_output_format(output: Output, is_fold: bool) -> Format:
    """The format in which results are written.

    Without a path and a format, results are written as JSON Lines, a fold's one result as JSON.

    Args:
        output: the job's output.
        is_fold: whether the task folds its items into one result.

    Raises:
        OutputError: no format can be told, or the one that is named does not fit the task.
    """
    mistake = format_mistake(output)
    if mistake is not None:
        raise OutputError(mistake, where="output.path")
    chosen = written_format(output) or ("json" if is_fold else "jsonl")
    field = "output.path" if output.format == "auto" else "output.format"
    if is_fold and chosen not in ("json", "none"):
        raise OutputError(
            f"found the format {chosen}, expected json: a fold has one result",
            where=field,
            hint="Give output.path the suffix .json.",
        )
    if chosen == "json" and not is_fold:
        raise OutputError(
            "found the format json, which holds one value; the task is no fold and has one for each item",
            where=field,
            hint="Give output.path the suffix .jsonl.",
        )
    return chosen
