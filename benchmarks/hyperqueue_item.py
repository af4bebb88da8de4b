"""What HyperQueue starts: `RESULTS START STOP [--work N | --fault NAME --bad N]`: does items, adds results to a file.

It imports what an item needs, and nothing else: most of its time is how long a Python takes to start.
"""

import os
import sys

results, start, stop, kind, *words = sys.argv[1:]
if kind == "--work":
    from benchmarks.work import task

    call = task(int(words[0]))
else:
    from functools import partial

    from benchmarks.faultyitem import work

    call = partial(work, words[0], int(words[1]))
found = "".join([f"{call(item)}\n" for item in range(int(start), int(stop))])
# One write: what others add at the same time stays apart from it.
out = os.open(results, os.O_WRONLY | os.O_APPEND)
os.write(out, found.encode("ascii"))
os.close(out)
