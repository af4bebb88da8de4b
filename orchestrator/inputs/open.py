"""From a job's `input` to its source."""

from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.inputs.base import Source
from orchestrator.spec.model import Input


def open_source(spec: Input, base: Path) -> Source:
    """The source of the one kind that is given; paths are relative to `base`, the job file's folder.

    No file is touched yet, so it is cheap enough for every process that reads.

    Raises:
        InputError: none or several kinds are given, or what is given can be no input.
    """
    given = [kind for kind in (spec.files, spec.lines, spec.jsonl, spec.csv, spec.range) if kind is not None]
    if len(given) != 1:
        raise InputError("an input has exactly one of files, lines, jsonl, csv and range", where="input")
    # Only what is read is imported: every worker starts with this.
    if spec.files is not None:
        from orchestrator.inputs.files import FilesSource

        return FilesSource(spec.files, base)
    if spec.csv is not None:
        from orchestrator.inputs.csv import CsvSource

        return CsvSource(spec.csv, base)
    if spec.range is not None:
        from orchestrator.inputs.ranges import RangeSource

        return RangeSource(spec.range)
    from orchestrator.inputs.text import jsonl_source, lines_source

    if spec.lines is not None:
        return lines_source(spec.lines, base)
    assert spec.jsonl is not None
    return jsonl_source(spec.jsonl, base)
