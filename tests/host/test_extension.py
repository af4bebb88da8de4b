"""What an extension's file says of the GIL, against what the loaded module itself says; and files that are none."""

import platform
import shutil
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestrator.audit.observed import Target
from orchestrator.audit.probe import observe
from orchestrator.host.extension import Verdict, judge
from orchestrator.host.verdicts import Verdicts
from tests.extensions import SAYS, SOURCES, build, build_all

LINKERS = {"plain": (), "relr": ("-Wl,-z,pack-relative-relocs",), "stripped": ("-s", "-O2", "-Wl,-z,now")}


@pytest.fixture(scope="session", params=LINKERS)
def built(request, tmp_path_factory) -> dict[str, Path]:
    """Every sort of extension, linked in several ways."""
    return build_all(tmp_path_factory.mktemp(f"built-{request.param}"), *LINKERS[request.param])


def test_no_file_is_misread(built):
    """Whatever the way of declaring and of linking, reading says what loading would, or leaves it open."""
    verdicts = {name: judge(path).kind for name, path in built.items()}
    assert {name: kind for name, kind in verdicts.items() if kind not in (SAYS[name], "undecided")} == {}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="machine code is read on x86-64 only")
def test_what_is_left_open(built):
    """Only modules that change their own slots while they are loaded are left open."""
    verdicts = {name: judge(path).kind for name, path in built.items()}
    changing = [name for name in SOURCES if "late" in name]
    assert [name for name, kind in verdicts.items() if kind == "undecided"] == changing


def test_slots_filled_by_pybind11_are_left_open(tmp_path: Path):
    """An empty list of slots needs the GIL, but not in a file of pybind11, which fills it at run time."""
    source = SOURCES["no_slot"] + '\nconst char *marker(void);\nconst char *marker(void) { return "pybind11::x"; }\n'
    assert judge(build(tmp_path, "no_slot", source)).kind == "undecided"


GIL_LAYOUT = """
#include <stddef.h>
extern void *PyModuleDef_Init(void *);
static struct { long refs; void *type, *init; long index; void *copy; const char *name, *doc; long size;
    void *methods, *slots, *traverse, *clear, *release; } module = {1, 0, 0, 0, 0, "old", 0, 0, 0, 0, 0, 0, 0};
void *PyInit_old(void) { return PyModuleDef_Init(&module); }
"""


@pytest.mark.parametrize("suffix", [".abi3.so", ".so"])
def test_a_module_for_a_python_with_a_gil(tmp_path: Path, suffix: str):
    """The other layout of the module's definition is seen: this Python would crash on it, or refuse it."""
    assert judge(build(tmp_path, "old", GIL_LAYOUT, suffix=suffix)).kind == "foreign"


@pytest.mark.skipif(sys.version_info < (3, 15), reason="PyModExport came with Python 3.15")
@pytest.mark.parametrize("optimised", ["-O0", "-O1", "-O2"])
def test_a_module_of_3_15_that_says_nothing(tmp_path: Path, optimised: str):
    """However it was compiled, an array that PyModExport returns as it is counts, and nothing in it means the GIL."""
    assert judge(build(tmp_path, "export_none", SOURCES["export_none"], optimised)).kind == "needs"


@pytest.mark.skipif(sys.version_info < (3, 15), reason="PyModExport came with Python 3.15")
def test_a_module_of_3_15_for_the_stable_abi(tmp_path: Path):
    """One that every later Python can load does not thereby do without the GIL: its slots say so, or do not."""
    for name in ("export_safe", "export_none"):
        path = build(tmp_path, name, SOURCES[name], "-DPy_TARGET_ABI3T=0x030f0000", suffix=".abi3t.so")
        assert judge(path).kind == SAYS[name]
        observed = observe([Target("module", name)], 30, [str(tmp_path)])
        found = {one.name: one.declared for one in observed.extensions if one.path == str(path)}
        assert found == {name: SAYS[name] == "safe"}


def test_a_library_is_no_extension(tmp_path: Path):
    """A shared object without an init function of its name is a library."""
    assert judge(build(tmp_path, "plain", "int answer(void) { return 42; }")).kind == "library"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"MZ" + bytes(100), "a Windows file"),
        (b"\xcf\xfa\xed\xfe" + bytes(100), "a macOS file"),
        (b"no program at all", "no shared object"),
        (b"\x7fELF\1\1" + bytes(100), "an ELF file that is not 64-bit little-endian"),
        (b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HH", 3, 8) + bytes(100), "an ELF file for a machine"),
        (b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HH", 2, 62) + bytes(100), "an ELF file, but no shared object"),
        (b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HH", 3, 62), "damaged"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, content: bytes, reason: str):
    """A file that is none of ours is told as what it is."""
    path = tmp_path / "x.so"
    path.write_bytes(content)
    verdict = judge(path)
    assert verdict.kind == "unread"
    assert verdict.reason.startswith(reason)


def test_what_cannot_be_opened(tmp_path: Path):
    """A file that is not there, and a folder, are told as well."""
    assert judge(tmp_path / "gone.so") == Verdict("unread", "cannot be opened: No such file or directory")
    assert judge(tmp_path).kind == "unread"


@pytest.fixture(scope="session")
def sound(tmp_path_factory) -> Path:
    """An extension's file."""
    return build(tmp_path_factory.mktemp("sound"), "safe_slot", SOURCES["safe_slot"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 20_000),
    changes=st.lists(st.tuples(st.integers(0, 19_999), st.binary(min_size=1, max_size=8)), max_size=20),
)
@example(cut=20_000, changes=[(56, b"\xff\xff")])
@example(cut=20_000, changes=[(32, b"\xff" * 8)])
def test_damage_is_survived(sound: Path, tmp_path: Path, cut: int, changes: list[tuple[int, bytes]]):
    """However a file is cut or changed, reading it ends with a verdict."""
    damaged = bytearray(sound.read_bytes())
    for at, new in changes:
        damaged[at : at + len(new)] = new
    path = tmp_path / "safe_slot.so"
    path.write_bytes(damaged[: max(1, cut)])
    assert judge(path).kind in ("safe", "needs", "undecided", "foreign", "library", "unread")


def test_verdicts_are_kept_for_the_same_file_only(built, tmp_path: Path):
    """A kept verdict is given again without reading, until the file is another one."""
    path, cache = tmp_path / "no_slot.so", tmp_path / "verdicts.json"
    shutil.copy(built["no_slot"], path)
    first = Verdicts(cache)
    assert first.of(str(path)).kind == "needs"
    first.settle(str(path), Verdict("safe", "seen"))
    first.save()
    assert Verdicts(cache).of(str(path)) == Verdict("safe", "seen")
    path.write_bytes(path.read_bytes() + b"\0")
    assert Verdicts(cache).of(str(path)).kind == "needs"


def test_a_damaged_cache_is_no_error(built, tmp_path: Path):
    """A cache that is no JSON, or cannot be written, costs only the reading."""
    cache = tmp_path / "verdicts.json"
    cache.write_bytes(b"{")
    assert Verdicts(cache).of(str(built["single"])).kind == "needs"
    hindered = Verdicts(tmp_path / "verdicts.json" / "below a file")
    assert hindered.of(str(built["single"])).kind == "needs"
    hindered.save()
