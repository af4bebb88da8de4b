"""A task bound in a Python that has no ftorch: stand-ins for what it imports of ftorch, its states, its call.

Keeps to Python 3.9 and the standard library. The rules are those of `orchestrator.tasks` and of `engine.items`.
"""

import importlib
import importlib.util
import inspect
import json
import os
import pickle
import sys
import types
from typing import Any

PROTOCOL = 4


class PlainFile:
    """What a task is given for an item of `input: files`, where ftorch's own class is not to be had."""

    __slots__ = ("key", "mtime_ns", "path", "size")

    def __init__(self, path: str, key: str, size: int, mtime_ns: int) -> None:
        self.path, self.key, self.size, self.mtime_ns = path, key, size, mtime_ns

    def __fspath__(self) -> str:
        return self.path

    def read_bytes(self) -> bytes:
        """All of it."""
        with open(self.path, "rb", buffering=0) as file:
            return file.read()

    def open(self) -> Any:
        """Open it for reading, as bytes."""
        return open(self.path, "rb")

    def __repr__(self) -> str:
        return f"File({self.key!r}, {self.size} bytes)"


class PlainObject:
    """What a task is given for an item of `input: objects`, which lies in a file here."""

    __slots__ = ("_path", "etag", "key", "mtime_ns", "size", "url")

    def __init__(self, path: str, key: str, size: int, mtime_ns: int, etag: str) -> None:
        self._path, self.key, self.size, self.mtime_ns, self.etag = path, key, size, mtime_ns, etag
        self.url = "file://" + path

    def read_bytes(self) -> bytes:
        """All of it."""
        with open(self._path, "rb", buffering=0) as file:
            return file.read()

    def open(self) -> Any:
        """Open it for reading, as bytes."""
        return open(self._path, "rb")

    def __repr__(self) -> str:
        return f"Object({self.key!r}, {self.size} bytes)"


class Context:
    """As `orchestrator.Context`."""

    def __init__(self, process: Any, thread: Any, index: int) -> None:
        self.process, self.thread, self.index = process, thread, index


class Fold:
    """As `orchestrator.Fold`."""

    def __init__(self, zero: Any, add: Any, merge: Any, finish: Any = None) -> None:
        self.zero, self.add, self.merge, self.finish = zero, add, merge, finish


class FtorchError(Exception):
    """As every error of `orchestrator.errors`."""

    def __init__(self, message: Any, **place: Any) -> None:
        super().__init__(message)
        self.message, self.where, self.hint = message, place.get("where"), place.get("hint")


def task(fn: Any = None, **options: Any) -> Any:
    """As `orchestrator.task`."""

    def mark(function: Any) -> Any:
        function.__ftorch__ = options
        return function

    return mark if fn is None else mark(fn)


def stand_in(errors: Any) -> None:
    """Have `import orchestrator` and `orchestrator.errors`, whose classes are named, give what a task uses of them."""
    package: Any = types.ModuleType("orchestrator")
    module: Any = types.ModuleType("orchestrator.errors")
    for name in errors:
        setattr(module, name, type(name, (FtorchError,), {}))
    module.FtorchError = package.FtorchError = FtorchError
    package.task, package.Context, package.Fold = task, Context, Fold
    package.errors, package.__path__ = module, []
    sys.modules["orchestrator"], sys.modules["orchestrator.errors"] = package, module


def load(reference: str, base: str) -> Any:
    """The task's function, imported as ftorch imports it."""
    target, _, name = reference.partition(":")
    sys.dont_write_bytecode = True
    if not target.endswith(".py"):
        sys.path[:0] = [base, os.getcwd()]
        return getattr(importlib.import_module(target), name)
    path = os.path.realpath(os.path.join(base, target))
    sys.path.insert(0, os.path.dirname(path))
    module_name = "ftorch_task_" + os.path.splitext(os.path.basename(path))[0]
    spec: Any = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


class Doer:
    """The task, bound in this process."""

    def __init__(self, binding: Any) -> None:
        self.function = function = load(binding["task"], binding["base"])
        self.options = options = getattr(function, "__ftorch__", {})
        arguments = json.loads(binding["arguments"])
        self.kept: list[Any] = []
        process = self.make(options.get("process"), arguments)
        thread = self.make(options.get("thread"), dict(arguments, process=process))
        taken = inspect.signature(function).parameters
        anything = any(one.kind is one.VAR_KEYWORD for one in taken.values())
        self.keywords = {key: value for key, value in arguments.items() if anything or key in taken}
        if "ctx" in taken:
            self.keywords["ctx"] = Context(process, thread, 0)
        self.item = {"file": PlainFile, "object": PlainObject}.get(binding["kind"])

    def make(self, factory: Any, offered: Any) -> Any:
        """What a state function makes, given those of the arguments that it takes."""
        if factory is None:
            return None
        try:
            taken = dict(inspect.signature(factory).parameters)
        except Exception:  # noqa: BLE001 - dict, say, does not tell
            taken = {}
        made = factory(**{key: value for key, value in offered.items() if key in taken})
        if inspect.isgenerator(made):
            self.kept.append(made)
            return next(made)
        return made

    def call(self, items: Any) -> Any:
        """The results of some items, from a batch task or of the only one; raises what the task raises."""
        if self.options.get("batch") is None:
            return [self.function(items[0], **self.keywords)]
        found = self.function(items, **self.keywords)
        results = found.tolist() if hasattr(found, "tolist") else list(found)
        if len(results) != len(items):
            expected = f"a list of {len(items)} results for {len(items)} items"
            raise TypeError(f"a batch task must return {expected}, got {len(results)}")
        return results

    def run(self, items: Any) -> Any:
        """The results of some items, None where one failed (or the fold's accumulator); what failed, by position."""
        size = self.options.get("batch") or 1
        results: list[Any] = []
        errors: dict[int, str] = {}
        for start in range(0, len(items), size):
            group = items[start : start + size]
            try:
                results.extend(self.call(group))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - it costs its item
                self.one_by_one(group, error, results, errors)
        fold = self.options.get("fold")
        if fold is None:
            return results, errors
        accumulator = fold.zero()
        for at, result in enumerate(results):
            if at not in errors:
                accumulator = fold.add(accumulator, result)
        return accumulator, errors

    def one_by_one(self, group: Any, error: Any, results: Any, errors: Any) -> None:
        """A group that raised: its items by themselves."""
        for item in group:
            raised = error
            if len(group) > 1:
                try:
                    results.extend(self.call([item]))
                    continue
                except (Exception, SystemExit) as own:  # noqa: BLE001 - it costs its item
                    raised = own
            errors[len(results)] = f"{type(raised).__name__}: {raised}"
            results.append(None)

    def do(self, message: bytes) -> bytes:
        """Do a message's items; the reply, pickled."""
        number, wired = pickle.loads(message)
        item = self.item
        values, errors = self.run(wired if item is None else [item(*fields) for fields in wired])
        try:
            return pickle.dumps((number, values, errors), PROTOCOL)
        except Exception:
            if self.options.get("fold") is not None:
                raise
        return pickle.dumps((number, self.picklable(values, errors), errors), PROTOCOL)

    def picklable(self, values: Any, errors: Any) -> Any:
        """The values, None for those that cannot be pickled, which is noted."""
        kept = []
        for at, value in enumerate(values):
            try:
                pickle.dumps(value, PROTOCOL)
                kept.append(value)
            except Exception as error:  # noqa: BLE001 - the task's own objects
                errors[at] = f"the result cannot be pickled: {type(error).__name__}: {error}"
                kept.append(None)
        return kept
