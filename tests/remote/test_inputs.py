"""Objects as input: listed, planned, downloaded ahead, and held to what was planned."""

import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from orchestrator.errors import InputError
from orchestrator.inputs.base import Entry, Piece
from orchestrator.inputs.downloads import Downloads
from orchestrator.inputs.object import Object
from orchestrator.inputs.objects import ObjectsSource
from orchestrator.run.plan import PlanReader, write_plan
from orchestrator.spec.model import ObjectsInput, Remote
from orchestrator.spec.units import Size
from orchestrator.store.bell import Bell
from orchestrator.store.memory import MemoryStore
from orchestrator.store.open import open_store
from tests.remote.servers import Proxy

NAMES = ["a.jpg", "b/1.jpg", "b/2.png", "b/c/3.jpg", "b-d/4.jpg", "e f/ü.jpg", "z/%41+&.jpg"]


def source(url: str, *include: str, exclude: Sequence[str] = (), remote: Remote | None = None) -> ObjectsSource:
    """The objects below a URL."""
    spec = ObjectsInput(url=url, include=list(include or ["**"]), exclude=list(exclude))
    return ObjectsSource(spec, Remote() if remote is None else remote)


def names(found: ObjectsSource) -> list[str]:
    """The keys of what is planned."""
    return [entry.name.decode() for entry in found.entries()]


def fill(url: str, keys: Sequence[str] = NAMES) -> None:
    """Put an object at each key: the key itself."""
    store = open_store(url)
    for key in keys:
        store.put(key, [key.encode()])


def items(found: ObjectsSource) -> list[Object]:
    """All items, read by one reader without a plan."""
    reader = found.reader()
    try:
        return [
            value for batch in reader.read([Piece(entry, 0, 1) for entry in found.entries()]) for value in batch.values
        ]
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], sorted(NAMES)),
        (["**/*.jpg"], [], [name for name in sorted(NAMES) if name.endswith(".jpg")]),
        (["b/**"], [], ["b/1.jpg", "b/2.png", "b/c/3.jpg"]),
        (["b/*.jpg", "b/c/*", "a.jpg"], [], ["a.jpg", "b/1.jpg", "b/c/3.jpg"]),
        (["b/1.jpg", "**/*.png"], ["**/2*"], ["b/1.jpg"]),
        (["b/1.jpg", "a.jpg", "b/1.jpg"], [], ["a.jpg", "b/1.jpg"]),
        (["none/**"], [], []),
    ],
)
def test_what_is_taken(s3: str, include: list[str], exclude: list[str], expected: list[str]) -> None:
    """Patterns take what they take of a folder's files, each key once, in the order of the keys."""
    fill(s3)
    assert names(source(s3, *include, exclude=exclude)) == expected


def test_an_item_has_what_a_file_has(s3: str) -> None:
    """Key, size, time and bytes, its URL and ETag; it can be opened, and read again."""
    fill(s3)
    for item in items(source(s3)):
        assert (item.key, item.size, item.url) == (item.key, len(item.key.encode()), f"{s3}/{item.key}")
        assert item.etag
        assert item.mtime_ns > 1_700_000_000_000_000_000
        with item.open() as file:
            assert file.read() == item.key.encode()
        assert item.read_bytes() == item.read_bytes() == item.key.encode()
        assert type(item.read_bytes()) is bytes


def test_a_large_object_is_read_in_ranges(s3: str, proxy: Proxy) -> None:
    """One that is too large to be fetched ahead is fetched when it is read, a few megabytes at a time."""
    whole = bytes(range(256)) * (20 << 12)
    open_store(s3).put("large", [whole])
    remote = Remote(endpoint_url=proxy.url, in_flight=Size(1 << 20))
    (item,) = items(source(s3, remote=remote))
    before = len(proxy.requests)
    assert not [path for method, path in proxy.requests if method == "GET" and "large" in path]
    with item.open() as file:
        assert file.seek(-5, 2) == len(whole) - 5
        assert file.read() == whole[-5:]
        file.seek(0)
        assert file.read() == whole
        file.seek(1)
        some = bytearray(1000)
        assert file.readinto(some) == 1000
        assert some == whole[1:1001]
    assert item.read_bytes() == whole
    assert 7 <= len(proxy.requests) - before <= 13


def test_the_marker_of_a_folder_is_no_item(s3: str, server: str) -> None:
    """Consoles make empty objects whose key ends in a slash; an empty object of another key is an item."""
    import urllib.request

    fill(s3, ["d/x"])
    open_store(s3).put("empty", [b""])
    url = f"{server}/{s3.removeprefix('s3://')}/d/e/"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", data=b""), timeout=30).close()
    assert names(source(s3)) == ["d/x", "empty"]


def test_where_nothing_can_be_listed(s3: str) -> None:
    """No such bucket, an object instead of a prefix, a name that is not there: each told."""
    fill(s3)
    with pytest.raises(InputError, match="no such bucket"):
        names(source("s3://no-such-bucket/x"))
    with pytest.raises(InputError, match="an object, not a prefix"):
        names(source(f"{s3}/a.jpg"))
    with pytest.raises(InputError, match=r"none\.jpg: there is no such object"):
        names(source(s3, "none.jpg"))


@pytest.mark.parametrize("data", [b"same sz", b"another size", None])
def test_an_object_that_changed_fails(s3: str, data: bytes | None) -> None:
    """One that was replaced or removed since it was planned raises when it is read, and others are read."""
    fill(s3, ["one.jpg", "two.jpg"])
    found = source(s3)
    planned = [Piece(entry, 0, 1) for entry in found.entries()]
    store = open_store(s3)
    store.delete("one.jpg") if data is None else store.put("one.jpg", [data])
    reader = found.reader()
    first, second = [value for batch in reader.read(planned) for value in batch.values]
    for _ in range(2):
        with pytest.raises(InputError, match=r"one\.jpg: the object (changed|is gone) since the run was planned"):
            first.read_bytes()
    assert second.read_bytes() == b"two.jpg"
    reader.close()


