"""Durations, sizes and shares: what they read, refuse and write."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.spec.units import LARGEST, LONGEST, SECOND, Duration, Share, Size

DURATIONS = st.integers(0, LONGEST).map(lambda amount: Duration.parse(f"{amount}ns"))
SIZES = st.integers(0, LARGEST).map(Size)
SHARES = st.one_of(
    st.integers(0, LARGEST).map(Share.of_count),
    st.integers(0, 100_000_000).map(lambda parts: Share.parse(f"{parts // 10**6}.{parts % 10**6:06d}%")),
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("1.5m", 90.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("10us", 1e-05),
        ("7ns", 7e-09),
        ("5", 5.0),
        (5, 5.0),
        (0.1, 0.1),
        (0, 0.0),
    ],
)
def test_duration_reads(written, seconds):
    """A length of time is read from text with a unit, or from a bare number of seconds."""
    assert Duration.parse(written).seconds == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "s",
        "1x",
        "1 s",
        "-1s",
        "1h30m",
        "PT5S",
        "1e3s",
        "٣s",
        "1.s",
        ".5s",
        "99999999d",
        True,
        None,
        [],
        {},
        -1,
        -0.5,
        float("nan"),
        float("inf"),
        1e300,
        pytest.param(10**5000, id="huge"),
    ],
)
def test_duration_refuses(written):
    """What is no length of time is refused with an example of one."""
    with pytest.raises(ValueError, match="expected a length of time, such as 250ms, 30s"):
        Duration.parse(written)


@pytest.mark.parametrize(
    ("written", "nbytes"),
    [
        ("2Gi", 2 << 30),
        ("512Mi", 512 << 20),
        ("10G", 10**10),
        ("100k", 100_000),
        ("1.5Ki", 1536),
        ("0.3Ki", 308),
        ("7Ei", 7 << 60),
        ("12", 12),
        (12, 12),
        (1000.0, 1000),
    ],
)
def test_size_reads(written, nbytes):
    """A size takes the suffixes of Kubernetes, and a fraction of a byte counts as a whole one."""
    assert Size.parse(written).bytes == nbytes


@pytest.mark.parametrize("written", ["", "2GB", "2GiB", "2K", "100m", "-1", "1 Gi", "8Ei", "9" * 5000, True, None, -1])
def test_size_refuses(written):
    """What is no size is refused with an example of one."""
    with pytest.raises(ValueError, match="expected a size in bytes, such as 512Mi, 2Gi"):
        Size.parse(written)


@pytest.mark.parametrize(
    ("written", "total", "limit"),
    [
        ("1%", 1000, 10),
        ("1%", 1099, 10),
        ("1%", 99, 0),
        ("0.5%", 200, 1),
        ("33.333333%", 3, 0),
        ("33.333334%", 3, 1),
        ("100%", 10**18, 10**18),
        ("0%", 10**6, 0),
        ("25", 3, 25),
        (25, 10**9, 25),
        (0, 5, 0),
    ],
)
def test_share_limits(written, total, limit):
    """A share allows its count, or its percentage of the total rounded down, exactly."""
    assert Share.parse(written).limit(total) == limit


@pytest.mark.parametrize("written", ["", "%", "101%", "-1%", "1.5", 1.5, "1 %", "x", -1, True, None, "1e2%", "²"])
def test_share_refuses(written):
    """What is no share is refused with an example of one."""
    with pytest.raises(ValueError, match="expected a number of items, such as 25, or a percentage"):
        Share.parse(written)


@given(st.one_of(DURATIONS, SIZES, SHARES))
def test_text_gives_the_value_back(value):
    """The text of a value reads as the same value, and is its own text again."""
    again = type(value).parse(str(value))
    assert again == value
    assert hash(again) == hash(value)
    assert str(again) == str(value)


@given(st.one_of(DURATIONS, SIZES, SHARES))
def test_copies_are_equal(value):
    """A value survives copying and pickling, as jobs sent to other processes need."""
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


@given(st.integers(0, LONGEST), st.integers(0, LONGEST))
def test_order_is_that_of_the_amounts(one, other):
    """Durations and sizes are ordered as their amounts are."""
    assert (Size(one) < Size(other)) == (one < other)
    assert (Duration.parse(f"{one}ns") >= Duration.parse(f"{other}ns")) == (one >= other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(0), "0s"),
        (Duration(0.25), "250ms"),
        (Duration(90), "90s"),
        (Duration(7200), "2h"),
        (Size(0), "0"),
        (Size(256 << 20), "256Mi"),
        (Size(10**10), "10G"),
        (Size(1023), "1023"),
        (Size(1024), "1Ki"),
        (Size(2000), "2k"),
        (Share.of_percent(0.5), "0.5%"),
        (Share.of_count(3), "3"),
    ],
)
def test_text_is_the_shortest_exact_one(value, text):
    """The text has the largest unit that leaves a whole number."""
    assert str(value) == text


def test_unlike_things_are_not_equal():
    """A count is no percentage, a size no duration, and no value can be changed."""
    assert Share.of_count(1) != Share.of_percent(1)
    assert Size(1) != Duration(1e-9)
    assert Size(1) != 1
    with pytest.raises(AttributeError, match="immutable"):
        Size(1)._amount = 2
    with pytest.raises(TypeError):
        assert Size(1) < 2
    with pytest.raises(ValueError, match="expected a length of time"):
        Duration(float("nan"))
    with pytest.raises(ValueError, match="expected a size"):
        Size(-1)
    assert Duration(LONGEST / SECOND) > Duration(1)
