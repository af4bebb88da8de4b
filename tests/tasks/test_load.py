"""From a reference to a checked task: every mistake is one TaskError that says what and where."""

import hashlib
import sys
from pathlib import Path

import pytest

from orchestrator.errors import BAD_JOB, TaskError
from orchestrator.tasks.load import load_task
from tests.tasks.conftest import Load


def refused(base: Path, reference: str, **arguments: object) -> TaskError:
    """The error of loading a task."""
    with pytest.raises(TaskError) as caught:
        load_task(reference, base, arguments)
    assert caught.value.exit_code == BAD_JOB
    return caught.value


def test_a_file_beside_the_job(tmp_path: Path, load: Load) -> None:
    """A function of a file is imported, with what it knows of itself."""
    task = load("def f(item, size=1):\n    return item * size\n", size=3)
    assert task.function(2, size=3) == 6
    assert task.reference == "./work.py:f"
    assert task.takes == {"size"}
    assert not task.takes_context
    assert task.fingerprint == hashlib.sha256((tmp_path / "work.py").read_bytes()).hexdigest()


def test_a_file_in_another_folder_imports_its_neighbours(tmp_path: Path) -> None:
    """A task file may import modules that lie beside it."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/neighbour_of_task.py").write_text("VALUE = 7\n")
    (tmp_path / "sub/work.py").write_text("from neighbour_of_task import VALUE\ndef f(item): return VALUE\n")
    assert load_task("./sub/work.py:f", tmp_path, {}).function(0) == 7


@pytest.mark.parametrize("place", ["job", "cwd"])
def test_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """A module is found beside the job file, and in the current folder."""
    (tmp_path / "job").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    package = tmp_path / place / "pack_of_tasks"
    package.mkdir()
    (package / "work.py").write_text("def f(item): return __name__\n")
    assert load_task("pack_of_tasks.work:f", tmp_path / "job", {}).function(0) == "pack_of_tasks.work"


def test_the_jobs_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two modules of one name, the one beside the job file is taken."""
    for place in ["job", "cwd"]:
        (tmp_path / place).mkdir()
        (tmp_path / place / "twice_there.py").write_text(f"def f(item): return {place!r}\n")
    monkeypatch.chdir(tmp_path / "cwd")
    assert load_task("twice_there:f", tmp_path / "job", {}).function(0) == "job"


def test_a_missing_module_is_told(tmp_path: Path) -> None:
    """A module that is not there is named, and where it is looked for."""
    error = refused(tmp_path, "absent_module.deep.deeper:f")
    assert "no module 'absent_module'" in error.message
    assert "beside the job file" in (error.hint or "")


def test_a_missing_part_of_a_package_is_told(tmp_path: Path) -> None:
    """A package that lacks the module is not blamed itself."""
    (tmp_path / "half_there").mkdir()
    assert "no module 'half_there.work'" in refused(tmp_path, "half_there.work:f").message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is named with its whole path."""
    error = refused(tmp_path, "./absent.py:f")
    assert "no such task file" in error.message
    assert error.where == str(tmp_path / "absent.py")


def test_a_folder_is_no_task_file(tmp_path: Path) -> None:
    """A folder of that name is no file."""
    (tmp_path / "work.py").mkdir()
    assert "no such task file" in refused(tmp_path, "./work.py:f").message


@pytest.mark.parametrize(
    ("source", "place", "found"),
    [
        (b"x = 1\ndef f(:\n", ":2:7", "invalid syntax"),
        (b"def f(item):\nreturn 1\n", ":2:1", "expected an indented block"),
        (b"x = '\xff'\n", ":1:6", "Non-UTF-8"),
        (b"x = 1\0\n", "", "null bytes"),
    ],
)
def test_a_syntax_error_is_told_with_its_place(tmp_path: Path, source: bytes, place: str, found: str) -> None:
    """What is not Python is told with file, line and column."""
    (tmp_path / "work.py").write_bytes(source)
    error = refused(tmp_path, "./work.py:f")
    assert error.where == f"{tmp_path / 'work.py'}{place}"
    assert "not valid Python" in error.message
    assert found in error.message


@pytest.mark.parametrize("reference", ["./raises.py:f", "raises:f"])
@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("assert False, 'never'", "AssertionError: never"),
    ],
)
def test_an_import_that_raises_is_told(tmp_path: Path, reference: str, source: str, found: str) -> None:
    """An error of the task's own code on import is told with its line; the broken module is not kept."""
    (tmp_path / "raises.py").write_text(f"\n{source}\n")
    error = refused(tmp_path, reference)
    assert found in error.message
    assert f"{tmp_path / 'raises.py'}:2" in error.message
    (tmp_path / "raises.py").write_text("def f(item): return 'mended'\n")
    assert load_task(reference, tmp_path, {}).function(0) == "mended"


