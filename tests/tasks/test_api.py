"""What the decorator takes, and what it refuses on the spot."""

from typing import Any

import pytest

from orchestrator.errors import TaskError
from orchestrator.tasks.api import ATTRIBUTE, Context, Fold, Options, task
from tests.tasks.conftest import Load


def test_a_marked_function_is_the_function() -> None:
    """The decorator gives the function back, with or without arguments."""

    def f(item: int) -> int:
        return item + 1

    assert task(f) is f
    assert getattr(f, ATTRIBUTE) == Options()
    assert task(batch=3)(f) is f
    assert getattr(f, ATTRIBUTE) == Options(batch=3)
    assert f(1) == 2


@pytest.mark.parametrize("batch", [0, -1, 1.5, "10", True, [1]])
def test_a_batch_is_a_positive_number(batch: Any) -> None:
    """A batch size that is no whole number above 0 is refused, with an example."""
    with pytest.raises(TaskError, match="not a positive whole number") as caught:
        task(batch=batch)
    assert "@task(batch=256)" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["process", "thread"])
def test_a_state_function_must_not_be_called_yet(kind: str) -> None:
    """Giving the state itself where its function belongs is refused, with what to write."""
    with pytest.raises(TaskError, match=f"{kind}= is a dict") as caught:
        task(**{kind: {"a": "model"}})  # type: ignore[call-overload]
    assert f"@task({kind}=make)" in (caught.value.hint or "")


def test_a_fold_is_a_fold() -> None:
    """A function where a Fold belongs is refused."""
    with pytest.raises(TaskError, match="not a Fold"):
        task(fold=sum)  # type: ignore[call-overload]


def test_a_wrong_decorator_is_told_as_it_is(load: Load) -> None:
    """The decorator's refusal reaches the user without being wrapped in another error."""
    with pytest.raises(TaskError) as caught:
        load("@task(batch=0)\ndef f(items): return items")
    assert caught.value.message == "batch=0 is not a positive whole number"


def test_a_fold_folds(load: Load) -> None:
    """A task's fold is the four functions that it was given; `finish` may be left out."""
    fold = load(
        "@task(fold=Fold(zero=lambda: 0, add=lambda a, b: a + b, merge=lambda a, b: a + b))\ndef f(item): return item"
    ).options.fold
    assert fold is not None
    assert fold.add(fold.merge(fold.zero(), 2), 3) == 5
    assert fold.finish is None
    with pytest.raises(AttributeError):
        fold.add = fold.merge  # type: ignore[misc]


def test_a_fold_cannot_lack_its_parts() -> None:
    """A Fold without `merge` is Python's own error at the line that makes it."""
    with pytest.raises(TypeError, match="merge"):
        Fold(zero=int, add=max)  # type: ignore[call-arg]


def test_a_context_holds_three_things() -> None:
    """A misspelt attribute of a context is an error, in reading and in writing."""
    context = Context("p", "t", 2)
    assert (context.process, context.thread, context.index) == ("p", "t", 2)
    with pytest.raises(AttributeError):
        context.proces = 1  # type: ignore[attr-defined]
