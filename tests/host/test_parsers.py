"""The parsers of what the kernel writes: what they make of any text, and of the odd cases."""

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.host.cgroups import (
    QuotaPair,
    find_cpu_limits,
    parse_cfs,
    parse_counters,
    parse_cpu_max,
    parse_throttling,
    throttled_between,
    whole_number,
)
from orchestrator.host.cpus import parse_cpu_list
from orchestrator.host.memory import find_memory_limits
from orchestrator.host.mounts import parse_cgroup, parse_mountinfo, path_below

SURROGATES = st.binary(max_size=400).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
LINES = st.lists(
    st.lists(
        st.sampled_from(["0", "3", ":", "cpu", "::/", "/..", "/a", " ", "-", "cgroup", "cgroup2", "rw,cpu", "\\040"])
    ).map("".join)
).map("\n".join)
TEXT = SURROGATES | st.text(max_size=400) | LINES
NAMES = st.lists(st.sampled_from(["a", "ab", "b", "ftorch.slice"]), max_size=4)


@given(TEXT)
@example("9" * 5000)
@example("1_000 1_000")
@example("\uff11\uff12 \uff13")
@example("nr_periods\x00 5")
def test_no_text_makes_a_parser_raise(text):
    """Whatever a file holds, the parsers answer with what they can use, in the ranges they promise."""
    for pair in (parse_cpu_max(text), parse_cfs(text, text), parse_cfs(text, None)):
        assert pair is None or (
            pair.quota_us > 0 and pair.period_us > 0 and math.isfinite(pair.quota_us / pair.period_us)
        )
    parse_throttling(text, "here")
    assert all(number >= 0 for number in parse_counters(text).values())
    assert all(cpu >= 0 for cpu in parse_cpu_list(text))
    assert all(entry.path.startswith("/") for entry in parse_cgroup(text))
    parse_mountinfo(text)


@given(cgroup=TEXT, mountinfo=TEXT)
@example(cgroup="0::/\x00", mountinfo="1 1 0:1 / /\\000 rw - cgroup2 c rw")
@example(cgroup="0::/" + "a" * 5000, mountinfo="1 1 0:1 / / rw - cgroup2 c rw")
@example(cgroup="0::/x/../../..", mountinfo="1 1 0:1 / /proc rw - cgroup2 c rw")
@example(cgroup="0::/", mountinfo="1 1 0:1 / /../.. rw - cgroup2 c rw")
def test_no_pair_of_files_makes_a_search_raise(cgroup, mountinfo, tmp_path_factory):
    """Whatever both files of /proc hold, the search ends, and what it finds lies below the given root."""
    root = tmp_path_factory.getbasetemp() / "any-proc"
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    for name, text in (("cgroup", cgroup), ("mountinfo", mountinfo)):
        (root / "proc/self" / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    for level in find_cpu_limits(root).levels:
        assert level.folder.resolve().is_relative_to(root.resolve())
    assert find_cpu_limits(root).read() is None
    assert find_memory_limits(root).usage() is None


@given(root=NAMES, rest=NAMES, ups=st.integers(0, 3))
def test_a_path_below_a_root_is_found(root, rest, ups):
    """Where the cgroup's path begins with the mount's root, at the same depth, what is left leads to it."""
    above = "/.." * ups
    whole = above + "/" + "/".join(root + rest)
    assert path_below(above + "/" + "/".join(root), whole) == tuple(rest)


@given(names=NAMES, ups=st.integers(0, 3), more=st.integers(1, 3))
def test_a_mount_from_above_shows_only_its_root(names, ups, more):
    """A mount rooted higher than the path begins is an ancestor; the names on the way down are unknown."""
    path = "/.." * ups + "/" + "/".join(names)
    assert path_below("/.." * (ups + more), path) == ()
    assert path_below(path, "/.." * (ups + more)) is None
    assert path_below("/.." * (ups + more) + "/other", path) is None


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("max 100000\n", None),
        ("150000 100000\n", QuotaPair(150000, 100000)),
        ("150000", QuotaPair(150000, 100000)),
        ("0 100000", None),
        ("-1 100000", None),
        ("150000 0", None),
        ("150000 -5", None),
        ("150000 soon", None),
        ("", None),
        (None, None),
    ],
)
def test_cpu_max(text, pair):
    """A quota needs both numbers to be at least 1; a period that is not there is the kernel's default."""
    assert parse_cpu_max(text) == pair


@pytest.mark.parametrize("text", ["", " ", "-1", "+1", "1.0", "1e3", "0x10", "1_0", "\u0661", "9" * 19, "1 2", None])
def test_whole_number_refuses(text):
    """Only ASCII digits, no more than a 64-bit number has, are a number."""
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0-3,8\n", {0, 1, 2, 3, 8}),
        ("5", {5}),
        ("", set()),
        ("3-1", set()),
        ("1-x,2", {2}),
        ("0-99999999999", set()),
        ("-1", set()),
        ("1-", set()),
    ],
)
def test_cpu_list(text, cpus):
    """The list form of the kernel is read; what makes no sense is left out, without a set of its size."""
    assert parse_cpu_list(text) == cpus


def test_a_later_mount_comes_later():
    """Of two mounts at one point the second is what is there, and it stands where it was mounted."""
    text = "1 0 0:1 / /a rw - cgroup c rw,cpu\n2 0 0:2 / /b rw - cgroup2 c rw\n"
    text += "3 0 0:3 /x /a rw - cgroup c rw,cpu\n"
    assert [(mount.point, mount.root) for mount in parse_mountinfo(text)] == [("/b", "/"), ("/a", "/x")]


def test_throttling_is_not_counted_twice():
    """Between two readings the level that was throttled longest counts; levels seen only once do not."""
    before = [parse_throttling("nr_periods 10\nnr_throttled 1\nthrottled_usec 500000\n", "/own")]
    before += [parse_throttling("nr_periods 99\nnr_throttled 9\nthrottled_time 90000000000\n", "/parent")]
    after = [parse_throttling("nr_periods 30\nnr_throttled 11\nthrottled_usec 3500000\n", "/own")]
    after += [parse_throttling("nr_periods 100\nnr_throttled 9\nthrottled_time 90000000000\n", "/parent")]
    after += [parse_throttling("nr_periods 9\nnr_throttled 9\nthrottled_usec 99000000\n", "/new")]
    added = throttled_between([row for row in before if row], [row for row in after if row])
    assert added is not None
    assert (added.where, added.periods, added.throttled, added.seconds) == ("/own", 20, 10, 3.0)
    assert throttled_between([], [row for row in after if row]) is None


def test_an_unreadable_tree_is_an_empty_one(tmp_path):
    """Folders where files are expected, and files where folders are, give nothing and raise nothing."""
    (tmp_path / "proc/self/cgroup").mkdir(parents=True)
    (tmp_path / "sys").write_text("")
    (tmp_path / "proc/self/mountinfo").write_text("1 1 0:1 / /sys/fs/cgroup rw - cgroup2 c rw\n")
    assert find_cpu_limits(Path(tmp_path)).levels == ()
