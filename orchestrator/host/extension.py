"""Whether an extension module can do without the GIL, read from its file without loading it.

An extension says so with the slot `Py_mod_gil` (PEP 489 initialisation) or with a call of `PyUnstable_Module_SetGIL`
(single-phase); one that says nothing has CPython turn the GIL on. The slot lies in the file's data: the PyModuleDef is
found by its name, and its slots are followed. CPython 3.14 and 3.15, free-threaded and GIL layouts.
"""

import platform
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from orchestrator.host.elf import MACHINES, X86_64, NotReadError, SharedObject
from orchestrator.host.machinecode import constant_passed, only_returns, refers_to
from orchestrator.host.relocations import Relocations

type Kind = Literal["safe", "needs", "undecided", "foreign", "library", "unread"]
"""What a file is: an extension that leaves the GIL off, one that turns it on, one of which reading cannot tell, one
built for a Python with a GIL, no extension at all, and a file that cannot be read."""


class Verdict(Struct, frozen=True):
    """What the file says, and where it says so."""

    kind: Kind
    reason: str


class _Def(Struct, frozen=True):
    """A PyModuleDef (moduleobject.h): where its slots are (0: it has none, None: not known), and its layout."""

    slots: int | None
    free_threaded: bool


class _Extension(Struct, frozen=True):
    """An extension module's file that is open: its name without folder and suffixes, and its relocations."""

    name: str
    file: SharedObject
    pointers: Relocations


_FREE_THREADED_NAME, _GIL_NAME = 56, 40
_SLOTS_AFTER_NAME = 32
_DEF_HEAD = re.compile(rb"\0{8}[\0\4]\0\0\0\xff\xff\xff\xff\0{40}")
_GIL_SLOTS = (4, 87)
_NESTED = (92, 94)
_MOD_NAME = 100
_MODULE_SLOTS = frozenset((1, 2, 3, 4, 84, 85, 86, 87, *_NESTED, *range(100, 107), 109, 110))
_MOST_SLOTS, _DEEPEST = 64, 4
_FILL_AT_RUN_TIME = (b"pybind11", b"nanobind")
_SET_GIL = "PyUnstable_Module_SetGIL"
_FILLED_LATE = "its slots are filled in while it is loaded"
_SAFE_SLOT = "its slot Py_mod_gil says that it does without the GIL"


def judge(path: Path | str) -> Verdict:
    """Read an extension module's file; never raises for what is in it."""
    try:
        with SharedObject(path) as file:
            if MACHINES[file.machine] != platform.machine():
                return Verdict("unread", f"made for {MACHINES[file.machine]}, and this machine is {platform.machine()}")
            return _judge(_Extension(Path(path).name.partition(".")[0], file, Relocations(file)))
    except NotReadError as error:
        return Verdict("unread", str(error))
    except struct.error, OverflowError:
        return Verdict("unread", "damaged: an address lies outside the file")
    except (OSError, ValueError) as error:
        return Verdict("unread", f"cannot be opened: {getattr(error, 'strerror', None) or error}")


def _judge(extension: _Extension) -> Verdict:
    if extension.file.exports(f"PyModExport_{extension.name}"):
        return _judge_export(extension)
    if not extension.file.exports(f"PyInit_{extension.name}"):
        return Verdict("library", f"no extension module: it has no PyInit_{extension.name}")
    defs = [*_defs_named(extension)] or [*_defs_by_shape(extension)]
    verdicts = {_judge_def(extension, one) for one in defs}
    if len(verdicts) == 1:
        return verdicts.pop()
    if verdicts:
        return Verdict("undecided", "it has several modules, which say different things")
    if extension.file.mentions("PyModule_Create2") and not _may_declare(extension):
        return Verdict("needs", "it says nothing about the GIL (single-phase initialisation)")
    return Verdict("undecided", "its module's definition is made while it is loaded")


def _judge_def(extension: _Extension, one: _Def) -> Verdict:
    if not one.free_threaded:
        return Verdict("foreign", "built for a Python with a GIL: its module's definition has the other layout")
    if one.slots is None:
        return Verdict("undecided", "another object decides where its slots are")
    return _judge_slots(extension, one.slots) if one.slots else _judge_slotless(extension)


def _judge_slots(extension: _Extension, slots: int) -> Verdict:
    declared = _gil_slot(extension, slots)
    if declared == 1:
        return Verdict("safe", _SAFE_SLOT)
    # Slots are named by their definition alone; code that names them, too, is there to change them.
    if _fills_at_run_time(extension) or refers_to(extension.file, slots, slots + 16 * _count(extension, slots)):
        return Verdict("undecided", _FILLED_LATE)
    if declared == 0:
        return Verdict("needs", "its slot Py_mod_gil says that it uses the GIL")
    return Verdict("needs", "it has no slot Py_mod_gil")


def _count(extension: _Extension, slots: int) -> int:
    """How many slots there are, the last one included."""
    for number in range(_MOST_SLOTS):
        if _slot(extension, slots + 16 * number)[0] == 0:
            return number + 1
    return _MOST_SLOTS


