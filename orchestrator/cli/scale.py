"""`ftorch scale`: how a job scales with threads, measured on a sample of its input."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import click

from orchestrator.cli.options import job_argument, json_option, load, overrides_option
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of
from orchestrator.engine.scale import Progress, ScaleRequest, measure_scaling
from orchestrator.errors import DONE, RESUMABLE
from orchestrator.host.cpus import MOST_THREADS
from orchestrator.report.sweep import progress_text, scale_text

EPILOG = """\b
Examples:
  ftorch scale job.yaml
  ftorch scale job.yaml --threads 1,2,4 --seconds 0.5 --repeats 8
  ftorch scale job.yaml --limit 1000 --json > curve.json

\b
Nothing is kept: no output is written, and no run is left. Ctrl-C ends it with the curve so far.
"""

_LOG_EVERY = 10.0
_MOST_SEED = 1 << 16


class Counts(click.ParamType[tuple[int, ...]]):
    """Numbers of threads, separated by commas."""

    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """From "1,2,4" to (1, 2, 4)."""
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in value.split(",")]
        if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= MOST_THREADS for word in words):
            self.fail(f"found {value!r}, expected numbers from 1 to {MOST_THREADS} such as 1,2,4", param, ctx)
        return tuple(int(word) for word in words)


@click.command(epilog=EPILOG)
@job_argument()
@click.option(
    "--threads",
    "counts",
    type=Counts(),
    default=(),
    metavar="N,N,…",
    help="These numbers of threads, and 1; by default 1, 2, 4 … to twice what a run would have.",
)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, help="Of a window.")
@click.option("--repeats", type=click.IntRange(2, 1000), default=5, show_default=True, help="Windows of each number.")
@click.option("--seed", type=int, help="The order of the windows; by default one by chance, which is printed.")
@click.option("--limit", type=click.IntRange(1), help="The sample: the first N items.", metavar="N")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@overrides_option
@json_option
def command(
    job: Path,
    counts: tuple[int, ...],
    seconds: float,
    repeats: int,
    seed: int | None,
    limit: int | None,
    quiet: bool,
    overrides: tuple[str, ...],
    as_json: bool,
) -> int:
    """Measure how JOB scales with threads: windows of 1, 2, 4 … of them in a random order, on its own items."""
    job_file, spec = load(job, overrides)
    seed = random.randrange(_MOST_SEED) if seed is None else seed
    request = ScaleRequest(spec, job_file, counts, seconds, repeats, seed, limit)
    with _shown(quiet) as show:
        report = measure_scaling(request, show)
    if as_json:
        print_json(report)
    else:
        say(scale_text(report, width_of(sys.stdout)).rstrip("\n"))
    return DONE if report.complete else RESUMABLE


def _shown(quiet: bool) -> AbstractContextManager[Callable[[Progress], None]]:
    """What shows progress here: a live line on a terminal, log lines elsewhere, nothing when quiet."""
    if quiet:
        return nullcontext(lambda _: None)
    return _live_line() if sys.stderr.isatty() else nullcontext(_log_lines())


@contextmanager
def _live_line() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live("", console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(Text(progress_text(progress), no_wrap=True), refresh=True)


def _log_lines() -> Callable[[Progress], None]:
    from orchestrator.cli.log import JsonLog

    log, due = JsonLog(), 0.0

    def show(progress: Progress) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due or progress.done in (1, progress.total):
            due = now + _LOG_EVERY
            window = None if progress.last is None else progress.last.window
            log.info(
                "measuring",
                windows=progress.done,
                total_windows=progress.total,
                threads=None if window is None else window.threads,
                items_per_second=None if window is None else round(window.items_per_second, 1),
                seconds_left=round(progress.seconds_left, 1),
            )

    return show
