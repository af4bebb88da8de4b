"""Walks over real trees, against find(1)."""

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.errors import InputError
from orchestrator.inputs.base import Piece
from orchestrator.inputs.files import File
from orchestrator.inputs.globs import Selection
from orchestrator.inputs.look import looker
from orchestrator.inputs.passed import Reason
from orchestrator.spec.model import FilesInput
from tests.inputs.reading import read, source_of

ODD_NAMES = [
    b"plain", b"a b", b"new\nline", b"\xff\xfe", "é".encode(), "漢😀".encode(), b"*", b"[x]", b".hidden",
    b"-n", b"a", b"a.b", b"a-b", b"a+", b"~", b"\\", b"'\"", b"\x01", b"A", b"\xc3", b"x" * 255,
]  # fmt: skip


def files(root: Path, **options):
    """The source under test."""
    return source_of(root.parent, files=FilesInput(root=root.name, **options))


def find(root: Path, *tests: str) -> list[bytes]:
    """What `find` prints, in the documented order: path by path, name by name, by bytes."""
    command = ["find", *tests[:1], str(root), *tests[1:], "-printf", "%P\\0"]
    found = subprocess.run(command, check=True, capture_output=True).stdout.split(b"\0")[:-1]
    return sorted(found, key=lambda path: path.split(b"/"))


def names(source) -> list[bytes]:
    """The names of its entries, in their order."""
    return [entry.name for entry in source.entries()]


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder to work in, and no right to read what its mode bits forbid, also for root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        user = os.geteuid()
        if user == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


@pytest.fixture
def odd_tree(tmp_path) -> Path:
    """Folders within folders, with every odd name as a folder's and as a file's."""
    random_names = random.Random(7)
    root = os.fsencode(tmp_path / "tree")
    os.mkdir(root)
    folders = [root]
    for depth in range(60):
        parent = random_names.choice(folders)
        if len(parent) > 2000:
            continue
        folder = os.path.join(parent, random_names.choice(ODD_NAMES) + b"%d" % depth)[:3000]
        if len(os.path.basename(folder)) <= 255:
            os.mkdir(folder)
            folders.append(folder)
    for folder in folders:
        for name in random_names.sample(ODD_NAMES, 6):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(name)
    return tmp_path / "tree"


def test_order_is_that_of_names(odd_tree):
    """Every file is found once, in the order of its path's names by bytes, whatever the names are."""
    found = names(files(odd_tree))
    assert found == find(odd_tree, "-P", "-type", "f")
    assert len(found) > 200


def test_items(odd_tree):
    """An item knows its path, key, size and time, and opens as a path."""
    seen = read(files(odd_tree))
    assert [os.fsencode(key) for key in seen.keys] == find(odd_tree, "-P", "-type", "f")
    for item in seen.values:
        found = os.stat(item)
        assert (item.size, item.mtime_ns) == (found.st_size, found.st_mtime_ns)
        assert os.path.isabs(item.path)
        with open(item, "rb") as one, item.open() as two:
            assert one.read() == two.read() == item.read_bytes()
        assert item.key in item.path
        assert repr(item).isprintable()


def test_items_cannot_be_changed():
    """A file item is a value: fields cannot be set, equal ones are equal."""
    item = File("/a/b", "b", 1, 2)
    with pytest.raises(AttributeError):
        item.size = 3
    assert item == File("/a/b", "b", 1, 2)


def test_all_items_of_a_chunk_come_in_one_batch(odd_tree):
    """However many files a chunk has, they come in one batch, which counts their bytes."""
    source = files(odd_tree)
    entries = list(source.entries())
    [batch] = source.reader().read([Piece(entry, 0, 1) for entry in entries])
    assert len(batch.values) == len(entries)
    assert batch.nbytes == sum(entry.size for entry in entries)


