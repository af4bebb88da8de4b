"""Threads and processes give the same bytes, whatever the output; and both do what tasks may ask for."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Place

FOLD = """
from orchestrator import Fold, task

def add(total, n):
    return {"n": total["n"] + 1, "sum": total["sum"] + n}

def merge(a, b):
    return {"n": a["n"] + b["n"], "sum": a["sum"] + b["sum"]}

def finish(total):
    return {**total, "mean": total["sum"] / total["n"]}

@task(fold=Fold(zero=lambda: {"n": 0, "sum": 0}, add=add, merge=merge, finish=finish))
def f(n):
    return n * n
"""
SLOW_RECORD = "def f(n):\n    sum(range(20_000))\n    return {'n': n, 'square': n * n, 'name': f'no. {n}'}\n"
RECORD = "def f(n):\n    return {'n': n, 'square': n * n, 'name': f'no. {n}'}\n"
BYTES = "def f(item):\n    return item.read_bytes()[::-1]\n"
COUNT = 2000
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "jsonl": (RECORD, {"output": {"path": "out/a.jsonl"}}),
    "csv": (RECORD, {"output": {"path": "out/a.csv", "columns": ["square", "n", "name"]}}),
    "text": (RECORD, {"output": {"path": "out/a.txt", "template": "{key}: {result[square]} {{}}"}}),
    "parts": (SLOW_RECORD, {"output": {"path": "out/", "format": "jsonl", "part_size": "20Ki"}}),
    "fold": (FOLD, {"output": {"path": "out/a.json"}}),
    "tree": (
        BYTES,
        {"input": {"files": {"root": "data"}}, "output": {"path": "out", "format": "tree", "name": "{key}.r"}},
    ),
}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def oracle(kind: str) -> dict[str, bytes] | None:
    """What the output must be, computed without ftorch; None where only one part of it is easy to say."""
    rows = [{"n": n, "square": n * n, "name": f"no. {n}"} for n in range(COUNT)]
    if kind == "text":
        return {"a.txt": "".join(f"{row['n']}: {row['square']} {{}}\n" for row in rows).encode()}
    if kind == "fold":
        total = sum(n * n for n in range(COUNT))
        return {"a.json": json.dumps({"n": COUNT, "sum": total, "mean": total / COUNT}).encode()}
    if kind == "tree":
        return {f"{n % 3}/{n}.r": str(n).encode()[::-1] for n in range(40)}
    if kind == "csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["key", "square", "n", "name"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"key": row["n"], **row} for row in rows)
        return {"a.csv": text.getvalue().encode()}
    return None


EVERYDAY = ("jsonl", "fold", "tree")


@pytest.mark.parametrize(
    "kind", [kind if kind in EVERYDAY else pytest.param(kind, marks=pytest.mark.slow) for kind in FORMATS]
)
def test_processes_and_threads_write_the_same(place: Place, kind: str):
    """The output of processes, on a GIL that is on, is byte for byte that of threads, and what an oracle says."""
    source, fields = FORMATS[kind]
    place.job(source, **{"input": {"range": {"stop": COUNT}}, "resources": {"threads": 2}, **fields})
    for n in range(40):
        place.write(f"data/{n % 3}/{n}", str(n))
    threads = place.submit()
    (place / "out").rename(place / "threads")
    processes = place.submit(env={"PYTHON_GIL": "1"})
    assert threads["nodes"][0]["backend"]["backend"] == "threads"
    assert processes["nodes"][0]["backend"]["backend"] == "processes"
    assert threads["items"] == processes["items"] == (40 if kind == "tree" else COUNT)
    found = contents(place / "out")
    if kind == "parts":
        assert len(found) > 1
        assert all(name == f"part-{number:05d}.jsonl" for number, name in enumerate(sorted(found)))
        found = joined(found)
        assert found == joined(contents(place / "threads"))
    assert kind == "parts" or digest(found) == digest(contents(place / "threads"))
    expected = oracle(kind)
    if kind == "fold":
        assert json.loads(found["a.json"]) == json.loads((expected or {})["a.json"])
    elif expected is not None:
        assert {name: data.replace(b"\r\n", b"\n") for name, data in found.items()} == expected
    else:
        place.write("all.jsonl", found["a.jsonl"])
        assert place.results("all.jsonl") == [{"n": n, "square": n * n, "name": f"no. {n}"} for n in range(COUNT)]


def joined(parts: dict[str, bytes]) -> dict[str, bytes]:
    """A folder of parts as one file."""
    return {"a.jsonl": b"".join(parts[name] for name in sorted(parts))}


def digest(files: dict[str, bytes]) -> dict[str, str]:
    """Something short to compare files by."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


STATE = """
import os, threading
from orchestrator import task

def model(scale):
    made = os.path.join(os.path.dirname(__file__), "made")
    with open(made, "a") as file:
        file.write(f"process {os.getpid()}\\n")
    yield {"scale": scale}
    with open(made, "a") as file:
        file.write(f"closed {os.getpid()}\\n")

def cache(process, scale):
    with open(os.path.join(os.path.dirname(__file__), "made"), "a") as file:
        file.write(f"thread {process['scale'] == scale}\\n")
    return {"owner": threading.get_ident(), "batches": 0}

@task(process=model, thread=cache, batch=7)
def f(items, ctx, scale=1):
    assert ctx.thread["owner"] == threading.get_ident()
    assert 0 < len(items) <= 7
    ctx.thread["batches"] += 1
    return [{"result": n * ctx.process["scale"], "index": ctx.index} for n in items]
"""


@pytest.mark.parametrize(("env", "processes"), [({}, 1), ({"PYTHON_GIL": "1"}, 2)], ids=["threads", "processes"])
def test_state_batches_and_the_context(place: Place, env: dict[str, str], processes: int):
    """Process state is made once a process and closed, thread state once a thread; batches keep their size."""
    fields = {"with": {"scale": 3}, "input": {"range": {"stop": 1000}}, "resources": {"threads": 2}}
    place.job(STATE, **fields)
    place.submit(env=env)
    results = place.results()
    assert [result["result"] for result in results] == [3 * n for n in range(1000)]
    assert {result["index"] for result in results} <= {0, 1}
    made = (place / "made").read_text().splitlines()
    assert len({line for line in made if line.startswith("process")}) == processes
    assert sum(line.startswith("process") for line in made) == processes
    assert sum(line.startswith("closed") for line in made) == processes
    assert 1 <= made.count("thread True") <= 2
    assert "thread False" not in made
