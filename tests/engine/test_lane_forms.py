"""Batch tasks and folds in a lane, and that failed items leave holes exactly where their records would be."""

from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.dispenser import Chunk
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.sinks import FoldSink
from orchestrator.tasks.api import Fold
from tests.engine.parts import Script, bench, encoder_sink, fold_sink, places, records, tries, unhurried


def doubled(*numbers: int) -> list[tuple[str, int]]:
    """The records of these items."""
    return [(f"k{number}", 2 * number) for number in numbers]


def test_a_batch_task_gets_lists(tmp_path):
    """It is given lists of up to its size, in order, and each result goes to its item."""
    groups = []

    def call(values: list[int]) -> list[int]:
        groups.append(values)
        return [2 * value for value in values]

    outcome = bench(tmp_path, Script(places(10), batch=7), call, batch=3).settled(Chunk(0, 10))
    assert records(outcome.token) == doubled(*range(10))
    assert groups == [[0, 1, 2], [3, 4, 5], [6], [7, 8, 9]]


def test_a_failing_item_of_a_batch_costs_itself(tmp_path):
    """Where a list raises, its items are tried one by one; the ones that are well have their results."""
    calls = Counter()

    def call(values: list[int]) -> list[int]:
        calls.update(values)
        if 4 in values:
            raise ValueError("four")
        return [2 * value for value in values]

    outcome = bench(tmp_path, Script(places(9), batch=9), call, batch=3).settled(Chunk(0, 9))
    assert records(outcome.token) == doubled(0, 1, 2, 3, 5, 6, 7, 8)
    assert [(failed.detail.key, failed.detail.error) for failed in outcome.failures] == [("k4", "four")]
    assert calls == Counter({0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 2, 6: 1, 7: 1, 8: 1})


def test_a_failed_item_of_a_batch_is_tried_again_alone(tmp_path):
    """A retry calls the batch form with a list of one."""
    calls = []

    def call(values: list[int]) -> list[int]:
        calls.append(values)
        if 1 in values and len(calls) < 4:
            raise ValueError
        return [2 * value for value in values]

    outcome = bench(tmp_path, Script(places(2)), call, batch=2, retry=tries(2)).settled(Chunk(0, 2))
    assert records(outcome.token) == doubled(0, 1)
    assert calls == [[0, 1], [0], [1], [1]]


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: [1] * (len(values) + 1),
        lambda _: [],
        lambda _: None,
        lambda _: 7,
        lambda values: (value for value in values),
        lambda _: np.float64(1.0),
        lambda values: "x" * len(values),
        lambda values: b"x" * len(values),
        lambda values: dict.fromkeys(values, 0),
        set,
    ],
    ids=["longer", "shorter", "none", "number", "generator", "scalar", "text", "bytes", "dict", "set"],
)
def test_a_batch_task_that_returns_no_list_of_results(tmp_path, answer):
    """What is not one result an item, in order, is refused for each item, never matched up by chance."""
    outcome = bench(tmp_path, Script(places(3)), answer, batch=3).settled(Chunk(0, 3))
    assert outcome.token == b""
    assert [failed.detail.type for failed in outcome.failures] == ["TypeError"] * 3
    assert "a batch task must return a list of 1 results for 1 items" in outcome.failures[0].detail.error


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: np.array(values) * 2,
        lambda values: tuple(2 * value for value in values),
        lambda values: deque(2 * value for value in values),
        lambda values: {value: 2 * value for value in values}.values(),
    ],
    ids=["array", "tuple", "deque", "values"],
)
def test_what_counts_as_a_list_of_results(tmp_path, answer):
    """Arrays of numpy, tuples and the like stand for a list; numpy's numbers become plain ones."""
    outcome = bench(tmp_path, Script(places(5), batch=5), answer, batch=4).settled(Chunk(0, 5))
    assert records(outcome.token) == doubled(*range(5))


def test_rows_of_an_array_are_results(tmp_path):
    """A two-dimensional array gives a list for each item."""
    outcome = bench(tmp_path, Script(places(2)), lambda values: np.outer(values, [1.0, 0.5]), batch=2).settled(
        Chunk(0, 2)
    )
    assert records(outcome.token) == [("k0", [0.0, 0.0]), ("k1", [1.0, 0.5])]