def test_an_interrupt_is_no_error_of_the_task(tmp_path: Path) -> None:
    """Ctrl-C during an import goes through."""
    (tmp_path / "work.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_task("./work.py:f", tmp_path, {})


@pytest.mark.parametrize("reference", ["./needs.py:f", "needs:f"])
def test_a_module_that_the_task_lacks_is_told(tmp_path: Path, reference: str) -> None:
    """A missing module that the task imports is told as such, with how to get it."""
    (tmp_path / "needs.py").write_text("import absent_library.part\ndef f(item): return item\n")
    error = refused(tmp_path, reference)
    assert "No module named 'absent_library'" in error.message
    assert "Install 'absent_library'" in (error.hint or "")


def test_a_misspelt_function_is_told_with_the_nearest(load: Load) -> None:
    """A name that is not there is answered with the nearest function."""
    with pytest.raises(TaskError) as caught:
        load("def ff(item): return item\ndef other(item): return item\n")
    assert "no function 'f'" in caught.value.message
    assert caught.value.hint == "Did you mean 'ff'?"


def test_a_function_that_is_nowhere_near_is_told_with_all(load: Load) -> None:
    """Where no name is near, the module's functions are listed, private ones left out."""
    with pytest.raises(TaskError) as caught:
        load("def digest(item): return item\ndef _hidden(item): return item\n")
    assert caught.value.hint == "It has: digest, task."


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("async def f(item): return item", "an async function"),
        ("async def f(item): yield item", "an async function"),
        ("from functools import partial\nasync def g(item, n): return item\nf = partial(g, n=1)", "an async function"),
        ("def f(item): yield item", "a generator function"),
        ("f = 3", "it is of type int, not a function"),
        ("f = None", "no function 'f'"),
    ],
)
def test_what_is_no_plain_function_is_told(load: Load, source: str, found: str) -> None:
    """Async functions, generators and other values cannot be tasks."""
    with pytest.raises(TaskError, match=found):
        load(source)


@pytest.mark.parametrize("source", ["f = len", "class f:\n    def __init__(self, item): pass", "f = str.upper"])
def test_any_callable_of_one_item_is_a_task(load: Load, source: str) -> None:
    """Built-in functions, classes and methods are tasks, too; what has no source has no fingerprint."""
    assert load(source).fingerprint == ""


def test_an_unknown_argument_is_told_with_the_nearest(load: Load) -> None:
    """An argument that the task does not take is answered with the nearest one it does."""
    with pytest.raises(TaskError) as caught:
        load("def f(item, algorithm='x', size=1): pass", algoritm="sha256")
    assert "no argument 'algoritm'" in caught.value.message
    assert caught.value.hint == "Did you mean 'algorithm'?"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("def f(item, size=1, colour=2): pass", "It takes: colour, size."),
        ("def f(item): pass", "It takes: only the item."),
        ("def f(item, ctx): pass", "It takes: only the item."),
    ],
)
def test_an_unknown_argument_is_told_with_all(load: Load, source: str, hint: str) -> None:
    """Where no name is near, all arguments are listed; item and ctx are no arguments."""
    with pytest.raises(TaskError) as caught:
        load(source, xyz=1)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("def f(item, size): pass", {}),
        ("def f(item, *, size): pass", {}),
        ("def f(): pass", {}),
        ("def f(item, other, size): pass", {"size": 1}),
        ("def f(ctx, item): pass", {}),
        ("def f(item, size, /): pass", {"size": 1}),
    ],
)
def test_a_task_that_cannot_be_called_is_told(load: Load, source: str, arguments: dict[str, object]) -> None:
    """A required argument that `with:` lacks is told with the task's signature."""
    with pytest.raises(TaskError, match="cannot be called") as caught:
        load(source, **arguments)
    assert (caught.value.hint or "").startswith("It is (")


