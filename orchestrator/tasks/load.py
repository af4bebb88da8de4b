"""From `module:function` or `./file.py:function` to a checked task. Importing runs the user's code."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from orchestrator.errors import FtorchError, TaskError
from orchestrator.tasks.api import ATTRIBUTE, Options
from orchestrator.tasks.fit import accepted_names, check_arguments, check_function, takes_context


class Task(NamedTuple):
    """A task that was imported and fits its `with:` arguments.

    Attributes:
        reference: as the job file has it.
        function: the user's function.
        options: what its decorator said.
        takes_context: whether it has a parameter named `ctx`.
        takes: the names of its arguments beside the item; None for any.
        fingerprint: SHA-256 of the source file that defines it ("" where there is none).
    """

    reference: str
    function: Callable[..., Any]
    options: Options
    takes_context: bool
    takes: frozenset[str] | None
    fingerprint: str


def load_task(reference: str, base: Path, arguments: Mapping[str, Any]) -> Task:
    """Import a task and check that it can be called with the job's arguments.

    Args:
        reference: "package.module:function", or "./file.py:function" relative to `base`.
        base: the job file's folder; it is put on `sys.path`, so that modules beside the job file can be imported.
        arguments: the job's `with:`.

    Raises:
        TaskError: it cannot be imported, is not a function of one item, or does not take these arguments.
    """
    target, _, name = reference.partition(":")
    module = import_task_module(target, base)
    return task_of(_lookup(module, name, reference), reference, arguments)


def task_of(function: Any, reference: str, arguments: Mapping[str, Any]) -> Task:
    """A function as a task: checked that it can be called with these arguments.

    Args:
        function: the function, with what its decorator said.
        reference: what messages call it.
        arguments: the job's `with:`.

    Raises:
        TaskError: it is not a function of one item, or does not take these arguments.
    """
    options = getattr(function, ATTRIBUTE, None) or Options()
    check_function(function, reference)
    check_arguments(function, (options.process, options.thread), arguments, reference)
    return Task(
        reference=reference,
        function=function,
        options=options,
        takes_context=takes_context(function),
        takes=accepted_names(function),
        fingerprint=_fingerprint(function),
    )


def import_task_module(target: str, base: Path) -> ModuleType:
    """Import what a task's reference names before its colon: "package.module", or "./file.py" relative to `base`.

    Raises:
        TaskError: it cannot be imported.
    """
    return _import_file(base / target) if target.endswith(".py") else _import_module(target, base)


def _import_file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise TaskError("there is no such task file", where=str(path), hint="`task:` is relative to the job file.")
    _prepend_path(path.parent)
    name = f"ftorch_task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TaskError("it cannot be imported as Python", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        # Nothing is written beside the user's files, above all not before the job is known to be right.
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise _import_failed(str(path), error) from error
    finally:
        sys.dont_write_bytecode = before
    return module


def _import_module(name: str, base: Path) -> ModuleType:
    _prepend_path(Path.cwd())
    _prepend_path(base)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise TaskError(
                f"there is no module {missing!r}",
                where=f"task: {name}",
                hint="It is looked for beside the job file, in the current folder, and among the installed packages; "
                "a file is written ./file.py:function.",
            ) from error
        raise _import_failed(name, error) from error
    except BaseException as error:
        raise _import_failed(name, error) from error


def _prepend_path(folder: Path) -> None:
    text = str(folder)
    if text not in sys.path:
        sys.path.insert(0, text)


def _import_failed(what: str, error: BaseException) -> TaskError:
    if isinstance(error, (KeyboardInterrupt, FtorchError)):
        raise error
    if isinstance(error, SyntaxError):
        place = f"{error.filename}:{error.lineno}:{error.offset}" if error.filename else what
        return TaskError(f"not valid Python: {error.msg}", where=place)
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    hint = None
    if isinstance(error, ModuleNotFoundError):
        hint = f"Install {error.name!r} into {sys.prefix}, or put it beside the job file."
    return TaskError(
        f"importing it failed: {type(error).__name__}: {error} (raised at {last.filename}:{last.lineno})",
        where=what,
        hint=hint,
    )


def _lookup(module: ModuleType, name: str, reference: str) -> Any:
    found = getattr(module, name, None)
    if found is not None:
        return found
    here = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
    near = difflib.get_close_matches(name, here, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(sorted(here)) or 'no function'}."
    raise TaskError(f"the module has no function {name!r}", where=f"task: {reference}", hint=hint)


def _fingerprint(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    path = Path(code.co_filename) if code is not None else None
    if path is None or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()
