"""Which Python runs this, whether its GIL is off, and so whether the job runs on threads or processes."""

import sys
import sysconfig
import time
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from orchestrator.errors import GilError

type Requested = Literal["auto", "threads", "processes"]
type Backend = Literal["threads", "processes"]

# As the `platform` module spells them, whose import takes longer than all else here.
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}

_LOOKS = 5
_BETWEEN = 0.002

HOW_TO_GET_ONE = (
    "Get a free-threaded CPython, 3.14 or newer (`uv python install 3.14t`, or `make setup` in ftorch's "
    "repository, which can build one), or set runtime.free_threading: preferred to run on processes."
)


class InterpreterFacts(Struct, frozen=True):
    """What the running interpreter is.

    `free_threaded` says how it was built, `gil_enabled` how it runs now; `gil_forced` is what ``-X gil`` or
    PYTHON_GIL asked for, None where neither did. `optimised` and `lto` are None where the build does not say.
    """

    version: str
    implementation: str
    executable: str
    platform: str
    compiler: str
    free_threaded: bool
    gil_enabled: bool
    gil_forced: Literal["on", "off"] | None = None
    debug: bool = False
    optimised: bool | None = None
    lto: bool | None = None

    def __str__(self) -> str:
        build = "free-threaded" if self.free_threaded else "GIL"
        return f"{self.implementation} {self.version} ({build} build, {self.executable})"


class BackendDecision(Struct, frozen=True):
    """Threads or processes, the reason, and what a user should know about it."""

    backend: Backend
    reason: str
    warnings: tuple[str, ...] = ()


def interpreter_facts() -> InterpreterFacts:
    """Read the facts of the interpreter this runs in; `gil_enabled` may change with every import."""
    config = sysconfig.get_config_vars()
    return InterpreterFacts(
        version=sys.version.split(maxsplit=1)[0],
        implementation=_IMPLEMENTATIONS.get(sys.implementation.name, sys.implementation.name),
        executable=sys.executable.encode("utf-8", "backslashreplace").decode(),
        platform=sysconfig.get_platform(),
        compiler=sys.version.rpartition("[")[2].rstrip("]"),
        free_threaded=bool(config.get("Py_GIL_DISABLED")),
        gil_enabled=gil_enabled(),
        gil_forced=_forced(getattr(sys.flags, "gil", None)),
        debug=bool(config.get("Py_DEBUG")),
        optimised=_built_with(config, "--enable-optimizations"),
        lto=_built_with(config, "--with-lto"),
    )


def gil_enabled() -> bool:
    """Say whether the GIL is on, and not just while an extension is loaded that declares that it can do without.

    CPython turns it on for as long as any extension is being created. Whoever looks then may have got it first, and
    lets go of it here, so that the load goes on. Where it is off, one look tells.
    """
    undecided = getattr(sys.flags, "gil", 1) is None
    for look in range(_LOOKS if undecided else 1):
        time.sleep(_BETWEEN * look)
        if not sys._is_gil_enabled():  # noqa: SLF001 - the documented name
            return False
    return True


def decide_backend(
    requested: Requested,
    free_threading: Literal["required", "preferred"],
    facts: InterpreterFacts,
    culprit: str | None = None,
) -> BackendDecision:
    """Decide between threads and processes; pure.

    Args:
        requested: ``runtime.backend``.
        free_threading: ``runtime.free_threading``.
        facts: read after the job's imports, for these can turn the GIL on.
        culprit: the extension module that turned it on, where it is known.

    Raises:
        GilError: free-threading is required, and the GIL is on.
    """
    if not facts.gil_enabled:
        return BackendDecision(*_without_gil(requested, facts), warnings=_unsafe(facts))
    cause, hint = _cause(facts, culprit)
    if free_threading == "required":
        message = f"the job requires the GIL off, but {cause}"
        raise GilError(message, where="runtime.free_threading", hint=hint)
    if requested == "threads":
        warning = f"{cause}: Python code of the threads will run one at a time"
        return BackendDecision("threads", "asked for by runtime.backend", (warning,))
    if requested == "processes":
        return BackendDecision("processes", "asked for by runtime.backend")
    return BackendDecision("processes", f"processes, not threads: {cause}")


def _without_gil(requested: Requested, facts: InterpreterFacts) -> tuple[Backend, str]:
    if requested == "auto":
        return "threads", f"the GIL is off: {facts}"
    return requested, "asked for by runtime.backend"


def _unsafe(facts: InterpreterFacts) -> tuple[str, ...]:
    if facts.gil_forced != "off":
        return ()
    forced = "PYTHON_GIL=0 or -X gil=0 keeps the GIL off even for extension modules that need it"
    return (f"{forced}: their results may be wrong, and nothing will say so",)


def _cause(facts: InterpreterFacts, culprit: str | None) -> tuple[str, str]:
    if not facts.free_threaded:
        return f"this Python cannot turn it off: {facts}", HOW_TO_GET_ONE
    if facts.gil_forced == "on":
        return f"PYTHON_GIL=1 or -X gil=1 turned it on: {facts}", "Unset PYTHON_GIL, and leave out -X gil=1."
    if culprit:
        cause = f"importing {culprit} turned the GIL on: {facts}"
        return cause, f"Look for a release of {culprit} made for free-threaded Python, or do without it."
    cause = f"an extension module that the job imports turned the GIL on: {facts}"
    return cause, "`python -v` prints a line with 'requires the GIL' for each module that does so."


def _forced(flag: int | None) -> Literal["on", "off"] | None:
    if flag is None:
        return None
    return "on" if flag else "off"


def _built_with(config: Mapping[str, object], option: str) -> bool | None:
    arguments = config.get("CONFIG_ARGS")
    return option in arguments if isinstance(arguments, str) else None
