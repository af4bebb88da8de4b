"""What a plain YAML word means: YAML 1.2's core schema, so `no` and `12:30` are text and `012` is twelve.

Source: YAML 1.2.2, §10.3.2. Left out is what JSON cannot hold, and so no run folder could: `.inf` and `.nan`.
"""

import math
import re

from orchestrator.spec.nodes import Scalar

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
LONGEST_INTEGER = 64

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(word: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises:
        ValueError: a number that is not finite, or an integer of more than 64 digits.
    """
    if word in NULLS:
        return None
    if word in BOOLEANS:
        return BOOLEANS[word]
    if _INTEGER.fullmatch(word):
        return _integer(word)
    if _FLOAT.fullmatch(word):
        number = float(word)
        if math.isinf(number):
            raise ValueError("the number is too large")
        return number
    if _INFINITE.fullmatch(word):
        raise ValueError(f"{word} is not a finite number; write it as text, in quotes")
    return word


def _integer(word: str) -> int:
    if len(word) > LONGEST_INTEGER:
        raise ValueError(f"the number has more than {LONGEST_INTEGER} digits")
    base = {"0o": 8, "0x": 16}.get(word[:2], 10)
    return int(word, base)
