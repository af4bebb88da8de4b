"""Records what each synthetic job's run measured, for the tests of the rules: `python -m tests.diagnosis.record`.

It is to be run on a quiet machine with two CPUs or more. What cannot be recorded there (no cgroup, a busy machine) is
said, and its old record is kept.
"""

import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from tests.diagnosis.jobs import PAIRS
from tests.diagnosis.running import causes, judged

RECORDS = Path(__file__).parents[1] / "testdata" / "diagnosis"


def main() -> None:
    """Record all."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    for pair in PAIRS:
        for kind, wanted in (("sick", pair.sick), ("healthy", pair.healthy)):
            name = f"{pair.file}.{kind}.json"
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = judged(Path(folder), wanted, pair.cause)
                except pytest.skip.Exception as lack:
                    sys.stdout.write(f"{name}: not recorded: {lack}\n")
                    continue
            sys.stdout.write(f"{name}: {', '.join(causes(found)) or 'healthy'}\n")
            record = {"cause": pair.cause, "kind": kind, "alone": found.alone, "control": found.control}
            data = msgspec.json.encode({**record, "account": found.account})
            (RECORDS / name).write_bytes(msgspec.json.format(data, indent=1) + b"\n")


if __name__ == "__main__":
    main()
