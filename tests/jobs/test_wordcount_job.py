"""The wordcount job as a user runs it, checked by one count of the whole text."""

import json
import re
from collections import Counter
from collections.abc import Callable

from tests.jobs.conftest import ShippedJob


def test_counts_are_those_of_the_whole_text_on_any_number_of_threads(shipped: Callable[[str], ShippedJob]):
    """The total, the different words and the hundred first ones are one Counter's; threads change no byte."""
    job = shipped("wordcount")
    text = (job.make_input() / "text.txt").read_text("ascii")
    one, two = ((job.submit("--threads", n, run=f"run-{n}") / "words.json").read_bytes() for n in "12")
    found, wanted = json.loads(one), Counter(re.findall("[a-z]+", text.lower()))
    assert found["total"] == wanted.total() > 100_000
    assert found["distinct"] == len(wanted)
    assert list(found["top"].items()) == sorted(wanted.items(), key=lambda pair: (-pair[1], pair[0]))[:100]
    assert two == one