@pytest.mark.parametrize("name", ["item", "ctx"])
def test_the_item_and_ctx_cannot_be_given(load: Load, name: str) -> None:
    """`with:` may not name what ftorch itself gives."""
    with pytest.raises(TaskError, match=f"no argument '{name}'"):
        load("def f(item, ctx, size=1): pass", **{name: 1})


def test_a_task_may_take_anything(load: Load) -> None:
    """A task with `**more` takes every argument."""
    task = load("def f(item, **more): return more", any_name=1, other=2)
    assert task.takes is None


@pytest.mark.parametrize("kind", ["process", "thread"])
def test_a_state_function_that_lacks_an_argument_is_told(load: Load, kind: str) -> None:
    """A state function whose required argument `with:` lacks is refused before anything runs."""
    source = f"def make(model, size=1): pass\n@task({kind}=make)\ndef f(item): pass"
    with pytest.raises(TaskError, match="'make' needs 'model'"):
        load(source, size=2)
    assert load(source, model="m").takes == frozenset()


def test_only_a_thread_gets_the_process_state(load: Load) -> None:
    """`process` is given to what makes a thread's state, not to what makes the process state itself."""
    make = "def make(process): pass\n"
    load(f"{make}@task(thread=make)\ndef f(item): pass")
    with pytest.raises(TaskError, match="'make' needs 'process'"):
        load(f"{make}@task(process=make)\ndef f(item): pass")


def test_an_argument_may_be_for_a_state_function_alone(load: Load) -> None:
    """The task need not take what its state function takes; what nobody takes is still told."""
    source = "def make(model): pass\n@task(process=make)\ndef f(item): pass"
    with pytest.raises(TaskError) as caught:
        load(source, model=1, modle=2)
    assert caught.value.hint == "Did you mean 'model'?"


@pytest.mark.parametrize("source", ["async def make(): pass", "async def make(): yield 1"])
def test_an_async_state_function_is_told(load: Load, source: str) -> None:
    """A state function that would give a coroutine is refused."""
    with pytest.raises(TaskError, match="'make' is async"):
        load(f"{source}\n@task(process=make)\ndef f(item): pass")


@pytest.mark.parametrize("state", ["dict", "list", "bytearray"])
def test_a_built_in_type_makes_state(load: Load, state: str) -> None:
    """`thread=dict` works, although nobody can tell what it takes."""
    assert load(f"@task(thread={state})\ndef f(item, n=1): pass", n=2).options.thread is not None


def test_a_decorator_on_top_keeps_the_options(load: Load) -> None:
    """A decorator made with functools.wraps hides neither the options nor the source."""
    task = load(
        "from functools import wraps\n"
        "def logged(g):\n    @wraps(g)\n    def inner(*a, **k): return g(*a, **k)\n    return inner\n"
        "@logged\n@task(batch=5)\ndef f(items): return items"
    )
    assert task.options.batch == 5
    assert task.fingerprint


def test_a_broken_task_leaves_no_module(tmp_path: Path) -> None:
    """A task file that raised is not left among the imported modules."""
    (tmp_path / "work.py").write_text("1 / 0\n")
    refused(tmp_path, "./work.py:f")
    assert "ftorch_task_work" not in sys.modules
