"""CSV records, against csv.DictReader over the whole file."""

import csv
import gzip
import io
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.inputs import csv as module
from orchestrator.inputs import cuts
from orchestrator.inputs.base import Piece
from orchestrator.spec.model import CsvInput
from tests.inputs.reading import read, source_of, unhurried

# What matters to the format, in any order: mostly not well-formed.
NOISE = st.lists(st.sampled_from(['"', '""', ",", "\n", "\r", "\r\n", "a", "é", ";", " "]), max_size=60).map("".join)
STEPS = st.integers(min_value=1, max_value=20)
DELIMITERS = st.sampled_from([",", ";", "\t", "a", "é"])


def table(base: Path, path="in.csv", **options):
    """The source under test."""
    return source_of(base, csv=CsvInput(path=path, **options))


def records(text: str, delimiter: str = ",") -> list[list[str]]:
    """What the csv module makes of the whole text, without empty lines."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def pieces(text: str, delimiter: str, step: int, *, header: bool) -> list[str]:
    """The text, cut."""
    stream = io.BytesIO(text.encode())
    scan = cuts.scanner(delimiter.encode(), bom=True)
    found = list(cuts.stretches(lambda count: stream.read(min(count, 7)), scan, step, header=header))
    assert [offset for offset, _ in found] == [sum(len(d) for _, d in found[:n]) for n in range(len(found))]
    return [data.decode() for _, data in found]


@unhurried
@given(NOISE, DELIMITERS, STEPS)
def test_cuts_change_nothing(text, delimiter, step):
    """Any text, cut at any step, parses stretch by stretch to the records of the whole."""
    parts = pieces(text, delimiter, step, header=False)
    assert "".join(parts) == text
    assert not [one for one, after in pairwise(parts) if one.endswith("\r") and after.startswith("\n")]
    assert [row for part in parts for row in records(part, delimiter)] == records(text, delimiter)


@unhurried
@given(NOISE, DELIMITERS, STEPS)
def test_the_header_is_the_first_record(text, delimiter, step):
    """With a header, the first stretch is exactly the first record that is not empty."""
    parts = pieces(text, delimiter, step, header=True)
    assert "".join(parts) == text
    assert [row for part in parts[:1] for row in records(part, delimiter)] == records(text, delimiter)[:1]


@unhurried
@given(NOISE, STEPS)
def test_cuts_are_not_avoided(text, step):
    """Text without quotes is cut at the first newline after each step, no later."""
    text = text.replace('"', "")
    for part in pieces(text, ",", step, header=False)[:-1]:
        body = part.encode()
        ends = [n for n in range(1, len(body)) if body[n - 1 : n] == b"\n"]
        ends += [n for n in range(1, len(body)) if body[n - 1 : n] == b"\r" and body[n : n + 1] != b"\n"]
        assert not [end for end in ends if end >= step]


ROWS = st.lists(st.lists(st.text('a",\r\né ', max_size=4), min_size=3, max_size=3), max_size=30)


@unhurried
@given(ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(10, 60))
def test_written_by_python_read_by_stretches(rows, newline, step):
    """What csv.writer writes comes back as DictReader reads it, by stretches, plain and compressed."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline).writerows([["x", "y z", 'q"'], *rows])
    content = out.getvalue().encode()
    expected = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(module, "TARGET", step)
        Path(folder, "in.csv").write_bytes(content)
        Path(folder, "in.csv.gz").write_bytes(gzip.compress(content))
        plain, packed = read(table(Path(folder))), read(table(Path(folder), "in.csv.gz"))
    assert plain.values == expected
    assert packed.values == expected
    assert [key.replace(".gz", "") for key in packed.keys] == plain.keys
    assert len(set(plain.keys)) == len(plain.keys)


def test_many_stretches_across_threads_of_reading(tmp_path):
    """A file of several megabytes is planned as stretches that any reader can read alone, in any order."""
    rows = [[str(n), f'multi\nline "{n}"' if n % 3 else "plain", "x" * (n % 50)] for n in range(60_000)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["id", "text", "pad"], *rows])
    (tmp_path / "in.csv").write_text(out.getvalue(), newline="")
    source = table(tmp_path)
    entries = list(source.entries())
    assert len(entries) > 2
    assert all(entry.whole for entry in entries)
    found = {}
    for entry in reversed(entries):
        reader = table(tmp_path).reader()
        found[entry.start] = [v for b in reader.read([Piece(entry, 0, entry.units)]) for v in b.values]
        reader.close()
    names = ("id", "text", "pad")
    expected = [dict(zip(names, row, strict=True)) for row in rows]
    assert [value for start in sorted(found) for value in found[start]] == expected
    assert sum(entry.units for entry in entries) == (tmp_path / "in.csv").stat().st_size - len("id,text,pad\r\n")


