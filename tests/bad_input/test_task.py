"""A task that cannot be loaded, or called as the job wants, ends with exit 2 before anything is written."""

import pytest

from tests.command import SQUARE, Place

WRONG = {
    "no module": ({"task": "no.such.module:f"}, SQUARE, ("no.such",)),
    "no file": ({"task": "./other.py:f"}, SQUARE, ("other.py",)),
    "no function": ({"task": "./task.py:g"}, SQUARE, ("task.py", "g")),
    "not callable": ({}, "f = 3\n", ("f",)),
    "unknown argument": ({"with": {"colour": 1}}, SQUARE, ("colour",)),
    "syntax": ({}, "def f(item)\n    return 1\n", ("task.py:1:", "not valid Python")),
    "raises": ({}, "raise ValueError('no licence')\n", ("ValueError", "no licence")),
    "lacks a package": ({}, "import no_such_package\n" + SQUARE, ("no_such_package",)),
    "exits": ({}, "import sys\nsys.exit(3)\n", ("task.py",)),
    "wrong batch": ({}, "from orchestrator import task\n@task(batch=0)\ndef f(items):\n    return items\n", ("batch",)),
    "process state": (
        {},
        (
            "from orchestrator import task\ndef make():\n    raise OSError('no model')\n"
            "@task(process=make)\ndef f(item, ctx):\n    return 1\n"
        ),
        ("no model",),
    ),
}


@pytest.mark.parametrize(("fields", "source", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_task_that_is_wrong(place: Place, fields: dict[str, object], source: str, says: tuple[str, ...]):
    """A wrong task is named, with what is wrong; nothing is written."""
    place.job(source, **fields)
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, "ftorch: ", *says)
    assert place.listing() == before


def test_a_wrong_task_is_told_by_plan_and_by_a_dry_run(place: Place):
    """What submit would refuse, plan and --dry-run refuse in the same words."""
    place.job(**{"with": {"colour": 1}})
    said = {
        place.ftorch(*command).expect(2, "colour").err
        for command in (["plan", "job.yaml"], ["submit", "job.yaml"], ["submit", "job.yaml", "--dry-run"])
    }
    assert len(said) == 1
    assert place.runs() == []


def test_a_fold_needs_an_output_for_one_value(place: Place):
    """A fold into a table of records is refused, and nothing is begun."""
    fold = (
        "from orchestrator import Fold, task\n"
        "@task(fold=Fold(zero=lambda: 0, add=lambda a, b: a + b, merge=lambda a, b: a + b))\n" + SQUARE
    )
    place.job(fold, output={"path": "out.csv"})
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, "output", "fold")
    assert place.listing() == before


def test_gil_that_must_be_off(place: Place):
    """A job that requires free threading is refused with exit 3 where the GIL is on, and nothing is written."""
    place.job(runtime={"free_threading": "required"})
    before = place.listing()
    place.ftorch("submit", "job.yaml", env={"PYTHON_GIL": "1"}).expect(3, "GIL")
    assert place.listing() == before


def test_gil_that_may_be_on(place: Place):
    """A job that merely prefers free threading runs on processes where the GIL is on, and the report says so."""
    place.job()
    done = place.ftorch("submit", "job.yaml", env={"PYTHON_GIL": "1"}).expect(0)
    assert "  processes   " in done.out
    assert "GIL on" in done.out
    assert place.results() == [n * n for n in range(10)]
