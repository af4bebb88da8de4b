"""Putting the results in place."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import OutputError, StoreUnavailable
from orchestrator.outputs import atomic
from orchestrator.outputs.publish import Published, publish_file, publish_json, publish_parts
from orchestrator.outputs.target import Target


def file_target(path: Path, overwrite: bool = False) -> Target:
    """A single file of JSON Lines."""
    return Target(path, "jsonl", False, overwrite)


def parts_target(path: Path, overwrite: bool = False) -> Target:
    """A folder of CSV parts."""
    return Target(path, "csv", True, overwrite)


def publish_any(target: Target, body: Iterable[bytes]) -> Published:
    """Publish a file or parts of one piece each."""
    return publish_parts(target, b"", body, 1) if target.parts else publish_file(target, b"", body)


def names_below(folder: Path) -> list[str]:
    """Every file, temporary ones included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_file(tmp_path):
    """The file is the header and the pieces, whatever they are made of, in folders made for it."""
    pieces = [b"one\n", memoryview(b"two\n"), bytearray(b"three\n"), b""]
    published = publish_file(file_target(tmp_path / "a/b/x.jsonl"), b"head\n", iter(pieces))
    whole = b"head\none\ntwo\nthree\n"
    assert (tmp_path / "a/b/x.jsonl").read_bytes() == whole
    assert published == Published(tmp_path / "a/b/x.jsonl", len(whole), zlib.crc32(whole), 1)
    assert names_below(tmp_path) == ["a/b/x.jsonl"]


def test_file_obeys_the_umask(tmp_path):
    """The file has the rights that any new file of the user has."""
    publish_file(file_target(tmp_path / "x"), b"", [b"x"])
    (tmp_path / "usual").touch()
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_file_that_came_meanwhile(tmp_path):
    """A file that is there by now is kept, unless it is to be overwritten."""
    path = tmp_path / "x"
    path.write_bytes(b"theirs")
    with pytest.raises(OutputError, match="is there already"):
        publish_file(file_target(path), b"", [b"mine"])
    assert path.read_bytes() == b"theirs"
    publish_file(file_target(path, overwrite=True), b"", [b"mine"])
    assert path.read_bytes() == b"mine"
    assert names_below(tmp_path) == ["x"]


def test_publishing_twice(tmp_path):
    """A run that died just after it had published can publish the same bytes again."""
    once = publish_file(file_target(tmp_path / "x"), b"h", [b"b"])
    assert publish_file(file_target(tmp_path / "x"), b"h", [b"b"]) == once
    parts = publish_parts(parts_target(tmp_path / "d"), b"h", [b"b"], 1)
    assert publish_parts(parts_target(tmp_path / "d"), b"h", [b"b"], 1) == parts
    assert names_below(tmp_path) == ["d/part-00000.csv", "x"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("the store's own"), ZeroDivisionError])
@pytest.mark.parametrize("publish", ["file", "parts"])
def test_body_that_fails(tmp_path, error, publish):
    """When the body ends in an exception, it is passed on as it is and nothing is left of the output."""

    def body():
        yield b"half"
        raise error

    target = Target(tmp_path / "x", "csv", publish == "parts", False)
    expected = error if isinstance(error, type) else type(error)
    with pytest.raises(expected):
        publish_any(target, body())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_full_disk(small_disk, overwrite):
    """On a full disk the error says what to do; an old output stays, nothing else does."""
    if overwrite:
        (small_disk / "x").write_bytes(b"old")
    with pytest.raises(StoreUnavailable, match="No space left") as error:
        publish_file(file_target(small_disk / "x", overwrite), b"", [bytes(300_000)] * 5)
    assert "--resume" in str(error.value.hint)
    assert error.value.where == str(small_disk / "x")
    assert names_below(small_disk) == (["x"] if overwrite else [])
    with pytest.raises(StoreUnavailable):
        publish_parts(parts_target(small_disk / "d"), b"", [bytes(300_000)] * 5, 1)
    assert names_below(small_disk) == (["x"] if overwrite else [])


def test_read_only_disk(read_only_disk):
    """A disk that became read-only is an error that a resumed run can get over."""
    with pytest.raises(StoreUnavailable, match="Read-only"):
        publish_file(file_target(read_only_disk / "a/x"), b"", [])


DIES = """
import os, signal, sys
from pathlib import Path
from orchestrator.outputs.publish import publish_file, publish_parts
from orchestrator.outputs.target import Target
def body():
    yield b"half"
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "file":
    publish_file(Target(Path(sys.argv[1]), "csv", False, True), b"", body())
publish_parts(Target(Path(sys.argv[1]), "csv", True, True), b"", body(), 1)
"""


