"""A worker on standby: started before the command line is read, because its imports take as long as all the rest."""

import os

from orchestrator.engine.spawn import Spawned, spawn

_NOT_A_RUN = ("--help", "-h", "--dry-run")


class Standby:
    """Holds a worker until a command takes it."""

    def __init__(self, spawned: Spawned | None) -> None:
        self._spawned = spawned

    def take(self) -> Spawned:
        """The worker, the caller's from now on; a new one where none is there."""
        spawned, self._spawned = self._spawned, None
        return spawn() if spawned is None else spawned

    def release(self) -> None:
        """End the worker, if nobody took it."""
        if self._spawned is not None:
            self.take().discard()


def standby_for(arguments: list[str]) -> Standby:
    """A worker on standby if the arguments look like a run; a mistake in them only ends it again."""
    runs = arguments[:1] == ["submit"] and not any(word in arguments for word in _NOT_A_RUN)
    return Standby(spawn() if runs and "_FTORCH_COMPLETE" not in os.environ else None)
