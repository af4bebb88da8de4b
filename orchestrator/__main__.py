"""The program's first lines, `ftorch` and `python -m orchestrator`: they start a worker, and keep Ctrl-C quiet.

Until :mod:`orchestrator.cli.signals` listens, nothing is begun, so a signal ends the process at once, as the system
does it. A SIGINT that the caller has ignored (a shell's background job) stays ignored.
"""

import gc
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# With Python's own 2,000, imports alone would have the collector look at everything a dozen times, in vain.
_CONTAINERS = 50_000

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run() -> NoReturn:
    """Import the command line while the worker, if it needs one, imports its own; and run it."""
    from orchestrator.cli.standby import standby_for
    from orchestrator.cli.streams import flush_streams, open_streams

    gc.set_threshold(_CONTAINERS)
    open_streams()
    standby = standby_for(sys.argv[1:])
    from orchestrator.cli.main import main

    code = main(standby)
    flush_streams()
    # Taking the interpreter down piece by piece would cost a one-item job a tenth of its time.
    os._exit(code)


if __name__ == "__main__":
    run()