@pytest.mark.parametrize(("kind", "file"), [("file", "x"), ("parts", "x/part-00000.csv")])
def test_killed_in_the_middle(tmp_path, kind, file):
    """A process killed while it publishes leaves the old output; the next one removes what it left beside."""
    target = Target(tmp_path / "x", "csv", kind == "parts", True)
    publish_any(target, [b"old"])
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "x"), kind], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / file).read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
    publish_any(target, [b"new"])
    assert (tmp_path / file).read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=6), max_size=10), st.integers(0, 12), st.sampled_from([b"", b"h,h\n"]))
def test_parts(pieces, part_size, header):
    """Parts hold the pieces in order; each begins with the header and, but for the last, is large enough."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "d")
        published = publish_parts(parts_target(folder), header, iter(pieces), part_size)
        names = sorted(os.listdir(folder))
        contents = [(folder / name).read_bytes() for name in names]
    assert names == [f"part-{n:05d}.csv" for n in range(len(contents))]
    assert all(content.startswith(header) for content in contents)
    bodies = [content[len(header) :] for content in contents]
    assert b"".join(bodies) == b"".join(pieces)
    assert all(len(body) >= part_size for body in bodies[:-1])
    whole = b"".join(contents)
    assert published == Published(folder, len(whole), zlib.crc32(whole), len(names))


def test_parts_are_cut_between_pieces(tmp_path):
    """A part ends with the piece that made it large enough."""
    publish_parts(parts_target(tmp_path / "d"), b"", [b"aa", b"bbb", b"c", b"ddddd", b"e"], 4)
    found = [(tmp_path / "d" / name).read_bytes() for name in sorted(os.listdir(tmp_path / "d"))]
    assert found == [b"aabbb", b"cddddd", b"e"]


def test_no_results(tmp_path):
    """A job without results publishes its header all the same, in one part too."""
    publish_file(file_target(tmp_path / "x"), b"h\n", [])
    publish_parts(parts_target(tmp_path / "d"), b"h\n", [], 10)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "d/part-00000.csv").read_bytes() == b"h\n"


def test_parts_take_an_empty_folder(tmp_path):
    """A folder that is there and empty is taken."""
    (tmp_path / "d").mkdir()
    publish_parts(parts_target(tmp_path / "d"), b"", [b"x"], 1)
    assert names_below(tmp_path) == ["d/part-00000.csv"]


def test_parts_that_came_meanwhile(tmp_path):
    """Parts that are there by now are kept, unless they are to be overwritten: then all of them go."""
    publish_parts(parts_target(tmp_path / "d"), b"", [b"1", b"2", b"3"], 1)
    with pytest.raises(OutputError, match="is there already"):
        publish_parts(parts_target(tmp_path / "d"), b"", [b"4"], 1)
    assert len(names_below(tmp_path)) == 3
    publish_parts(parts_target(tmp_path / "d", overwrite=True), b"", [b"4"], 1)
    assert names_below(tmp_path) == ["d/part-00000.csv"]
    assert (tmp_path / "d/part-00000.csv").read_bytes() == b"4"


def test_parts_never_replace_other_files(tmp_path):
    """A folder with other files than parts is kept even where parts are to be overwritten."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d/thesis.tex").write_bytes(b"x")
    with pytest.raises(OutputError):
        publish_parts(parts_target(tmp_path / "d", overwrite=True), b"", [b"4"], 1)
    assert names_below(tmp_path) == ["d/thesis.tex"]


def test_exchange_in_two_steps(tmp_path, monkeypatch):
    """Where the system cannot exchange two folders in one step it takes two, and nothing is left over."""
    monkeypatch.setattr(atomic, "_EXCHANGE", 1 << 20)
    publish_parts(parts_target(tmp_path / "d"), b"", [b"old"], 1)
    publish_parts(parts_target(tmp_path / "d", overwrite=True), b"", [b"new"], 1)
    assert (tmp_path / "d/part-00000.csv").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["d"]


def test_file_system_without_links(tmp_path, monkeypatch):
    """On a file system without hard links a new file is published, and one that is there is kept."""

    def refuse(source, destination):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    publish_file(file_target(tmp_path / "x"), b"", [b"1"])
    with pytest.raises(OutputError, match="is there already"):
        publish_file(file_target(tmp_path / "x"), b"", [b"2"])
    assert ((tmp_path / "x").read_bytes(), os.listdir(tmp_path)) == (b"1", ["x"])


@pytest.mark.parametrize("document", [b'{"a":1}', b'{"a":1}\n'])
def test_json(tmp_path, document):
    """A fold's document is a file that ends with one newline."""
    publish_json(Target(tmp_path / "x.json", "json", False, False), document)
    assert (tmp_path / "x.json").read_bytes() == b'{"a":1}\n'
