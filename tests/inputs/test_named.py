"""The files that text inputs name."""

import os
import socket

import pytest

from orchestrator.errors import InputError
from orchestrator.spec.model import LinesInput
from tests.inputs.reading import read, source_of
from tests.inputs.test_files import unprivileged


def lines(base, path):
    """The source under test."""
    return source_of(base, lines=LinesInput(path=path))


def test_order_and_patterns(tmp_path):
    """Files come in the order of the list, a pattern's matches sorted, and each once."""
    for name in ("b.txt", "a.txt", "x/c.txt", "x/.d.txt", "e[1].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    source = lines(tmp_path, ["x/*.txt", "./b.txt", "**/*.txt", "e[1].txt"])
    assert read(source).values == ["x/.d.txt", "x/c.txt", "b.txt", "a.txt", "e[1].txt"]
    assert source.notes() == ["4 files named more than once are read once"]


def test_where_paths_begin(tmp_path):
    """Paths may be absolute, above the job's folder, or patterns there; keys are as the job names them."""
    (tmp_path / "job").mkdir()
    (tmp_path / "in.txt").write_text("x")
    for path in ("../in.txt", "../*.txt", str(tmp_path / "in.txt"), str(tmp_path / "*.txt")):
        assert read(lines(tmp_path / "job", path)).keys == [path.replace("*", "in") + "@0"]


def test_links_are_followed(tmp_path):
    """A named file may be a symbolic link, also one that a pattern matches."""
    (tmp_path / "data").write_text("x")
    (tmp_path / "a.txt").symlink_to("data")
    assert read(lines(tmp_path, "*.txt")).keys == ["a.txt@0"]


def test_empty_files(tmp_path):
    """Empty files give no entry, and are noted."""
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.gz").touch()
    source = lines(tmp_path, ["a.txt", "b.gz"])
    assert list(source.entries()) == []
    assert source.notes() == ["2 empty files skipped"]


def test_refused(tmp_path):
    """What is missing, a folder, a FIFO or a socket, or matches nothing, is refused without waiting."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for path, message in (
            ("gone", "no such file"),
            ("folder", "is a folder"),
            ("fifo", "not a regular file"),
            ("socket", "cannot be read"),
            ("*.gone", "no file matches"),
            ("fold*", "no file matches"),
            ("gone/*", "does not exist"),
        ):
            with pytest.raises(InputError, match=message) as caught:
                list(lines(tmp_path, path).entries())
            assert path.rstrip("*").rstrip("/") in caught.value.where


def test_refused_at_once(tmp_path):
    """An empty list, an empty path and a path no file can have are refused before a file is touched."""
    for path in ([], "", "a\0b", ["ok", "\ud800"]):
        with pytest.raises(InputError):
            lines(tmp_path, path)


def test_unreadable(tmp_path):
    """A file that may not be read is refused when the run is planned."""
    with unprivileged() as base:
        (base / "a").write_text("x")
        (base / "a").chmod(0)
        with pytest.raises(InputError, match="Permission denied"):
            list(lines(base, "a").entries())


def test_names_that_are_not_utf_8(tmp_path):
    """A file whose name is not UTF-8 is read, and its keys hold the name's bytes as surrogates."""
    name = os.path.join(os.fsencode(tmp_path), b"\xff\n.txt")
    with open(name, "wb") as file:
        file.write(b"x\ny\n")
    assert read(lines(tmp_path, "*.txt")).items == [("\udcff\n.txt@0", "x"), ("\udcff\n.txt@2", "y")]
