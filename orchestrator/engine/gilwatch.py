"""Notes which extension module turned the GIL on, from the warning that CPython gives for the first one."""

import re
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
