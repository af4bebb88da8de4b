"""A folder as a store: real processes, real kills, and disks that refuse."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.errors import RESUMABLE, RunDamaged, StoreUnavailable
from orchestrator.store.base import NotFound
from orchestrator.store.local import LocalStore

ROOT = Path(__file__).parents[2]

# Waits for its start, then creates the names in turn; prints those that it won.
CONTEND = """
import sys
from pathlib import Path
from orchestrator.store.local import LocalStore
store, number = LocalStore(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
print(*[turn for turn in range(20) if store.create(f"race/{turn}", [number.encode()] * 1000)])
"""

# Writes half of an object, says so, and waits to be killed.
HALF = """
import sys
from pathlib import Path
from orchestrator.store.local import LocalStore
def data():
    yield b"half" * 100_000
    print("half", flush=True)
    sys.stdin.readline()
getattr(LocalStore(Path(sys.argv[1])), sys.argv[2])(sys.argv[3], data())
"""

# Tries to write as a user without rights; prints the error.
UNPRIVILEGED = """
import os, sys
from pathlib import Path
from orchestrator.errors import StoreUnavailable
from orchestrator.store.local import LocalStore
os.setuid(65534)
try:
    LocalStore(Path(sys.argv[1])).put("a", [b"1"])
except StoreUnavailable as error:
    print(error)
"""


def start(script: str, *arguments: object, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A Python process with pipes."""
    command = [*before, sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as a crash would."""
    process.kill()
    process.communicate()


def test_one_process_of_eight_creates(tmp_path: Path) -> None:
    """Of eight processes that create the same names at once, each name has exactly one winner, whose bytes stay."""
    processes = [start(CONTEND, tmp_path, number) for number in range(8)]
    assert [line_of(process) for process in processes] == ["ready"] * 8
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [process.communicate()[0].split() for process in processes]
    assert Counter(turn for turns in won for turn in turns) == Counter(map(str, range(20)))
    store = LocalStore(tmp_path)
    for number, turns in enumerate(won):
        for turn in turns:
            assert store.get(f"race/{turn}") == b"%d" % number * 1000


@pytest.mark.parametrize("call", ["put", "create"])
def test_a_killed_writer_leaves_no_object(tmp_path: Path, call: str) -> None:
    """After kill -9 in the middle of a write, nothing of it can be listed or got, and the name is free."""
    process = start(HALF, tmp_path, call, "parts/1")
    assert line_of(process) == "half"
    kill(process)
    assert process.returncode == -signal.SIGKILL
    store = LocalStore(tmp_path)
    assert list(store.list("")) == []
    with pytest.raises(NotFound):
        store.get("parts/1")
    assert store.create("parts/1", [b"whole"]) is True
    assert list(store.list("parts/")) == ["parts/1"]


def test_a_killed_put_keeps_the_old_object(tmp_path: Path) -> None:
    """After kill -9 in the middle of a put, the object is the old one."""
    store = LocalStore(tmp_path)
    store.put("a", [b"old"])
    process = start(HALF, tmp_path, "put", "a")
    assert line_of(process) == "half"
    kill(process)
    assert store.get("a") == b"old"


def test_what_a_killed_container_left_is_not_in_the_way(tmp_path: Path) -> None:
    """A restarted container, whose processes have the same numbers again, writes the name whose write was killed."""
    alone = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not make a PID namespace")
    first = start(HALF, tmp_path, "create", "epochs/0", before=alone)
    assert line_of(first) == "half"
    kill(first)
    second = start(HALF, tmp_path, "create", "epochs/0", before=alone)
    assert line_of(second) == "half"
    second.communicate("go on\n")
    assert second.returncode == 0
    assert LocalStore(tmp_path).get("epochs/0") == b"half" * 100_000


@pytest.mark.parametrize("call", ["put", "create"])
def test_a_full_disk_is_told(small_disk: tuple[Path, object], call: str) -> None:
    """A full disk is StoreUnavailable with what to do; nothing half-written takes room, and it works again after."""
    folder, _ = small_disk
    store = LocalStore(folder / "run")
    store.put("a/kept", [bytes(400_000)])
    with pytest.raises(StoreUnavailable) as caught:
        getattr(store, call)("a/big", [bytes(400_000)] * 3)
    assert caught.value.exit_code == RESUMABLE
    assert str(folder / "run/a/big") in str(caught.value)
    assert "No space left" in caught.value.message
    assert "Make room" in (caught.value.hint or "")
    assert os.listdir(folder / "run/a") == ["kept"]
    store.delete("a/kept")
    getattr(store, call)("a/big", [bytes(400_000)] * 2)
    assert len(store.get("a/big")) == 800_000


def test_a_full_disk_keeps_the_old_object(small_disk: tuple[Path, object]) -> None:
    """A put that finds no room leaves the object that it was to replace."""
    folder, _ = small_disk
    store = LocalStore(folder)
    store.put("a", [b"old"])
    with pytest.raises(StoreUnavailable):
        store.put("a", [bytes(2 << 20)])
    assert store.get("a") == b"old"


def test_a_read_only_disk_is_told(small_disk: tuple[Path, object]) -> None:
    """On a disk that became read-only every write is StoreUnavailable with what to do, and reading goes on."""
    folder, remount = small_disk
    store = LocalStore(folder)
    store.put("a/old", [b"old"])
    remount("ro")
    for write in (
        lambda: store.put("a/old", [b"new"]),
        lambda: store.create("a/new", [b"new"]),
        lambda: store.create("b/new", [b"new"]),
        lambda: store.delete("a/old"),
        lambda: LocalStore(folder).put("c", [b"new"]),
    ):
        with pytest.raises(StoreUnavailable, match="Read-only file system") as caught:
            write()
        assert "read-only" in (caught.value.hint or "")
    assert store.get("a/old") == b"old"
    assert list(store.list("")) == ["a/old"]


def test_a_folder_without_rights_is_told(tmp_path: Path) -> None:
    """A user who may not write in the folder is told to get the right."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    said, _ = start(UNPRIVILEGED, folder).communicate()
    assert "Permission denied" in said
    assert "Give this user the right" in said
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["shards/0/commits/1", "shards/0/report.json", "shards/1/new/1"])
@pytest.mark.parametrize("call", ["put", "create"])
def test_a_folder_that_disappears_is_not_made_anew(tmp_path: Path, call: str, name: str) -> None:
    """Once written to, a store whose folder is gone is StoreUnavailable for every name, and no second one begins."""
    store = LocalStore(tmp_path / "run")
    store.create("shards/0/commits/0", [b"1"])
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(StoreUnavailable) as caught:
        getattr(store, call)(name, [b"2"])
    assert "Bring the folder back" in (caught.value.hint or "")
    assert not (tmp_path / "run").exists()


def test_a_folder_where_an_object_belongs_is_damage(tmp_path: Path) -> None:
    """A folder under an object's name, or a file under a folder's, is RunDamaged and names it."""
    store = LocalStore(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_bytes(b"")
    for name in ["a", "b/c"]:
        with pytest.raises(RunDamaged) as caught:
            store.get(name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(StoreUnavailable):
        store.put("b/c", [b"1"])
    with pytest.raises(StoreUnavailable):
        store.put("a", [b"1"])
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_hidden_names_are_not_listed(tmp_path: Path) -> None:
    """Temporary and other hidden files are no objects, in any folder."""
    store = LocalStore(tmp_path)
    store.put("a/b", [b"1"])
    (tmp_path / ".hidden").write_bytes(b"")
    (tmp_path / "a/.b.tmp").write_bytes(b"")
    (tmp_path / ".folder").mkdir()
    (tmp_path / ".folder/c").write_bytes(b"")
    assert list(store.list("")) == ["a/b"]


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    """Getting, listing and deleting in a store that was never written to leave no trace."""
    store = LocalStore(tmp_path / "run")
    assert list(store.list("")) == []
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")
    assert not (tmp_path / "run").exists()
