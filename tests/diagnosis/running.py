"""Runs a synthetic job with the command, in a process of its own, and gives what its report says was lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from orchestrator.engine.diagnosing import control_growth
from orchestrator.measure.budget import split
from orchestrator.measure.diagnosis import Diagnosis, diagnose
from tests.cgroup_fixture import limited_cgroup
from tests.command import Place, finish
from tests.diagnosis.jobs import Run

_SPIN = "while True: pass"


def run(place: Place, wanted: Run) -> Diagnosis:
    """Submit the job; the diagnosis of its node."""
    source: dict[str, object] = {"range": {"stop": wanted.items}}
    if wanted.lines:
        place.write("lines.txt", "".join(f"{n:060d}\n" for n in range(wanted.lines)))
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


def with_reference(place: Place, wanted: Run, diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis again, with what an item takes when one thread does a part of them."""
    account = diagnosis.account
    if diagnosis.alone is not None:
        return diagnosis
    few = max(400, wanted.items // 4)
    reference = run(place, msgspec.structs.replace(wanted) if False else _alone(wanted, few))
    budget = split(reference.account)
    alone = (budget.run + budget.native) / reference.account.items
    return diagnose(account, alone, control_growth(len(account.lanes)))


def _alone(wanted: Run, items: int) -> Run:
    from dataclasses import replace

    return replace(wanted, items=items, options=("--threads", "1"), constants={**wanted.constants, "LAST": -1})


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
