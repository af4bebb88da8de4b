"""A job that was written for a script computes what the script does: both are run, with real processes and threads."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.command import Place

# What the items are, and how a function that takes one sees it as a number or a text.
SOURCES = {
    "range(3, 20, 2)": "item",
    "range(N)": "item",
    "[5, 3, 11, 2]": "item",
    "NUMBERS": "item",
    "[n * n for n in range(N)]": "item",
    'sorted(glob.glob("data/*.txt"))': "item",
    'glob.glob("./data/**/*.txt", recursive=True)': "item",
    'sorted(Path("data").glob("*.txt"))': "item.name",
    'Path("data").rglob("*.txt")': "item.as_posix()",
    '[one for one in sorted(Path("data").rglob("*")) if one.is_file()]': "item.as_posix()",
    '[one for one in glob.glob("data/*") if os.path.isfile(one)]': "item",
    '[line.strip() for line in open("data/names.lst")]': "item",
    'open("data/names.lst").read().splitlines()': "item",
    'open("data/names.lst").readlines()': "item",
    '[json.loads(line) for line in open("data/records.jsonl")]': 'item["n"]',
    'csv.DictReader(open("data/table.csv", newline=""))': 'item["b"]',
    '[("x", 1), ("y", 2)]': "item[0] * item[1]",
}
# How the pool is called; FUNCTION takes an item and `extra`, which has the default "-".
CALLS = {
    "map": "with Pool(2) as pool:\n    results = pool.map(FUNCTION, ITEMS)",
    "unordered": "with Pool(2) as pool:\n    results = list(pool.imap_unordered(FUNCTION, ITEMS, chunksize=2))",
    "starmap": 'with Pool(2) as pool:\n    results = pool.starmap(FUNCTION, [(one, "s") for one in ITEMS])',
    "zip": 'with Pool(2) as pool:\n    results = pool.starmap(FUNCTION, zip(ITEMS, repeat("z")))',
    "partial": "with Pool(2) as pool:\n    results = pool.map(partial(FUNCTION, extra=MARK), ITEMS)",
    "apply": (
        'with Pool(2) as pool:\n    waiting = [pool.apply_async(FUNCTION, (one, "a")) for one in ITEMS]\n'
        "    results = [one.get() for one in waiting]"
    ),
    "loop": (
        "pool = Pool(2)\nwaiting = []\nfor one in ITEMS:\n    waiting.append(pool.apply_async(FUNCTION, (one,), "
        '{"extra": MARK}))\nresults = [one.get() for one in waiting]\npool.close()\npool.join()'
    ),
    "executor": "with ProcessPoolExecutor(2) as pool:\n    results = list(pool.map(FUNCTION, ITEMS))",
    "repeated": 'with ProcessPoolExecutor(2) as pool:\n    results = list(pool.map(FUNCTION, ITEMS, repeat("r")))',
    "futures": (
        'mark = "f"\nwith ProcessPoolExecutor(2) as pool:\n'
        "    futures = {pool.submit(FUNCTION, one, mark): one for one in ITEMS}\n"
        "    results = [one.result() for one in as_completed(futures)]"
    ),
    "threads": (
        "with ThreadPoolExecutor(2) as pool:\n    results = list(pool.map(lambda one: FUNCTION(one, MARK), ITEMS))"
    ),
    "joblib": 'results = Parallel(n_jobs=2)(delayed(FUNCTION)(one, extra="j") for one in ITEMS)',
}
# The function, and what is made before it is called.
FUNCTIONS = {
    "plain": 'def work(item, extra="-"):\n    value = VALUE\n    return f"{value}{extra}"\n',
    "helped": (
        "import hashlib\n\n\n@functools.cache\ndef digest(text):\n    # Longer than it has to be.\n"
        '    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]\n\n\ndef work(item, extra="-"):\n'
        "    return [digest(str(VALUE)), extra]\n"
    ),
    "started": (
        'PREFIX = ""\n\n\ndef start(word, times):\n    global PREFIX\n    PREFIX = word * times\n\n\n'
        'def work(item, extra="-"):\n    value = VALUE\n    return f"{PREFIX}{value}{extra}"\n'
    ),
    "inherited": (
        'TABLE = None\n\n\ndef load(n):\n    return list(range(n))\n\n\ndef work(item, extra="-"):\n'
        "    return [VALUE, extra, TABLE]\n"
    ),
}
SCRIPT = """\
import csv
import functools
import glob
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

