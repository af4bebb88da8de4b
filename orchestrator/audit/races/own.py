"""Which of the modules in this process are the user's own, and the code in them."""

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any

from orchestrator.audit.races.source import foreign_folders

_INSTALLED = frozenset(("site-packages", "dist-packages"))


class Own:
    """Tells the user's own modules from those that are installed, Python's or ftorch's.

    Args:
        task: the task's module, which is the user's wherever it lies.
    """

    def __init__(self, task: ModuleType) -> None:
        self._task = task
        self._foreign = (*foreign_folders(), Path(__file__).resolve().parents[2])
        self._known: dict[str, bool] = {} if task.__file__ is None else {task.__file__: True}

    def modules(self) -> list[ModuleType]:
        """The task's module first, then the others that have been imported by now."""
        found: dict[str, ModuleType] = {}
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file != self._task.__file__ and self.has(file) and not _main(module):
                found.setdefault(file, module)
        return [self._task, *(found[file] for file in sorted(found))]

    def has(self, file: str) -> bool:
        """Whether a source file is the user's own."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = file.endswith(".py") and self._is_own(Path(file).resolve())
        return known

    def _is_own(self, path: Path) -> bool:
        return not _INSTALLED.intersection(path.parts) and not any(map(path.is_relative_to, self._foreign))


def _main(module: ModuleType) -> bool:
    return module is sys.modules.get("__main__")


def codes_of(modules: Sequence[ModuleType]) -> Iterable[CodeType]:
    """All code in the modules' own files that their variables lead to."""
    files, names = {module.__file__ for module in modules}, {module.__name__ for module in modules}
    found: dict[int, CodeType] = {}
    seen: set[int] = set()
    open_: list[Any] = [value for module in modules for value in vars(module).values()]
    while open_:
        one = open_.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, CodeType):
            if one.co_filename in files:
                found[id(one)] = one
                open_ += one.co_consts
        elif isinstance(one, FunctionType):
            cells = [cell.cell_contents for cell in one.__closure__ or () if _filled(cell)]
            open_ += [one.__code__, *cells, getattr(one, "__wrapped__", None)]
        elif isinstance(one, type) and one.__module__ in names:
            open_ += vars(one).values()
        elif isinstance(one, (staticmethod, classmethod)):
            open_.append(one.__func__)
        elif isinstance(one, property):
            open_ += [one.fget, one.fset, one.fdel]
        elif isinstance(one, GeneratorType):
            open_.append(one.gi_code)
        else:
            # What functools.cache and the like have made keeps the function.
            open_.append(inspect.getattr_static(one, "__wrapped__", None))
    return found.values()


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """The code of the functions that are defined in some code, at any depth."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if one.co_flags & inspect.CO_OPTIMIZED:
                yield one
            yield from functions_in(one)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