def test_include_and_exclude(tmp_path):
    """Include and exclude patterns are applied to paths below the root."""
    root = tmp_path / "tree"
    for path in ("a.jpg", "a.txt", "x/b.jpg", "node_modules/c.jpg", "x/node_modules/d.jpg"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    everywhere = files(root, include=["**/*.jpg"], exclude=["**/node_modules/"])
    assert names(everywhere) == [b"a.jpg", b"x/b.jpg"]
    at_the_top = files(root, include=["**/*.jpg"], exclude=["node_modules/**"])
    assert names(at_the_top) == [b"a.jpg", b"x/b.jpg", b"x/node_modules/d.jpg"]


@pytest.fixture
def linked(tmp_path) -> Path:
    """A tree with links to files and folders, inside and outside, to nowhere, and in circles."""
    root, outside = tmp_path / "tree", tmp_path / "outside"
    (root / "real").mkdir(parents=True)
    outside.mkdir()
    for file in (root / "file", root / "real/inner", outside / "secret"):
        file.write_text("x")
    (tmp_path / "tree-sibling").mkdir()
    (tmp_path / "tree-sibling/near").write_text("x")
    for link, target in {
        "to-file": "file", "to-folder": "real", "to-nowhere": "gone", "to-itself": "to-itself",
        "real/to-root": "..", "out-file": "../outside/secret", "out-folder": "../outside",
        "out-near": "../tree-sibling", "out-absolute": str(outside),
    }.items():  # fmt: skip
        (root / link).symlink_to(target)
    (outside / "back").symlink_to(root)
    return root


def test_links_are_skipped(linked):
    """By default no symbolic link is followed, and the user is told how many there are."""
    source = files(linked)
    assert names(source) == [b"file", b"real/inner"]
    assert source.notes() == ["9 symbolic links skipped (input.files.symlinks)"]


def test_links_inside(linked):
    """With `inside`, links are followed whose target lies below the root; none leads out, a loop ends."""
    source = files(linked, symlinks="inside")
    assert names(source) == [b"file", b"real/inner", b"to-file", b"to-folder/inner"]
    assert source.notes() == [
        "4 symbolic links out of the root skipped",
        "2 symbolic links that lead nowhere skipped",
        "2 loops of symbolic links not followed",
    ]


def test_links_followed(linked):
    """With `follow`, all are; what find -L finds is found, and loops end."""
    source = files(linked, symlinks="follow")
    found = subprocess.run(
        ["find", "-L", str(linked), "-type", "f", "-printf", "%P\\0"], check=False, capture_output=True
    ).stdout.split(b"\0")[:-1]
    assert names(source) == sorted(found, key=lambda path: path.split(b"/"))
    assert any("loops" in note for note in source.notes())


def test_a_linked_root(linked):
    """The root itself may be a symbolic link; what is inside is judged by where it leads."""
    link = linked.parent / "link"
    link.symlink_to(linked)
    assert names(files(link, symlinks="inside")) == names(files(linked, symlinks="inside"))


def test_what_is_no_file(tmp_path):
    """FIFOs, sockets and devices are passed over without waiting for them, and counted."""
    root = tmp_path / "t"
    root.mkdir()
    os.mkfifo(root / "fifo")
    (root / "file").touch()
    (root / "link").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(root / "socket"))
        source = files(root, symlinks="follow")
        assert names(source) == [b"file"]
    assert source.notes() == ["3 FIFOs, sockets or devices skipped"]


def test_vanished_during_the_walk(tmp_path):
    """Files and folders that vanish after their folder was listed are passed over, and counted."""
    for name in ("a", "b", "c", "z/deep"):
        (tmp_path / "t" / name).mkdir(parents=True)
    source = files(tmp_path / "t")
    walk = source.entries()
    (tmp_path / "t/a/file").touch()
    (tmp_path / "t/c/file").touch()
    (tmp_path / "t/y").symlink_to("nowhere")
    with vanishing(tmp_path / "t/b", tmp_path / "t/z"):
        assert [entry.name for entry in walk] == [b"a/file", b"c/file"]
    assert source.notes() == [
        "1 symbolic link skipped (input.files.symlinks)",
        "2 files or folders vanished during the walk",
    ]


