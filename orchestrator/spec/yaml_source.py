"""From the bytes of a YAML file to a tree of nodes with their places: safe and bounded.

No tag makes an object, nothing is merged, a key is text and stands once (:mod:`orchestrator.spec.composer`).
"""

import re

import yaml

from orchestrator.errors import JobFileError
from orchestrator.spec.composer import Composer, place_of
from orchestrator.spec.nodes import Node, Place

MAX_BYTES = 1 << 20

# libyaml's parser is part of PyYAML's wheel, which has loaded it by now; it declares that it needs no GIL.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# It takes about a second for so many characters.
_MOST_READ_AGAIN = 1 << 17
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # YAML 1.2.2, §5.1
)


def decode(data: bytes, origin: str) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        JobFileError: too long, or not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise JobFileError(f"the file is larger than {MAX_BYTES >> 20} MiB, the limit for a job file", where=origin)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace").removeprefix("\ufeff")
        raise JobFileError(
            f"found the byte 0x{data[error.start]:02x}, which is not UTF-8",
            where=str(_place_after(before, origin)),
            hint="Save the file as UTF-8.",
        ) from None


def compose(text: str, origin: str) -> Node:
    """Parse one YAML document.

    Args:
        text: the document.
        origin: the file's name, for the places.

    Raises:
        JobFileError: it is not YAML, is empty, is more than one document, goes past a limit, or uses what
            a job file may not: merge keys, tags, keys that are no text, a key twice.
    """
    if len(text) > MAX_BYTES:
        raise JobFileError(f"the text is longer than {MAX_BYTES >> 20} MiB, the limit for a job file", where=origin)
    if found := _UNPRINTABLE.search(text):
        place = _place_after(text[: found.start()], origin)
        raise JobFileError(f"found the control character U+{ord(found[0]):04X}", where=str(place))
    composer = Composer(origin)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(_told_by_python(text) or error, text, origin) from None
    except (yaml.YAMLError, ValueError) as error:
        raise JobFileError(f"this is not valid YAML: {error}", where=origin) from None
    if composer.root is None:
        raise JobFileError("the job file is empty", where=origin, hint="`ftorch init` writes one to begin with.")
    return composer.root


def _place_after(before: str, origin: str) -> Place:
    return Place(origin, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _told_by_python(text: str) -> yaml.MarkedYAMLError | None:
    """The mistake as PyYAML's own parser tells it: with what was found, and the same where PyYAML has no libyaml."""
    if len(text) > _MOST_READ_AGAIN:
        return None
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error
    return None


def _syntax_error(error: yaml.MarkedYAMLError, text: str, origin: str) -> JobFileError:
    mark, begin = error.problem_mark, error.context_mark
    place = place_of(mark, origin) if mark else Place(origin)
    problem = (error.problem or "cannot be read").replace("'<stream end>'", "the end").replace(r"'\x00'", "the end")
    if begin is not None and error.context:
        problem += f" ({error.context} that begins at line {begin.line + 1})"
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    hint = None
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "The line is indented with a tab; YAML takes spaces only."
    elif "mapping values are not allowed" in problem:
        hint = "Text that contains `: ` needs quotes."
    elif line.lstrip("- ")[:1] in ("*", "&", "@", "%", "`", "!") or re.search(r"[:\[,] *[*&@%`!]", line):
        hint = "Text that begins with one of * & ! % @ ` needs quotes."
    return JobFileError(f"this is not valid YAML: {problem}", where=str(place), hint=hint)
