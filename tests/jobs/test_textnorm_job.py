"""The textnorm job as a user runs it: it finds the near-duplicates that its input has."""

import json
import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from tests.jobs.conftest import ShippedJob


def shingles(path: Path) -> set[tuple[str, ...]]:
    """The document's runs of five words, as the job's README defines them."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path.read_text("utf-8")).casefold())
    tokens = re.findall(r"\w+", text)
    return {tuple(tokens[at : at + 5]) for at in range(max(len(tokens) - 4, 1))}


def estimate(one: list[int], other: list[int]) -> float:
    """The share of equal numbers."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def test_signatures_tell_near_duplicates_from_the_rest(shipped: Callable[[str], ShippedJob]):
    """Every document has a record; an edited copy's estimate is near the truth, a stranger's near 0."""
    job = shipped("textnorm")
    documents = job.make_input() / "documents"
    out = job.submit()
    lines = (out / "signatures.jsonl").read_text("utf-8").splitlines()
    results = {line["key"]: line["result"] for line in map(json.loads, lines)}
    assert set(results) == {path.relative_to(documents).as_posix() for path in documents.rglob("*.txt")}
    assert len(lines) == len(results)
    originals = [key for key in results if key.replace(".txt", "-edited.txt") in results]
    assert len(originals) == 10
    errors = []
    for key in originals:
        copy = key.replace(".txt", "-edited.txt")
        one, other = shingles(documents / key), shingles(documents / copy)
        assert results[key]["shingles"] == len(one)
        truth = len(one & other) / len(one | other)
        errors.append(estimate(results[key]["minhash"], results[copy]["minhash"]) - truth)
    assert max(map(abs, errors)) < 0.25
    assert abs(sum(errors) / len(errors)) < 0.05
    strangers = pairwise(originals)
    assert max(estimate(results[a]["minhash"], results[b]["minhash"]) for a, b in strangers) < 0.3
