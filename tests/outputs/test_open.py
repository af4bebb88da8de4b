"""What all encoders have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import OutputError
from orchestrator.outputs.open import header, open_encoder
from orchestrator.spec.model import Output

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n") | st.sampled_from('\\\r,"'), max_size=5
)
RECORDS = st.lists(st.tuples(TEXT | st.integers(), TEXT | st.integers() | st.floats() | st.booleans()), max_size=6)
OUTPUTS = [
    ("jsonl", Output()),
    ("jsonl", Output(keys=False)),
    ("csv", Output()),
    ("csv", Output(keys=False)),
    ("text", Output(template="{result}  {key}", escape="gnu")),
    ("text", Output(template="{key}={result}")),
    ("none", Output()),
    ("json", Output()),
]


def encoded(format_, output, records):
    """The bytes of the records, by a new encoder."""
    return open_encoder(output, format_, "", False).encode([k for k, _ in records], [r for _, r in records])


@pytest.mark.parametrize(("format_", "output"), OUTPUTS)
@given(first=RECORDS, second=RECORDS)
def test_homomorphism(format_, output, first, second):
    """The bytes of two lists together are those of the one, then of the other, wherever a chunk is cut."""
    assert encoded(format_, output, first + second) == encoded(format_, output, first) + encoded(
        format_, output, second
    )


@given(st.lists(st.dictionaries(st.sampled_from("ab"), TEXT), max_size=6), st.integers(0, 6))
def test_homomorphism_with_columns(results, cut):
    """Named columns do not depend on where a chunk is cut either."""
    records = list(enumerate(results))
    output = Output(columns=["a", "b"])
    whole = encoded("csv", output, records)
    assert whole == encoded("csv", output, records[:cut]) + encoded("csv", output, records[cut:])


@pytest.mark.parametrize("format_", ["none", "json"])
def test_nothing_is_written(format_):
    """Where no record is written, no key is asked for and there are no bytes."""
    encoder = open_encoder(Output(), format_, "", False)
    assert (encoder.needs_keys, encoder.encode([], [object()])) == (False, b"")


def test_tree_is_written_below_its_root(tmp_path):
    """A tree's encoder writes below the root it is given."""
    open_encoder(Output(name="{stem}.out"), "tree", str(tmp_path), False).encode(["a.txt"], ["x"])
    assert (tmp_path / "a.out").read_text() == "x"


def test_each_thread_has_its_own():
    """Every call gives a new encoder."""
    assert open_encoder(Output(), "jsonl", "", False) is not open_encoder(Output(), "jsonl", "", False)


def test_header():
    """CSV has a header record, other formats have nothing before their records."""
    assert header(Output(columns=["a"]), "csv") == b"key,a\n"
    assert header(Output(), "jsonl") == b""


def test_unknown_format():
    """A format that there is not is refused, and the message names those that there are."""
    with pytest.raises(OutputError, match="jsonl, csv"):
        open_encoder(Output(), "parquet", "", False)
