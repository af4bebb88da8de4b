"""`--limit`: the first so many items of an input are those that reading all of it gives first."""

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs import csv as csv_input
from orchestrator.inputs.base import Entry, Piece, Source
from orchestrator.inputs.open import open_source
from orchestrator.run import limit as limit_module
from orchestrator.run.limit import Limited
from orchestrator.spec.model import Input


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting goes in steps of a few bytes, as it goes in megabytes through real files."""
    monkeypatch.setattr(limit_module, "_STRIDE", 32)
    monkeypatch.setattr(csv_input, "TARGET", 64)


def items_of(source: Source, entries: Iterable[Entry], wanted_of_last: Callable[[], int | None]) -> list[Any]:
    """The keys and values of entries in order, those that could not be made among them."""
    reader = source.reader()
    found = [
        [item for batch in reader.read([Piece(entry, 0, entry.units)]) for item in _in_order(batch)]
        for entry in entries
    ]
    reader.close()
    if found and (wanted := wanted_of_last()) is not None:
        found[-1] = found[-1][:wanted]
    return [item for items in found for item in items]


def _in_order(batch: Any) -> Iterator[Any]:
    keys, bad = batch.keys(), list(batch.unreadable)
    for at, value in enumerate(batch.values):
        while bad and bad[0].position <= at:
            yield bad.pop(0).key, None
        yield keys[at], value
    yield from ((item.key, None) for item in bad)


def check(source: Source, items: int) -> None:
    """The limited entries give the first items, and no more."""
    everything = items_of(source, source.entries(), lambda: None)
    limited = Limited(source, items)
    assert items_of(source, limited, lambda: limited.of_last) == everything[:items]


LINES = st.lists(
    st.one_of(st.just(b""), st.text("ab\u00e9", max_size=30).map(str.encode), st.just(b"\xff")), max_size=12
)
LIMITS = st.integers(1, 30)
SEPARATORS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@settings(deadline=None)
@given(st.lists(LINES, min_size=1, max_size=3), LIMITS, SEPARATORS, st.booleans(), st.booleans())
@example([[b"a" * 31] * 4], 2, b"\n", True, False)
@example([[b"a"] * 5, [b"b"] * 5], 5, b"\n", True, True)
def test_lines(files: list[list[bytes]], items: int, separator: bytes, ends: bool, packed: bool) -> None:
    """Of lines in plain and compressed files, bad ones counted, the first are taken."""
    with TemporaryDirectory() as folder:
        paths = []
        for number, lines in enumerate(files):
            data = separator.join(lines) + (separator if ends else b"")
            paths.append(f"{number}.txt" + (".gz" if packed else ""))
            Path(folder, paths[-1]).write_bytes(gzip.compress(data) if packed else data)
        check(open_source(_input("lines", path=paths), Path(folder)), items)


def _input(kind: str, **fields: Any) -> Input:
    from orchestrator.spec import model

    made = getattr(model, f"{kind.capitalize()}Input")(**fields)
    return Input(**{kind: made})


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1", '{"a": 2}', "", "nonsense", '"' + "x" * 40 + '"']), max_size=12), LIMITS)
def test_jsonl(lines: list[str], items: int) -> None:
    """Of JSON lines, blank ones are no items and bad ones are."""
    with TemporaryDirectory() as folder:
        Path(folder, "a.jsonl").write_text("\n".join(lines))
        check(open_source(_input("jsonl", path="a.jsonl"), Path(folder)), items)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1,2", '"a\n\nb",3', "4", '"""",' + "x" * 50]), max_size=12), LIMITS, st.booleans())
def test_csv(records: list[str], items: int, packed: bool) -> None:
    """Of CSV records in many stretches, with newlines in quotes and wrong widths, the first are taken."""
    with TemporaryDirectory() as folder:
        data = "\n".join(["x,y", *records]).encode()
        name = "a.csv.gz" if packed else "a.csv"
        Path(folder, name).write_bytes(gzip.compress(data) if packed else data)
        check(open_source(_input("csv", path=name), Path(folder)), items)


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(bool), LIMITS)
def test_ranges(start: int, stop: int, step: int, items: int) -> None:
    """Of a range, upwards and downwards, the first numbers are taken."""
    check(open_source(_input("range", start=start, stop=stop, step=step), Path()), items)


@pytest.mark.parametrize("items", [1, 3, 4, 9])
def test_files(tmp_path: Path, items: int) -> None:
    """Of a folder's files, the first are taken."""
    for name in ["b/1", "b/2", "a", "c/d/e"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    check(open_source(_input("files", root="."), tmp_path), items)


@pytest.mark.parametrize(("items", "asked"), [(1, 1), (3, 1), (4, 2)])
def test_no_entry_is_asked_for_after_the_last(tmp_path: Path, items: int, asked: int) -> None:
    """Once there are enough items the source is not asked on: finding its next entry may take long, or fail."""
    for name in ["1.txt", "2.txt", "3.txt"]:
        (tmp_path / name).write_text("a\nb\nc\n")
    source = open_source(_input("lines", path=["1.txt", "2.txt", "3.txt"]), tmp_path)
    given: list[Entry] = []

    class Counted:
        unit = source.unit
        reader = source.reader
        notes = source.notes

        def entries(self) -> Iterator[Entry]:
            for entry in source.entries():
                given.append(entry)
                yield entry

    limited = Limited(Counted(), items)
    assert len(list(limited)) == len(given) == asked
    assert limited.of_last is None


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, damage: str) -> None:
    """A file that cannot be read to count its items is an InputError that names it, not a traceback."""
    path = tmp_path / "a.txt.gz"
    data = gzip.compress(json.dumps(list(range(10_000))).replace(",", "\n").encode())
    path.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    source = open_source(_input("lines", path=path.name), tmp_path)
    entries = source.entries()

    class Vanishing:
        unit = source.unit
        reader = source.reader

        def entries(self) -> Iterator[Entry]:
            for entry in entries:
                if damage == "gone":
                    os.unlink(path)
                yield entry

        def notes(self) -> list[str]:
            return []

    with pytest.raises(InputError, match="cannot be counted") as caught:
        list(Limited(Vanishing(), 9_999))
    assert "a.txt.gz" in str(caught.value)
