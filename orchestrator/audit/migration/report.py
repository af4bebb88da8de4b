"""What moving a script would take, as data and as a whole: reads it, and concludes. Nothing of it is run."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from orchestrator.audit.examine import audit_read
from orchestrator.audit.findings import Finding
from orchestrator.audit.migration.adapter import Adapter, adapter_of
from orchestrator.audit.migration.calls import Calls
from orchestrator.audit.migration.extract import Extract
from orchestrator.audit.migration.isolation import isolation, reach_of
from orchestrator.audit.migration.limits import exchanges, feeds_back, limits, unused
from orchestrator.audit.migration.move import Move, move_of
from orchestrator.audit.migration.script import Script, read_script
from orchestrator.audit.migration.workarounds import workarounds
from orchestrator.audit.model import AuditReport
from orchestrator.audit.races.rules import found
from orchestrator.errors import JobError


@dataclass(frozen=True)
class Plan:
    """A script, and what its calls of pools become."""

    script: Script

    @cached_property
    def extract(self) -> Extract:
        """What its functions need."""
        return Extract(self.script)

    @cached_property
    def calls(self) -> Calls:
        """What its pools do."""
        return Calls(self.script)

    @cached_property
    def moves(self) -> list[tuple[Move, Adapter]]:
        """What each call becomes."""
        moves = [move_of(call, self.script, self.extract) for call in self.calls.found]
        return [(move, adapter_of(move, self.script, self.extract)) for move in moves]

    @cached_property
    def inside(self) -> dict[ast.AST, str]:
        """The functions that tasks run, and the task of each."""
        found: dict[ast.AST, str] = {}
        for move, _ in self.moves:
            reach = reach_of(move, self.script)
            found |= dict.fromkeys(reach.found if reach is not None else (), move.callee.text)
        return found

    def open(self, move: Move, adapter: Adapter) -> str:
        """Why a call does not become a job; "" if it does."""
        task = next((self.inside[one] for one in self.script.around(move.call.node) if one in self.inside), "")
        if task:
            return f"it stands inside {task}, which a pool calls"
        if exchanges(move, self.script):
            return "it exchanges messages with other processes"
        if feeds_back(move.call, self.calls, self.script):
            return "it is given results of a pool"
        return adapter.problem


def plan_of(path: Path) -> Plan:
    """Read a script.

    Raises:
        JobError: it cannot be read, or has no pool.
    """
    plan = Plan(read_script(path))
    if not plan.calls.found and not plan.calls.pools:
        names = "multiprocessing, concurrent.futures or joblib"
        own = [name for name in plan.script.module.imports.values() if plan.script.project.find(name) is not None]
        hint = f"If {own[0]} does, audit that file." if own else "Name the file that makes the pool."
        raise JobError(f"nothing in it uses a pool of {names}", where=str(path), hint=hint)
    return plan


def audit_plan(plan: Plan) -> AuditReport:
    """Everything that is to be said of a script, with what it imports."""
    findings = sorted(_findings(plan), key=lambda one: (one.path, one.line, one.rule))
    return audit_read(plan.script.path.name, plan.script.path, _kept(findings, plan.script))


def _findings(plan: Plan) -> Iterator[Finding]:
    moves = [move for move, _ in plan.moves]
    yield from plan.script.source.findings
    for move, adapter in plan.moves:
        yield from _becomes(plan, move, adapter)
        yield from limits(move, plan.calls, plan.script)
    yield from workarounds(moves, plan.script)
    yield from isolation(moves, plan.script)
    yield from unused(plan.calls, plan.script)


def _becomes(plan: Plan, move: Move, adapter: Adapter) -> Iterator[Finding]:
    """The call as a job; or why not."""
    call, place = move.call, (str(plan.script.path), move.call.line)
    problem = plan.open(move, adapter)
    if problem:
        if problem == adapter.problem:
            yield found("FT420", f"{call.api}: {problem}", place)
        return
    line = getattr(move.callee.node, "lineno", 0)
    what = f"{move.callee.text} (line {line})" if line else move.callee.text
    source = _short(plan.script.segment(call.source)) if call.source is not None else ""
    becomes = f"; input is {move.items.told()}" if move.items is not None else ""
    detail = {"api": call.api, "function": move.callee.text, "items": source}
    yield found("FT400", f"{call.api} calls {what} for each of {source}{becomes}", place, detail)
    if move.items is None:
        because = f": {move.simple.unknown}" if move.simple.unknown else ""
        yield found("FT421", f"what {source} holds cannot be told by reading{because}", place)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _kept(findings: Sequence[Finding], script: Script) -> list[Finding]:
    """Each once, without those that a comment accepts."""
    accepted = {
        (module.source.path, line): rules
        for module in script.project.modules.values()
        if module is not None
        for line, rules in module.source.accepted.items()
    }
    once = {(one.rule, one.path, one.line, one.message): one for one in findings}
    return [one for one in once.values() if one.rule not in accepted.get((one.path, one.line), ())]
