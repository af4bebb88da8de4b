"""Which interpreter set-up takes, and what it says when there is none."""

import pytest

from tests.setup.conftest import fake_python, program


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such program"),
        ("exit 1", "it does not run, or is not Python"),
        ("echo 3.13 1", "it is Python 3.13, and 3.14 or newer is needed"),
        ("echo 2.7 0", "it is Python 2.7, and 3.14 or newer is needed"),
        ("echo 3.14 1 ssl zlib", "it lacks the standard modules: ssl zlib"),
    ],
)
def test_named_interpreter_that_will_not_do(project, tmp_path, text, reason):
    """An FTORCH_PYTHON that cannot be used ends set-up with one line that says why."""
    path = tmp_path / "python"
    if text is not None:
        program(path, text)
    ended = project.setup(FTORCH_PYTHON=str(path))
    assert ended.returncode == 1
    assert reason in ended.stdout
    assert len(ended.stdout.splitlines()) == 1
    assert not (project.root / ".venv").exists()


def test_named_interpreter_of_another_version(project, tmp_path):
    """FTORCH_PYTHON and an asked-for version that differ are a mistake, not a choice."""
    python = fake_python(tmp_path / "python", "3.14 1 ")
    ended = project.setup("3.15t", FTORCH_PYTHON=str(python))
    assert ended.returncode == 1
    assert "it is Python 3.14, and 3.15t was asked for" in ended.stdout


def test_named_interpreter_with_the_gil(project, tmp_path):
    """A GIL build named on purpose is taken, and its consequence said."""
    python = fake_python(tmp_path / "python", "3.14 0 ")
    ended = project.setup(FTORCH_PYTHON=str(python))
    assert "is a build with the GIL: jobs run on processes, not threads" in ended.stdout
    assert f"making .venv with {python}" in ended.stdout


def test_relative_name_is_taken_from_where_set_up_was_called(project, tmp_path, monkeypatch):
    """A relative FTORCH_PYTHON means the folder of the call, and is remembered as an absolute path."""
    python = fake_python(tmp_path / "here/python", "3.14 1 ")
    monkeypatch.chdir(tmp_path)
    assert f"making .venv with {python}" in project.setup(FTORCH_PYTHON="here/python").stdout


@pytest.mark.parametrize(("asked", "taken"), [((), "python3.14t"), (("3.15t",), "python3.15t")])
def test_interpreter_on_the_path(project, tmp_path, asked, taken):
    """Of those on PATH, 3.14t is taken unless the other was asked for."""
    for version in ("3.14", "3.15"):
        fake_python(tmp_path / f"found/python{version}t", f"{version} 1 ")
    ended = project.setup(*asked, PATH=f"{tmp_path}/found:{project.env['PATH']}")
    assert f" with {tmp_path}/found/{taken}\n" in ended.stdout


def test_interpreter_on_the_path_that_does_not_run_is_passed_over(project, tmp_path):
    """A version manager's empty shim on PATH does not end the search."""
    program(tmp_path / "found/python3.14t", "exit 127")
    fake_python(tmp_path / "found/python3.15t", "3.15 1 ")
    ended = project.setup(PATH=f"{tmp_path}/found:{project.env['PATH']}")
    assert f"passing over {tmp_path}/found/python3.14t: it does not run, or is not Python" in ended.stdout
    assert f" with {tmp_path}/found/python3.15t\n" in ended.stdout


def test_unknown_version(project):
    """A version that set-up does not know is refused by name."""
    ended = project.setup("3.13t")
    assert ended.returncode == 1
    assert ended.stdout == "set-up: unknown version '3.13t': set-up knows 3.14t and 3.15t\n"


def test_system_without_a_way_prints_the_ways(project):
    """Where nothing is found and nothing can be built, set-up names the system and the ways to get a Python."""
    ended = project.setup()
    assert ended.returncode == 1
    assert "Plan 9 is not built for here" in ended.stdout
    assert "uv python install 3.14t" in ended.stdout
    assert "FTORCH_PYTHON=/path/to/python3.14t make setup" in ended.stdout


def test_uv_that_has_one(project, tmp_path):
    """An interpreter that uv already has is taken without a download."""
    python = fake_python(tmp_path / "uv-python", "3.14 1 ")
    program(tmp_path / "found/uv", f'[ "$2" = find ] && echo {python}')
    ended = project.setup(PATH=f"{tmp_path}/found:{project.env['PATH']}")
    assert f"making .venv with {python}" in ended.stdout
    assert "asking uv" not in ended.stdout


def test_uv_that_fetches_one(project, tmp_path):
    """An interpreter that uv can fetch is taken once it is there."""
    python, fetched = fake_python(tmp_path / "uv-python", "3.14 1 "), tmp_path / "fetched"
    program(
        tmp_path / "found/uv",
        f"case $2 in install) touch {fetched} ;; find) [ -e {fetched} ] && echo {python} ;; esac",
    )
    ended = project.setup(PATH=f"{tmp_path}/found:{project.env['PATH']}")
    assert f"making .venv with {python}" in ended.stdout


def test_uv_without_a_network(project, tmp_path):
    """When uv cannot fetch one, the search goes on to the next way."""
    program(tmp_path / "found/uv", "echo no route >&2; exit 2")
    ended = project.setup(PATH=f"{tmp_path}/found:{project.env['PATH']}")
    assert "uv could not fetch it" in ended.stdout
    assert "Ways to get one" in ended.stdout
