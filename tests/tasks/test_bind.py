"""A task bound to one thread: its states, its arguments, its context."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest

from orchestrator.errors import MissingExtra, TaskError
from orchestrator.tasks.api import Context
from orchestrator.tasks.bind import bind, make_process_state, make_thread_state, own_arguments
from orchestrator.tasks.load import Task
from tests.tasks.conftest import Load

# Notes what its generators do, in the order in which they do it.
NOTING = """
notes = []
def noted(name):
    def make(model="m"):
        notes.append(f"{name} made with {model}")
        yield f"{name} state"
        notes.append(f"{name} closed")
    return make
@task(process=noted("process"), thread=noted("thread"))
def f(item): return notes
"""


def test_without_factories_there_is_no_state(load: Load) -> None:
    """A plain function has the states None, which can be closed."""
    task = load("def f(item): return item")
    for state in (make_process_state(task, {}), make_thread_state(task, {}, None)):
        assert state.value is None
        state.close()


def test_a_factory_gets_the_arguments_it_names(load: Load) -> None:
    """Of the job's arguments a state function gets those it has parameters for; others keep their defaults."""
    task = load("def make(b, c=30): return b, c\n@task(process=make)\ndef f(item, a): pass", a=1, b=2)
    assert make_process_state(task, {"a": 1, "b": 2}).value == (2, 30)


def test_a_thread_state_gets_the_process_state(load: Load) -> None:
    """What makes a thread's state is given the very object that all threads share."""
    task = load(
        "def model(): return {}\ndef buffer(process, size): return process, size\n"
        "@task(process=model, thread=buffer)\ndef f(item): pass",
        size=5,
    )
    shared = make_process_state(task, {"size": 5}).value
    first, second = (make_thread_state(task, {"size": 5}, shared).value for _ in range(2))
    assert first[0] is second[0] is shared
    assert first[1] == 5


def test_a_generator_is_closed_once(load: Load) -> None:
    """A generator's state is made at its yield; what comes after runs at the close, and only then, and once."""
    task = load(NOTING, model="big")
    notes = task.function(0)
    process = make_process_state(task, {"model": "big"})
    thread = make_thread_state(task, {"model": "big"}, process.value)
    assert (process.value, thread.value) == ("process state", "thread state")
    assert notes == ["process made with big", "thread made with big"]
    for state in (thread, process, thread, process):
        state.close()
    assert notes[2:] == ["thread closed", "process closed"]


def test_a_context_manager_of_a_generator_is_entered(load: Load) -> None:
    """`contextlib.contextmanager` changes nothing: the state is what is yielded, and it is closed."""
    managed = NOTING.replace("    def make(", "    @contextlib.contextmanager\n    def make(")
    assert managed != NOTING
    task = load("import contextlib\n" + managed, model="big")
    notes = task.function(0)
    state = make_process_state(task, {"model": "big"})
    assert state.value == "process state"
    state.close()
    assert notes == ["process made with big", "process closed"]


def test_a_generator_that_yields_twice_is_closed(load: Load) -> None:
    """A second yield ends the clean-up; its finally still runs."""
    task = load(
        "notes = []\ndef make():\n    try:\n        yield 1\n        yield 2\n    finally: notes.append('closed')\n"
        "@task(process=make)\ndef f(item): return notes"
    )
    make_process_state(task, {}).close()
    assert task.function(0) == ["closed"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return 1 / 0", "'make' raised ZeroDivisionError: division by zero"),
        ("yield 1 / 0", "'make' raised ZeroDivisionError: division by zero"),
        ("return\n    yield", "'make' yielded nothing"),
    ],
)
@pytest.mark.parametrize("kind", ["process", "thread"])
def test_a_factory_that_raises_is_told(load: Load, kind: str, body: str, found: str) -> None:
    """A state function that raises is a TaskError that names it, and the task."""
    task = load(f"def make():\n    {body}\n@task({kind}=make)\ndef f(item): pass")
    with pytest.raises(TaskError) as caught:
        make_process_state(task, {}) if kind == "process" else make_thread_state(task, {}, None)
    assert caught.value.message == f"the state function {found}"
    assert caught.value.where == "task: ./work.py:f"


