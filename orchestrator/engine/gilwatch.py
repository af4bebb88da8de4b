"""Notes which extension module turned the GIL on, from the warning that CPython gives for the first one."""

import re
import sys
import warnings
from typing import Any

_MESSAGE = re.compile(r"global interpreter lock \(GIL\) has been enabled to load module '([^']+)'")


class GilWatch:
    """Listens to the process's warnings from its start on; the name stays once it was heard."""

    def __init__(self) -> None:
        self.culprit: str | None = None
        self._show = warnings.showwarning

    def start(self) -> None:
        """Begin to listen; other warnings go where they went."""
        warnings.filterwarnings("always", message="The global interpreter lock", category=RuntimeWarning)
        warnings.showwarning = self._hear

    def _hear(self, message: Warning | str, *rest: Any, **more: Any) -> None:
        found = _MESSAGE.search(str(message))
        if found is None:
            self._show(message, *rest, **more)
        elif self.culprit is None:
            self.culprit = found[1]


def warned_of() -> str | None:
    """The module that CPython warned of before anybody listened, from importlib's record of the warnings it gave.

    None where it did not warn (the GIL was off all the time, or a filter kept it silent).
    """
    given = vars(sys.modules["_frozen_importlib"]).get("__warningregistry__", {})
    texts = [str(key[0]) for key in list(given) if isinstance(key, tuple)]
    return next((found[1] for text in texts if (found := _MESSAGE.search(text))), None)