@contextmanager
def vanishing(*folders: Path) -> Iterator[None]:
    """Folders that are gone by the time they are to be listed."""
    listed = os.scandir

    def scandir(path):
        if isinstance(path, bytes) and Path(os.fsdecode(path)) in folders:
            shutil.rmtree(path)
        return listed(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        yield


def test_names_that_are_gone_or_something_else_by_now(tmp_path):
    """A listed file that vanished, one that is a FIFO now, and a folder that is a file now, are no surprise."""
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    (tmp_path / "z").mkdir()
    looks = looker(os.fsencode(tmp_path), Selection(), "skip")
    opened = looks.open(b"")
    assert opened is not None
    (tmp_path / "a").unlink()
    (tmp_path / "b").unlink()
    os.mkfifo(tmp_path / "b")
    (tmp_path / "z").rmdir()
    (tmp_path / "z").touch()
    seen = looks.look(opened.prefix, opened.names, opened.others)
    assert [step[0] for step in seen.steps] == [b"c", b"z"]
    assert seen.passed == [Reason.VANISHED, Reason.SPECIAL]


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100])
def test_an_unreadable_folder_stops(mode):
    """A folder that may not be listed or searched stops the plan, by name, with the way to leave it out."""
    with unprivileged() as base:
        root = base / "tree"
        (root / "in/secret").mkdir(parents=True)
        (root / "in/secret/file").touch()
        (root / "z").touch()
        (root / "in/secret").chmod(mode)
        try:
            with pytest.raises(InputError, match="Permission denied") as caught:
                names(files(root))
            assert caught.value.where == str(root / "in/secret")
            assert "exclude: ['in/secret']" in caught.value.hint
            assert names(files(root, exclude=["in/secret"])) == [b"z"]
        finally:
            (root / "in/secret").chmod(0o700)


def test_a_root_that_cannot_be_one(tmp_path):
    """A root that is missing, a file, unreadable, or no path at all is told as such."""
    (tmp_path / "file").touch()
    for root, message in (
        ("gone", "does not exist"),
        ("file", "not a folder"),
        ("file/x", "Not a directory"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            names(source_of(tmp_path, files=FilesInput(root=root)))
        assert caught.value.where == str(tmp_path / root)
    for root in ("", "a\0b", "\ud800"):
        with pytest.raises(InputError):
            source_of(tmp_path, files=FilesInput(root=root))
    with unprivileged() as base:
        (base / "tree").mkdir(mode=0)
        with pytest.raises(InputError, match="Permission denied") as caught:
            names(files(base / "tree"))
        assert caught.value.hint is None


def test_messages_can_be_printed(tmp_path):
    """A message about a path that is not UTF-8 is printable text all the same."""
    with pytest.raises(InputError) as caught:
        names(source_of(tmp_path, files=FilesInput(root="g\udcffone\n")))
    assert str(caught.value).encode().decode().isprintable()


def test_how_a_root_may_be_written(tmp_path):
    """A root may be relative, absolute, ".", or end in a slash; keys and paths are the same."""
    (tmp_path / "t/s").mkdir(parents=True)
    (tmp_path / "t/s/f").touch()
    expected = read(source_of(tmp_path, files=FilesInput(root="t")))
    for base, root in ((tmp_path, "./t//"), (tmp_path, str(tmp_path / "t") + "/"), (tmp_path / "t", ".")):
        assert read(source_of(base, files=FilesInput(root=root))) == expected
    assert expected.keys == ["s/f"]
    assert expected.values[0].path == str(tmp_path / "t/s/f")


def test_the_root_of_everything(tmp_path):
    """With root "/", paths have one slash in front, and only the folders on the way are looked into."""
    (tmp_path / "f").touch()
    path = str(tmp_path / "f")
    [item] = read(source_of(tmp_path, files=FilesInput(root="/", include=[path[1:]]))).values
    assert (item.path, item.key) == (path, path[1:])


def test_an_empty_tree(tmp_path):
    """A folder without files has no entries, and a file that is gone is left to the task."""
    (tmp_path / "t").mkdir()
    assert names(files(tmp_path / "t")) == []
    (tmp_path / "t/f").touch()
    source = files(tmp_path / "t")
    [entry] = source.entries()
    (tmp_path / "t/f").unlink()
    [batch] = source.reader().read([Piece(entry, 0, 1)])
    with pytest.raises(FileNotFoundError):
        batch.values[0].read_bytes()