@pytest.mark.parametrize("body", ["yield 1\n    1 / 0", "try:\n        yield 1\n        yield 2\n    finally: 1 / 0"])
def test_a_clean_up_that_raises_is_told(load: Load, body: str) -> None:
    """An error after the yield is a TaskError that names the state function, once."""
    task = load(f"def make():\n    {body}\n@task(process=make)\ndef f(item): pass")
    state = make_process_state(task, {})
    with pytest.raises(TaskError, match="'make' raised after its yield: ZeroDivisionError"):
        state.close()
    state.close()


def test_our_own_errors_pass_through_a_factory(load: Load) -> None:
    """A state function may say what the user has to do, in one of ftorch's own errors."""
    task = load(
        "from orchestrator.errors import MissingExtra\ndef make(): raise MissingExtra('no blake3')\n"
        "@task(process=make)\ndef f(item): pass"
    )
    with pytest.raises(MissingExtra, match="no blake3"):
        make_process_state(task, {})


@pytest.mark.parametrize(("state", "value"), [("dict", {}), ("list", []), ("bytearray", b"")])
def test_a_built_in_type_makes_an_empty_state(load: Load, state: str, value: Any) -> None:
    """`thread=dict` gives each thread an empty dict, whatever `with:` holds."""
    task = load(f"@task(thread={state})\ndef f(item, iterable=1): pass", iterable=2)
    made = make_thread_state(task, {"iterable": 2}, None).value
    assert made == value
    assert made is not make_thread_state(task, {"iterable": 2}, None).value


def call(task: Task, context: Context | None = None, **arguments: Any) -> Any:
    """Call a bound task on the item 'i'."""
    return bind(task, arguments, context or Context(None, None, 0))("i")


def test_a_plain_function_is_called_as_it_is(load: Load) -> None:
    """A task without arguments is not wrapped: nothing stands between the loop and the function."""
    task = load("def f(item): return item")
    assert bind(task, {}, Context(None, None, 0)) is task.function


def test_a_task_gets_its_arguments_and_not_its_states(load: Load) -> None:
    """What only a state function takes is not passed to the task; `**more` takes all."""
    make = "def make(model): return model\n"
    task = load(f"{make}@task(process=make)\ndef f(item, size): return item, size", model=1, size=2)
    assert call(task, model=1, size=2) == ("i", 2)
    task = load("def f(item, **more): return more", model=1, size=2)
    assert call(task, model=1, size=2) == {"model": 1, "size": 2}


@pytest.mark.parametrize("parameters", ["item, ctx", "item, *, ctx", "item, ctx=None", "item, size=1, ctx=None"])
def test_ctx_is_the_threads_own(load: Load, parameters: str) -> None:
    """A task with a parameter `ctx` gets the context of its thread, wherever the parameter stands."""
    context = Context("p", "t", 3)
    assert call(load(f"def f({parameters}): return ctx"), context) is context


def test_each_thread_has_arguments_of_its_own() -> None:
    """No two threads share a list, dict or text of the arguments, so none counts another's references."""
    arguments = {"words": ["alpha", "beta gamma"], "deep": {"a": {"b": [1.5, 10**20]}}, "text": "some text " * 9}
    encoded = msgspec.json.encode(arguments)
    threads = 8
    barrier = Barrier(threads)

    def own(_: int) -> dict[str, Any]:
        barrier.wait()
        return own_arguments(encoded)

    with ThreadPoolExecutor(threads) as pool:
        copies = list(pool.map(own, range(threads)))
    assert all(copy == arguments for copy in copies)
    for pick in (
        lambda copy: copy,
        lambda copy: copy["words"],
        lambda copy: copy["words"][1],
        lambda copy: copy["deep"]["a"]["b"],
        lambda copy: copy["deep"]["a"]["b"][0],
        lambda copy: copy["text"],
    ):
        assert len({id(pick(copy)) for copy in copies}) == threads
