"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.words import count, cpu_hours, duration, number, share, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345, "12,345"),
        (3.14159, "3.14"),
        (0.00012, "0.00012"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (5.0, "5"),
    ],
)
def test_numbers(value, text):
    """Whole numbers have separators, others three figures."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1 kB"),
        (1500, "1.5 kB"),
        (123456, "123 kB"),
        (999_600, "1 MB"),
        (2e18, "2000 PB"),
    ],
)
def test_sizes(value, text):
    """Sizes are in decimal units, and never a thousand of a unit that has a larger one."""
    assert size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.0000123, "12.3 µs"),
        (0.0009996, "1 ms"),
        (0.0123, "12.3 ms"),
        (0.9996, "1 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 0 s"),
        (75.2, "1 min 15 s"),
        (3599.6, "1 h 0 min"),
        (7300, "2 h 1 min"),
    ],
)
def test_durations(value, text):
    """Times are in the unit that suits them; what rounds up to the next unit is written in that."""
    assert duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 %"), (1, "100 %"), (0.996, ">99 %"), (0.9949, "99 %"), (0.5, "50 %"), (0.0123, "1.2 %")]
)
def test_shares(value, text):
    """Shares are percentages, and only all of it is 100 %."""
    assert share(value) == text


@pytest.mark.parametrize(
    ("value", "noun", "text"),
    [(1, "file", "1 file"), (0, "file", "0 files"), (2000, "file", "2,000 files"), (2, "process", "2 processes")],
)
def test_counts(value, noun, text):
    """One is singular."""
    assert count(value, noun) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 CPU-hours"),
        (0.0003, "1.08 s of CPU time"),
        (0.0123, "0.0123 CPU-hours"),
        (8.612, "8.61 CPU-hours"),
        (12345.6, "12,300 CPU-hours"),
    ],
)
def test_cpu_hours(value, text):
    """Three figures; less than a hundredth of an hour is told in seconds."""
    assert cpu_hours(value) == text


@given(st.floats(0, 1e9))
def test_no_figure_has_an_exponent(value):
    """Whatever the value, nobody has to read 1e+03."""
    for text in (number(value) if value == 0 or value > 1e-4 else "", size(value), duration(max(value, 1e-6))):
        assert "e" not in text
