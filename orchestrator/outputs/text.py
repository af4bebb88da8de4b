r"""Text by a template: ``{result}  {key}`` and a newline for each record.

Guarantees: without a newline in the template every record is one line; bytes of a file's name that are not
UTF-8 are written as they were; a failed call leaves nothing behind. Assumes: an encoder is used by one thread
at a time.

Fields: ``{key}``, ``{result}``, ``{result[name]}`` (of a dict) and ``{result[0]}`` (of a tuple or list), each
with an optional format specification, as in ``{result[mean]:.3f}``. Values are written as `str` has them.

`escape: gnu` writes keys as GNU coreutils' checksum tools write file names (its manual, "md5sum invocation"):
where a name has a backslash, newline or carriage return, these become ``\\``, ``\n`` and ``\r`` and the line
begins with a backslash. A file named ``-`` is written ``./-``: to them ``-`` is the standard input.
"""

import re
from collections.abc import Sequence
from string import Formatter
from typing import Any

from msgspec import Struct

from orchestrator.errors import OutputError
from orchestrator.outputs.columns import holds_any, interleave
from orchestrator.outputs.plain import not_unicode, type_name
from orchestrator.spec.keys import Key

_FIELD = re.compile(r"(key|result)(?:\[([^\[\]{}]+)\])?")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r"})
_TEXT = {str}
_BYTES = {bytes, bytearray, memoryview}


class Field(Struct, frozen=True):
    """One field of a template.

    Attributes:
        name: "key" or "result".
        index: the name or position below the result, if any.
        spec: the format specification.
    """

    name: str
    index: str | int | None
    spec: str


class Template(Struct, frozen=True):
    """A template taken apart: the literal text around and between its fields, one more than fields."""

    literals: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def lines(self) -> int:
        """How many newlines the literal text of one record has."""
        return sum(literal.count("\n") for literal in self.literals)


class TextEncoder:
    """Writes records by a template.

    Args:
        template: what a record looks like, without the newline at its end.
        gnu: whether keys are escaped as GNU checksum files have them.

    Raises:
        OutputError: the template is not one.
    """

    def __init__(self, template: str, gnu: bool) -> None:
        self._template = parse_template(template)
        self._gnu = gnu
        self.needs_keys = any(field.name == "key" for field in self._template.fields)

    def encode(self, keys: Sequence[Key], results: Sequence[Any]) -> bytes:
        """The text of each record.

        Raises:
            TypeError: a result that is bytes, or has no fields where the template wants one.
            ValueError: a newline in what is to be one line, or a field that the result does not have.
        """
        names, marks = self._names(keys)
        columns = [_column(field, names, results) for field in self._template.fields]
        text = self._join(columns, marks, len(results))
        if self._template.lines == 1 and text.count("\n") != len(results):
            raise _newline_in("key" if holds_any([names], "\n") else "result")
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise not_unicode(error) from None

    def _names(self, keys: Sequence[Key]) -> tuple[Sequence[str], Sequence[str]]:
        """The keys as they are written, and the mark each record begins with, where one has any."""
        if not self.needs_keys:
            return (), ()
        names = _strings(keys)
        if not self._gnu or not (holds_any([names], "\\\n\r") or "-" in names):
            return names, ()
        escaped = [name.translate(_ESCAPES) for name in names]
        marks = ["" if new == old else "\\" for new, old in zip(escaped, names, strict=True)]
        return ["./-" if name == "-" else name for name in escaped], marks

    def _join(self, columns: Sequence[Sequence[str]], marks: Sequence[str], count: int) -> str:
        literals = self._template.literals
        if marks:
            return interleave([marks, *columns], ["", *literals], count)
        return interleave(columns, literals, count)


def parse_template(template: str) -> Template:
    """Take a template apart; a newline at its very end is the one that ends each record.

    Raises:
        OutputError: a brace without its partner, or a field that there is not.
    """
    literals, fields = [""], []
    try:
        for literal, name, spec, conversion in Formatter().parse(template.removesuffix("\n")):
            literals[-1] += literal
            if name is not None:
                fields.append(_field(name, spec or "", conversion))
                literals.append("")
    except ValueError as error:
        hint = "A brace itself is written {{ or }}."
        raise OutputError(f"this is no template: {error}", where="output.template", hint=hint) from None
    literals[-1] += "\n"
    return Template(tuple(literals), tuple(fields))


def _field(name: str, spec: str, conversion: str | None) -> Field:
    match = _FIELD.fullmatch(name)
    if match is None or conversion or "{" in spec or (match[1] == "key" and match[2]):
        found = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        raise OutputError(
            f"{{{found}}} is no field of a template",
            where="output.template",
            hint="The fields are {key}, {result}, {result[name]} and {result[0]}.",
        )
    index = match[2]
    return Field(match[1], int(index) if index and index.isdecimal() else index, spec)


def _column(field: Field, names: Sequence[str], results: Sequence[Any]) -> Sequence[str]:
    values = names if field.name == "key" else results
    if field.index is not None:
        values = [_part(result, field.index) for result in results]
    if field.spec:
        return [format(value, field.spec) for value in values]
    return _strings(values)


def _part(result: object, index: str | int) -> object:
    try:
        part: object = result[index]  # type: ignore[index]
    except LookupError:
        raise ValueError(f"the result has no {index!r}, which output.template wants") from None
    except TypeError:
        found = type_name(type(result))
        raise TypeError(f"the result is of type {found}, and output.template wants its {index!r}") from None
    return part


def _strings(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds == _TEXT:
        return values
    if kinds & _BYTES:
        raise TypeError("the result is bytes, which text cannot hold; decode it, or give its hex()")
    return list(map(str, values))


def _newline_in(what: str) -> ValueError:
    hint = "output.escape: gnu writes it as \\n" if what == "key" else "JSONL and CSV can hold it"
    return ValueError(f"the {what} holds a newline, and a record is to be one line; {hint}")
