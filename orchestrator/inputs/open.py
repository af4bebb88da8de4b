"""From a job's `input` to its source."""

from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.inputs.base import Source
from orchestrator.spec.model import Input, Remote


def open_source(spec: Input, base: Path, remote: Remote | None = None) -> Source:
    """The source of the one kind that is given; paths are relative to `base`, the job file's folder.

    Buckets are reached as `remote` says. No file is touched yet, so it is cheap enough for every process that reads.

    Raises:
        InputError: none or several kinds are given, or what is given can be no input.
    """
    given = [
        kind for kind in (spec.files, spec.objects, spec.lines, spec.jsonl, spec.csv, spec.range) if kind is not None
    ]
    if len(given) != 1:
        raise InputError("an input has exactly one of files, objects, lines, jsonl, csv and range", where="input")
    # Only what is read is imported: every worker starts with this.
    if spec.files is not None:
        from orchestrator.inputs.files import FilesSource

        return FilesSource(spec.files, base)
    if spec.objects is not None:
        from orchestrator.inputs.objects import ObjectsSource

        return ObjectsSource(spec.objects, Remote() if remote is None else remote)
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
