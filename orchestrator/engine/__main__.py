"""The worker process's first lines: `python -m orchestrator.engine FD`.

Imports leave nothing for the garbage collector, and its looks at them would cost a short job a twentieth of its time;
it is as ever when the task is imported.
"""

import gc
import os
import sys


def run() -> None:
    """Import the worker, and be it."""
    gc.disable()
    from orchestrator.engine.worker import main

    gc.enable()
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that did not stop in time must not hold the process up.
    os._exit(code)


if __name__ == "__main__":
    run()
