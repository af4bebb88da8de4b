"""A tree of files."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import OutputError
from orchestrator.outputs.atomic import is_temporary
from orchestrator.outputs.tree import TreeEncoder, flush, relative_name, sweep_temporaries


def tree(root: Path, name: str = "{key}", replace: bool = False) -> TreeEncoder:
    """A tree's encoder."""
    return TreeEncoder(root, name, replace)


def files_below(root: Path) -> dict[str, bytes]:
    """Every file by its path, temporary ones included."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_each_result_is_a_file(tmp_path):
    """Bytes of any kind and text are the contents of the files that the keys name; the body has no bytes."""
    keys = ["a", "b/c", "b/caf\udce9", 7, "e"]
    results = [b"1", bytearray(b"2"), memoryview(b"3x4x")[::2], "é", b""]
    assert tree(tmp_path / "new").encode(keys, results) == b""
    found = files_below(tmp_path / "new")
    assert found == {"a": b"1", "b/c": b"2", "b/caf\udce9": b"34", "7": "é".encode(), "e": b""}


def test_name_template(tmp_path):
    """A file's name is made of its key's folder, stem and suffix."""
    tree(tmp_path, "{parent}/thumbs/{stem}-small{suffix}").encode(["x/a.tar.gz", "b.jpg", ".rc"], [b""] * 3)
    tree(tmp_path, "{key:0>3}").encode([7], [b""])
    assert set(files_below(tmp_path)) == {"007", "x/thumbs/a.tar-small.gz", "thumbs/b-small.jpg", "thumbs/.rc-small"}


def test_large_result(tmp_path):
    """A result larger than one write takes is written whole."""
    data = os.urandom(5 << 20)
    tree(tmp_path).encode(["big"], [memoryview(data)])
    assert (tmp_path / "big").read_bytes() == data


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("../x", r"has a \.\."),
        ("a/../../x", r"has a \.\."),
        ("..", r"has a \.\."),
        ("/etc/x", "absolute"),
        ("a\0b", "NUL"),
        ("", "names a folder"),
        (".", "names a folder"),
        ("a/", "names a folder"),
        ("a/.", "names a folder"),
        ("a/.ftorch-x", "temporary"),
        ("a" * 300, "too long"),
        ("a\ud800", "surrogate"),
    ],
)
def test_escape(tmp_path, key, reason):
    """A key that leads out of the root, or names no file, is refused by name; nothing is written."""
    with pytest.raises(ValueError, match=reason):
        tree(tmp_path / "root").encode([key], [b"x"])
    assert files_below(tmp_path) == {}


@given(st.text("a./\0\udcff", max_size=8))
def test_names_stay_inside(key):
    """Whatever the key, the path is refused or lies below the root."""
    try:
        name = relative_name("{key}", key)
    except ValueError:
        return
    root = Path("/root")
    assert (root / name).resolve().is_relative_to(root)
    assert Path(os.path.normpath(root / name)) != root


def test_symbolic_link_out_of_the_root(tmp_path):
    """A symbolic link in the root that leads out of it is not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="out of the output's folder"):
        tree(tmp_path / "root", replace=True).encode(["link/x"], [b"x"])
    assert list((tmp_path / "outside").iterdir()) == []


def test_collision(tmp_path):
    """Two items that write one file: the second is refused, and the first file stays as it was."""
    tree(tmp_path, "{stem}").encode(["a.jpg"], [b"1"])
    with pytest.raises(ValueError, match="two items write 'a'"):
        tree(tmp_path, "{stem}").encode(["a.png"], [b"2"])
    assert files_below(tmp_path) == {"a": b"1"}


def test_collision_with_a_folder(tmp_path):
    """One item's file where another needs a folder, in either order, is refused; with replace, too."""
    for replace in (False, True):
        encoder = tree(tmp_path / str(replace), replace=replace)
        encoder.encode(["a", "b/c"], [b"1", b"2"])
        for key in ("a/x", "b"):
            with pytest.raises(ValueError, match="needs a folder where a file is"):
                encoder.encode([key], [b"3"])
        assert files_below(tmp_path / str(replace)) == {"a": b"1", "b/c": b"2"}


def test_failed_call_leaves_nothing(tmp_path):
    """A call that fails has removed the files it wrote, so each item can be tried alone."""
    encoder = tree(tmp_path)
    encoder.encode(["old"], [b"0"])
    with pytest.raises(TypeError, match="of type int"):
        encoder.encode(["a", "b"], [b"1", 2])
    assert files_below(tmp_path) == {"old": b"0"}
    encoder.encode(["a"], [b"1"])


