"""The audit against the truth: what it reads of real distributions' extensions, and what loading them shows; its times.

The distributions are installed into an environment in the scratch folder (some 2 GB, and some minutes).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import ROOT
from benchmarks.measure import Benchmark, Options, Results, Sample, column, run_benchmark

OWN = "click msgspec psutil PyYAML rich"
DISTRIBUTIONS = (
    "numpy scipy pandas pyarrow pillow lxml matplotlib scikit-learn pydantic-core contourpy kiwisolver "
    "fonttools xxhash blake3 obstore numba llvmlite cffi cryptography bcrypt pynacl markupsafe aiohttp "
    "multidict yarl frozenlist propcache httptools uvloop websockets wrapt sqlalchemy greenlet regex "
    "rpds-py charset-normalizer coverage simplejson ujson msgpack fastavro hiredis duckdb cramjam pyzmq "
    "h5py shapely pyproj tokenizers safetensors scikit-image pywavelets statsmodels bitarray rapidfuzz "
    "levenshtein numexpr bottleneck numcodecs cftime ml-dtypes optree ormsgpack asyncpg pymongo gmpy2 "
    "python-flint setproctitle watchfiles mypy librt grimp nh3 selectolax cymem preshed murmurhash blis "
    "onnx awkward-cpp boost-histogram iminuit highspy rasterio zope.interface persistent jiter tiktoken "
    "hf-xet lazy-object-proxy pyinstrument tornado argon2-cffi-bindings rjsmin h3 netCDF4 tables pyogrio "
    "pymupdf crc32c mmh3 cbor2 ijson dulwich pygit2 lief "
)
"""Those that had a wheel for 3.14t when this was written: C, C++, Cython, Rust, pybind11, cffi and mypyc."""
NEEDED = "python-dateutil six pytz tzdata packaging pyparsing cycler"
TASKS = {
    "imports numpy, pandas, pillow": "import numpy\nimport pandas\nfrom PIL import Image\ndef f(n):\n    return n\n",
    "is pure Python": "import json\ndef f(n):\n    return n\n",
}
_SMALLEST = 300


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("audit", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Install, compare reading with loading, and take the times of whole audits."""
    python = sys.executable if options.quick else _install(options.scratch / "environment", results)
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    command = [python, "-P", "-m", "benchmarks.auditing"]
    truth = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    for pair, number in truth["table"].items():
        results.add(f"reading says, loading shows: {pair}", "modules", [number])
    undecided = sum(number for pair, number in truth["table"].items() if pair.startswith("undecided"))
    results.add("distributions", "of them", [truth["distributions"]], None if options.quick else ">= 60")
    results.add("extension modules", "of them", [truth["extensions"]], None if options.quick else f">= {_SMALLEST}")
    results.add("wrong verdicts", "modules", [len(truth["wrong"])], "<= 0")
    results.add("left open by reading", "%", [100 * undecided / truth["extensions"]], "<= 8")
    results.add("400 shared objects read", "s", [400 * truth["seconds"] / truth["files"]], "<= 3")
    results.notes += [f"wrong: {one}" for one in truth["wrong"]]
    results.notes.append(f"turn the GIL on: {', '.join(truth['needing']) or 'none'}")
    results.notes += [f"not loadable: {name}: {error}"[:200] for name, error in truth["not loadable"].items()]
    results.samples = {
        name: [_audit(python, options.scratch, source) for _ in range(options.rounds)]
        for name, source in TASKS.items()
        if not (options.quick and "numpy" in name)
    }
    for name in results.samples:
        target = "<= 6" if "numpy" in name else "<= 1"
        results.add(f"audit of a job that {name}", "s", column(results.samples, name, "seconds"), target)


def _install(folder: Path, results: Results) -> str:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = os.fspath(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-input", "--only-binary", ":all:"]
    subprocess.run([*install, *OWN.split(), *NEEDED.split()], check=True)
    for name in DISTRIBUTIONS.split():
        # One by one: a distribution that has lost its wheel costs itself, not the others.
        if subprocess.run([*install, "--no-deps", name], check=False, capture_output=True).returncode:
            results.notes.append(f"not to be had: {name}")
    return python


def _audit(python: str, scratch: Path, source: str) -> Sample:
    folder = scratch / "job"
    folder.mkdir(exist_ok=True)
    (folder / "task.py").write_text(source, encoding="utf-8")
    job = folder / "job.yaml"
    job.write_text("task: ./task.py:f\ninput: {range: {stop: 100}}\n", encoding="utf-8")
    # An empty cache: what is measured is the first audit.
    cache = {"PYTHONPATH": os.fspath(ROOT), "XDG_CACHE_HOME": os.fspath(folder / "cache")}
    command: list[str | Path] = [python, "-P", "-m", "orchestrator", "audit", job]
    started = time.perf_counter()
    # It exits 1 where it finds something, as it should with lxml installed beside pandas.
    subprocess.run(command, cwd=folder, env={**os.environ, **cache}, check=False, capture_output=True)
    seconds = time.perf_counter() - started
    for kept in (folder / "cache").rglob("*.json"):
        kept.unlink()
    return {"seconds": seconds}


if __name__ == "__main__":
    main(sys.argv[1:])