def test_a_fold_sees_results_in_order(tmp_path):
    """A chunk's accumulator is its results added in input order, retried ones in their places."""
    left = Counter({2: 1, 6: 1})

    def call(value: int) -> int:
        if left[value]:
            left[value] -= 1
            raise ValueError
        return 2 * value

    outcome = bench(tmp_path, Script(places(8)), call, sink=fold_sink(), retry=tries(2)).settled(Chunk(0, 8))
    assert outcome.token == [0, 2, 4, 6, 8, 10, 12, 14]
    assert (outcome.items, outcome.failures) == (8, [])


def test_a_fold_leaves_out_what_failed(tmp_path):
    """Failed items and items that cannot be made add nothing; they are told, without a place in bytes."""

    def call(value: int) -> int:
        if value == 3:
            raise ValueError
        return value

    outcome = bench(tmp_path, Script(places(6, bad=[1])), call, sink=fold_sink()).settled(Chunk(0, 6))
    assert outcome.token == [0, 2, 4, 5]
    assert [(failed.detail.key, failed.at) for failed in outcome.failures] == [("k1", 0), ("k3", 0)]


def test_a_result_that_a_fold_cannot_add_costs_its_item(tmp_path):
    """Where `add` raises, that result is left out, and the ones added before it are not added twice."""

    def add(seen: list[int], result: int) -> list[int]:
        if result == 2:
            raise TypeError("not two")
        seen.append(result)
        return seen

    sink = FoldSink(Fold(zero=list, add=add, merge=lambda one, other: one + other))
    outcome = bench(tmp_path, Script(places(4), batch=4), lambda value: value, sink=sink).settled(Chunk(0, 4))
    assert outcome.token == [0, 1, 3]
    assert [failed.detail.error for failed in outcome.failures] == ["not two"]


def test_an_empty_fold(tmp_path):
    """A chunk of which nothing came is an empty accumulator."""

    def call(value: int) -> int:
        raise ValueError

    assert bench(tmp_path, Script(places(3)), call, sink=fold_sink()).settled(Chunk(0, 3)).token == []


GOOD, RAISES, BAD, UNWRITABLE = range(4)


def filled_in(outcome: Outcome, record) -> bytes:
    """The outcome's bytes with each hole filled by the record that would have been there."""
    parts, last = [], 0
    for failed in outcome.failures:
        parts += [outcome.token[last : failed.at], record(failed.detail.key)]
        last = failed.at
    return b"".join([*parts, outcome.token[last:]])


outputs = st.sampled_from(
    [
        {"format": "jsonl"},
        {"format": "jsonl", "keys": False},
        {"format": "text", "template": "{result}  {key}"},
        {"format": "text", "template": "{key}\n{result}"},
        {"format": "csv", "columns": ["n"]},
    ]
)


@given(
    st.lists(st.sampled_from([GOOD, GOOD, RAISES, BAD, UNWRITABLE]), min_size=1, max_size=25),
    st.integers(1, 7),
    st.one_of(st.none(), st.integers(1, 4)),
    outputs,
)
@unhurried
def test_holes_are_where_the_records_would_be(tmp_path_factory, states, batch, form, output):
    """The bytes with every hole filled are the bytes of a chunk in which nothing failed, in every format."""
    wrong = object() if output["format"] != "text" else "\ud800"
    csv = output["format"] == "csv"

    def result(value: int) -> object:
        if states[value] == RAISES:
            raise ValueError
        made = wrong if states[value] == UNWRITABLE else f"r{value}" * (1 + value % 3)
        return {"n": made} if csv else made

    def call(values):
        return result(values) if form is None else [result(value) for value in values]

    sink = encoder_sink(**output)

    def record(key: str) -> bytes:
        value = int(key[1:])
        made = f"r{value}" * (1 + value % 3)
        return sink.encode([key] if sink.needs_keys else (), [{"n": made} if csv else made])

    source = Script(places(len(states), bad=[n for n, state in enumerate(states) if state == BAD]), batch=batch)
    made = bench(tmp_path_factory.mktemp("holes"), source, call, sink=sink, batch=form, retry=tries(2))
    outcome = made.settled(Chunk(0, len(states)))
    assert [failed.detail.key for failed in outcome.failures] == [f"k{n}" for n, s in enumerate(states) if s != GOOD]
    assert filled_in(outcome, record) == b"".join(record(f"k{n}") for n in range(len(states)))
