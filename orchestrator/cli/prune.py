"""`ftorch prune`: old runs and comparisons are removed."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

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
    """What became of a run or a kept comparison, for scripts.

    Attributes:
        kind: which of the two it is.
        run: its name; folder: where it is, of a comparison its file.
        nbytes: None where it stayed, and for runs in a bucket.
    """

    kind: Literal["run", "comparison"]
    run: str
    folder: str
    state: str
    created: float
    removed: bool
    reason: str
    nbytes: int | None


class _Found(Struct, frozen=True):
    """What may go, and how."""

    kind: Literal["run", "comparison"]
    candidate: Candidate
    size: Callable[[], int | None]
    remove: Callable[[], None]


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
    collect. A run that a process of this machine works on stays whatever is asked. What `ftorch compare` kept in FOLDER
    goes by the same rules: the newest N comparisons of each job stay.
    """
    folder, keep, older = asked["folder"], asked["keep"], asked["older"]
    if keep is None and older is None:
        raise click.UsageError("say what may go: --keep N, --older AGE, or both")
    before = None if older is None else time.time() - older.seconds
    rule = Rule(keep, before, asked["unfinished"])
    removals, kept = [], Counter[tuple[str, str]]()
    for found in (_runs(folder, sweep=not asked["dry_run"]), _comparisons(folder)):
        for one, choice in zip(found, choose([one.candidate for one in found], rule), strict=True):
            removals.append(_done(one, choice, **asked))
            if not choice.remove:
                kept[one.kind, choice.reason] += 1
    if asked["as_json"]:
        print_json(removals)
        return
    for (kind, reason), many in kept.items():
        say(f"kept {count(many, kind)}: {reason}")
    if not removals:
        say("no runs")


def _runs(folder: Path | str, sweep: bool) -> list[_Found]:
    if isinstance(folder, str):
        return [_run(*pair) for pair in list_runs_below(folder)]
    if not folder.exists():
        raise RunNotFound("there is no such folder", where=str(folder))
    base = _base(folder)
    if sweep:
        sweep_removed(runs_folder(base))
    return [_run(*pair) for pair in list_runs(base)]


def _base(folder: Path) -> Path:
    return folder.parent if folder.is_file() else folder


def _run(store: Store, manifest: Manifest) -> _Found:
    try:
        job = manifest.spec.name
    except FtorchError:
        job = manifest.id.rsplit("-", 3)[0]
    candidate = Candidate(manifest.id, store.url, job, status_of(store, manifest).state, manifest.created)
    return _Found("run", candidate, partial(size_of, store), partial(remove_run, store))


def _comparisons(folder: Path | str) -> list[_Found]:
    """The comparisons that are kept beside the jobs; a bucket has none."""
    from orchestrator.report.comparisons import kept_comparisons

    if isinstance(folder, str):
        return []
    found = []
    for path, one in kept_comparisons(_base(folder)):
        candidate = Candidate(path.stem, str(path), one.job, "done", one.created or path.stat().st_mtime)
        found.append(_Found("comparison", candidate, partial(_nbytes, path), partial(path.unlink, missing_ok=True)))
    return found


def _nbytes(path: Path) -> int:
    return path.stat().st_size


def _done(one: _Found, choice: Choice, dry_run: bool, as_json: bool, **_: object) -> Removal:
    """Remove it if it is to go, and say so."""
    nbytes = one.size() if choice.remove else None
    if choice.remove and not dry_run:
        one.remove()
    candidate = one.candidate
    if choice.remove and not as_json:
        told = "" if nbytes is None else f" ({size(nbytes)})"
        what = "" if one.kind == "run" else f"{one.kind} "
        say(f"{'would remove' if dry_run else 'removed'} {what}{candidate.run}{told}")
    about = (candidate.run, candidate.folder, candidate.state, candidate.created)
    return Removal(one.kind, *about, choice.remove and not dry_run, choice.reason, nbytes)
