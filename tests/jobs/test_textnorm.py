"""Signatures against a slow, plain implementation, and estimates against true Jaccard similarities."""

import binascii
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.textnorm.task import check, hash_functions, signature, signer, similarity
from orchestrator import Context
from orchestrator.errors import TaskError

ROOT = Path(__file__).parents[2]
TEXTS = st.text(st.sampled_from("abAB éÉßıİ\u0345\u0308\u0301ﬁǅ 12_-\n中文"), max_size=60) | st.text(max_size=60)


def plain_tokens(text: str) -> list[str]:
    """Runs of letters, digits and underscores of the normalised text, found letter by letter."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    return "".join(letter if letter.isalnum() or letter == "_" else " " for letter in folded).split(" ")


def plain_shingles(text: str, size: int) -> set[tuple[str, ...]]:
    """All runs of `size` tokens, as tuples; a shorter text is one run."""
    tokens = [token for token in plain_tokens(text) if token]
    runs = {tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1)}
    return runs or ({tuple(tokens)} if tokens else set())


def plain_minhash(text: str, size: int, functions) -> list[int]:
    """The definition, one shingle and one function at a time."""
    found = []
    for factor, offset in functions:
        values = []
        for run in plain_shingles(text, size):
            value = binascii.crc32(" ".join(run).encode("utf-8"))
            values.append((factor * value + offset) % 2**63 // 2**31)
        found.extend(sorted(values)[:1])
    return found


def sign(text, **arguments):
    """The job's result for a text."""
    return signature(text, Context(None, signer(**arguments), 0), **arguments)


def words(seed: int, count: int) -> list[str]:
    """Different words."""
    return [f"w{number}" for number in Random(seed).sample(range(10**6), count)]


@given(text=TEXTS, size=st.integers(1, 4))
def test_agrees_with_the_plain_implementation(text: str, size: int):
    """Any text, of any script, has the tokens, shingles and signature that the definition gives."""
    found = sign(text, permutations=8, shingle=size, seed=3)
    assert found["tokens"] == sum(map(bool, plain_tokens(text)))
    assert found["shingles"] == len(plain_shingles(text, size))
    assert found["minhash"] == plain_minhash(text, size, hash_functions(8, 3))


@given(text=TEXTS)
def test_texts_that_are_canonically_equal_have_one_signature(text: str):
    """Composed and decomposed forms of a text, which look the same, cannot be told apart."""
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert sign(forms[0], permutations=4) == sign(forms[1], permutations=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "straße"),
        ("Ünïcode", "u\u0308nI\u0308CODE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("\u0386\u0300\u0345", "\u03ac\u0300\u0345"),
    ],
)
def test_letter_case_makes_no_difference(one: str, other: str):
    """Words that differ in case, by Unicode's full folding, have one signature."""
    assert sign(one) == sign(other)


@pytest.mark.parametrize("shared", [0, 100, 300, 500, 900, 1000])
def test_the_estimate_is_near_the_true_similarity(shared: int):
    """The share of equal numbers estimates the Jaccard similarity of two word sets to 5 standard errors."""
    one = words(1, 2000)
    first, second = one[:1000], one[:shared] + one[1000 : 2000 - shared]
    truth = shared / (2000 - shared)
    left, right = (sign(" ".join(text), permutations=512, shingle=1)["minhash"] for text in (first, second))
    assert abs(similarity(left, right) - truth) <= 5 * (truth * (1 - truth) / 512) ** 0.5


def test_the_numbers_use_all_their_bits():
    """Minima of single words are spread over 32 bits, so that unlike texts do not meet by chance."""
    numbers = [number for word in words(2, 50) for number in sign(word)["minhash"]]
    assert max(numbers) < 2**32
    assert abs(sum(numbers) / len(numbers) / 2**31 - 1) < 0.1
    assert len(set(numbers)) > len(numbers) * 0.999


def test_texts_without_a_word_have_no_signature():
    """An empty text has no shingle and an empty signature; two of them are alike, and unlike any other."""
    empty = sign(" -- \n")
    assert empty == {"tokens": 0, "shingles": 0, "minhash": []}
    assert similarity([], []) == 1.0
    assert similarity([], sign("word")["minhash"]) == 0.0


def test_a_text_shorter_than_a_shingle_is_one_shingle():
    """A text of three words has one shingle of them, not none."""
    assert sign("one two three", shingle=5)["shingles"] == 1


def test_a_file_is_read_as_utf8_with_odd_bytes_replaced(tmp_path: Path):
    """A file and its text have one signature; bytes that are not UTF-8 separate words."""
    (tmp_path / "good.txt").write_text("Grüße an alle", encoding="utf-8")
    (tmp_path / "odd.txt").write_bytes(b"one\xfftwo")
    assert sign(tmp_path / "good.txt") == sign("Grüße an alle")
    assert sign(tmp_path / "odd.txt")["tokens"] == 2


def test_the_signature_is_the_same_in_every_process():
    """Python's randomised hash() has no part in it: processes with other seeds agree on this value."""
    code = "from jobs.textnorm.task import signer; print(signer(permutations=3)('a rose is a rose is a rose'))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {"{'tokens': 8, 'shingles': 3, 'minhash': [1027458291, 630990032, 30609570]}\n"}


def test_threads_share_neither_pattern_nor_functions():
    """Two threads that run at once hold different compiled patterns and different numbers, equal in value."""
    meet, made = threading.Barrier(2), []

    def make() -> None:
        one = signer()
        meet.wait(10)
        made.append({cell.cell_contents.__class__.__name__: cell.cell_contents for cell in one.__closure__ or ()})
        meet.wait(10)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = made
    find, functions = "builtin_function_or_method", "tuple"
    assert first[find].__self__ is not second[find].__self__
    assert first[functions] == second[functions]
    assert first[functions][0][0] is not second[functions][0][0]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"permutations": 0}, "with.permutations"),
        ({"permutations": "64"}, "with.permutations"),
        ({"shingle": 101}, "with.shingle"),
        ({"seed": -1}, "with.seed"),
        ({"seed": True}, "with.seed"),
    ],
)
def test_a_wrong_argument_is_refused_at_set_up(arguments: dict, field: str):
    """A number out of range, or none at all, is an error of its field before any text is read."""
    with pytest.raises(TaskError) as caught:
        check(**arguments)
    assert caught.value.where == field
