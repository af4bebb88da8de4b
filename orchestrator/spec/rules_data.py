"""Rules for inputs and outputs."""

import re
from collections.abc import Iterator, Sequence
from string import Formatter

from orchestrator.spec.formats import format_mistake, written_format
from orchestrator.spec.model import CsvInput, FilesInput, Input, JsonlInput, LinesInput, Output, RangeInput
from orchestrator.spec.nodes import FieldPath, shown
from orchestrator.spec.problems import Problem

KINDS = ("files", "objects", "lines", "jsonl", "csv", "range")
FARTHEST = 2**63 - 1
TREE_FIELDS = ("key", "stem", "suffix", "parent")
APPLIES_TO = {
    "template": ("text",),
    "escape": ("text",),
    "columns": ("csv",),
    "keys": ("jsonl", "csv"),
    "name": ("tree",),
}
"""The fields of `output` that only some formats know."""

_TEXT_FIELD = re.compile(r"key|result(\[[^\[\]{}]+\])?")


def input_problems(source: Input) -> Iterator[Problem]:
    """Yield what is wrong with an input."""
    kinds = [kind for kind in KINDS if getattr(source, kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        yield Problem(("input",), f"found {found}, expected exactly one of {', '.join(KINDS)}")
    if source.files is not None:
        yield from _files_problems(source.files)
    if source.objects is not None:
        yield from _selection_problems(("input", "objects"), source.objects.include, source.objects.exclude)
    if source.range is not None:
        yield from _range_problems(source.range)
    if source.csv is not None:
        yield from _csv_problems(source.csv)
    readers: dict[str, LinesInput | JsonlInput | CsvInput | None] = {
        "lines": source.lines,
        "jsonl": source.jsonl,
        "csv": source.csv,
    }
    for kind, reader in readers.items():
        if reader is not None:
            yield from _path_problems(("input", kind, "path"), reader.path)


def _files_problems(files: FilesInput) -> Iterator[Problem]:
    base = ("input", "files")
    yield from _path_problems((*base, "root"), files.root)
    yield from _selection_problems(base, files.include, files.exclude)


def _selection_problems(base: FieldPath, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Problem]:
    if not include:
        yield Problem((*base, "include"), "found an empty list, expected at least one pattern")
    for name, patterns in (("include", include), ("exclude", exclude)):
        for index, pattern in enumerate(patterns):
            yield from _pattern_problems((*base, name, index), pattern)


def _pattern_problems(path: FieldPath, pattern: str) -> Iterator[Problem]:
    yield from _path_problems(path, pattern)
    if pattern.startswith("/") or ".." in pattern.split("/"):
        yield Problem(
            path, f'found "{shown(pattern)}", a path that escapes its root; expected a pattern below the root'
        )


def _path_problems(path: FieldPath, value: str | Sequence[str]) -> Iterator[Problem]:
    if not isinstance(value, str):
        if not value:
            yield Problem(path, "found an empty list, expected at least one path")
        for index, each in enumerate(value):
            yield from _path_problems((*path, index), each)
    elif not value:
        yield Problem(path, "found an empty text, expected a path")
    elif "\0" in value:
        yield Problem(path, "found a NUL character, which no path can have")


def _range_problems(numbers: RangeInput) -> Iterator[Problem]:
    base = ("input", "range")
    if numbers.step == 0:
        yield Problem((*base, "step"), "found the number 0, expected any other")
    for name in ("start", "stop", "step"):
        if abs(getattr(numbers, name)) > FARTHEST:
            yield Problem((*base, name), "found a number of more than 63 bits, expected a smaller one")


def _csv_problems(csv: CsvInput) -> Iterator[Problem]:
    base = ("input", "csv")
    if csv.delimiter in '"\r\n\0':
        yield Problem((*base, "delimiter"), "found a quote or a line's end, expected a character that separates fields")
    yield from _column_problems((*base, "columns"), csv.columns)


def _column_problems(path: FieldPath, columns: Sequence[str] | None) -> Iterator[Problem]:
    if columns is None:
        return
    if not columns:
        yield Problem(path, "found an empty list, expected at least one column")
    for index, name in enumerate(columns):
        if name in columns[:index]:
            yield Problem((*path, index), f'found the column "{shown(name)}" a second time')


def output_problems(output: Output, given: frozenset[FieldPath]) -> Iterator[Problem]:
    """Yield what is wrong with an output; `given` are the fields that the user wrote."""
    kind = written_format(output)
    if output.path is not None:
        yield from _path_problems(("output", "path"), output.path)
    if output.path and (mistake := format_mistake(output)) is not None:
        yield Problem(("output", "path"), mistake)
        return
    if kind == "none" and output.path is not None:
        yield Problem(("output", "path"), "format: none writes nothing, so a path has no meaning")
    if kind == "tree" and output.path is None:
        yield Problem(("output", "format"), "format: tree needs output.path, the folder to write below")
    for field, formats in APPLIES_TO.items():
        is_asked_for = getattr(output, field) not in (None, False)
        if ("output", field) in given and is_asked_for and (kind or "jsonl") not in formats:
            expected = " or ".join(formats)
            yield Problem(
                ("output", field),
                f"only for the format {expected}; this output is {kind or 'jsonl'}",
                at_key=True,
            )
    yield from _column_problems(("output", "columns"), output.columns)
    if kind == "text":
        yield from _template_problems(output.template)
    if kind == "tree":
        yield from _tree_name_problems(output.name)


def _template_problems(template: str) -> Iterator[Problem]:
    for field in _fields(template):
        if field is None or not _TEXT_FIELD.fullmatch(field):
            found = "unmatched braces" if field is None else f"the field {{{shown(field)}}}"
            yield Problem(
                ("output", "template"),
                f"found {found}, expected only {{key}}, {{result}} and {{result[name]}}",
                "A brace that is meant as such is written twice: {{ or }}.",
            )


def _tree_name_problems(name: str) -> Iterator[Problem]:
    path = ("output", "name")
    for field in _fields(name):
        if field not in TREE_FIELDS:
            found = "unmatched braces" if field is None else f"the field {{{shown(field)}}}"
            fields = ", ".join(f"{{{known}}}" for known in TREE_FIELDS)
            yield Problem(path, f"found {found}, expected only {fields}")
    yield from _path_problems(path, name)
    if name.startswith("/") or ".." in name.split("/"):
        yield Problem(path, f'found "{shown(name)}", a path that escapes its root; expected a name below output.path')


def _fields(template: str) -> list[str | None]:
    """The fields between braces, None for what is no template; a conversion stays part of the field."""
    try:
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError:
        return [None]
    return [_whole_field(field or "", spec or "", conversion) for _, field, spec, conversion in parts]


def _whole_field(field: str, spec: str, conversion: str | None) -> str:
    if conversion:
        return f"{field}!{conversion}"
    return f"{field}:{spec}" if "{" in spec else field
