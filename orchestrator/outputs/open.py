"""Open an output: the encoder of a format for each thread, and what stands before the encoded bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import OutputError
from orchestrator.outputs.base import Encoder
from orchestrator.outputs.target import SUFFIXES, Target, check_output
from orchestrator.spec.keys import Key
from orchestrator.spec.model import Output, Remote
from orchestrator.store.places import is_url

__all__ = ["NoEncoder", "Target", "check_output", "header", "open_encoder"]


class NoEncoder:
    """Writes nothing: for results nobody wants, and for a fold, whose one value is written at the end."""

    needs_keys = False

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:  # noqa: ARG002
        """No bytes."""
        return b""


def open_encoder(output: Output, format: str, root: Path | str, replace: bool, remote: Remote | None = None) -> Encoder:  # noqa: A002
    """A new encoder, for one thread of this process.

    Args:
        output: the job's output.
        format: its format, never "auto".
        root: the folder of a tree, `Target.path`; other formats do not look at it.
        replace: whether a tree's files replace those that are there: for a resumed run, and to overwrite.
        remote: how a tree's bucket is reached, where the root is a URL.

    Raises:
        OutputError: a template, a name or the columns are wrong, or there is no such format.
    """
    # Only what is written is imported: every worker starts with this.
    match format:
        case "jsonl":
            from orchestrator.outputs.jsonl import JsonlEncoder

            return JsonlEncoder(output.keys)
        case "csv":
            from orchestrator.outputs.csv import CsvEncoder

            return CsvEncoder(output.keys, output.columns)
        case "text":
            from orchestrator.outputs.text import TextEncoder

            return TextEncoder(output.template, output.escape == "gnu")
        case "tree" if is_url(root):
            from orchestrator.outputs.remotetree import RemoteTreeEncoder

            return RemoteTreeEncoder(str(root), output.name, replace, Remote() if remote is None else remote)
        case "tree":
            from orchestrator.outputs.tree import TreeEncoder

            return TreeEncoder(Path(root), output.name, replace)
        case "none" | "json":
            return NoEncoder()
    known = ", ".join(SUFFIXES)
    raise OutputError(f"{format!r} is no format; there are {known}", where="output.format")


def header(output: Output, format: str) -> bytes:  # noqa: A002
    """What stands before the encoded bytes, in each file: the header record of CSV.

    Raises:
        OutputError: the columns are wrong.
    """
    if format != "csv":
        return b""
    from orchestrator.outputs.csv import CsvEncoder

    return CsvEncoder(output.keys, output.columns).header()
