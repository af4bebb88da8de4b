"""JSON Lines, against json.loads of every line."""

import gzip
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import DecodeError

from orchestrator.spec.model import JsonlInput
from tests.inputs.reading import read, source_of, unhurried

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NEWLINE = st.sampled_from([b"\n", b"\r\n", b"\r"])
GOOD = VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
ODD = st.sampled_from([b"", b"  ", b"1 2", b"{}{}", b"[1,", b"2]", b"{", b"nope", b'"\xff"', b" 7\t", b"\x0b"])
RECORDS = st.lists(st.tuples(GOOD | ODD, NEWLINE).map(b"".join), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(min_value=0, max_value=500), max_size=8)


def jsonl(base: Path, path="in.jsonl", **options):
    """The source under test."""
    return source_of(base, jsonl=JsonlInput(path=path, **options))


def oracle(content: bytes):
    """The values with their keys, and the keys of the lines that are neither blank nor JSON."""
    items, bad, start = [], [], 0
    for line in content.splitlines(keepends=True):
        key, start = f"in.jsonl@{start}", start + len(line)
        try:
            items.append((key, json.loads(line.rstrip(b"\r\n"))))
        except ValueError:
            if line.strip():
                bad.append((key, len(items)))
    return items, bad


@unhurried
@given(RECORDS, CUTS)
def test_every_line_by_itself(content, cuts):
    """Each line is decoded by itself wherever the file is cut: no two values on one, no value over two."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.jsonl").write_bytes(content)
        seen = read(jsonl(Path(folder)), cuts)
    items, bad = oracle(content)
    assert seen.items == items
    assert [(key, before) for key, before, _ in seen.bad] == bad


@unhurried
@given(RECORDS, CUTS)
def test_compressed(content, cuts):
    """A compressed file gives the same values."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.jsonl").write_bytes(content)
        Path(folder, "in.jsonl.gz").write_bytes(gzip.compress(content))
        assert read(jsonl(Path(folder), "in.jsonl.gz")).values == read(jsonl(Path(folder)), cuts).values


def test_last_line_without_newline_and_blank_lines(tmp_path):
    """Blank lines are passed over, and the last value needs no newline."""
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n \t\n[2]')
    assert read(jsonl(tmp_path)).items == [("in.jsonl@3", {"a": 1}), ("in.jsonl@16", [2])]


def test_why_a_line_is_bad(tmp_path):
    """A line that is not JSON is unreadable with the decoder's reason; deep nesting is no crash."""
    (tmp_path / "in.jsonl").write_bytes(b"1\nNaN\n" + b"[" * 100_000 + b"\n2\n")
    seen = read(jsonl(tmp_path))
    assert seen.values == [1, 2]
    assert [(key, error) for key, _, error in seen.bad] == [
        ("in.jsonl@2", DecodeError),
        ("in.jsonl@6", RecursionError),
    ]


def test_values_are_not_shared(tmp_path):
    """Equal lines give values of their own, so a task may change the one it gets."""
    (tmp_path / "in.jsonl").write_bytes(b"[]\n[]\n")
    first, second = read(jsonl(tmp_path)).values
    first.append(1)
    assert second == []
