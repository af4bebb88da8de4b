"""Digests against coreutils, published vectors, and hashlib on the whole content."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.hashing.task import BLOCK, SMALL, choose, digest, hasher
from orchestrator import Context
from orchestrator.errors import MissingExtra, TaskError


@dataclass
class Item:
    path: str
    size: int


def hash_of(content: bytes, path: Path, planned: int | None = None, **arguments):
    """The job's digest of a file with that content, planned with its true size or another."""
    path.write_bytes(content)
    item = Item(str(path), len(content) if planned is None else planned)
    return digest(item, Context(None, hasher(**arguments), 0), **arguments)


@pytest.mark.parametrize(
    "size", [0, 1, 2047, 2048, SMALL - 1, SMALL, SMALL + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17]
)
def test_agrees_with_sha256sum_at_every_edge_of_its_buffers(size: int, tmp_path: Path):
    """A file of any size, read in one go or in blocks, has the digest that sha256sum gives."""
    found = hash_of(Random(size).randbytes(size), tmp_path / "file")
    wanted = subprocess.run(["sha256sum", tmp_path / "file"], capture_output=True, text=True, check=True).stdout
    assert found == wanted.split()[0]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("md5sum", {"algorithm": "md5"}),
        ("sha1sum", {"algorithm": "SHA-1"}),
        ("sha512sum", {"algorithm": "sha512"}),
        ("b2sum", {"algorithm": "blake2b"}),
        ("b2sum --length=160", {"algorithm": "blake2b", "length": 20}),
    ],
)
def test_agrees_with_the_other_tools_of_coreutils(tool: str, arguments: dict, tmp_path: Path):
    """Every algorithm that coreutils has gives the same digest there and here."""
    found = hash_of(b"some content\n" * 1000, tmp_path / "file", **arguments)
    wanted = subprocess.run([*tool.split(), tmp_path / "file"], capture_output=True, text=True, check=True).stdout
    assert found == wanted.split()[0]


@pytest.mark.parametrize(
    ("content", "wanted", "arguments"),
    [
        (
            b"abc",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
            {"algorithm": "sha3_256"},
        ),
        (b"", "7f9c2ba4e88f827d616045507605853e", {"algorithm": "shake_128", "length": 16}),
        (
            b"abc",
            "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
            {"algorithm": "blake2s"},
        ),
        (b"abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85", {"algorithm": "blake3"}),
        (b"abc", "6437b3ac38465133", {"algorithm": "blake3", "length": 8}),
        (b"", "2d06800538d394c2", {"algorithm": "xxh3_64"}),
        (b"", "99aa06d3014798d86001c324468d497f", {"algorithm": "xxh3_128"}),
    ],
)
def test_agrees_with_published_vectors(content: bytes, wanted: str, arguments: dict, tmp_path: Path):
    """Algorithms that coreutils lacks give the digests that their specifications print."""
    assert hash_of(content, tmp_path / "file", **arguments) == wanted


@pytest.mark.parametrize("name", ["blake3", "xxh3_64", "xxh3_128", "sha3_512", "shake_256"])
def test_reading_in_blocks_changes_nothing(name: str, tmp_path: Path):
    """A file hashed block by block has the digest of its content hashed at once."""
    content = Random(name).randbytes(2 * BLOCK + 5)
    length = 32 if name == "shake_256" else None
    new, arguments = choose(name, length)
    assert hash_of(content, tmp_path / "file", algorithm=name, length=length) == new(content).hexdigest(*arguments)


def test_a_block_leaves_nothing_behind_for_the_next_file(tmp_path: Path):
    """A thread's buffer is used again for a shorter file without the longer one's bytes in it."""
    long, short = tmp_path / "long", tmp_path / "short"
    long.write_bytes(b"x" * (BLOCK + 10))
    short.write_bytes(b"y" * (SMALL + 1))
    hash_file = hasher()
    hash_file(str(long), BLOCK + 10)
    assert hash_file(str(short), SMALL + 1) == hashlib.sha256(short.read_bytes()).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(content=st.binary(max_size=300), planned=st.integers(0, 300))
def test_hashes_what_is_there_and_not_what_was_planned(content: bytes, planned: int, tmp_path: Path):
    """A file that is longer or shorter than planned is hashed whole, to its real end."""
    assert hash_of(content, tmp_path / "file", planned) == hashlib.sha256(content).hexdigest()


def test_a_file_system_that_reports_no_size_is_read_to_the_end():
    """A file of /proc, whose size is 0, is hashed by its content."""
    path = "/proc/self/cmdline"
    assert hasher()(path, 0) == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_every_algorithm_of_this_python_can_be_chosen():
    """Whatever hashlib says it has can be named, with a length where it has none of its own."""
    for name in hashlib.algorithms_available:
        length = 32 if name.startswith("shake") else None
        new, arguments = choose(name, length)
        assert new(b"x").hexdigest(*arguments)


def test_an_unknown_algorithm_is_told_with_the_nearest_name():
    """A misspelt algorithm is an error at set-up that proposes the right one."""
    with pytest.raises(TaskError, match="sah256") as caught:
        choose("sah256")
    assert caught.value.where == "with.algorithm"
    assert "'sha256'" in str(caught.value)


def test_an_algorithm_unlike_any_is_told_with_all_names():
    """A name with no near one lists what there is, the optional ones too."""
    with pytest.raises(TaskError) as caught:
        choose("§§§")
    assert "blake3" in str(caught.value)


@pytest.mark.parametrize(
    ("algorithm", "length"),
    [
        ("shake_128", None),
        ("sha256", 16),
        ("blake2b", 65),
        ("blake2s", 0),
        ("blake3", True),
        ("blake3", "32"),
    ],
)
def test_a_length_that_does_not_fit_is_refused_at_set_up(algorithm: str, length: object):
    """A missing, needless or impossible length is an error of the field `with.length`."""
    with pytest.raises(TaskError) as caught:
        choose(algorithm, length)
    assert caught.value.where == "with.length"


@pytest.mark.parametrize(("algorithm", "package"), [("blake3", "blake3"), ("xxh3_64", "xxhash")])
def test_a_missing_package_is_named(algorithm: str, package: str, monkeypatch: pytest.MonkeyPatch):
    """An algorithm whose package is not installed names the package and how to get it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package) as caught:
        choose(algorithm)
    assert f"pip install {package}" in str(caught.value)


def test_a_file_that_vanished_raises_and_leaves_the_thread_usable(tmp_path: Path):
    """A missing file is an OSError of that item; the next file is hashed as usual."""
    hash_file = hasher()
    with pytest.raises(FileNotFoundError):
        hash_file(str(tmp_path / "gone"), 3)
    (tmp_path / "here").write_bytes(b"abc")
    assert hash_file(str(tmp_path / "here"), 3) == hashlib.sha256(b"abc").hexdigest()


def test_an_error_while_reading_closes_the_file(tmp_path: Path):
    """A folder, which opens but cannot be read, leaves no open descriptor behind."""
    hash_file = hasher()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for size in (0, SMALL + 1):
        with pytest.raises(IsADirectoryError):
            hash_file(str(tmp_path), size)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
