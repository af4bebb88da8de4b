"""The code in which threads are to meet: that of the modules there are, and of those that items import first.

Guarantees: a module's functions are watched before the first of them is called. Assumes: a process that is there for
this alone, since an audit hook stays for good.
"""

import dis
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import NamedTuple

from orchestrator.audit.races.own import Own, functions_in

_STORES = ("STORE_GLOBAL", "STORE_NAME", "STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE", "STORE_DEREF", "DELETE_", "CALL")
_LOOKS = ("BINARY_SLICE", "CONTAINS_OP", "POP_JUMP_", "FOR_ITER", "YIELD_VALUE")
_NO_PLACES = ("CALL_INTRINSIC", "DELETE_FAST")


class Place(NamedTuple):
    """An instruction before which a thread stops; its file by its number."""

    line: int
    stores: bool
    file: int


class Watched:
    """Some code, and the places in it.

    Attributes:
        codes: what is watched; kept, so that no other code gets the same id.
        places: by the code's id and the instruction's offset.
        files: where the code comes from, by number; the task's own file is the first.
    """

    def __init__(self, files: Iterable[str], codes: Iterable[CodeType]) -> None:
        self.files = [*files]
        self.codes: list[CodeType] = []
        self.places: dict[tuple[int, int], Place] = {}
        self._lock = threading.Lock()
        for code in codes:
            self._add(code)

    def watch_imports(self, own: Own, watch: Callable[[CodeType], None]) -> None:
        """Have what the user's own modules define watched, too, that are imported from now on.

        Args:
            own: which modules these are.
            watch: called with each new piece of code, before it can run.
        """
        process = os.getpid()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            # How a module is run, whoever imports it.
            code = arguments[0] if event == "exec" else None
            if isinstance(code, CodeType) and os.getpid() == process and own.has(code.co_filename):
                with self._lock:
                    for one in functions_in(code):
                        self._add(one)
                        watch(one)

        sys.addaudithook(hook)

    def _add(self, code: CodeType) -> None:
        if code.co_filename not in self.files:
            self.files.append(code.co_filename)
        file = self.files.index(code.co_filename)
        self.codes.append(code)
        self.places.update({(id(code), offset): place for offset, place in _places(code, file)})


def _places(code: CodeType, file: int) -> Iterator[tuple[int, Place]]:
    for one in dis.get_instructions(code):
        stores = one.opname.startswith(_STORES)
        looks = one.opname.startswith(_LOOKS) or (one.opname == "BINARY_OP" and one.argrepr == "[]")
        if (stores or looks) and not one.opname.startswith(_NO_PLACES):
            yield one.start_offset, Place(one.line_number or code.co_firstlineno, stores, file)
