"""Runs a synthetic job with the command, in a process of its own, and gives what its report says was lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.engine.diagnosing import control_growth
from orchestrator.measure.budget import split
from orchestrator.measure.diagnosis import SHORTEST_SECONDS, Diagnosis, diagnose
from tests.cgroup_fixture import limited_cgroup
from tests.command import Place, finish
from tests.diagnosis.jobs import SCALE, Run

_SPIN = "while True: pass"
_MOST_RUNS = 5


def judged(folder: Path, wanted: Run, cause: str) -> Diagnosis:
    """The diagnosis of a run that can be judged: again with more items if it was too short, again if others disturbed.

    Other processes are no disturbance where they are the cause that is wanted. What the last run said is given if none
    was undisturbed.
    """
    for number in range(_MOST_RUNS):
        place = Place(folder / str(number))
        place.path.mkdir(parents=True)
        diagnosis = report_of(place, wanted)
        if cause == "sharing":
            diagnosis = _with_reference(place, wanted, diagnosis)
        if diagnosis.account.seconds < 1.2 * SHORTEST_SECONDS:
            wanted = replace(wanted, items=2 * wanted.items, lines=2 * wanted.lines)
        elif (cause == "neighbours" and wanted.hogs) or "neighbours" not in causes(diagnosis):
            break
    return diagnosis


def causes(diagnosis: Diagnosis) -> list[str]:
    """The causes found, the costliest first."""
    return [finding.cause for finding in diagnosis.findings]


def report_of(place: Place, wanted: Run) -> Diagnosis:
    """Submit the job; the diagnosis of its node."""
    source: dict[str, Any] = {"range": {"stop": wanted.items * SCALE}}
    if wanted.lines:
        place.write("lines.txt", "".join(f"{n:060d}\n" for n in range(wanted.lines * SCALE)))
        source = {"lines": {"path": "lines.txt"}}
    place.job(wanted.text, input=source, output={"path": "out.jsonl", "overwrite": True}, **wanted.fields)
    with ExitStack() as stack:
        prefix: list[str] = []
        if wanted.quota is not None:
            prefix = stack.enter_context(limited_cgroup(wanted.quota)).command([])
        stack.enter_context(hogs(wanted.hogs))
        arguments = ("submit", "job.yaml", "--json", *wanted.options)
        done = finish(place.popen(*arguments, prefix=prefix, env=dict(wanted.env))).expect(0)
    return msgspec.convert(done.json()["nodes"][-1]["diagnosis"], Diagnosis)


def _with_reference(place: Place, wanted: Run, diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis again, with what an item takes when one thread does a part of them."""
    if diagnosis.alone is not None:
        return diagnosis
    few = replace(wanted, items=max(1000, wanted.items // 6), options=("--threads", "1"))
    account = report_of(place, few).account
    budget = split(account)
    alone = (budget.run + budget.native) / account.items
    return diagnose(diagnosis.account, alone, control_growth(len(diagnosis.account.lanes)))


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """So many processes that take all the CPU time they get."""
    running = [subprocess.Popen([sys.executable, "-S", "-c", _SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
