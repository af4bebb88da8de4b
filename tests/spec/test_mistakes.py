"""Each mistake in a job file and the very words that tell it; most of them are in testdata/spec/mistakes.txt."""

from pathlib import Path

import pytest

from orchestrator.errors import BAD_JOB, JobFileError
from orchestrator.spec.load import load_job_text

JOB = "task: a:b\ninput: {range: {stop: 9}}\n"
TABLE = Path(__file__).parent.parent / "testdata" / "spec" / "mistakes.txt"


def table():
    """The cases of the table: a title, a job file, and what is said about it."""
    for case in TABLE.read_text(encoding="utf-8").split("\n=== ")[1:]:
        title, _, rest = case.partition("\n")
        text, _, message = rest.partition("\n---\n")
        yield pytest.param(text, message.strip("\n"), id=title)


def message_of(text):
    """What the user reads about a job file that is refused."""
    with pytest.raises(JobFileError) as caught:
        load_job_text(text)
    assert caught.value.exit_code == BAD_JOB
    return str(caught.value)


@pytest.mark.parametrize(("text", "message"), list(table()))
def test_table(text, message):
    """A mistake is told with its place, what was found, what was expected and the nearest right name."""
    if message == "valid":
        assert load_job_text(text).task == "a:b"
    else:
        assert message_of(text) == message


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("a.b", 'expected module.path:function or ./file.py:function\n  Did you mean "a:b"?'),
        ("task", "expected module.path:function or ./file.py:function"),
        (
            "./task.py",
            'expected module.path:function or ./file.py:function\n  Name the function too: "./task.py:function".',
        ),
        ("task.py:run", 'expected ./ before a file\'s name\n  Did you mean "./task.py:run"?'),
        ("./task:run", "expected a file that ends in .py before the colon"),
        ("a:", 'expected the name of a function after the colon, found ""'),
        ("a:b()", 'expected the name of a function after the colon, found "b()"'),
        ("a:class", 'expected the name of a function after the colon, found "class"'),
        ("a-b.c:d", 'expected a module before the colon, found "a-b.c"'),
        (":d", 'expected a module before the colon, found ""'),
        (
            "../task.py:run",
            (
                "a path that escapes its root: the job file's folder\n"
                "  A task file lies in the job file's folder or below, so that both can go to a cluster."
            ),
        ),
        (
            "/srv/task.py:run",
            (
                "a path that escapes its root: the job file's folder\n"
                "  A task file lies in the job file's folder or below, so that both can go to a cluster."
            ),
        ),
    ],
)
def test_task_references(task, message):
    """A task is module.path:function or ./file.py:function; anything else is told what is missing."""
    text = f'task: "{task}"\ninput: {{range: {{stop: 9}}}}'
    assert message_of(text) == f'job.yaml:1:7: task: found the text "{task}", {message}'


@pytest.mark.parametrize("task", ["a:b", "a.b_c.d2:é", "./t.py:run", "./x/y.py:run"])
def test_good_task_references(task):
    """A module's or a file's function is taken as it stands."""
    assert load_job_text(f"task: {task}\ninput: {{range: {{stop: 9}}}}").task == task


def test_all_problems_at_once():
    """One error tells every unknown key and wrong type, in the order of the file."""
    text = "outptu: 1\ntask: 3\nresources:\n  threads: x\n  memroy: 1Gi\ninput: {range: {step: 1}}\n"
    lines = message_of(text).splitlines()
    assert lines[0] == "job.yaml: 5 problems"
    assert [line.split(" ")[2] for line in lines if line.startswith("  job.yaml")] == [
        "job.yaml:1:1:",
        "job.yaml:2:7:",
        "job.yaml:4:12:",
        "job.yaml:5:3:",
        "job.yaml:6:16:",
    ]


def test_many_problems_are_cut():
    """A file with hundreds of mistakes gives a message that can still be read."""
    text = JOB + "".join(f"x{n}: 1\n" for n in range(300))
    lines = message_of(text).splitlines()
    assert lines[0] == "job.yaml: 300 problems"
    assert lines[-1] == "  and 280 more"
    assert len(lines) == 42
