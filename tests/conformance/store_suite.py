"""What every store must do: one suite, which a test module runs for each store there is."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.store.base import Buffer, NotFound, Store

NAMES = ["x", "d-e", "d.e", "d/x", "d/y", "d/e/f", "d/e-f", "d0", "é/ü"]
MEGABYTE = 1 << 20
# One store serves all examples of a test, and one test serves all stores.
_ONE_STORE = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


class StoreSuite:
    """The promises of `orchestrator.store.base`; a subclass gives the fixture `store`, an empty store."""

    def test_an_object_is_what_was_put(self, store: Store) -> None:
        """Blocks of every kind of buffer become one object, in order."""
        blocks: list[Buffer] = [b"one ", bytearray(b"two "), b"", memoryview(b"(three)")[1:6]]
        store.put("a/b/c", iter(blocks))
        assert store.get("a/b/c") == b"one two three"

    def test_an_object_may_be_empty(self, store: Store) -> None:
        """No blocks make an object of no bytes, which is there all the same."""
        store.put("empty", [])
        assert store.get("empty") == b""
        assert list(store.list("")) == ["empty"]

    def test_put_replaces(self, store: Store) -> None:
        """A second put leaves nothing of the first, though it is shorter."""
        store.put("a", [b"long and old"])
        store.put("a", [b"new"])
        assert store.get("a") == b"new"

    @pytest.mark.parametrize("name", ["absent", "a/absent", "b/absent"])
    def test_what_is_not_there_is_not_found(self, store: Store, name: str) -> None:
        """A name without an object is NotFound, and the error says which."""
        store.put("a/present", [b"1"])
        with pytest.raises(NotFound) as caught:
            store.get(name)
        assert name in str(caught.value)

    @pytest.mark.parametrize("start", [0, 1, 9, 10, 11, 100])
    @pytest.mark.parametrize("length", [None, 0, 1, 9, 10, 11, 100])
    def test_a_range_ends_with_the_object(self, store: Store, start: int, length: int | None) -> None:
        """A range that reaches over the end gives the bytes that are there, perhaps none."""
        whole = b"0123456789"
        store.put("a", [whole])
        assert store.get("a", start, length) == (whole[start:] if length is None else whole[start : start + length])

    @pytest.mark.parametrize("data", [b"", b"1", b"same"])
    def test_create_keeps_what_is_there(self, store: Store, data: bytes) -> None:
        """The second create of a name says False and changes nothing, even for the very same bytes."""
        assert store.create("a/b", [data]) is True
        assert store.create("a/b", [data]) is False
        assert store.create("a/b", [b"other"]) is False
        assert store.get("a/b") == data
        assert list(store.list("")) == ["a/b"]

    def test_create_does_not_replace_what_was_put(self, store: Store) -> None:
        """Put and create share their names."""
        store.put("a", [b"put"])
        assert store.create("a", [b"created"]) is False
        assert store.get("a") == b"put"

    def test_a_deleted_name_is_free_again(self, store: Store) -> None:
        """A deleted object is gone from get and list, can be created anew, and deleting nothing is no error."""
        store.create("a/b", [b"1"])
        store.delete("a/b")
        store.delete("a/b")
        assert list(store.list("a/")) == []
        with pytest.raises(NotFound):
            store.get("a/b")
        assert store.create("a/b", [b"2"]) is True

    def test_a_prefix_is_a_folder(self, store: Store) -> None:
        """A listing goes below its folder at any depth, and not into one whose name begins alike."""
        for name in ["a/z", "a/b/c", "a/b/b", "ab/x", "a.txt"]:
            store.put(name, [b""])
        assert list(store.list("a/")) == ["a/b/b", "a/b/c", "a/z"]
        assert list(store.list("a/b/")) == ["a/b/b", "a/b/c"]
        assert list(store.list("b/")) == []

    @settings(deadline=None, max_examples=30, suppress_health_check=_ONE_STORE)
    @given(
        calls=st.lists(
            st.tuples(st.sampled_from(["put", "create", "delete"]), st.sampled_from(NAMES), st.binary(max_size=4)),
            max_size=12,
        )
    )
    def test_it_is_a_dict(self, store: Store, calls: list[tuple[str, str, bytes]]) -> None:
        """After any calls, names, order and bytes are those of a dict that was treated alike."""
        model: dict[str, bytes] = {}
        for name in NAMES:
            store.delete(name)
        for call, name, data in calls:
            if call == "delete":
                model.pop(name, None)
                store.delete(name)
            elif call == "put":
                model[name] = data
                store.put(name, [data])
            else:
                assert store.create(name, [data]) is (name not in model)
                model.setdefault(name, data)
        assert list(store.list("")) == sorted(model)
        assert {name: store.get(name) for name in model} == model

    def test_one_thread_of_sixteen_creates(self, store: Store) -> None:
        """Of sixteen threads that create one name at once, exactly one is told it did, and its bytes stay."""
        threads, rounds = 16, 10
        barrier = threading.Barrier(threads)

        def contend(number: int) -> list[bool]:
            won = []
            for turn in range(rounds):
                barrier.wait()
                won.append(store.create(f"race/{turn}", [b"%d" % number] * 1000))
            return won

        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(contend, range(threads)))
        for turn in range(rounds):
            winners = [number for number in range(threads) if results[number][turn]]
            assert len(winners) == 1
            assert store.get(f"race/{turn}") == b"%d" % winners[0] * 1000

    def test_nobody_sees_half_an_object(self, store: Store) -> None:
        """Readers of an object that is replaced all the time see one version of it whole, never two in one."""
        store.put("big", [bytes(MEGABYTE)])
        done = threading.Event()

        def read(_: None) -> int:
            seen = 0
            while not done.is_set() or not seen:
                data = store.get("big")
                assert len(data) == MEGABYTE
                assert data.count(data[:1]) == MEGABYTE
                seen += 1
            return seen

        with ThreadPoolExecutor(2) as pool:
            readers = pool.map(read, repeat(None, 2))
            try:
                for version in range(40):
                    store.put("big", [bytes([version]) * (MEGABYTE // 4)] * 4)
            finally:
                done.set()
            assert min(readers) > 0
        assert list(store.list("")) == ["big"]

    @pytest.mark.parametrize("call", ["put", "create"])
    def test_data_that_cannot_be_made_leaves_nothing(self, store: Store, call: str) -> None:
        """When the data itself raises half-way, that error comes out and no object is there."""

        def broken():
            yield b"half"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            getattr(store, call)("a/b", broken())
        assert list(store.list("")) == []
        assert store.create("a/b", [b"whole"]) is True

    def test_a_put_that_fails_keeps_the_old_object(self, store: Store) -> None:
        """When the new data raises half-way, the old object is still there, whole."""

        def broken():
            yield b"half"
            raise ZeroDivisionError

        store.put("a", [b"old"])
        with pytest.raises(ZeroDivisionError):
            store.put("a", broken())
        assert store.get("a") == b"old"

    def test_it_says_where_it_is(self, store: Store) -> None:
        """The store's url is a text to show to a user."""
        assert store.url
