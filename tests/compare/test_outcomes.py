"""Results of several contestants, compared item by item."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.compare.equal import differing, reference_of
from orchestrator.compare.outcome import Outcome, alike, difference, read_outcome, write_fold, write_results
from orchestrator.tasks.api import Fold

KEYS = ["a", "b", "c"]


def outcome(folder: Path, name: str, values: list[Any], errors: Mapping[int, str] | None = None) -> Outcome:
    """What a contestant of that name wrote."""
    path = folder / name
    write_results(path, KEYS, values, errors or {})
    return read_outcome(path, len(KEYS), is_fold=False)


def test_the_first_difference_is_shown_with_both_values(tmp_path: Path):
    """It is the first item that differs, by its key, with what the one has and what the other."""
    one, other = outcome(tmp_path, "one", [1, {"x": 2}, 4]), outcome(tmp_path, "other", [1, {"x": 3}, 5])
    assert difference(one, other, KEYS) == ("b", '{"x":2}', '{"x":3}')
    assert difference(one, one, KEYS) is None


def test_an_item_that_fails_here_and_not_there_is_a_difference(tmp_path: Path):
    """Failing is an outcome: the same failure is none, another one or a result is; what follows keeps its place."""
    fails = outcome(tmp_path, "fails", [1, None, 3], {1: "ValueError: no"})
    works = outcome(tmp_path, "works", [1, 2, 3])
    again = outcome(tmp_path, "again", [1, None, 3], {1: "ValueError: no"})
    assert difference(fails, again, KEYS) is None
    assert difference(fails, works, KEYS) == ("b", "failed with ValueError: no", "2")
    later = outcome(tmp_path, "later", [1, None, 4], {1: "ValueError: no"})
    assert difference(later, fails, KEYS) == ("c", "4", "3")


def test_where_an_object_lies_is_no_difference(tmp_path: Path):
    """Two failures that differ in an object's address alone are the same failure."""
    made = [
        outcome(tmp_path, name, [1, None, 3], {1: f"TypeError: <object object at {address}> is wrong"})
        for name, address in (("one", "0x7f21c0a4d9b0"), ("other", "0x560d1be8f010"))
    ]
    assert difference(*made, KEYS) is None
    assert made[0].shown(1) == "failed with TypeError: <object object at 0x…> is wrong"


def test_a_result_that_json_cannot_hold_has_failed(tmp_path: Path):
    """As it has in a run."""
    found = outcome(tmp_path, "one", [1, object(), 3])
    assert list(found.failed) == [1]
    assert found.failed[1].startswith("TypeError: ")


def test_most_are_believed_and_of_two_who_shares_least(tmp_path: Path):
    """Two that agree outvote a third, whoever it is; where one stands against one, threads are not believed."""
    right, wrong = [1, 2, 3], [1, 2, 4]
    made = {name: outcome(tmp_path, name, right) for name in ("threads", "redis")}
    made["processes"] = outcome(tmp_path, "processes", wrong)
    assert differing(made, KEYS) == {"processes": "the results differ: c: 4 here, 3 in redis"}
    made.pop("redis")
    assert reference_of(made, KEYS) == "processes"
    assert list(differing(made, KEYS)) == ["threads"]
    assert differing({}, KEYS) == {}


def test_a_fold_is_compared_as_data(tmp_path: Path):
    """Accumulators are merged as a run merges them; floats may differ in their last digits, nothing else."""
    fold = Fold(zero=lambda: {"n": 0, "x": 0.0}, add=lambda total, _: total, merge=_merged)
    for name, parts in (("one", [0.1, 0.2, 0.3]), ("other", [0.3, 0.2, 0.1]), ("wrong", [0.3, 0.2])):
        write_fold(tmp_path / name, fold, [{"n": 1, "x": part} for part in parts], {})
    one, other, wrong = (read_outcome(tmp_path / name, 3, is_fold=True) for name in ("one", "other", "wrong"))
    assert difference(one, other, KEYS) is None
    assert difference(wrong, one, KEYS) == ("the fold's value", '{"n":2,"x":0.5}', '{"n":3,"x":0.6000000000000001}')


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] + other[key] for key in one}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": [1, 2.0]}, {"a": [1, 2.0 + 1e-12]}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [1, 2, 3], False),
        (1.0, 1, True),
        ("1", 1.0, False),
        (None, False, False),
    ],
)
def test_alike(one: object, other: object, same: bool):
    """Values are alike but for the rounding of floats."""
    assert alike(one, other) is same
