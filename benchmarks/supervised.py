"""`ftorch`, and at its end the supervisor's own peak memory, written to the file that the first argument names."""

import sys
from pathlib import Path

from orchestrator.cli.main import main
from orchestrator.cli.standby import standby_for
from orchestrator.cli.streams import flush_streams, open_streams


def peak_bytes() -> int:
    """The most memory this process had resident (VmHWM of proc_pid_status(5)).

    Not getrusage's ru_maxrss: that begins with what the parent had when it started this process.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").split("\n"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("this kernel tells no VmHWM")


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    open_streams()
    code = main(standby_for(sys.argv[1:]))
    target.write_text(str(peak_bytes()), encoding="ascii")
    flush_streams()
    sys.exit(code)
