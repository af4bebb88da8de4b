"""Records the windows of real sweeps for the tests of predictions: `python -m tests.measure.record`.

Items that wait instead of computing scale beyond the CPUs of the machine that records, so it may be a small one: 1 to 8
threads are what a node with 8 CPUs would measure, and 16 and 32 are what is predicted from that.
"""

import json
import tempfile
from pathlib import Path

from tests.command import Place

RECORDS = Path(__file__).parents[1] / "testdata" / "scaling"
COUNTS = (1, 2, 4, 8, 16, 32)
SOURCE = """
import time

ACTIVE = []

def free(n):
    time.sleep(0.008)
    return n

def contended(n, share=0.05):
    ACTIVE.append(n)
    time.sleep(0.008 * (1 + share * (len(ACTIVE) - 1)))
    ACTIVE.pop()
    return n
"""


def main() -> None:
    """Record all: threads that do not disturb each other, and such that each hold up all others by a twentieth."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    for name in ("free", "contended"):
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder))
            place.job(SOURCE, task=f"./task.py:{name}", input={"range": {"stop": 1_000_000}})
            counts = ",".join(map(str, COUNTS))
            done = place.ftorch("scale", "job.yaml", "--threads", counts, "--repeats", "6", "--seed", "1", "--json")
            windows = done.expect(0).json()["scaling"]["windows"]
        (RECORDS / f"{name}.json").write_text("[\n" + ",\n".join(map(json.dumps, windows)) + "\n]\n")


if __name__ == "__main__":
    main()
