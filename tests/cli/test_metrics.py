"""`--metrics`: a run's figures over HTTP while it runs, and no harm where they cannot be served."""

import re
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.metrics import Odometers, parse_address
from orchestrator.engine import board as fields
from orchestrator.engine.board import Board
from orchestrator.engine.watcher import Silence
from orchestrator.errors import JobError
from tests.command import Place, finish

WAITS = """
import pathlib, time

def f(n):
    while n == 6 and not pathlib.Path("go").exists():
        time.sleep(0.01)
    return n
"""


class Manifest:
    """As much of a run's manifest as is looked at."""

    id = "run-1"


def scraped(url: str) -> dict[str, float]:
    """What a scrape gives: metric → value, where one shard is told of."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    return {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def address_of(process: Any) -> str:
    """Where a process said that it serves."""
    for line in process.stderr:
        found = re.match(r"ftorch: metrics: (http\S+)", line)
        if found is not None:
            return found[1]
    raise AssertionError("it did not say where")


def until(url: str, name: str, value: float) -> dict[str, float]:
    """Scrape until a metric has a value; the test's own time limit ends it otherwise."""
    while (found := scraped(url)).get(name, -1) < value:
        pass
    return found


def test_figures_while_it_runs(place: Place) -> None:
    """Items done and planned, threads and workers are those of the board, and the run ends as any other."""
    place.job(WAITS, input={"range": {"stop": 7}}, resources={"threads": 1})
    process = place.popen("submit", "job.yaml", "--metrics", "0", "--quiet")
    url = address_of(process)
    found = until(url, "ftorch_items_done_total", 6)
    assert found["ftorch_items_planned"] == 7
    assert found["ftorch_items_done_total"] == 6
    assert (found["ftorch_threads"], found["ftorch_threads_busy"], found["ftorch_workers_started_total"]) == (1, 1, 1)
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(url.replace("/metrics", "/"), timeout=30)
    caught.value.close()
    place.write("go", "")
    finish(process).expect(0)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=30)


def test_a_pod_serves_its_shard(place: Place, tmp_path: Path) -> None:
    """With --shard the label is the shard's number, on all interfaces."""
    place.job(WAITS, input={"range": {"stop": 14}}, kubernetes={"shards": 2, "nodes": 2})
    process = place.popen("submit", "job.yaml", "--run", tmp_path / "run", "--shard", "0", "--metrics", ":0", "-q")
    url = address_of(process)
    until(url, "ftorch_items_done_total", 1)
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert 'ftorch_threads{run="run",shard="0"}' in re.sub(r'run="[^"]*"', 'run="run"', answer.read().decode())
    place.write("go", "")
    finish(process).expect(0)


def test_a_port_that_is_taken(place: Place) -> None:
    """The run is told of, and goes on without: a batch does not end for want of being watched."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.job().ftorch("submit", "job.yaml", "--metrics", str(port))
    done.expect(0, f"ftorch: no metrics: 127.0.0.1, port {port}: ")
    assert place.results() == [n * n for n in range(10)]


@pytest.mark.parametrize("address", ["x", "9095x", "", ":", "1:2:x", "70000", "-1"])
def test_an_address_that_is_none(address: str) -> None:
    """It is told with what there may be."""
    with pytest.raises(JobError, match="expected a port such as 9095"):
        parse_address(address)


def test_addresses() -> None:
    """A port alone is this machine's only; a colon before it means all interfaces."""
    assert parse_address("9095") == ("127.0.0.1", 9095)
    assert parse_address(":9095") == ("", 9095)
    assert parse_address("10.0.0.1:9095") == ("10.0.0.1", 9095)
    assert parse_address("[::1]:9095") == ("::1", 9095)


def test_counters_never_fall(tmp_path: Path) -> None:
    """A worker that died is followed by one that starts at what was committed: items stay, failures add up."""
    watched, path = Odometers(Silence()), tmp_path / "3-1-1" / "board"
    board = begun(path, done=10)
    watched.started(Manifest(), path)  # type: ignore[arg-type]
    write(board, items=30, failed=2)
    [first] = watched.figures()
    assert (first.items, first.failed, first.shard, first.workers) == (40, 2, "3", 1)
    again = begun(path, done=20)
    watched.started(Manifest(), path)  # type: ignore[arg-type]
    write(again, items=5, failed=1)
    [second] = watched.figures()
    assert (second.items, second.failed, second.workers) == (40, 3, 2)
    path.unlink()
    watched.ended()
    assert watched.figures() == [second]


def begun(path: Path, done: int) -> Board:
    """A new board of one thread, of a worker that found so many items done."""
    board = Board.create(path, 1)
    board.head()[fields.DONE_ITEMS] = done
    return board


def write(board: Board, items: int, failed: int) -> None:
    """Have the thread have done so many items."""
    line = board.line(0)
    line[fields.ITEMS], line[fields.FAILED] = items, failed
