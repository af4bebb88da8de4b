"""JSON Lines."""

import dataclasses
import enum
import json
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.outputs.jsonl import JsonlEncoder, encode_document

KEYS = st.text() | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
RECORDS = st.lists(st.tuples(KEYS, VALUES), max_size=8)


def write(result: object, key: str | int = "k") -> object:
    """What a reader gets back for one result."""
    return json.loads(JsonlEncoder(keys=True).encode([key], [result]))["result"]


@given(RECORDS)
def test_read_back(records):
    """Every record comes back from its line as it was."""
    body = JsonlEncoder(keys=True).encode([key for key, _ in records], [value for _, value in records])
    lines = body.decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [{"key": key, "result": value} for key, value in records]


@given(st.lists(VALUES, max_size=8))
def test_bare_results(values):
    """Without keys a line is the result alone, and no keys are asked for."""
    encoder = JsonlEncoder(keys=False)
    assert not encoder.needs_keys
    assert [json.loads(line) for line in encoder.encode([], values).split(b"\n")[:-1]] == values


@given(st.binary(max_size=20).filter(lambda name: b"\0" not in name))
def test_any_file_name(name):
    """A key made of any bytes is written as text, the bytes that are not UTF-8 as escapes."""
    key = name.decode("utf-8", "surrogateescape")
    line = JsonlEncoder(keys=True).encode([key], [1])
    assert json.loads(line)["key"] == name.decode("utf-8", "backslashreplace")


def test_surrogate_that_is_no_byte():
    """A key with a surrogate that stands for no byte is written too."""
    assert json.loads(JsonlEncoder(keys=True).encode(["a\ud800"], [1]))["key"] == "a\\ud800"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_number(number):
    """NaN and the infinities, of which JSON has none, become null."""
    assert write([number]) == [None]


def test_common_types():
    """Sets, bytes, decimals, enums, paths and dataclasses are written in their usual forms."""
    colour = enum.Enum("colour", {"RED": "red"})
    point = dataclasses.make_dataclass("Point", [("x", int)])
    found = write([{1}, b"ab", Decimal("1.50"), colour.RED, Path("a/b"), point(3), (1, 2), {1: "one"}])
    assert found == [[1], "YWI=", "1.50", "red", "a/b", {"x": 3}, [1, 2], {"1": "one"}]


def test_numpy_values():
    """Numpy's scalars and arrays, wherever they are, become numbers and lists."""
    numpy = pytest.importorskip("numpy")
    values = [
        numpy.float32(0.5),
        numpy.bool_(True),
        numpy.arange(3),
        numpy.longdouble(2),
        numpy.float64("nan"),
    ]
    assert write(values) == [0.5, True, [0, 1, 2], 2.0, None]
    assert write({numpy.int64(7): numpy.str_("x")}) == {"7": "x"}


def test_numpy_is_not_imported():
    """Writing results imports numpy for nobody who does not use it."""
    code = "import sys, orchestrator.outputs.open; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("result", "name"), [(object(), "object"), (1j, "complex"), (threading.Event(), "threading.Event")]
)
def test_unknown_type(result, name):
    """A result of a type that JSON cannot hold is refused, and the message names the type."""
    with pytest.raises(TypeError, match=f"type {name} cannot"):
        JsonlEncoder(keys=True).encode(["k"], [[result]])


def test_unknown_dict_key():
    """A dict's key that JSON cannot hold is refused as such: None itself could be written."""
    with pytest.raises(TypeError, match="key of type NoneType"):
        JsonlEncoder(keys=True).encode(["k"], [{None: 1}])


@pytest.mark.parametrize("keys", [True, False])
def test_surrogate_in_result(keys):
    """A result with text that is not Unicode is refused, and the message shows what is wrong with it."""
    with pytest.raises(ValueError, match=r"lone surrogate '\\udcff'"):
        JsonlEncoder(keys).encode(["a\udcfe"] if keys else [], ["b\udcff"])


def test_result_that_holds_itself():
    """A result that holds itself is refused, in a thread with a small stack, too."""
    loop: list[object] = []
    loop.append(loop)
    found: list[str] = []

    def encode() -> None:
        with pytest.raises(ValueError, match="holds itself") as error:
            JsonlEncoder(keys=True).encode(["k"], [loop])
        found.append(str(error.value))

    thread = threading.Thread(target=encode)
    thread.start()
    thread.join()
    assert found


def test_failed_call_leaves_nothing():
    """After a call that failed, the next one gives its own records only."""
    encoder = JsonlEncoder(keys=True)
    with pytest.raises(TypeError):
        encoder.encode(["a", "b"], [1, object()])
    assert encoder.encode(["c"], [3]) == b'{"key":"c","result":3}\n'


def test_missing_key():
    """Fewer keys than results are an error, not fewer records."""
    with pytest.raises(ValueError, match="argument"):
        JsonlEncoder(keys=True).encode(["a"], [1, 2])


def test_no_class_shared_by_threads():
    """Two encoders count the references of two classes: threads that share one pay twice as much a record."""
    assert JsonlEncoder(keys=True)._record is not JsonlEncoder(keys=True)._record


def test_document():
    """A fold's value is one document by the same rules, with a newline at its end."""
    assert encode_document({"n": Path("x")}) == b'{"n":"x"}\n'
    with pytest.raises(ValueError, match="surrogate"):
        encode_document("\ud800")
    with pytest.raises(TypeError, match="complex"):
        encode_document(1j)
