"""Results in a bucket: one object, a folder of parts, a tree."""

import random
from collections.abc import Iterator

import pytest

from orchestrator.errors import OutputError, RunDamaged, StoreUnavailable
from orchestrator.outputs.open import open_encoder
from orchestrator.outputs.remote import SUCCESS, check_remote, publish_remote, publish_remote_parts
from orchestrator.outputs.target import Target, check_output, target_of
from orchestrator.spec.model import Output, Remote
from orchestrator.spec.units import Duration
from orchestrator.store.base import NotFound, Store
from orchestrator.store.open import open_store
from tests.remote.servers import Proxy

REMOTE = Remote()
LARGE = [random.Random(n).randbytes(1 << 20) for n in range(40)]


@pytest.fixture
def store(s3: str) -> Store:
    """What is below the test's URL."""
    return open_store(s3)


def a_file(s3: str, overwrite: bool = False) -> Target:
    """One object."""
    target = target_of(Output(path=f"{s3}/out.csv", overwrite=overwrite), "csv", None, "job")  # type: ignore[arg-type]
    assert not target.parts
    return target


def parts(s3: str, overwrite: bool = False) -> Target:
    """A folder of parts."""
    output = Output(path=f"{s3}/out/", format="csv", overwrite=overwrite)
    target = target_of(output, "csv", None, "job")  # type: ignore[arg-type]
    assert target.parts
    return target


@pytest.mark.parametrize("body", [[], [b"1\n", bytearray(b"2\n"), memoryview(b"3\n")], LARGE])
def test_a_file(store: Store, s3: str, body: list[bytes]) -> None:
    """Header and body become one object, in one request or several."""
    published = publish_remote(a_file(s3), REMOTE, "run", (b"n\n", body))
    whole = b"n\n" + b"".join(body)
    assert store.get("out.csv") == whole
    assert (published.path, published.bytes, published.files) == (f"{s3}/out.csv", len(whole), 1)


@pytest.mark.parametrize("before", [0, 1, 30])
def test_a_body_that_breaks_leaves_nothing(store: Store, s3: str, before: int) -> None:
    """When the run turns out to be damaged while it is published, no object appears, and an old one stays."""

    def broken() -> Iterator[bytes]:
        yield from LARGE[:before]
        raise RunDamaged("a part is missing")

    with pytest.raises(RunDamaged):
        publish_remote(a_file(s3), REMOTE, "run", (b"n\n", broken()))
    assert list(store.list("")) == []
    store.put("out.csv", [b"old"])
    with pytest.raises(RunDamaged):
        publish_remote(a_file(s3, overwrite=True), REMOTE, "run", (b"n\n", broken()))
    assert store.get("out.csv") == b"old"


def test_a_file_of_another_is_kept(store: Store, s3: str) -> None:
    """Publishing again gives the same; what another run or somebody else wrote is refused without `overwrite`."""
    for body in ([b"1"], [b"2"]):
        publish_remote(a_file(s3), REMOTE, "run", (b"", body))
    assert store.get("out.csv") == b"2"
    with pytest.raises(OutputError, match="something is there already"):
        publish_remote(a_file(s3), REMOTE, "another", (b"", [b"3"]))
    with pytest.raises(OutputError, match="something is there already"):
        check_remote(a_file(s3), REMOTE)
    publish_remote(a_file(s3, overwrite=True), REMOTE, "another", (b"", [b"3"]))
    store.put("out.csv", [b"somebody's"])
    with pytest.raises(OutputError, match="something is there already"):
        publish_remote(a_file(s3), REMOTE, "another", (b"", [b"3"]))
    assert store.get("out.csv") == b"somebody's"


def test_parts(store: Store, s3: str) -> None:
    """Parts are cut between pieces, each with the header; _SUCCESS is the last to come."""
    pieces = [b"%d\n" % n for n in range(10)]
    published = publish_remote_parts(parts(s3), REMOTE, "run", (b"n\n", pieces), 6)
    names = [f"out/part-{n:05d}.csv" for n in range(4)]
    assert list(store.list("out/")) == sorted([f"out/{SUCCESS}", *names])
    assert [store.get(name) for name in names] == [b"n\n0\n1\n2\n", b"n\n3\n4\n5\n", b"n\n6\n7\n8\n", b"n\n9\n"]
    assert (published.files, published.bytes) == (4, 28)


