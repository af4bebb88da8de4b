"""Notes which extension module turned the GIL on, and keeps such modules out where a job requires the GIL off.

Guarantees: a module whose file says that it needs the GIL is refused before it is loaded, whoever imports it and in
whatever thread; a refusal is told even if the importing library goes on without the module. What its file leaves open
is loaded, and noticed by the looks at the GIL that follow. Assumes: extensions are loaded by importlib, which finds
`_imp.create_dynamic` anew each time. An audit hook would see the same, but would be called at every `open` of every
thread as well.
"""

import _imp
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

from orchestrator.errors import GilRefused
from orchestrator.host.interpreter import gil_enabled

if TYPE_CHECKING:
    from orchestrator.host.verdicts import Verdicts

_MESSAGE = re.compile(r"global interpreter lock \(GIL\) has been enabled to load module '([^']+)'")
_HINT = (
    "`ftorch audit` says what leads there and what to do; "
    "runtime.free_threading: preferred loads it, and runs on processes."
)


class GilWatch:
    """Listens to the process's warnings and to every load of an extension, from its start on.

    Attributes:
        refused: what was not loaded, and why, a line each.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._heard: str | None = None
        self._loaded: list[tuple[str, str]] = []
        self._loading: list[str] = []
        self._verdicts: Verdicts | None = None
        self._show = warnings.showwarning
        self._create = _imp.create_dynamic

    def start(self) -> None:
        """Begin to listen; other warnings go where they went."""
        warnings.filterwarnings("always", message="The global interpreter lock", category=RuntimeWarning)
        warnings.showwarning = self._hear
        _imp.create_dynamic = self._create_dynamic

    def refuse(self) -> None:
        """From now on, do not load what would turn the GIL on; not where the user holds the GIL on or off anyway."""
        if _decides_itself():
            from orchestrator.host.verdicts import Verdicts

            self._verdicts = Verdicts()

    def remember(self) -> None:
        """Keep for the next process what was read of the extensions' files."""
        if self._verdicts is not None:
            self._verdicts.save()

    @property
    def on(self) -> bool:
        """Whether the GIL is on for good: not if an extension is being loaded, which has it on until it is judged."""
        return gil_enabled() and not self._loading

    @property
    def culprit(self) -> str | None:
        """The module that turned the GIL on: the one CPython warned of, else the one that its file gives away."""
        if self._heard is None and _decides_itself() and self.on:
            self._heard = self._given_away()
        return self._heard

    def _hear(self, message: Warning | str, *rest: Any, **more: Any) -> None:
        found = _MESSAGE.search(str(message))
        if found is None:
            self._show(message, *rest, **more)
        elif self._heard is None:
            self._heard = found[1]

    def _create_dynamic(self, spec: Any, *rest: Any) -> Any:
        if self._verdicts is not None:
            self._judge(self._verdicts, spec.name, spec.origin)
        self._loaded.append((spec.name, spec.origin))
        self._loading.append(spec.name)
        try:
            return self._create(spec, *rest)
        finally:
            self._loading.remove(spec.name)

    def _judge(self, verdicts: Verdicts, name: str, path: str) -> None:
        verdict = verdicts.of(path)
        if verdict.kind not in ("needs", "foreign"):
            return
        what = "would turn the GIL on" if verdict.kind == "needs" else "would crash or fail"
        told = f"{name} was refused: loading it {what} ({verdict.reason}): {path}"
        if told not in self.refused:
            self.refused.append(told)
            sys.stderr.write(f"ftorch: {told}\n")
        message = f"the job requires the GIL off, but importing {name} {what}: {verdict.reason} ({path})"
        raise GilRefused(message, where="runtime.free_threading", hint=_HINT)

    def _given_away(self) -> str | None:
        """The first module loaded whose file says that it needs the GIL, or the only one that leaves it open."""
        from orchestrator.host.verdicts import Verdicts

        verdicts = Verdicts() if self._verdicts is None else self._verdicts
        kinds = [(name, verdicts.of(path).kind) for name, path in self._loaded]
        needing = [name for name, kind in kinds if kind == "needs"]
        open_ = [name for name, kind in kinds if kind == "undecided"]
        return needing[0] if needing else open_[0] if len(open_) == 1 else None


def _decides_itself() -> bool:
    """Whether extensions decide over the GIL: neither the build, nor -X gil or PYTHON_GIL, has done so."""
    return getattr(sys.flags, "gil", 1) is None


def warned_of() -> str | None:
    """The module that CPython warned of before anybody listened, from importlib's record of the warnings it gave.

    None where it did not warn (the GIL was off all the time, or a filter kept it silent).
    """
    given = vars(sys.modules["_frozen_importlib"]).get("__warningregistry__", {})
    texts = [str(key[0]) for key in list(given) if isinstance(key, tuple)]
    return next((found[1] for text in texts if (found := _MESSAGE.search(text))), None)
