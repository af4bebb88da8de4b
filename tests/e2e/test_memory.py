"""What a run takes in memory, as it tells it itself: bounded, however much it does."""

import gzip
from typing import Any

import pytest

from tests.command import Place

MEGABYTE = 1 << 20

SAME = "def f(item):\n    return item\n"

FAILING = """
from pathlib import Path
seen = set()

def f(line):
    at = int(line[:10])
    if at % 1000 == 7 and at not in seen:
        seen.add(at)
        raise ValueError("not yet")
    if at % 1500 == 11 and not Path("mended").exists():
        raise ValueError("no")
    return line
"""


def lines(count: int, padding: bytes = b"") -> bytes:
    """So many lines that begin with their number."""
    return b"".join(b"%010d%b\n" % (at, padding) for at in range(count))


def peak(place: Place, form: str, backend: str = "auto", **given: Any) -> int:
    """The most memory that the worker had resident, with that input, each item its own result."""
    output = {"format": "none"} if form == "none" else {"path": "out.jsonl", "overwrite": True}
    place.job(SAME, input=given, output=output, runtime={"backend": backend})
    report = place.submit("--threads", "2")
    found: int = report["nodes"][0]["peak_rss"]
    return found


@pytest.mark.parametrize("form", ["jsonl", "none"])
@pytest.mark.parametrize("kind", ["range", "lines"])
def test_memory_does_not_grow_with_the_items(place: Place, kind: str, form: str) -> None:
    """A million items take at most 1.35 times the memory of ten thousand."""
    peaks = []
    for count in (10_000, 1_000_000):
        if kind == "range":
            peaks.append(peak(place, form, range={"stop": count}))
        else:
            place.write("lines.txt", lines(count, b" of a text that says nothing much"))
            peaks.append(peak(place, form, lines={"path": "lines.txt"}))
    assert peaks[1] <= 1.35 * peaks[0], peaks


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_the_results_of_a_compressed_file_need_not_fit_into_memory(place: Place, backend: str) -> None:
    """A compressed file with 60 MB of results takes at most 40 MB more memory than one with hardly any."""
    place.write("few.gz", gzip.compress(lines(100), 1))
    place.write("many.gz", gzip.compress(lines(600_000, b"x" * 90), 1))
    few, many = (peak(place, "jsonl", backend, lines={"path": name}) for name in ("few.gz", "many.gz"))
    assert (place / "out.jsonl").stat().st_size > 60e6
    assert many - few < 40 * MEGABYTE


@pytest.mark.parametrize(("backend", "mended"), [("threads", False), ("threads", True), ("processes", True)])
def test_a_compressed_file_gives_what_the_plain_one_gives(place: Place, backend: str, mended: bool) -> None:
    """With more results than stay in memory, items that fail once and items that fail for good, a compressed file gives
    the results and the failures of the plain one; so it does after a retry of what failed.
    """
    count, found = 6_000, []
    plain = lines(count, b"x" * 1000)
    place.write("plain", plain)
    place.write("packed.gz", gzip.compress(plain, 1))
    for name in ("plain", "packed.gz"):
        output = {"path": f"{name}.jsonl"}
        place.job(
            FAILING,
            input={"lines": {"path": name}},
            retry={"attempts": 2, "backoff": "0s"},
            output=output,
            runtime={"backend": backend},
        )
        place.submit("--run", f"run-{name}", code=1)
        failures = place.records(f"run-{name}/failures.jsonl")
        if mended:
            place.write("mended", "")
            place.ftorch("submit", "--retry-failed", f"run-{name}", "-q").expect(0)
            (place / "mended").unlink()
        found.append((place.results(f"{name}.jsonl"), [failure["key"].removeprefix(name) for failure in failures]))
    assert found[0] == found[1]
    assert [int(line[:10]) for line in found[1][0]] == [at for at in range(count) if mended or at % 1500 != 11]
    assert len(found[1][1]) == 4