def test_fewer_parts_than_before(store: Store, s3: str) -> None:
    """A smaller output leaves no part of the larger one that it replaces; without `overwrite` it is refused."""
    for body in ([b"1\n"] * 9, [b"2\n"] * 2, []):
        publish_remote_parts(parts(s3), REMOTE, "run", (b"n\n", body), 2)
    assert list(store.list("out/")) == [f"out/{SUCCESS}", "out/part-00000.csv"]
    with pytest.raises(OutputError, match="something is there already"):
        publish_remote_parts(parts(s3), REMOTE, "another", (b"n\n", [b"3"]), 2)
    assert store.get("out/part-00000.csv") == b"n\n"


def test_parts_that_break_are_not_called_whole(store: Store, s3: str) -> None:
    """While an output is replaced, and when that breaks off, there is no _SUCCESS."""

    def broken() -> Iterator[bytes]:
        yield b"1\n"
        assert f"out/{SUCCESS}" not in store.list("out/")
        raise RunDamaged("a part is missing")

    publish_remote_parts(parts(s3), REMOTE, "run", (b"", [b"old"]), 2)
    with pytest.raises(RunDamaged):
        publish_remote_parts(parts(s3), REMOTE, "run", (b"", broken()), 2)
    assert f"out/{SUCCESS}" not in store.list("out/")


def test_a_tree(store: Store, s3: str) -> None:
    """Each result is an object; one that is there is not replaced unless that is allowed, and a call that fails
    leaves nothing.
    """
    encoder = open_encoder(Output(name="{stem}.out"), "tree", s3, False)
    assert encoder.encode([f"{n}.bin" for n in range(30)], [b"%d" % n for n in range(30)]) == b""
    assert {name: store.get(name) for name in store.list("")} == {f"{n}.out": b"%d" % n for n in range(30)}
    with pytest.raises(ValueError, match=r"two items write '7\.out'"):
        encoder.encode(["new.bin", "7.bin"], [b"", b"other"])
    with pytest.raises(TypeError):
        encoder.encode(["new.bin", "x.bin"], [b"", 1])
    with pytest.raises(ValueError, match="two items write one object"):
        encoder.encode(["a.bin", "a.txt"], [b"", b""])
    assert store.get("7.out") == b"7"
    assert "new.out" not in store.list("")
    encoder.discard(["7.bin"])
    assert "7.out" not in store.list("")
    again = open_encoder(Output(name="{stem}.out"), "tree", s3, True)
    again.encode(["8.bin"], [b"again"])
    assert store.get("8.out") == b"again"


def test_the_output_is_checked_before_anything_runs(store: Store, s3: str) -> None:
    """A bucket that takes nothing, the bucket itself, and a taken prefix are told; the check leaves nothing."""
    check_output(Output(path=f"{s3}/out.csv"), "csv", None, "job")  # type: ignore[arg-type]
    assert list(store.list("")) == []
    with pytest.raises(OutputError, match="the bucket itself"):
        check_output(Output(path="s3://bucket"), "tree", None, "job")  # type: ignore[arg-type]
    store.put("tree/x", [b""])
    with pytest.raises(OutputError, match="something is there already"):
        check_output(Output(path=f"{s3}/tree"), "tree", None, "job")  # type: ignore[arg-type]


def test_a_bucket_that_goes_away_while_publishing(s3: str, proxy: Proxy) -> None:
    """Publishing into a service that answers nothing but errors ends resumably."""
    remote = Remote(endpoint_url=proxy.url, retry_timeout=Duration(0.5))
    proxy.fault = lambda method, _path: "503" if method != "GET" else ""
    with pytest.raises(StoreUnavailable, match="HTTP status 503"):
        publish_remote(a_file(s3), remote, "run", (b"", LARGE))
    with pytest.raises(NotFound):
        open_store(s3).get("out.csv")
