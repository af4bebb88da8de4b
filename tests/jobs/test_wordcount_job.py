"""The wordcount job as a user runs it, checked by one count of the whole text."""

import json
import re
from collections import Counter
from collections.abc import Callable

from tests.jobs.conftest import ShippedJob


def test_counts_are_those_of_the_whole_text(shipped: Callable[[str], ShippedJob]):
    """The folded total, the number of different words and the hundred first ones are those of one Counter."""
    job = shipped("wordcount")
    text = (job.make_input() / "text.txt").read_text("ascii")
    found = json.loads((job.submit() / "words.json").read_text())
    wanted = Counter(re.findall("[a-z]+", text.lower()))
    assert found["total"] == wanted.total() > 100_000
    assert found["distinct"] == len(wanted)
    assert list(found["top"].items()) == sorted(wanted.items(), key=lambda pair: (-pair[1], pair[0]))[:100]


def test_one_thread_and_two_count_the_same(shipped: Callable[[str], ShippedJob]):
    """The number of threads, and with it how the text is cut, does not change the result by a byte."""
    job = shipped("wordcount")
    job.make_input()
    counts = {
        (job.submit("--threads", threads, run=f"run-{threads}") / "words.json").read_bytes()
        for threads in "12"
    }
    assert len(counts) == 1