def test_replace(tmp_path):
    """A resumed run writes again what its predecessor wrote without telling."""
    tree(tmp_path).encode(["a"], [b"old"])
    tree(tmp_path, replace=True).encode(["a"], [b"new"])
    assert files_below(tmp_path) == {"a": b"new"}


def test_threads_share_a_folder(tmp_path):
    """Threads that make the same folders at the same time all write their files."""
    start = threading.Barrier(4)

    def write(mine: int) -> None:
        encoder = tree(tmp_path)
        start.wait()
        encoder.encode([f"{n}/{mine}" for n in range(50)], [b"x"] * 50)

    threads = [threading.Thread(target=write, args=(mine,)) for mine in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files_below(tmp_path)) == 200


DIES_IN_WRITE = """
import resource, signal, sys
from pathlib import Path
from orchestrator.outputs.tree import TreeEncoder
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
encoder = TreeEncoder(Path(sys.argv[1]), "{key}", True)
encoder.encode(["a/whole", "a/old", "a/half"], [b"w", b"new", bytes(2 << 20)])
"""


def test_writer_that_dies_in_the_middle(tmp_path):
    """A process that dies with half a file written leaves no half file, and its leftover is swept."""
    tree(tmp_path).encode(["a/old", "a/half"], [b"old", b"before"])
    done = subprocess.run([sys.executable, "-c", DIES_IN_WRITE, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGXFSZ
    found = files_below(tmp_path)
    leftover = [name for name in found if is_temporary(Path(name).name)]
    assert [len(found.pop(name)) for name in leftover] == [1 << 20]
    assert found == {"a/whole": b"w", "a/old": b"new", "a/half": b"before"}
    assert sweep_temporaries(tmp_path) == 1
    assert files_below(tmp_path) == found


KILLED = """
import sys
from pathlib import Path
from orchestrator.outputs.tree import TreeEncoder
encoder = TreeEncoder(Path(sys.argv[1]), "{key}", True)
print(flush=True)
while True:
    for letter in (b"a", b"b"):
        encoder.encode(["x"], [letter * (1 << 20)])
"""


def test_reader_sees_whole_files_only(tmp_path):
    """A reader of a file that is written again and again sees whole versions only, after a kill too."""
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen: set[bytes] = set()
        while len(seen) < 2 and writer.poll() is None:
            if (tmp_path / "x").exists():
                data = (tmp_path / "x").read_bytes()
                assert (len(data), len(set(data))) == (1 << 20, 1)
                seen.add(data[:1])
        writer.kill()
    assert seen == {b"a", b"b"}
    assert len(set((tmp_path / "x").read_bytes())) == 1
    sweep_temporaries(tmp_path)
    assert set(files_below(tmp_path)) == {"x"}


def test_file_too_large_for_its_limit(tmp_path):
    """A write that the system refuses half-way is an OSError, and leaves nothing."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, old[1]))
    try:
        with pytest.raises(OSError) as error:  # noqa: PT011
            tree(tmp_path).encode(["a", "b"], [b"x", bytes(2 << 20)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert error.value.errno == errno.EFBIG
    assert files_below(tmp_path) == {}


def test_full_disk(small_disk):
    """On a full disk the call is an OSError that says so, and leaves nothing that takes more room."""
    with pytest.raises(OSError, match="No space left") as error:
        tree(small_disk).encode(["a", "b"], [b"x" * 1000, bytes(2 << 20)])
    assert error.value.errno == errno.ENOSPC
    assert files_below(small_disk) == {}
    tree(small_disk).encode(["a"], [b"x"])


def test_flush(tmp_path):
    """Making a tree last works where there is one, and where nothing was written yet."""
    tree(tmp_path / "root").encode(["a"], [b"x"])
    flush(tmp_path / "root")
    flush(tmp_path / "missing")


@pytest.mark.parametrize("name", ["{", "{other}", "{}", "{key!r}", "{key:{stem}}", "{key.x}"])
def test_wrong_name_template(tmp_path, name):
    """A template of names with another field, or with a brace alone, is refused before anything runs."""
    with pytest.raises(OutputError) as error:
        tree(tmp_path, name)
    assert error.value.where == "output.name"
