"""From a job's `input` to its source."""

from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.inputs.base import Source
from orchestrator.inputs.csv import CsvSource
from orchestrator.inputs.files import FilesSource
from orchestrator.inputs.ranges import RangeSource
from orchestrator.inputs.text import jsonl_source, lines_source
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
    if spec.files is not None:
        return FilesSource(spec.files, base)
    if spec.lines is not None:
        return lines_source(spec.lines, base)
    if spec.jsonl is not None:
        return jsonl_source(spec.jsonl, base)
    if spec.csv is not None:
        return CsvSource(spec.csv, base)
    assert spec.range is not None
    return RangeSource(spec.range)
