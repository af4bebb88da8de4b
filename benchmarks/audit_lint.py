"""The race lint on large libraries that many know: findings per 1,000 lines, and the samples that people judged.

The libraries of `audit_lint.lock` are installed into an environment below `.cache`; they are read, not imported. A
sample is the first so many findings by the SHA-256 of "library file:line rule", so that anybody draws the same; what
each was judged to be, and why, is `results/audit_lint.md`. The rules were mended on findings in `TUNED`; those in
`HELD_OUT` were looked at once they were as they are, so that their sample is an independent one.
"""

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import Benchmark, Options, Results, run_benchmark
from orchestrator.audit.findings import Finding
from orchestrator.audit.races.lint import lint_package

LOCK = Path(__file__).with_suffix(".lock")
HOME = Path(__file__).parents[1] / ".cache" / "lint"
JUDGED = Path(__file__).parent / "results" / "audit_lint.md"
TUNED = ("django", "docutils", "networkx", "pygments", "sqlalchemy")
HELD_OUT = ("celery", "sympy", "werkzeug")
SAMPLES = {"tuned": (TUNED, 50), "held out": (HELD_OUT, 20)}
SECONDS = 60
JUDGEMENTS = ("race", "harmless", "false")
ROW = re.compile(r"^\| (FT\d{3}) \| (\S+) (\S+):(\d+) \| (\w+) \|", re.MULTILINE)


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("audit_lint", 1, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Read each library, and hold the samples next to what was judged."""
    # Pygments is a dependency of rich: a smoke run reads that one, and installs nothing.
    site = Path(sysconfig.get_path("purelib")) if options.quick else _installed()
    sys.path.insert(0, os.fspath(site))
    drawn: dict[str, list[tuple[str, str]]] = {}
    for library in ("pygments",) if options.quick else (*TUNED, *HELD_OUT):
        started = time.perf_counter()
        found = lint_package(library, options.scratch)
        seconds = time.perf_counter() - started
        lines = sum(path.read_bytes().count(b"\n") for path in _read(site / library))
        matter = [one for one in found if one.severity != "note"]
        results.add(f"{library}: lines read", "lines", [lines])
        results.add(f"{library}: warnings per 1,000 lines", "findings", [1000 * len(matter) / lines])
        results.add(f"{library}: notes per 1,000 lines", "findings", [1000 * (len(found) - len(matter)) / lines])
        results.add(f"{library}: time", "s", [seconds], f"<= {SECONDS}")
        results.samples[library] = [{"seconds": seconds, "findings": len(found), "lines": lines}]
        drawn[library] = [(name_of(library, site, one), one.message) for one in found]
    for name, (libraries, size) in () if options.quick else SAMPLES.items():
        of_these = [one for library in libraries for one in drawn[library]]
        sample = sorted(of_these, key=lambda one: hashlib.sha256(one[0].encode()).digest())[:size]
        _judge(f"{name}, sample of {len(sample)}", sample, results)


def name_of(library: str, site: Path, found: Finding) -> str:
    """What a finding is called in the table: "library file:line rule"."""
    return f"{library} {Path(found.path).relative_to(site / library).as_posix()}:{found.line} {found.rule}"


def judged(table: str) -> dict[str, str]:
    """The judgements of a table, by the finding's name."""
    return {f"{library} {file}:{line} {rule}": said for rule, library, file, line, said in ROW.findall(table)}


def _judge(name: str, sample: Sequence[tuple[str, str]], results: Results) -> None:
    known = judged(JUDGED.read_text(encoding="utf-8")) if JUDGED.exists() else {}
    for said in JUDGEMENTS:
        results.add(f"{name}: {said}", "findings", [sum(known.get(one) == said for one, _ in sample)])
    results.notes += [f"not judged: {one}: {message}" for one, message in sample if one not in known]


def _read(folder: Path) -> Iterator[Path]:
    skipped = {"test", "testing", "tests", "conftest.py"}
    for path in folder.rglob("*.py"):
        if not skipped.intersection(path.relative_to(folder).parts) and not path.name.startswith("test_"):
            yield path


def _installed() -> Path:
    """Where the libraries lie; they are installed where that is new."""
    home = HOME / hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    if not home.exists():
        print("installing the libraries to be read", file=sys.stderr)
        # Made whole or not at all.
        half = home.with_suffix(".new")
        subprocess.run([sys.executable, "-m", "venv", "--clear", half], check=True)
        pip: list[str | Path] = [
            half / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", LOCK], check=True)
        half.rename(home)
    [site] = (home / "lib").glob("python*/site-packages")
    return site


if __name__ == "__main__":
    main(sys.argv[1:])
