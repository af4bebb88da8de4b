"""Counts against the shell's tools, and folds against one count of the whole."""

import json
import subprocess
from collections import Counter
from functools import reduce
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.wordcount.task import TOP, add, merge, rank, splitter, words
from orchestrator import Context

TEXT = """The first line: the FIRST of three, isn't it?
word_with_underscores 123 x1y2 --- tab\there
three three THREE
"""
LINES = st.lists(st.text("abcé ß1_-\t", max_size=20), max_size=12)


def fold(lines: list[str]) -> dict[str, int]:
    """One chunk's accumulator."""
    context = Context(None, splitter(), 0)
    return reduce(add, (words(line, context) for line in lines), {})


def stored(counts: dict[str, int]) -> dict[str, int]:
    """An accumulator as it comes back from the ledger."""
    return json.loads(json.dumps(counts))


def test_agrees_with_the_shell():
    """ASCII text has the counts that `tr | sort | uniq -c` prints."""
    script = "tr -cs 'A-Za-z' '\\n' | tr A-Z a-z | grep . | LC_ALL=C sort | uniq -c"
    printed = subprocess.run(["sh", "-c", script], input=TEXT, capture_output=True, text=True, check=True).stdout
    wanted = {word: int(count) for count, word in map(str.split, printed.splitlines())}
    assert fold(TEXT.splitlines()) == wanted


@given(lines=LINES, cuts=st.lists(st.integers(0, 12), max_size=4))
def test_chunks_merged_count_as_the_whole(lines: list[str], cuts: list[int]):
    """However the lines are cut into chunks, stored in between, the merged counts are those of one pass."""
    ends = [0, *sorted(cuts), len(lines)]
    chunks = [fold(lines[start:end]) for start, end in pairwise(ends)]
    merged = reduce(lambda one, other: merge(stored(one), stored(other)), chunks, {})
    letters = "".join(letter if letter.isalpha() else " " for letter in "\n".join(lines).casefold())
    assert merged == Counter(letters.split())


def test_words_are_letters_of_any_script_without_regard_to_case():
    """Digits, underscores and apostrophes end a word; case is folded in full."""
    assert words("Straße STRASSE don't 中文 a1b_c", Context(None, splitter(), 0)) == [
        *("strasse", "strasse", "don", "t", "中文", "a", "b", "c")
    ]


def test_ranks_by_count_then_by_word():
    """The most frequent word comes first, equal ones in the words' order, whatever order they were met in."""
    assert rank({"b": 1, "c": 2, "a": 1}) == {"total": 4, "distinct": 3, "top": {"c": 2, "a": 1, "b": 1}}
    assert list(rank({"b": 1, "c": 2, "a": 1})["top"]) == ["c", "a", "b"]


def test_only_the_top_is_listed_but_all_are_counted():
    """Rare words are in the totals and not in the list."""
    ranked = rank({f"w{number}": number + 1 for number in range(TOP + 5)})
    assert len(ranked["top"]) == TOP
    assert ranked["distinct"] == TOP + 5
    assert ranked["total"] == sum(range(TOP + 6))
    assert "w4" not in ranked["top"]


def test_no_line_at_all_is_a_result_too():
    """An empty input has a total of nothing."""
    assert rank({}) == {"total": 0, "distinct": 0, "top": {}}
