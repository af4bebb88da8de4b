"""Temporary names, and sweeping those that are left over."""

import os
import subprocess
import sys

from orchestrator.outputs.atomic import is_leftover, is_temporary, temporary_names
from orchestrator.outputs.tree import sweep_temporaries


def test_sweep_leaves_what_is_not_left_over(tmp_path):
    """Temporary files of the living and of other hosts stay unless all are to go; the user's files always."""
    name = temporary_names()
    mine, prefix = name(), ".ftorch-00000000-"
    dead_pid = subprocess.Popen([sys.executable, "-c", ""])
    dead_pid.wait()
    dead = mine.replace(f"-{os.getpid()}-", f"-{dead_pid.pid}-")
    reborn = mine.replace(f"-{os.getpid()}-", f"-{os.getpid()}-1")
    other = prefix + mine.removeprefix(".ftorch-").partition("-")[2]
    (tmp_path / "deep").mkdir()
    for kept in (mine, dead, reborn, other, ".ftorch-notes.tmp", "x.tmp"):
        (tmp_path / "deep" / kept).touch()
    assert sweep_temporaries(tmp_path) == 2
    assert set(os.listdir(tmp_path / "deep")) == {mine, other, ".ftorch-notes.tmp", "x.tmp"}
    assert sweep_temporaries(tmp_path, of_all=True) == 2
    assert set(os.listdir(tmp_path / "deep")) == {".ftorch-notes.tmp", "x.tmp"}
    assert sweep_temporaries(tmp_path / "missing") == 0


def test_own_names_are_no_leftovers():
    """The names that a living process gives are all different, and none is a leftover."""
    one, two = temporary_names(), temporary_names()
    names = {one(), one(), two(), two()}
    assert len(names) == 4
    assert all(is_temporary(name) and not is_leftover(name) for name in names)