def test_files_by_url(tmp_path: Path) -> None:
    """file:// gives the files of a folder as objects; one that changed fails."""
    for name in ("a.txt", "d/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = source(tmp_path.as_uri(), "**/*.txt")
    assert [(item.key, item.read_bytes()) for item in items(found)] == [("a.txt", b"a.txt"), ("d/b.txt", b"d/b.txt")]
    planned = [Piece(entry, 0, 1) for entry in found.entries()]
    (tmp_path / "a.txt").write_text("another")
    reader = found.reader()
    first, second = [value for batch in reader.read(planned) for value in batch.values]
    with pytest.raises(InputError, match="the file changed since the run was planned"):
        first.read_bytes()
    assert second.read_bytes() == b"d/b.txt"
    reader.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A plain web server for a folder; its URL."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_named_objects_of_a_web_server(tmp_path: Path) -> None:
    """What include names is read from any web server; a pattern needs one that can list, which is told."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.txt").write_text("a")
    with served(tmp_path) as url:
        (item,) = items(source(url, "d/a.txt"))
        assert (item.key, item.read_bytes(), item.url) == ("d/a.txt", b"a", f"{url}/d/a.txt")
        with pytest.raises(InputError, match="lists nothing"):
            names(source(url, "**/*.txt"))


class Slowly:
    """Fetches nothing until it is let; counts what is on its way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[str] = []
        self.go = threading.Event()

    def fetch(self, entry: Entry) -> bytes:
        """The entry's name, once it is let."""
        with self.lock:
            self.asked.append(entry.name.decode())
        assert self.go.wait(60)
        return entry.name


class Numbers:
    """A plan of entries of 100 bytes each, named by their position."""

    def pieces(self, lo: int, hi: int) -> list[Piece]:
        """The entries."""
        return [Piece(Entry(b"%d" % at, 1, 0, 100), 0, 1) for at in range(lo, hi)]


def entries(lo: int, hi: int) -> list[Entry]:
    """The entries of a stretch."""
    return [piece.entry for piece in Numbers().pieces(lo, hi)]


def test_what_is_waited_for_comes_and_the_rest_stays_within_the_budget() -> None:
    """A reader gets its batch; beyond it only so many bytes are fetched as the budget allows, in order, each once."""
    slowly, bell = Slowly(), Bell()
    slowly.go.set()
    downloads = Downloads(slowly.fetch, Numbers(), budget=1000, threads=4)
    downloads.enter(1, (0, 3), 1000)
    found = downloads.take(bell, 0, entries(0, 3), 0)
    assert [download.data for download in found] == [b"0", b"1", b"2"]
    more = downloads.take(bell, 3, entries(3, 8), 300)
    assert [download.data for download in more] == [b"3", b"4", b"5", b"6", b"7"]
    downloads.close()
    assert len(slowly.asked) == len(set(slowly.asked))
    assert max(map(int, slowly.asked)) <= 18


def test_what_was_fetched_in_vain_is_let_go() -> None:
    """When chunks jump ahead, as after a resume, what lies between does not keep the budget for ever."""
    slowly, bell = Slowly(), Bell()
    slowly.go.set()
    downloads = Downloads(slowly.fetch, Numbers(), budget=500, threads=2)
    for lo in (0, 1000, 2000, 3000):
        downloads.enter(1, (lo, lo + 2), 10_000)
        found = downloads.take(bell, lo, entries(lo, lo + 2), 200 if lo else 0)
        assert [download.data for download in found] == [b"%d" % lo, b"%d" % (lo + 1)]
    downloads.release(1, 200)
    assert downloads._held <= 500 + 200
    downloads.close()


def test_an_error_comes_to_its_item() -> None:
    """A fetch that raises is told for its object alone."""

    def fetch(entry: Entry) -> bytes:
        if entry.name == b"1":
            raise OSError("no")
        return entry.name

    downloads = Downloads(fetch, None, budget=500, threads=2)
    found = downloads.take(Bell(), None, entries(0, 3), 0)
    assert [download.data for download in found] == [b"0", None, b"2"]
    assert isinstance(found[1].error, OSError)
    downloads.close()


def test_readers_of_one_plan_share_their_downloads(s3: str, proxy: Proxy) -> None:
    """Two threads that take chunks by turns fetch each object once, ahead of their asking."""
    fill(s3, [f"{n:03}" for n in range(100)])
    found = source(s3, remote=Remote(endpoint_url=proxy.url))
    store = MemoryStore()
    index = write_plan(store, found, found.entries(), 1, lambda: None)
    proxy.requests.clear()
    readers = [found.reader() for _ in range(2)]
    plans = [
        reader.follow(PlanReader(store, index), PlanReader(store, index), index.shards, index.attempt)
        for reader in readers
    ]
    seen: list[bytes] = []
    for lo in range(0, 100, 10):
        at = lo // 10 % 2
        for batch in readers[at].read(plans[at].pieces(lo, lo + 10)):
            seen += [value.read_bytes() for value in batch.values]
    assert seen == [b"%03d" % n for n in range(100)]
    assert sorted(path.rpartition("/")[2] for _, path in proxy.requests) == [f"{n:03}" for n in range(100)]
    for reader in readers:
        reader.close()
