"""The loops in which items meet the task: what a batch run costs beyond the task itself is paid here.

Guarantees: one store to the thread's own board line an item, and no clock, lock, log call or shared object. An item
that raises costs that item: the loop goes on after it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import batched
from typing import Any

from orchestrator.engine.line import ITEM

HOLE = object()
"""Stands in a list of results where an item failed."""

# They have a length, but are no results in the items' order.
_NO_LISTS = (str, bytes, bytearray, Mapping, AbstractSet)

type Errors = dict[int, BaseException]


def run_each(
    call: Callable[[Any], Any], values: Sequence[Any], base: int, line: memoryview[int]
) -> tuple[list[Any], Errors]:
    """Call the task on each value.

    Args:
        call: the task, bound to this thread.
        values: the items.
        base: the number of the first one within its chunk.
        line: this thread's board line.

    Returns:
        The results, with a HOLE where an item raised, and what was raised by position.
    """
    results: list[Any] = []
    errors: Errors = {}
    append = results.append
    numbered = enumerate(values, base)
    while True:
        try:
            for line[ITEM], value in numbered:
                append(call(value))
            return results, errors
        except BaseException as error:
            end_if_stopped(error)
            _lose(results, errors, line[ITEM] - base, error)


def run_batches(
    call: Callable[[list[Any]], Sequence[Any]],
    values: Sequence[Any],
    base: int,
    line: memoryview[int],
    size: int,
) -> tuple[list[Any], Errors]:
    """Call a batch task on lists of up to `size` values; where a list raises, its items are tried one by one."""
    results: list[Any] = []
    errors: Errors = {}
    for group in batched(values, size):
        line[ITEM] = base + len(results)
        try:
            results.extend(_call_batch(call, list(group)))
        except BaseException as raised:
            end_if_stopped(raised)
            del results[line[ITEM] - base :]
            for value in group:
                line[ITEM] = base + len(results)
                try:
                    results.extend(_call_batch(call, [value]))
                except BaseException as error:
                    end_if_stopped(error)
                    _lose(results, errors, line[ITEM] - base, error)
    return results, errors


def run_one(call: Callable[[Any], Any], value: Any, batch: int | None) -> Any:
    """Call the task on one value, in whichever form it has."""
    return call(value) if batch is None else _call_batch(call, [value])[0]


def end_if_stopped(error: BaseException) -> None:
    """Raise a Ctrl-C anew, which only a main thread is told of; all else that a call raised is its item's.

    A task that raises KeyboardInterrupt, GeneratorExit or a library's own BaseException must not end its thread.
    """
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error


def _lose(results: list[Any], errors: Errors, at: int, error: BaseException) -> None:
    """Note that an item failed; a timeout may come when its result is there already, and takes that away."""
    results[at:] = [HOLE]
    errors[at] = error


def _call_batch(call: Callable[[list[Any]], Sequence[Any]], group: list[Any]) -> Sequence[Any]:
    found = call(group)
    as_list = getattr(found, "tolist", None)
    results = found if as_list is None else as_list()
    if not hasattr(results, "__len__") or isinstance(results, _NO_LISTS):
        got: int | str = type(results).__name__
    elif type(results) is list and len(results) == len(group):
        return results
    else:
        results = list(results)
        if len(results) == len(group):
            return results
        got = len(results)
    raise TypeError(f"a batch task must return a list of {len(group)} results for {len(group)} items, got {got}")
