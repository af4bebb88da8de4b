"""Which items are compared: the very ones that were asked for, the same for a run and for everybody else."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from orchestrator.compare.choosing import Chooser
from orchestrator.compare.sample import Wanted, prepared
from orchestrator.errors import InputError
from orchestrator.spec.load import load_job
from tests.command import Place


def chooser(place: Place, **fields: Any) -> Chooser:
    """For a job with that input."""
    place.job(**fields)
    folder = place / "made"
    folder.mkdir()
    return Chooser(prepared(load_job(place / "job.yaml"), False, 2), place.path, folder, None, lambda _: None)


def items(chosen: Any) -> list[Any]:
    """What the other contestants are given."""
    found: list[Any] = pickle.loads(Path(chosen.items).read_bytes())["items"]
    return found


def silent(_: str) -> None:
    """Tells nobody."""


def test_the_first_so_many(place: Place):
    """A limit takes the first items, in order, and there may be fewer."""
    make = chooser(place, input={"range": {"start": 5, "stop": 25}})
    assert items(make(Wanted(limit=3))[0]) == [5, 6, 7]
    assert items(make(Wanted(limit=100))[0]) == list(range(5, 25))


def test_a_share_of_a_range_is_spread_over_it(place: Place):
    """A tenth of a range is every tenth number."""
    make = chooser(place, input={"range": {"stop": 100}})
    make.survey(silent)
    assert items(make(Wanted(share=0.1))[0]) == list(range(0, 100, 10))
    assert items(make(Wanted(share=1.0))[0]) == list(range(100))


def test_a_share_of_files_is_spread_over_them(place: Place):
    """A fifth of the files is every fifth, as plain fields, with the keys that a run would use."""
    for number in range(20):
        place.write(f"tree/{number:02d}", "x")
    make = chooser(place, input={"files": {"root": "tree"}})
    make.survey(silent)
    chosen, course = make(Wanted(share=0.2))
    assert chosen.keys == ["00", "05", "10", "15"]
    assert items(chosen)[0][:3] == (str(place / "tree/00"), "00", 1)
    assert (chosen.kind, course.items) == ("file", 4)


def test_a_share_of_lines_is_made_of_stretches(place: Place):
    """Part of a text is whole lines from all over it, each once, in order; all of it is all lines."""
    lines = [f"line {number:06d}" for number in range(20_000)]
    place.write("text.txt", "\n".join(lines) + "\n")
    make = chooser(place, input={"lines": {"path": "text.txt"}})
    make.survey(silent)
    found = items(make(Wanted(share=0.1))[0])
    assert set(found) <= set(lines)
    assert found == sorted(set(found))
    assert 1500 < len(found) < 2500
    assert found[0] == lines[0]
    assert found[-1] > lines[19_000]
    assert items(make(Wanted(share=1.0))[0]) == lines


def test_items_that_cannot_be_read_are_counted(place: Place):
    """They are left out, with the others in their places, since they fail for everybody."""
    place.write("data.jsonl", b'{"a": 1}\n{nonsense\n[2]\n\xff\n3\n')
    make = chooser(place, input={"jsonl": {"path": "data.jsonl"}})
    chosen, _ = make(Wanted(limit=100))
    assert (items(chosen), chosen.unreadable) == ([{"a": 1}, [2], 3], 2)
    assert len(chosen.keys) == 3
    assert json.dumps(items(chosen))


def test_an_empty_input_is_told(place: Place):
    """There is nothing to compare."""
    make = chooser(place, input={"range": {"stop": 0}})
    with pytest.raises(InputError, match="empty"):
        make.survey(silent)
