"""Which of the modules in this process are the user's own, and the code in them."""

import inspect
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any

from orchestrator.audit.races.source import foreign_folders

_INSTALLED = frozenset(("site-packages", "dist-packages"))


def own_modules(task: ModuleType) -> list[ModuleType]:
    """The task's module first, then those that were imported and are neither installed nor Python's nor ftorch's."""
    foreign = (*foreign_folders(), Path(__file__).resolve().parents[2])
    found: dict[str, ModuleType] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or file == task.__file__ or _main(module):
            continue
        path = Path(file).resolve()
        if not _INSTALLED.intersection(path.parts) and not any(path.is_relative_to(folder) for folder in foreign):
            found.setdefault(file, module)
    return [task, *(found[file] for file in sorted(found))]


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


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
