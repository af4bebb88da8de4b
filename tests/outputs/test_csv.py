"""CSV."""

import csv
import datetime
import enum
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import OutputError
from orchestrator.outputs.csv import CsvEncoder

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",\r\n '), max_size=6)
SCALARS = TEXT | st.integers() | st.floats() | st.booleans() | st.none()


def rows_of(body: bytes) -> list[list[str]]:
    """What a CSV reader gets."""
    return list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))


def cell(value: object) -> str:
    """A scalar as a field."""
    return "" if value is None else str(value)


@given(st.lists(st.tuples(TEXT | st.integers(), SCALARS), max_size=8))
def test_read_back(records):
    """Every scalar comes back as its text, next to its key."""
    body = CsvEncoder(keys=True, columns=None).encode([key for key, _ in records], [value for _, value in records])
    assert rows_of(body) == [[str(key), cell(value)] for key, value in records]


@given(st.lists(SCALARS, max_size=8))
def test_one_column(values):
    """A single column comes back too, with its empty fields."""
    assert rows_of(CsvEncoder(keys=False, columns=None).encode([], values)) == [[cell(value)] for value in values]


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c,"]), SCALARS), max_size=8))
def test_dicts(results):
    """A dict's values stand in the columns of their names, and a missing one leaves its field empty."""
    encoder = CsvEncoder(keys=True, columns=["a", "b", "c,"])
    names, *rows = rows_of(encoder.header() + encoder.encode(range(len(results)), results))
    assert names == ["key", "a", "b", "c,"]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    expected = [{name: cell(result.get(name)) for name in names[1:]} for result in results]
    assert found == [{"key": str(n)} | row for n, row in enumerate(expected)]


@given(st.lists(st.tuples(SCALARS, SCALARS), max_size=8))
def test_rows(results):
    """Tuples and lists give their fields by position."""
    encoder = CsvEncoder(keys=False, columns=["x", "y"])
    assert rows_of(encoder.encode([], results)) == [[cell(x), cell(y)] for x, y in results]
    assert encoder.encode([], list(map(list, results))) == encoder.encode([], results)


def test_array_rows():
    """An array's row is a row of its numbers."""
    numpy = pytest.importorskip("numpy")
    results = [*numpy.arange(4).reshape(2, 2)]
    assert CsvEncoder(keys=False, columns=["x", "y"]).encode([], results) == b"0,1\n2,3\n"
    assert CsvEncoder(keys=False, columns=None).encode([], [numpy.float32(0.5)]) == b"0.5\n"


def test_lines_end_with_a_newline():
    """A record ends with a newline alone, quoted or not."""
    assert CsvEncoder(keys=True, columns=None).encode(["a", "b"], [1, "x,y"]) == b'a,1\nb,"x,y"\n'


def test_header():
    """The header names the columns, the key's first unless keys are left out."""
    assert CsvEncoder(keys=True, columns=None).header() == b"key,result\n"
    assert CsvEncoder(keys=False, columns=["a,b", "c"]).header() == b'"a,b",c\n'


def test_typed_scalars():
    """Dates, decimals and enums are written in their usual forms."""
    colour = enum.Enum("colour", {"RED": "red"})
    day = datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.UTC)
    encoder = CsvEncoder(keys=False, columns=["a", "b", "c"])
    assert encoder.encode([], [(day, Decimal("1.50"), colour.RED)]) == b"2024-02-29T12:00:00+00:00,1.50,red\n"


def test_unknown_column():
    """A dict with a name that is no column is refused, and the message names it."""
    with pytest.raises(ValueError, match="'wrong', not among"):
        CsvEncoder(keys=False, columns=["a"]).encode([], [{"a": 1, "wrong": 2}])
    with pytest.raises(ValueError, match="'wrong', not among"):
        CsvEncoder(keys=False, columns=["a", "b"]).encode([], [{"a": 1, "wrong": 2}])


def test_wrong_width():
    """A row with more or fewer fields than there are columns is refused."""
    with pytest.raises(ValueError, match=r"3 fields, output\.columns names 2"):
        CsvEncoder(keys=False, columns=["a", "b"]).encode([], [(1, 2, 3)])


@pytest.mark.parametrize("result", [b"x", bytearray(b"x"), [1], {"a": 1}, {1}, object()])
def test_no_scalar(result):
    """Bytes, containers and unknown objects are no fields."""
    with pytest.raises(TypeError, match=type(result).__name__):
        CsvEncoder(keys=True, columns=None).encode(["k"], [result])
    with pytest.raises(TypeError, match=type(result).__name__):
        CsvEncoder(keys=True, columns=["a"]).encode(["k"], [{"a": result}])


@pytest.mark.parametrize("result", [1, "ab", b"ab", None, object()])
def test_no_row(result):
    """A scalar is no row where columns are named, text included."""
    with pytest.raises(TypeError, match="needs a dict"):
        CsvEncoder(keys=True, columns=["a", "b"]).encode(["k"], [result])


def test_odd_bytes_in_a_key():
    """A key that is not UTF-8 has its odd bytes written as text; a result with such text is refused."""
    encoder = CsvEncoder(keys=True, columns=None)
    assert encoder.encode(["caf\udce9"], ["x"]) == b"caf\\xe9,x\n"
    with pytest.raises(ValueError, match="lone surrogate"):
        encoder.encode(["caf\udce9"], ["\udce9"])
    with pytest.raises(ValueError, match="lone surrogate"):
        CsvEncoder(keys=False, columns=None).encode([], ["\udce9"])


@pytest.mark.parametrize(("keys", "columns"), [(True, []), (True, ["a", "a"]), (True, ["key"])])
def test_wrong_columns(keys, columns):
    """No column, or two of one name, are refused before anything runs."""
    with pytest.raises(OutputError) as error:
        CsvEncoder(keys, columns)
    assert error.value.where == "output.columns"
