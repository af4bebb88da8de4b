"""Cutting a body between records."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.outputs.records import pieces_of_records

texts = st.lists(st.text(alphabet='a,"\n é', max_size=12), min_size=1, max_size=40)
sizes = st.integers(1, 200)
cuts = st.integers(1, 50)


def cut_up(body: bytes, every: int) -> list[bytes]:
    """The body in stretches of so many bytes, wherever that cuts."""
    return [body[start : start + every] for start in range(0, len(body), every)]


@given(texts, sizes, cuts)
def test_jsonl_is_cut_between_lines(values: list[str], size: int, every: int) -> None:
    """Each piece of a JSON Lines body is whole records, and all pieces together are the body."""
    body = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    pieces = list(pieces_of_records(cut_up(body, every), "jsonl", size))

    assert b"".join(pieces) == body
    assert [json.loads(line) for piece in pieces for line in piece.splitlines()] == values
    assert all(piece.endswith(b"\n") for piece in pieces)


@given(texts, sizes, cuts)
def test_csv_is_not_cut_within_quotes(values: list[str], size: int, every: int) -> None:
    """Each piece of a CSV body is read back by itself as whole records, line feeds in quoted fields included."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([value, "x"] for value in values)
    body = out.getvalue().encode()
    pieces = list(pieces_of_records(cut_up(body, every), "csv", size))

    assert b"".join(pieces) == body
    rows = [row for piece in pieces for row in csv.reader(io.StringIO(piece.decode(), newline=""))]
    assert rows == [[value, "x"] for value in values]


def test_pieces_are_about_as_large_as_asked() -> None:
    """Short records fill a piece up to the size that was asked for, and a longer record is a piece of its own."""
    body = b"".join(b"%03d\n" % n for n in range(100)) + b"x" * 500 + b"\n" + b"end\n"
    pieces = list(pieces_of_records([body], "text", 40))

    assert [len(piece) for piece in pieces[:10]] == [40] * 10
    assert b"x" * 500 + b"\n" in [piece.removesuffix(b"end\n") for piece in pieces]
