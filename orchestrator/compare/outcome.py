"""What a contestant's results were, written the same way for all, and where two of them differ.

The file of results holds a JSON line for each item that did not fail; the file beside it says which failed, and why. A
fold's file holds its one value. Results are compared as ftorch writes them.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.engine.committer import encode_accumulator
from orchestrator.outputs.jsonl import encode_document
from orchestrator.run.records import Failure
from orchestrator.tasks.api import Fold

_SHOWN = 100
# Where an object lies is no part of a failure: it differs from process to process.
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
# The order in which a float's parts are added differs with the chunks.
_CLOSE = 1e-9


def failed_beside(path: Path) -> Path:
    """The file that says which items failed."""
    return path.with_name(f"{path.name}.failed")


def write_results(path: Path, keys: Sequence[Any], values: Sequence[Any], errors: Mapping[int, str]) -> None:
    """Write results in input order; one that JSON cannot hold has failed, as it would in a run."""
    failed = dict(errors)
    with path.open("wb") as out:
        for at, value in enumerate(values):
            if at in errors:
                continue
            try:
                out.write(encode_document(value))
            except (TypeError, ValueError) as error:
                failed[at] = f"{type(error).__name__}: {error}"
    failed_beside(path).write_bytes(msgspec.json.encode(failed))
    assert len(values) == len(keys), "a fleet lost results"


def write_fold(path: Path, fold: Fold, accumulators: Sequence[Any], errors: Mapping[int, str]) -> None:
    """Merge accumulators in input order as a run does (plain data, as JSON gives it back), and write the value."""
    total = fold.zero()
    for accumulator in accumulators:
        total = fold.merge(total, msgspec.json.decode(encode_accumulator(accumulator)))
    result = total if fold.finish is None else fold.finish(total)
    path.write_bytes(encode_accumulator(result))
    failed_beside(path).write_bytes(msgspec.json.encode(dict(errors)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each item: a digest of its result, or how it failed; for a fold its one value.

    Attributes:
        path: where the results can be read again.
        digests: of each item's result, by number; empty for a fold.
        failed: what the items that failed raised, by number.
        value: a fold's value, as decoded JSON.
    """

    path: Path
    digests: tuple[bytes, ...]
    failed: Mapping[int, str]
    value: Any = None

    def shown(self, number: int) -> str:
        """An item's result, or its failure, in a few words."""
        if number in self.failed:
            return f"failed with {_short(self.failed[number])}"
        at = number - sum(one < number for one in self.failed)
        with self.path.open("rb") as lines:
            for line_number, line in enumerate(lines):
                if line_number == at:
                    return _short(line.decode().rstrip("\n"))
        return "nothing"


def read_outcome(path: Path, items: int, is_fold: bool) -> Outcome:
    """What a contestant wrote."""
    told = msgspec.json.decode(failed_beside(path).read_bytes(), type=dict[int, str])
    failed = {number: _ADDRESS.sub("0x…", text) for number, text in told.items()}
    if is_fold:
        return Outcome(path, (), failed, msgspec.json.decode(path.read_bytes()))
    with path.open("rb") as lines:
        digests = tuple(
            _digest(failed[at].encode() if at in failed else lines.readline(), at in failed) for at in range(items)
        )
    return Outcome(path, digests, failed)


def _digest(data: bytes, failed: bool) -> bytes:
    return hashlib.blake2b(data, digest_size=12, person=b"failed" if failed else b"result").digest()


def difference(outcome: Outcome, reference: Outcome, keys: Sequence[Any]) -> tuple[str, str, str] | None:
    """Where two outcomes differ first: the item's key, what the one has and what the other; None where nowhere."""
    if not reference.digests and not outcome.digests:
        return _fold_difference(outcome, reference)
    for number, (one, other) in enumerate(zip(outcome.digests, reference.digests, strict=True)):
        if one != other:
            return str(keys[number]), outcome.shown(number), reference.shown(number)
    return None


def _fold_difference(outcome: Outcome, reference: Outcome) -> tuple[str, str, str] | None:
    for number in sorted({*outcome.failed, *reference.failed}):
        if outcome.failed.get(number) != reference.failed.get(number):
            sides = [side.failed.get(number) for side in (outcome, reference)]
            one, other = ("did not fail" if side is None else f"failed with {_short(side)}" for side in sides)
            return f"number {number}", one, other
    if alike(outcome.value, reference.value):
        return None
    one, other = (_short(msgspec.json.encode(side.value).decode()) for side in (outcome, reference))
    return "the fold's value", one, other


def alike(one: Any, other: Any) -> bool:
    """Whether two values of a fold are the same, but for the rounding of floats."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other, strict=True))
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=_CLOSE)
    return type(one) is type(other) and bool(one == other)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class _Line(msgspec.Struct):
    key: str | int
    result: msgspec.Raw


def write_run(path: Path, output: Path, failures: Path, keys: Sequence[Any]) -> None:
    """Write the results of a run of ours (JSON Lines with keys, or a fold's JSON) as the others are written."""
    found = failures.read_bytes() if failures.exists() else b""
    numbers = {key: number for number, key in enumerate(keys)} if found else {}
    failed: dict[int, str] = {}
    for failure in msgspec.json.Decoder(Failure).decode_lines(found):
        if failure.key in numbers:
            failed[numbers[failure.key]] = f"{failure.type}: {failure.error}"
    failed_beside(path).write_bytes(msgspec.json.encode(failed))
    if output.suffix == ".json":
        path.write_bytes(output.read_bytes())
        return
    decode = msgspec.json.Decoder(_Line).decode
    with output.open("rb") as lines, path.open("wb") as out:
        for line in lines:
            out.write(bytes(decode(line).result) + b"\n")
