"""The program's first lines, `ftorch` and `python -m orchestrator`: from here on, Ctrl-C ends it without a traceback.

Until :mod:`orchestrator.cli.signals` listens, nothing is begun, so a signal ends the process at once, as the system does
it. A SIGINT that the caller has ignored (a shell's background job) stays ignored.
"""

import signal
from typing import NoReturn

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run() -> NoReturn:
    """Import the command line, and run it."""
    from orchestrator.cli.main import main

    main()


if __name__ == "__main__":
    run()
