"""`ftorch prune`: old runs are removed."""

import time
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from orchestrator.cli.options import json_option
from orchestrator.cli.runs import status_of
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say
from orchestrator.errors import FtorchError, RunNotFound
from orchestrator.report.words import count, size
from orchestrator.run.folder import Manifest, list_runs, list_runs_below, runs_folder
from orchestrator.run.pruning import Candidate, Choice, Rule, choose
from orchestrator.run.removing import remove_run, size_of, sweep_removed
from orchestrator.spec.units import Duration
from orchestrator.store.base import Store
from orchestrator.store.open import whereabouts

EPILOG = """\b
Examples:
  ftorch prune --keep 7
  ftorch prune jobs/hashing --older 30d --dry-run
  ftorch prune s3://bucket/runs --keep 2 --older 1d --json
"""


class Removal(Struct, frozen=True):
    """What became of a run, for scripts; `nbytes` is None where it stayed, and for runs in a bucket."""

    run: str
    folder: str
    state: str
    created: float
    removed: bool
    reason: str
    nbytes: int | None


class _Age(click.ParamType[Duration]):
    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Duration:
        try:
            return Duration.parse(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


@click.command(epilog=EPILOG)
@click.argument("folder", type=whereabouts, default=".")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N finished runs of each job.")
@click.option("--older", type=_Age(), metavar="AGE", help="Remove only what began longer ago: 12h, 30d.")
@click.option("--unfinished", is_flag=True, help="Also runs that stopped on the way, which could still go on.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def command(**asked: Any) -> None:
    """Remove finished runs of the jobs in FOLDER (this folder, if none is named), or below a URL.

    Outputs stay; what goes is a run's plan, ledger, parts and report, and with them --resume, --retry-failed and
    collect. A run that a process of this machine works on stays whatever is asked.
    """
    folder, keep, older = asked["folder"], asked["keep"], asked["older"]
    if keep is None and older is None:
        raise click.UsageError("say what may go: --keep N, --older AGE, or both")
    before = None if older is None else time.time() - older.seconds
    runs = _runs(folder, sweep=not asked["dry_run"])
    candidates = [_candidate(store, manifest) for store, manifest in runs]
    choices = choose(candidates, Rule(keep, before, asked["unfinished"]))
    removals = []
    for (store, _), choice in zip(runs, choices, strict=True):
        nbytes = size_of(store) if choice.remove else None
        if choice.remove and not asked["dry_run"]:
            remove_run(store)
        removals.append(_removal(choice, nbytes, done=not asked["dry_run"]))
        if choice.remove and not asked["as_json"]:
            told = "" if nbytes is None else f" ({size(nbytes)})"
            say(f"{'would remove' if asked['dry_run'] else 'removed'} {choice.candidate.run}{told}")
    _conclude(removals, choices, asked["as_json"])


def _runs(folder: Path | str, sweep: bool) -> list[tuple[Store, Manifest]]:
    if isinstance(folder, str):
        return list_runs_below(folder)
    if not folder.exists():
        raise RunNotFound("there is no such folder", where=str(folder))
    base = folder.parent if folder.is_file() else folder
    if sweep:
        sweep_removed(runs_folder(base))
    return [*list_runs(base)]


def _candidate(store: Store, manifest: Manifest) -> Candidate:
    try:
        job = manifest.spec.name
    except FtorchError:
        job = manifest.id.rsplit("-", 3)[0]
    return Candidate(manifest.id, store.url, job, status_of(store, manifest).state, manifest.created)


def _removal(choice: Choice, nbytes: int | None, done: bool) -> Removal:
    one = choice.candidate
    return Removal(one.run, one.folder, one.state, one.created, choice.remove and done, choice.reason, nbytes)


def _conclude(removals: list[Removal], choices: list[Choice], as_json: bool) -> None:
    if as_json:
        print_json(removals)
        return
    kept: dict[str, int] = {}
    for choice in choices:
        if not choice.remove:
            kept[choice.reason] = kept.get(choice.reason, 0) + 1
    for reason, runs in kept.items():
        say(f"kept {count(runs, 'run')}: {reason}")
    if not choices:
        say("no runs")
