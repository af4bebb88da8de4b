"""What importing modules in another process tells of them, whatever they do there."""

import os
from pathlib import Path

import pytest

from orchestrator.audit.observed import Observed, Target
from orchestrator.audit.probe import observe
from tests.extensions import SAYS, build_all


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A folder with every sort of extension."""
    folder = tmp_path_factory.mktemp("built")
    build_all(folder)
    return folder


def declared(observed: Observed, folder: Path) -> dict[str, bool | None]:
    """What the modules of that folder say, by name."""
    return {one.name: one.declared for one in observed.extensions if Path(one.path).parent == folder}


NAMES = [name for name in SAYS if name != "renamed"]


@pytest.mark.parametrize("verbose", [False, True], ids=["field", "python -v"])
def test_every_way_to_declare_is_seen(built: Path, verbose: bool):
    """The answer is the module's own, whether read from its field or, where that is not known, told by `python -v`."""
    wanted = NAMES if not verbose else ["safe_slot", "no_slot"]
    observed = observe([Target("module", name) for name in wanted], 30, [str(built)], verbose)
    assert observed.exact is not verbose
    assert [outcome.error for outcome in observed.outcomes] == [None] * len(wanted)
    found = declared(observed, built)
    assert {name: found[name] for name in wanted} == {name: SAYS[name] == "safe" for name in wanted}


def test_an_extension_imported_by_c_code_has_its_chain(built: Path, tmp_path: Path):
    """An import made in C is seen, and the chain names the modules of both languages that led there."""
    (tmp_path / "outer.py").write_text("import imports_in_c\n")
    observed = observe([Target("module", "outer")], 30, [str(tmp_path), str(built)])
    assert declared(observed, built) == {"imports_in_c": True, "inner_needs": False}
    [inner] = [one for one in observed.extensions if one.name == "inner_needs"]
    assert inner.chain == ("outer", "imports_in_c")


BAD = {
    "raises": ("raise ValueError('no luck')", "", "ValueError: no luck"),
    "leaves": ("import sys\nsys.exit(3)", "", "SystemExit: 3"),
    "ends": ("import os\nos._exit(7)", "exit", "it ended the process with exit code 7"),
    "dies": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "crash", "it died of SIGSEGV"),
    "hangs": ("while True: pass", "hang", "it did not end within 2 s; it was at "),
    "closes": ("import os, sys\nsys.stdout.close()\nos.close(1)", "", None),
    "wrong": ("def", "", "SyntaxError: "),
}


def test_bad_modules_cost_their_own_line(tmp_path: Path):
    """Whatever a module does to the process that imports it, the others are imported."""
    targets = []
    for name, (source, _, _) in BAD.items():
        (tmp_path / f"{name}.py").write_text(source + "\n")
        targets.append(Target("module", name))
    (tmp_path / "good.py").write_text("import _json\n")
    observed = observe([*targets, Target("module", "good")], 2, [str(tmp_path)])
    assert [outcome.target.name for outcome in observed.outcomes] == [*BAD, "good"]
    for outcome, (_, ended, error) in zip(observed.outcomes, BAD.values(), strict=False):
        assert outcome.ended == ended
        assert outcome.error is None if error is None else (outcome.error or "").startswith(error)
    assert observed.outcomes[-1].error is None


def test_what_a_module_prints_and_starts_is_told(tmp_path: Path):
    """Prints, forks and other processes are noted; a child that goes on alone does not disturb, and is ended."""
    marker = tmp_path / "children"
    source = f"""
import os, subprocess, sys, time
print("hello")
sys.stderr.write("world\\n")
subprocess.run(["true"], check=True)
child = os.fork()
if child == 0:
    import _json
    open({str(marker)!r}, "w").write(str(os.getpid()))
    time.sleep(600)
"""
    (tmp_path / "busy.py").write_text(source)
    [outcome] = observe([Target("module", "busy")], 30, [str(tmp_path)]).outcomes
    assert outcome.error is None
    assert set(outcome.processes) == {"os.fork", "subprocess.Popen"}
    assert outcome.printed.split() == ["hello", "world"]
    if marker.exists() and marker.read_text():
        with pytest.raises(ProcessLookupError):
            _signal_until_gone(int(marker.read_text()))


def _signal_until_gone(pid: int) -> None:
    """Ask for a process that was killed until the system has let go of it."""
    for _ in range(10_000):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
        os.sched_yield()