N = 4 + 3
LENGTH = 12
MARK = "m" + "k"
NUMBERS = [7, 1, 40]


{function}

def main():
{main}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
"""


def script(source: str, call: str, function: str) -> str:
    """The text of a script."""
    made = FUNCTIONS[function].replace("VALUE", SOURCES[source])
    body = CALLS[call].replace("FUNCTION", "work").replace("ITEMS", source)
    # Forked, so that what the main part sets is there; and no process of the start method's own is left behind.
    forked = "mp_context=get_context('fork')".replace("'", '"')
    given = ', initializer=start, initargs=("p", 3)' if function == "started" else ""
    body = body.replace("ProcessPoolExecutor(2", f"ProcessPoolExecutor(2, {forked}{given}")
    body = body.replace("ThreadPoolExecutor(2", f"ThreadPoolExecutor(2{given}")
    body = body.replace("Pool(2", f'get_context("fork").Pool(2{given}') if "Executor" not in body else body
    before = "global TABLE\nTABLE = load(N)\n" if function == "inherited" else ""
    if "Parallel" in body:
        before += "from joblib import Parallel, delayed\n"
    main = "\n".join(f"    {line}" for line in (before + body).splitlines())
    return SCRIPT.format(function=made, main=main)


def prepare(place: Place) -> None:
    """Write what the scripts read."""
    for number, name in enumerate(["a", "b", "c", ".hidden"]):
        place.write(f"data/{name}.txt", "x" * number)
    place.write("data/deep/d.txt", "d")
    place.write("data/names.lst", "one\ntwo\nthree\n")
    place.write("data/records.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(5)))
    place.write("data/table.csv", 'a,b\n1,x\n2,"y, z"\n')


def compare(source: str, call: str, function: str) -> None:
    """Run the script and its job, and compare their results."""
    with TemporaryDirectory() as folder:
        place = Place(Path(folder))
        prepare(place)
        path = place.write("script.py", script(source, call, function))
        expected = subprocess.run(
            [sys.executable, path], cwd=folder, capture_output=True, text=True, check=False, timeout=60
        )
        assert expected.returncode == 0, expected.stderr
        place.ftorch("audit", "script.py", "--write", "job")
        written = (place / "job/task.py").read_text() + (place / "job/job.yaml").read_text()
        place.ftorch("submit", "job/job.yaml", "-q").expect(0)
        results = [json.loads(line)["result"] for line in (place / "job/out/results.jsonl").read_text().splitlines()]
        assert sorted(map(json.dumps, results)) == sorted(map(json.dumps, json.loads(expected.stdout))), written
        formatted = subprocess.run(
            [Path(sys.executable).with_name("ruff"), "format", "--isolated", "--diff", place / "job/task.py"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert formatted.returncode == 0, formatted.stdout


COMBINATIONS = st.tuples(
    st.sampled_from(list(SOURCES)), st.sampled_from(list(CALLS)), st.sampled_from(list(FUNCTIONS))
).filter(lambda one: not (one[1] == "joblib" and one[2] != "plain"))
UNHURRIED = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
    "phases": [Phase.generate],
}


@settings(max_examples=8, **UNHURRIED)
@given(COMBINATIONS)
def test_job_computes_what_the_script_does(combination):
    """What a script's pool gives, with real processes, is what the written job gives, submitted."""
    compare(*combination)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("call", list(CALLS))
def test_every_source_and_call(call):
    """The same of every way to call a pool, with a third of the kinds of input each; the functions take turns."""
    functions = ["plain"] if call == "joblib" else list(FUNCTIONS)
    turn = list(CALLS).index(call)
    for index, source in enumerate(SOURCES):
        if (index + turn) % 3 == 0:
            compare(source, call, functions[(index // 3 + turn) % len(functions)])
