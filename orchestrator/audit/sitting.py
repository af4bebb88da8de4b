"""One process that imports targets, one after the other, and what it told until it ended, however it did.

Guarantees: nothing of it is left running. Assumes: it may be killed at any moment.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

import msgspec

from orchestrator.audit.observed import LoadedExtension, Outcome, Target

CHILD = "orchestrator.audit.loading"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
_PATIENCE = 5.0
_BLOCK = 1 << 16
_MOST_PRINTED = 400
# 3.15 says of the first one, which turns the GIL on, only the second.
_REQUIRES = re.compile(
    rb"# loading module '([^']+)', which requires the GIL|\(GIL\) has been enabled to load module '([^']+)'"
)
_HUNG = b"Timeout ("
_PLACE = re.compile(rb'File "([^"]+)", line (\d+) in (\S+)')


class Sitting:
    """What a process has told.

    Attributes:
        exact: whether it reads the modules' own fields; None if it never said.
        extensions, outcomes: what it loaded, and what became of the targets, as far as it came.
    """

    def __init__(self, targets: Sequence[Target], limit: float, verbose: bool) -> None:
        self.exact: bool | None = None
        self.extensions: list[LoadedExtension] = []
        self.outcomes: list[Outcome] = []
        self._targets = targets
        self._limit = limit
        self._verbose = verbose
        self._began = time.monotonic()
        self._at = 0
        self._creating = ""
        self._processes: list[str] = []
        self._over = False

    @property
    def wants_verbose(self) -> bool:
        """Whether it gave up at once, since it does not know where the field is."""
        return self.exact is False and FREE_THREADED and not self._verbose

    def run(self, paths: Sequence[str]) -> None:
        """Start the process, hear it out, and end it."""
        request = {
            "targets": [(target.kind, target.name, target.place) for target in self._targets],
            "limit": self._limit,
            "paths": list(paths),
            "verbose": self._verbose,
        }
        reading, writing = os.pipe()
        with tempfile.TemporaryFile() as printed, open(reading, "rb", buffering=0) as events:
            try:
                process = _start(writing, printed, self._verbose)
            finally:
                os.close(writing)
            try:
                assert process.stdin is not None
                with suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(json.dumps(request).encode())
                self._listen(events, printed)
            finally:
                code = _end(process)
            self._conclude(code, printed)

    def _listen(self, events: IO[bytes], printed: IO[bytes]) -> None:
        """Hear events until the last one or the pipe's end; when a target's time is over, the process ends itself."""
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(events, selectors.EVENT_READ)
            while not self._over and selector.select(self._limit + _PATIENCE):
                more = events.read(_BLOCK)
                if not more:
                    return
                *lines, pending = (pending + more).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line), printed)

    def _hear(self, event: dict[str, Any], printed: IO[bytes]) -> None:
        match event["event"]:
            case "hello":
                self.exact = event["field"]
            case "begin":
                self._began, self._at, self._creating, self._processes = time.monotonic(), event["printed"], "", []
            case "creating":
                self._creating = event["name"]
            case "extension":
                self._creating = ""
                facts = {key: event[key] for key in ("name", "path", "declared", "chain")}
                self.extensions.append(msgspec.convert(facts, LoadedExtension))
            case "process":
                self._processes.append(event["what"])
            case "end":
                self.outcomes.append(self._outcome(event, _slice(printed, self._at, event["printed"])))
            case "bye":
                self._over = True

    def _outcome(self, event: dict[str, Any], printed: bytes) -> Outcome:
        return Outcome(
            target=self._targets[len(self.outcomes)],
            seconds=event["seconds"],
            error=event["error"],
            processes=tuple(dict.fromkeys(self._processes)),
            printed="" if self._verbose else printed.decode("utf-8", "replace")[:_MOST_PRINTED],
        )

    def _conclude(self, code: int, printed: IO[bytes]) -> None:
        """Note what the process's end means for the target it was at."""
        if self._verbose and FREE_THREADED:
            found = _REQUIRES.finditer(_slice(printed, 0, None))
            needing = {(match[1] or match[2]).decode() for match in found}
            self.extensions = [
                msgspec.structs.replace(one, declared=one.name not in needing) for one in self.extensions
            ]
        if self._over or self.wants_verbose:
            return
        told = _slice(printed, self._at, None)
        ended, error = _how_it_ended(code, told, self._limit)
        seconds = time.monotonic() - self._began
        target = self._targets[len(self.outcomes)]
        self.outcomes.append(
            Outcome(target, seconds, error, ended, self._creating, tuple(dict.fromkeys(self._processes)))
        )


def _start(writing: int, printed: IO[bytes], verbose: bool) -> subprocess.Popen[bytes]:
    options = ["-v"] if verbose else ["-X", "gil=0"] if FREE_THREADED else []
    return subprocess.Popen(
        [sys.executable, *options, "-P", "-m", CHILD, str(writing)],
        stdin=subprocess.PIPE,
        stdout=printed,
        stderr=printed,
        pass_fds=[writing],
        env={key: value for key, value in os.environ.items() if key != "PYTHON_GIL"},
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> int:
    """Have the process, which has closed its pipe or is to be ended, and all that it started end; its exit code."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _slice(file: IO[bytes], start: int, end: int | None) -> bytes:
    # The child shares the file's position: pread leaves it where it is.
    size = os.fstat(file.fileno()).st_size if end is None else end
    return os.pread(file.fileno(), max(0, size - start), start)


def _how_it_ended(code: int, told: bytes, limit: float) -> tuple[Any, str]:
    if _HUNG in told or code == -signal.SIGKILL:
        places = [match for match in _PLACE.finditer(told[max(0, told.find(_HUNG)) :]) if not match[1].startswith(b"<")]
        at = "" if not places else f"; it was at {places[0][1].decode()}:{int(places[0][2])} ({places[0][3].decode()})"
        return "hang", f"it did not end within {limit:g} s{at}"
    if code < 0:
        return "crash", f"it died of {signal.Signals(-code).name}"
    return "exit", f"it ended the process with exit code {code}"
