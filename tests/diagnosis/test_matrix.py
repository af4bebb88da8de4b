"""Each cause provoked by a real run, and each healthy twin: the confusion matrix of the diagnosis."""

import importlib.util
from pathlib import Path

import pytest

from tests.diagnosis.jobs import CPUS, PAIRS, Pair
from tests.diagnosis.running import causes, judged

LEAST_RIGHT = 0.9
LEAST_JUDGED = 0.5
HEALTHY = "healthy"


def found_in(folder: Path, pair: Pair, kind: str) -> str:
    """What is found first in a run; in brackets, why nothing could be."""
    if "numpy" in pair.sick.source and importlib.util.find_spec("numpy") is None:
        return "(no numpy)"
    wanted = pair.sick if kind == "sick" else pair.healthy
    try:
        found = judged(folder, wanted, pair.cause)
    except pytest.skip.Exception as lack:
        return f"({lack})"
    named = causes(found)
    if "neighbours" in named and not wanted.hogs:
        return "(the machine is busy)"
    return next(iter(named), "(too short)" if found.lost is None else HEALTHY)


def matrix(rows: list[tuple[str, str]]) -> str:
    """The matrix as text: what was to be found, downwards, and what was found."""
    wanted = sorted({row[0] for row in rows})
    columns = sorted({row[1] for row in rows})
    lines = [" " * 12 + "".join(f"{column[:11]:>12}" for column in columns)]
    for name in wanted:
        counts = (sum(row == (name, column) for row in rows) for column in columns)
        lines.append(f"{name:<12}" + "".join(f"{count or '.':>12}" for count in counts))
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(CPUS < 2, reason="threads that share one CPU lose nothing to each other")
def test_the_confusion_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """At least nine in ten causes are found in the runs that have them, and no healthy run has any."""
    rows, mistakes = [], []
    for pair in PAIRS:
        for kind, wanted in (("sick", pair.cause), ("healthy", HEALTHY)):
            found = found_in(tmp_path / pair.file / kind, pair, kind)
            rows.append((wanted, found))
            if found not in (wanted, "") and not found.startswith("("):
                mistakes.append((pair.name, kind, found))
    with capsys.disabled():
        print(f"\n{matrix(rows)}\n")  # noqa: T201 - it is what the test is for
    told = [row for row in rows if not row[1].startswith("(")]
    if len(told) < LEAST_JUDGED * len(rows):
        pytest.skip(f"only {len(told)} of {len(rows)} runs could be judged here")
    assert [row for row in told if row[0] == HEALTHY and row[1] != HEALTHY] == [], mistakes
    assert sum(wanted == found for wanted, found in told) >= LEAST_RIGHT * len(told), mistakes
