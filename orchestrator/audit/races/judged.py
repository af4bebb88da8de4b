"""From what a task gave one item after the other, and two at a time, to findings; pure."""

import linecache
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.played import Ended, Met, Played, Told
from orchestrator.audit.races.rules import found
from orchestrator.audit.races.source import Source, read_source


@dataclass(frozen=True)
class Alone:
    """The runs without concurrency.

    Attributes:
        first, second: on the main thread, in order.
        turned: on two threads by turns, in reverse order.
    """

    first: Played
    second: Played
    turned: Played

    def told(self, number: int) -> Told | None:
        """What becomes of an item whatever its order and its thread; None where that depends."""
        runs = [run.told.get(number) for run in (self.first, self.second, self.turned)]
        one = runs[0]
        return one if one is not None and all(other is not None and other.same == one.same for other in runs) else None

    def state(self) -> dict[str, str]:
        """What the shared variables end as, whatever the order and the threads."""
        second, turned = self.second.state, self.turned.state
        return {name: text for name, text in self.first.state.items() if second.get(name) == turned.get(name) == text}


def not_deterministic(first: Played, second: Played) -> Finding | None:
    """A note where two runs, one item after the other, gave different results."""
    for number, one in first.told.items():
        other = second.told.get(number)
        if other is not None and other.same != one.same:
            key = first.keys[number]
            message = f"item {key} gave {one.what}, and {other.what} the second time, without any other thread"
            return found("FT310", message, (first.file, 0), {"item": key})
    return None


def main_thread_only(alone: Alone) -> Iterator[Finding]:
    """A task that raises on any thread but the main one."""
    pairs = [(alone.first.told[number], told) for number, told in alone.turned.told.items()]
    if pairs and all(one.how == "returned" and told.how == "raised" for one, told in pairs):
        told = pairs[0][1]
        message = f"every item raises on a thread that is not the main one: {told.what}"
        yield found("FT302", message, (alone.first.file, told.line))


def races(alone: Alone, together: Played) -> Iterator[Finding]:
    """What two threads at a time changed: results, exceptions, shared variables; the first of each."""
    accepted = {file: _accepted(file) for file in together.files}
    for rule in ("FT301", "FT302"):
        differing = [number for number, told in together.told.items() if _rule(alone, number, told) == rule]
        for number in sorted(differing)[:1]:
            yield from _unless_accepted(_result(rule, alone, together, number), accepted)
    for name, text in alone.state().items():
        ended = together.state.get(name)
        if ended is None or ended == text:
            continue
        if any(_names(name, file, line) for file, lines in accepted.items() for line in lines):
            continue
        yield from _unless_accepted(_variable(name, (text, ended), together), accepted)


def ended(first: Played, how: Ended) -> Finding:
    """A crash, or a run without end, where one item after the other went well."""
    met, files = how.last, how.files or first.files
    detail = {} if met is None else _detail(met, first.keys)
    between = "" if met is None else f"; last, items {detail['items']} met at {_lines(met, files)}"
    return found("FT303", f"on threads {how.how}{between}", _at(met, files), detail)


def _rule(alone: Alone, number: int, told: Told) -> str:
    known = alone.told(number)
    if known is None or known.same == told.same:
        return ""
    return "FT302" if told.how == "raised" else "FT301"


def _result(rule: str, alone: Alone, together: Played, number: int) -> Finding:
    told, known = together.told[number], alone.first.told[number]
    met = _telling([one for one in together.met if number in one.items])
    key = together.keys[number]
    verb = "raised" if told.how == "raised" else "gave"
    before = f"raises {known.what}" if known.how == "raised" else f"gives {known.what}"
    message = f"item {key} {verb} {told.what}; alone it {before}{_between(met, together.files)}"
    at = (together.file, told.line) if told.line else _at(met, together.files, met.items.index(number) if met else 0)
    return found(rule, message, at, _detail(met, together.keys) | {"item": key})


def _variable(name: str, texts: tuple[str, str], together: Played) -> Finding:
    files = together.files
    naming = [
        one
        for one in together.met
        if any(_names(name, files[file], line) for file, line in zip(one.files, one.lines, strict=True))
    ]
    met = _telling(naming or together.met)
    alone, threads = (_difference(texts[0], texts[1]), _difference(texts[1], texts[0]))
    message = f"{name} ends as {threads}; with one item after the other, as {alone}{_between(met, files)}"
    detail = _detail(met, together.keys) | {"name": name}
    return found("FT304", message, _at(met, files), detail)


def _names(name: str, file: str, line: int) -> bool:
    """Whether a line has the variable's name."""
    return re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", linecache.getline(file, line)) is not None


def _difference(text: str, other: str) -> str:
    """The text from shortly before where it differs."""
    if max(len(text), len(other)) <= 60:
        return text
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False)))
    start = max(0, same - 20)
    return f"{'…' if start else ''}{text[start : start + 60]}{'…' if start + 60 < len(text) else ''}"


def _telling(met: list[Met]) -> Met | None:
    """The meeting that says most: the last before a store or a call, at one line if there is such."""
    ranked = sorted(met, key=lambda one: (one.stores, one.lines[0] == one.lines[1] and one.files[0] == one.files[1]))
    return ranked[-1] if ranked else None


def _at(met: Met | None, files: Sequence[str], which: int = 0) -> tuple[str, int]:
    """The file and the line of one of the two that met; the task's file where none did."""
    return (files[0], 0) if met is None else (files[met.files[which]], met.lines[which])


def _between(met: Met | None, files: Sequence[str]) -> str:
    return "" if met is None else f"; two threads met at {_lines(met, files)}"


def _lines(met: Met, files: Sequence[str]) -> str:
    """The two lines; with their files where that is not the task's."""
    (one, first), (two, second) = sorted(zip(met.files, met.lines, strict=True))
    if one != two:
        return f"line {first} of {Path(files[one]).name} and line {second} of {Path(files[two]).name}"
    of = f" of {Path(files[one]).name}" if one else ""
    return f"line {first}{of}" if first == second else f"lines {first} and {second}{of}"


def _detail(met: Met | None, keys: list[str]) -> dict[str, str]:
    if met is None:
        return {}
    return {"items": " and ".join(keys[number] for number in met.items), "lines": ", ".join(map(str, met.lines))}


def _accepted(file: str) -> frozenset[int]:
    read = read_source(Path(file))
    return frozenset(read.accepted) if isinstance(read, Source) else frozenset()


def _unless_accepted(finding: Finding, accepted: Mapping[str, frozenset[int]]) -> Iterable[Finding]:
    """Nothing where a comment accepts something at one of the lines."""
    lines = {finding.line, *map(int, filter(None, finding.detail.get("lines", "").split(", ")))}
    return () if lines & accepted.get(finding.path, frozenset()) else (finding,)
