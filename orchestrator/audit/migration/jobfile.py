"""The text of job.yaml: the input where reading could tell it, and places to fill where not."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.audit.migration.adapter import Adapter
from orchestrator.audit.migration.code import flow
from orchestrator.audit.migration.move import Move
from orchestrator.audit.migration.script import Script
from orchestrator.spec.rules_name import as_name
from orchestrator.spec.template import quoted_name

FILL = "FILL IN"


def job_text(move: Move, adapter: Adapter, script: Script, folder: Path) -> str:
    """Job.yaml, for a job in that folder. The script's paths count from the current folder."""
    return "\n".join(_lines(move, adapter, script, folder)) + "\n"


def _lines(move: Move, adapter: Adapter, script: Script, folder: Path) -> Iterator[str]:
    place = f"{script.path.name}:{move.call.line}"
    yield f"# What {place} does with {move.call.api}, as a job."
    yield "#"
    yield "#   ftorch plan job.yaml        what would be done: items, threads and why, what would be written"
    yield "#   ftorch submit job.yaml      do it; after an interruption, add --resume"
    yield ""
    yield "apiVersion: ftorch/v1"
    yield "kind: Job"
    yield f"name: {quoted_name(_name(script))}"
    yield f"task: ./task.py:{adapter.reference}"
    yield from _arguments(adapter, script)
    yield ""
    yield from _input(move, script, folder)
    yield ""
    yield "output:"
    yield '  path: out/results.jsonl     # {"key": …, "result": …} for each item, in the order of the input'
    yield ""
    yield "retry: {attempts: 1}          # as a pool does; more, if it does no harm to do an item again"
    if move.call.pool.kind == "threads":
        yield "resources: {profile: mixed}   # a thread pool often waits: more threads are tried, and kept if that pays"


def _name(script: Script) -> str:
    return as_name(script.path.stem) or "job"


def _arguments(adapter: Adapter, script: Script) -> Iterator[str]:
    if adapter.arguments or adapter.fills:
        yield "with:" if adapter.arguments else "# with:"
    for name, value in adapter.arguments.items():
        yield f"  {quoted_name(name)}: {flow(value)}"
    for fill in adapter.fills:
        yield f"#   {fill.name}: {FILL}            {fill.text}, at {script.path.name}:{fill.line}"


def _input(move: Move, script: Script, folder: Path) -> Iterator[str]:
    items = move.items
    if items is None:
        source = move.call.source
        what = " ".join(ast.unparse(source).split()) if source is not None else "its loop"
        what = what if len(what) <= 60 else f"{what[:57]}…"
        yield f"# {FILL}: the items, which {script.path.name}:{move.call.line} has from `{what}`."
        yield "# Have it write them to a file, one JSON value a line, and name that: {jsonl: {path: items.jsonl}}"
        yield "input: FILL_IN"
        return
    if items.remark:
        yield f"# {items.remark}"
    fields = dict(items.fields)
    if items.path:
        way = items.path if os.path.isabs(items.path) else os.path.relpath(items.path, folder)
        fields = items.place(way) | fields
    yield "input:"
    yield f"  {items.kind}: {flow(fields)}"