def test_rows_of_another_width(tmp_path):
    """A record with too few or too many fields is unreadable, in its place, and says how many there are."""
    (tmp_path / "in.csv").write_text("a,b\n1,2\n3\n\n4,5,6\n7,8\n")
    source = table(tmp_path)
    seen = read(source)
    assert seen.items == [("in.csv@4+0", {"a": "1", "b": "2"}), ("in.csv@4+3", {"a": "7", "b": "8"})]
    assert seen.bad == [("in.csv@4+1", 1, ValueError), ("in.csv@4+2", 1, ValueError)]
    [batch] = source.reader().read([Piece(e, 0, e.units) for e in source.entries()])
    assert "1 fields where the header has 2" in str(batch.unreadable[0].error)


def test_bytes_that_are_not_utf_8(tmp_path):
    """A record with bytes that are not UTF-8 is unreadable; the others of its stretch are items."""
    (tmp_path / "in.csv").write_bytes("a\né\n".encode() + b"\xff\n" + b"z\n")
    seen = read(table(tmp_path))
    assert seen.values == [{"a": "é"}, {"a": "z"}]
    assert [(before, error) for _, before, error in seen.bad] == [(1, UnicodeDecodeError)]
    assert read(table(tmp_path, encoding="latin-1")).values[1] == {"a": "ÿ"}


def test_columns_given(tmp_path):
    """With `columns` there is no header row: the first record is an item."""
    (tmp_path / "in.csv").write_bytes(b'\xef\xbb\xbf"1\n",2\n')
    assert read(table(tmp_path, columns=["a", "b"])).values == [{"a": "1\n", "b": "2"}]


def test_byte_order_mark_and_blank_lines_before_the_header(tmp_path):
    """A byte order mark and blank lines before the header belong to no name."""
    (tmp_path / "in.csv").write_bytes(b'\xef\xbb\xbf\r\n\n"a\nb",c\n1,2\n')
    assert read(table(tmp_path)).values == [{"a\nb": "1", "c": "2"}]


def test_each_file_has_its_header(tmp_path):
    """Every file's records have the names of its own header, also in one batch."""
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("b,a\n3,4\n")
    (tmp_path / "3.csv").write_text("c\n")
    (tmp_path / "4.csv").write_text("\n\n")
    assert read(table(tmp_path, "*.csv")).values == [{"a": "1", "b": "2"}, {"b": "3", "a": "4"}]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,a\n1,2\n", "two columns are named 'a'"),
        ("a,\n1,2\n", "column 2 of 2 has no name"),
        (b"\xff\n1\n", "not utf-8"),
    ],
)
def test_bad_headers(tmp_path, header, message):
    """A header with an empty or repeated name, or bytes that are no text, is refused by the plan."""
    (tmp_path / "in.csv").write_bytes(header if isinstance(header, bytes) else header.encode())
    with pytest.raises(InputError, match=message) as caught:
        list(table(tmp_path).entries())
    assert "in.csv" in caught.value.where


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "€", "encoding": "latin-1"},
        {"columns": []},
        {"columns": ["a", "a"]},
        {"columns": [""]},
    ],
)
def test_bad_options(tmp_path, options):
    """A delimiter that cannot be one, and columns that are not names, are refused at once."""
    with pytest.raises(InputError):
        table(tmp_path, **options)


def test_a_quote_that_is_never_closed(tmp_path):
    """A quote that swallows the rest of a large file is refused, with the place to look."""
    (tmp_path / "in.csv").write_bytes(b'a,b\n1,"2\n' + b"3,4\n" * 20_000_000)
    with pytest.raises(InputError, match="no end within 64 MiB") as caught:
        list(table(tmp_path).entries())
    assert "closing" in caught.value.hint


def test_a_field_of_a_megabyte(tmp_path):
    """A field longer than the csv module's own limit is read."""
    (tmp_path / "in.csv").write_text('a\n"' + "x\n" * 600_000 + '"\n')
    assert read(table(tmp_path)).values == [{"a": "x\n" * 600_000}]