def _judge_slotless(extension: _Extension) -> Verdict:
    if _fills_at_run_time(extension):
        return Verdict("undecided", _FILLED_LATE)
    if not extension.file.mentions(_SET_GIL):
        return Verdict("needs", "it says nothing about the GIL")
    passed = constant_passed(extension.file, extension.pointers, _SET_GIL)
    if passed == 1:
        return Verdict("safe", f"it calls {_SET_GIL} to say that it does without the GIL")
    if passed == 0:
        return Verdict("needs", f"it calls {_SET_GIL} to say that it uses the GIL")
    return Verdict("undecided", f"it calls {_SET_GIL}, with what is not to be read")


def _may_declare(extension: _Extension) -> bool:
    return extension.file.mentions(_SET_GIL) or _fills_at_run_time(extension)


def _fills_at_run_time(extension: _Extension) -> bool:
    return any(extension.file.contains(marker) for marker in _FILL_AT_RUN_TIME)


def _defs_named(extension: _Extension) -> Iterator[_Def]:
    for address in extension.file.strings_ending(extension.name):
        for where in extension.pointers.pointers_to(address):
            one = _def_at(extension, where)
            if one is not None:
                yield one


def _defs_by_shape(extension: _Extension) -> Iterator[_Def]:
    """Those of the free-threaded layout: an immortal object without a type, and a name behind it."""
    for segment in extension.file.writable():
        data = extension.file.data[segment.offset : segment.offset + segment.filled]
        for match in _DEF_HEAD.finditer(data):
            base = segment.address + match.start()
            if base % 8 == 0 and _is_head(extension, base):
                yield _Def(extension.pointers.pointer_at(base + _FREE_THREADED_NAME + _SLOTS_AFTER_NAME), True)


def _def_at(extension: _Extension, where: int) -> _Def | None:
    """The PyModuleDef whose name pointer is there, if it is one."""
    try:
        slots = extension.pointers.pointer_at(where + _SLOTS_AFTER_NAME)
        if _is_head(extension, where - _FREE_THREADED_NAME):
            return _Def(slots, True)
        head = extension.file.read(where - _GIL_NAME, _GIL_NAME)
    except NotReadError:
        return None
    return _Def(slots, False) if any(head[:4]) and not any(head[8:]) else None


def _is_head(extension: _Extension, base: int) -> bool:
    if not _DEF_HEAD.fullmatch(extension.file.read(base, _FREE_THREADED_NAME)):
        return False
    if any(extension.pointers.pointer_at(base + at) != 0 for at in (24, 32, 40, 48)):
        return False
    return bool(extension.pointers.pointer_at(base + _FREE_THREADED_NAME))


def _gil_slot(extension: _Extension, address: int, depth: int = 0) -> int | None:
    """The value of the slot Py_mod_gil, None where there is none."""
    for at in range(address, address + 16 * _MOST_SLOTS, 16):
        kind, value = _slot(extension, at)
        if kind == 0:
            return None
        if kind in _GIL_SLOTS:
            return value
        if kind in _NESTED and depth < _DEEPEST and (nested := extension.pointers.pointer_at(at + 8)):
            inner = _gil_slot(extension, nested, depth + 1)
            if inner is not None:
                return inner
    return None


def _slot(extension: _Extension, address: int) -> tuple[int, int]:
    kind, value = struct.unpack("<H6xQ", extension.file.read(address, 16))
    return kind, value


def _judge_export(extension: _Extension) -> Verdict:
    """Python 3.15's PyModExport: a function that returns an array of slots, one of which may hold the name."""
    found = _exported_slots(extension)
    if found is None:
        return Verdict("undecided", "the slots of its PyModExport are made while it is loaded")
    slots, as_they_are = found
    if _gil_slot(extension, slots) == 1:
        return Verdict("safe", _SAFE_SLOT)
    if not as_they_are or _fills_at_run_time(extension):
        return Verdict("undecided", _FILLED_LATE)
    return Verdict("needs", "its PyModExport has no slot Py_mod_gil that says it does without the GIL")


def _exported_slots(extension: _Extension) -> tuple[int, bool] | None:
    """Where the slots of a PyModExport are, and whether it is seen to return them without touching them."""
    hook = f"PyModExport_{extension.name}"
    addresses = [address for _, section, address in extension.file.symbols(hook) if section]
    returned = {only_returns(extension.file, address) for address in addresses}
    if len(returned) == 1 and (slots := returned.pop()) is not None:
        return slots, True
    for address in extension.file.strings_ending(extension.name):
        for where in extension.pointers.pointers_to(address):
            if _slot(extension, where - 8)[0] == _MOD_NAME:
                return _first_slot(extension, where - 8), extension.file.machine != X86_64
    return None


def _first_slot(extension: _Extension, address: int) -> int:
    for before in range(address - 16, address - 16 * _MOST_SLOTS, -16):
        if _slot(extension, before)[0] not in _MODULE_SLOTS:
            return before + 16
    return address
