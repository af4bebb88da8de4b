"""Rounds, medians, ratios, the table that is printed and the file that is kept: what all benchmarks share.

Guarantees: contestants take turns (A B C, A B C, …), so that a slow minute of the machine meets all of them; a ratio is
taken within a round. Assumes: one benchmark at a time. How quiet the machine was is measured and kept with the figures.
"""

import compileall
import json
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import commit, machine, watched

RESULTS = Path(__file__).parent / "results"
QUIET = 0.1
"""So many CPUs may be used by others, or stolen, in a run whose times mean something."""

type Sample = Mapping[str, float]
type Samples = dict[str, list[Sample]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line of a benchmark says.

    Attributes:
        quick: a smoke run: tiny input, one round, nothing kept.
        rounds: how many turns each contestant has.
        scratch: a folder that is removed afterwards.
        asked: everything it says, what the benchmark's own `arguments` added among it.
    """

    quick: bool
    rounds: int
    scratch: Path
    asked: Namespace = field(default_factory=Namespace)


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that is measured: its name, and what runs it once."""

    name: str
    run: Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the result.

    Attributes:
        what, unit: what was found, and in what unit.
        found: its median, least and most over the rounds.
        target: what it should be ("<= 0.8"), None where it only informs.
    """

    what: str
    unit: str
    found: Spread
    target: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the median keeps to the target."""
        if self.target is None:
            return None
        relation, limit = self.target.split()
        return self.found.median <= float(limit) if relation == "<=" else self.found.median >= float(limit)


@dataclass(slots=True)
class Results:
    """What a benchmark found, as plain data; `judged` says whether its figures can be held to their targets."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    samples: Samples = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    judged: bool = True

    def add(self, what: str, unit: str, values: Sequence[float], target: str | None = None) -> None:
        """Add a figure from its values, one a round."""
        self.figures.append(Figure(what, unit, Spread.of(values), target))


def interleave(contestants: Sequence[Contestant], rounds: int) -> Samples:
    """Let the contestants take turns; their samples, in the order of the rounds."""
    samples: Samples = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        for contestant in contestants:
            _say(f"round {number + 1}/{rounds}: {contestant.name}")
            samples[contestant.name].append(contestant.run())
    _say("")
    return samples


def column(samples: Samples, name: str, figure: str) -> list[float]:
    """One figure of one contestant, round by round."""
    return [sample[figure] for sample in samples[name]]


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The quotients of two columns, within each round."""
    return [one / other for one, other in zip(above, below, strict=True)]


def best_of(columns: Mapping[str, Sequence[float]]) -> str:
    """The name of the column with the least median.

    Not the least of each round: of several noisy peers, one is always lucky, and no peer could keep up with that.
    """
    return min(columns, key=lambda name: statistics.median(columns[name]))


def quickest[T](candidates: Sequence[T], seconds: Callable[[T], float]) -> T:
    """The candidate that takes the least time, each tried once: how a peer's chunk size is tuned."""
    taken: dict[T, float] = {}
    for candidate in candidates:
        _say(f"tuning: {candidate}")
        taken[candidate] = seconds(candidate)
    return min(candidates, key=lambda candidate: taken[candidate])


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark: its name, how many rounds it has unless told, and what it does.

    Attributes:
        timed: its figures are times, so it is judged and kept only where the machine was quiet.
        arguments: adds its own options; with `--only WORD …` it is kept in a file of its own.
    """

    name: str
    rounds: int
    body: Callable[[Options, Results], None]
    timed: bool = True
    arguments: Callable[[ArgumentParser], object] | None = None


def run_benchmark(benchmark: Benchmark, arguments: Sequence[str]) -> Results:
    """Parse the options, run the benchmark in a scratch folder, print its table and keep its results.

    Those of a smoke run, or of times on a machine that others used, are kept only where `--out` says so.
    """
    parsed = _parse(benchmark, arguments)
    for package in ("orchestrator", "jobs", "benchmarks"):
        # As installing does: no contestant is to pay for compiling what it imports.
        compileall.compile_dir(RESULTS.parents[1] / package, quiet=2)
    results = Results(benchmark.name)
    with tempfile.TemporaryDirectory(prefix="ftorch-bench-", dir=parsed.scratch) as scratch, watched() as quiet:
        rounds = parsed.rounds or (1 if parsed.quick else benchmark.rounds)
        benchmark.body(Options(parsed.quick, rounds, Path(scratch), parsed), results)
    disturbed = quiet["others"] + quiet["steal"]
    results.judged = not parsed.quick and not (benchmark.timed and disturbed > QUIET)
    if parsed.quick:
        results.notes.append("a smoke run: too small to mean anything")
    elif not results.judged:
        results.notes.append(f"not judged: others used {disturbed:.2f} CPUs meanwhile, more than {QUIET}")
    told = "  of {cpus} CPUs others used {others:.2f} meanwhile; {steal:.2f} were stolen; it took {seconds:.0f} s"
    print(table(results), told.format(**quiet), sep="\n")
    name = "-".join([benchmark.name, *(getattr(parsed, "only", None) or ())])
    out = parsed.out or (RESULTS / f"{name}.json" if results.judged else None)
    if out is not None:
        _keep(results, out, quiet)
    return results


def _parse(benchmark: Benchmark, arguments: Sequence[str]) -> Namespace:
    name = benchmark.name
    parser = ArgumentParser(prog=f"benchmarks.{name}", description=sys.modules[benchmark.body.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: tiny input, one round, nothing kept")
    parser.add_argument("--rounds", type=int, help=f"turns of each contestant, {benchmark.rounds} unless told")
    parser.add_argument("--scratch", type=Path, help="where files are made (and removed); $TMPDIR unless told")
    parser.add_argument("--out", type=Path, help=f"the file for the results, results/{name}.json unless told")
    if benchmark.arguments is not None:
        benchmark.arguments(parser)
    return parser.parse_args(arguments)


def table(results: Results) -> str:
    """The figures, one a line: median, least to most, and where they can be judged, whether the target is met."""
    width = max(len(figure.what) for figure in results.figures)
    lines = [f"\n{results.name}: median (least to most) of the rounds"]
    for figure in results.figures:
        found = figure.found
        told = f"{_short(found.median):>9} {figure.unit:<9} ({_short(found.least)} to {_short(found.most)})"
        verdict = (
            f"   {figure.target}: {'met' if figure.met else 'NOT MET'}" if results.judged and figure.target else ""
        )
        lines.append(f"  {figure.what:<{width}} {told}{verdict}")
    return "\n".join([*lines, *(f"  note: {note}" for note in results.notes)])


def _keep(results: Results, out: Path, quiet: Mapping[str, float]) -> None:
    kept = {
        "benchmark": results.name,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit(),
        "machine": machine(),
        "quiet": {name: round(value, 3) for name, value in quiet.items()},
        "settings": results.settings,
        "figures": [{**asdict(figure), "met": figure.met if results.judged else None} for figure in results.figures],
        "notes": results.notes,
        "samples": results.samples,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
