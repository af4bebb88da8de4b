"""Listings as they come: odd keys, sizes at the limits, pages between which the bucket changes, many prefixes."""

import http.client
import urllib.parse
from collections.abc import Sequence

import pytest

from orchestrator.errors import InputError, StoreRefused
from orchestrator.inputs.base import Entry, Piece
from orchestrator.inputs.objects import ObjectsSource
from orchestrator.outputs.open import open_encoder
from orchestrator.run.plan import all_entries, write_plan
from orchestrator.spec.model import ObjectsInput, Output, Remote
from orchestrator.spec.units import Duration
from orchestrator.store.memory import MemoryStore
from orchestrator.store.open import open_store
from tests.remote.listing_server import Found, lister

ODD = [
    "a b/c  d", " before", "behind ", "ü/日本/語.jpg", "🎈.bin", "q?x=1", "h#f", "it's \"quoted\"", "back\\slash",
    "semi;colon:at@,=", "..hidden/...x", "dot.", "$d~t^`|<>!", "%2F%2e%2e", "+plus+", "a&b=c", "x" * 300, "-dash",
    "e\u0301 combining", "\u00e9 composed", "*[1]{a,b}.jpg",
]  # fmt: skip
UNREADABLE = ["a//b", "./c", "d/../e", "tab\there", "new\nline", "\x7f"]
FIVE_TB = 5 * 2**40


def source(url: str, *include: str, remote: Remote | None = None) -> ObjectsSource:
    """The objects below a URL."""
    return ObjectsSource(ObjectsInput(url=url, include=list(include or ["**"])), remote or Remote())


def names(entries: Sequence[Entry]) -> list[str]:
    """Their keys."""
    return [entry.name.decode() for entry in entries]


def put_raw(server: str, url: str, key: str) -> None:
    """Put an object at a key that obstore would perhaps not take: the key itself."""
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=30)
    connection.request("PUT", urllib.parse.quote(f"/{url.removeprefix('s3://')}/{key}"), body=key.encode())
    assert connection.getresponse().status == 200
    connection.close()


def test_odd_keys(s3: str, server: str) -> None:
    """Keys with spaces, percents, other scripts, quotes: listed in the order of their bytes, read, and written."""
    for key in ODD:
        put_raw(server, f"{s3}/in", key)
    found = source(f"{s3}/in")
    entries = list(found.entries())
    assert names(entries) == sorted(ODD, key=str.encode)
    reader = found.reader()
    read = [item for batch in reader.read([Piece(entry, 0, 1) for entry in entries]) for item in batch.values]
    assert [item.read_bytes().decode() for item in read] == [item.key for item in read] == names(entries)
    reader.close()
    store = open_store(f"{s3}/out")
    encoder = open_encoder(Output(), "tree", f"{s3}/out", False)
    encoder.encode(ODD, [key.encode() for key in ODD])
    assert {name: store.get(name).decode() for name in store.list("")} == dict(zip(ODD, ODD, strict=True))


def test_keys_that_cannot_be_written(s3: str) -> None:
    """A result whose key has a control character fails its item; a store's own names never have one, and are told."""
    encoder = open_encoder(Output(), "tree", s3, False)
    with pytest.raises(ValueError, match="control character"):
        encoder.encode(["new\nline"], [b""])
    with pytest.raises(StoreRefused, match="a key has a control character"):
        open_store(s3).put("new\nline", [b""])
    assert list(open_store(s3).list("")) == []


def listed(pages: list[list[Found]], *include: str) -> tuple[list[Entry], list[str]]:
    """What is planned of a listing of these pages, and the prefixes that were asked for."""
    with lister(lambda number, _: (pages[number], number + 1 < len(pages))) as server:
        found = source("s3://bucket/in", *include, remote=Remote(endpoint_url=server.url, retry_timeout=Duration(5)))
        return list(found.entries()), server.asked


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("key", UNREADABLE)
def test_keys_that_cannot_be_read(key: str) -> None:
    """A key that obstore refuses is told in one printable line, and what to do; it is never passed over."""
    with pytest.raises(InputError, match="a key has a control character, or an empty name") as caught:
        listed([[("in/a", 1), (f"in/{key}", 1)]])
    assert caught.value.message.isprintable()
    assert "narrower prefix" in str(caught.value)


@pytest.mark.usefixtures("keys")
def test_sizes_at_the_limits() -> None:
    """An object of 5 TB keeps its size through the plan, and the bytes of the whole input are their sum."""
    pages = [[(f"in/{n}", FIVE_TB) for n in range(3)]]
    entries, _ = listed(pages)
    assert [entry.size for entry in entries] == [FIVE_TB] * 3
    store = MemoryStore()
    index = write_plan(store, source("s3://bucket/in"), iter(entries), 1, lambda: None)
    assert index.bytes == 3 * FIVE_TB
    assert list(all_entries(store, index)) == entries


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([["a", "b"], ["c"]], ["a", "b", "c"]),
        ([["a", "b"], []], ["a", "b"]),
        ([["a", "b"], ["b", "c"]], ["a", "b", "c"]),
        ([[], ["a"], [], ["c"]], ["a", "c"]),
    ],
)
def test_a_bucket_that_changes_between_two_pages(pages: list[list[str]], expected: list[str]) -> None:
    """Objects that come or go meanwhile may be seen or not; none is planned twice, and none of the others is lost."""
    entries, asked = listed([[(f"in/{key}", 1) for key in page] for page in pages])
    assert names(entries) == expected
    assert len(asked) == len(pages)


@pytest.mark.usefixtures("keys")
def test_thousands_of_prefixes() -> None:
    """Three thousand folders are listed once each, one after the other, as the entries are asked for; keys in order."""
    folders = sorted([*(f"{n:04}" for n in range(2998)), "0007-x", "0007.y"], key=lambda folder: f"{folder}/")

    def pages(_: int, prefix: str) -> tuple[list[Found], bool]:
        return [(f"{prefix}{name}.jpg", 1) for name in "ab"], False

    with lister(pages) as server:
        found = source("s3://bucket/in", *(f"{name}/*.jpg" for name in folders), remote=Remote(endpoint_url=server.url))
        coming = found.entries()
        first = next(coming)
        assert len(server.asked) == 1
        entries = [first, *coming]
    assert names(entries) == [f"{folder}/{name}.jpg" for folder in folders for name in "ab"]
    assert server.asked == [f"in/{folder}/" for folder in folders]
