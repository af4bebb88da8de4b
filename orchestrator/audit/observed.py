"""What was seen when modules were imported, as data."""

from typing import Literal

from msgspec import Struct


class Target(Struct, frozen=True):
    """What to import: a task's module, a module by its name, or only the creation of an extension from its file.

    Attributes:
        place: the job file's folder for a task, the path for a file.
    """

    kind: Literal["task", "module", "file"]
    name: str
    place: str = ""


class LoadedExtension(Struct, frozen=True):
    """An extension module that was loaded.

    Attributes:
        declared: whether it says that it does without the GIL; None where that could not be found out.
        chain: the modules whose import led there, outermost first.
    """

    name: str
    path: str
    declared: bool | None
    chain: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    """What became of a target.

    Attributes:
        error: what was raised, or how the process ended; None if it was imported.
        ended: whether the import ended the process, and how.
        during: the extension that was being created then, "" if none was.
        processes: the ways in which it started other processes.
        printed: the beginning of what it wrote to its standard streams.
    """

    target: Target
    seconds: float = 0.0
    error: str | None = None
    ended: Literal["", "crash", "exit", "hang"] = ""
    during: str = ""
    processes: tuple[str, ...] = ()
    printed: str = ""


class Observed(Struct, frozen=True):
    """What was loaded, each extension once, and an outcome for each target.

    Attributes:
        exact: the answers come from the modules' own fields, not from what `python -v` prints.
    """

    extensions: list[LoadedExtension]
    outcomes: list[Outcome]
    exact: bool = True
