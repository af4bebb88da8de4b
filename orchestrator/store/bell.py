"""What a lane sleeps on while other threads of this process move its bytes."""

import os
import select

_PATIENCE_MS = 500


class Bell:
    """Something to sleep on, of one thread; others ring it.

    A pipe, not a lock: who looks at the thread sees that it waits for data, and not for another thread's lock.
    """

    def __init__(self) -> None:
        self._hears, self._rings = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._hears, select.POLLIN)

    def ring(self) -> None:
        """Wake the thread, now or when it goes to sleep."""
        os.write(self._rings, b"!")

    def sleep(self) -> None:
        """Sleep until it rings; not for ever, as an exception that is to end the thread arrives between two sleeps."""
        if self._poll.poll(_PATIENCE_MS):
            os.read(self._hears, 1)

    def __del__(self) -> None:
        """Close it: nobody is left who could ring."""
        os.close(self._hears)
        os.close(self._rings)
