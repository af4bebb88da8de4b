"""A wrong job file ends with exit 2 and one message; nothing was started, nothing written."""

from typing import Any

import pytest

from tests.command import SQUARE, Place

# Importing the task leaves a file behind, so a listing tells whether it was imported.
TELLING = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n" + SQUARE

# Every mistake of a stage is told at once, so many of them share one file.
SHAPES: dict[str, Any] = {
    "retries": {},
    "retry": {"attempt": 2, "attempts": "many"},
    "resources": {"memory": "2 gigs", "threads": 0},
    "failures": {"policy": "halt"},
    "task": None,
}
RULES: dict[str, Any] = {
    "input": {"range": {"stop": 1, "step": 0}, "files": {"root": ".", "include": ["../x"]}},
    "output": {"path": "tree", "format": "tree", "name": "../{key}", "template": "{key}"},
    "retry": {"backoff": "1m", "max_backoff": "1s"},
    "failures": {"policy": "stop", "max_failed": 2},
    "schedule": {"cron": "at noon"},
    "timeout": {"item": 0},
}
OTHERS: dict[str, Any] = {"output": {"path": "out.xlsx"}, "name": "No/Name"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (SHAPES, ("retries", "retry.attempt", "attempts", "many", "2 gigs", "resources.threads", "quarantine", "task")),
        (
            RULES,
            (
                *(
                    "exactly one of files, objects, lines",
                    "input.range.step",
                    "input.files.include",
                    "escapes its root",
                ),
                *("output.name", "output.template", "retry.max_backoff", "failures.max_failed", "schedule.cron"),
                "timeout.item",
            ),
        ),
        (OTHERS, ("output.path", ".xlsx", "name", "No/Name")),
        ({"input": None}, ("input", "missing")),
    ],
    ids=["shapes", "rules", "others", "no input"],
)
def test_mistakes_in_fields(place: Place, fields: dict[str, Any], says: tuple[str, ...]):
    """Every wrong field is named with its line and what was expected, and the job is not begun."""
    place.job(TELLING, **fields)
    before = place.listing()
    done = place.ftorch("submit", "job.yaml").expect(2, "ftorch: ", "job.yaml:", *says)
    assert done.out == ""
    assert place.listing() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task: a:b\ntask: c:d\n", ("job.yaml:2:1", "task")),
        ("task: [a\n", ("job.yaml:",)),
        ("- a\n- b\n", ("job.yaml:",)),
        ("", ("job.yaml",)),
        ("task: !!python/object/apply:os.system [touch imported]\n", ("job.yaml:1",)),
        (b"task: \xff\xfe\n", ("job.yaml", "UTF-8")),
    ],
    ids=["duplicate key", "syntax", "list", "empty", "python tag", "bytes"],
)
def test_a_file_that_is_no_job(place: Place, text: str | bytes, says: tuple[str, ...]):
    """What is not a job file is refused with the place, and runs nothing."""
    place.write("task.py", TELLING)
    place.write("job.yaml", text)
    before = place.listing()
    place.ftorch("submit", "job.yaml").expect(2, *says)
    assert place.listing() == before


def test_places_that_hold_no_job_file(place: Place):
    """A job file that is missing, a folder without one, and one that is a pipe are told apart."""
    place.ftorch("submit", "no.yaml").expect(2, "no.yaml: there is no such file", "ftorch init")
    (place / "empty").mkdir()
    place.ftorch("plan", "empty").expect(2, "job.yaml: there is no such file")
    assert set(place.listing()) == {"empty"}


def test_a_mistake_in_an_override(place: Place):
    """A wrong --set is told as such, and the job is not begun."""
    place.job(TELLING)
    before = place.listing()
    place.ftorch("submit", "job.yaml", "--set", "resources.threads").expect(2, "expected path.to.field=value")
    several = ("--set", "resources.thread=2", "--set", "retry.backoff=soon")
    place.ftorch("submit", "job.yaml", *several).expect(2, "--set resources.thread=2", "threads", "--set retry.backoff")
    assert place.listing() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["job.yaml", "--threads", "0"], "--threads"),
        (["job.yaml", "--resume", "--limit", "3"], "--limit is settled when a run begins"),
        (["job.yaml", "--retry-failed", "run"], "leave out JOB"),
        (["job.yaml", "--accept-changes"], "--accept-changes is about going on"),
        (["--run", "run"], "name a job file"),
        (["job.yaml", "--thread", "3"], "--threads"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_make_no_sense(place: Place, options: list[str], says: str):
    """Options that are wrong, or mean nothing together, are mistakes of usage."""
    place.job(TELLING)
    before = place.listing()
    place.ftorch("submit", *options).expect(2, "Usage: ftorch submit", says)
    assert place.listing() == before


@pytest.mark.parametrize("value", ["two", "0"])
def test_a_wrong_number_of_threads_in_the_environment(place: Place, value: str):
    """FTORCH_THREADS that is no number of threads is an error, not a guess."""
    place.job(TELLING)
    before = place.listing()
    place.ftorch("submit", "job.yaml", env={"FTORCH_THREADS": value}).expect(2, "FTORCH_THREADS", value)
    assert place.listing() == before


def test_the_same_folder_runs_without_the_mistake(place: Place):
    """The folder of these tests runs: what is refused above is refused for its mistake alone."""
    place.job(TELLING)
    assert place.submit()["state"] == "done"
    assert (place / "imported").exists()
