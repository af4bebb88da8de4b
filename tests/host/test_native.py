"""The caps of native thread pools, as a rule and in a real library."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.host.native import FALL_BACK_TO_OPENMP, PER_CALLER, WHOLE_PROCESS, native_pool_caps

ALL = (*PER_CALLER, *FALL_BACK_TO_OPENMP, *WHOLE_PROCESS)


def test_nothing_set():
    """Pools of the caller get one thread, pools of the whole process as many as there are of ours."""
    caps = native_pool_caps({}, threads=8)
    assert {name for name, value in caps.items() if value == "1"} == {*PER_CALLER, *FALL_BACK_TO_OPENMP}
    assert {name for name, value in caps.items() if value == "8"} == set(WHOLE_PROCESS)


def test_the_users_openmp_setting_stands_for_those_that_follow_it():
    """OPENBLAS_NUM_THREADS=1 would beat the user's OMP_NUM_THREADS=4, so it is not added."""
    caps = native_pool_caps({"OMP_NUM_THREADS": "4"})
    assert not {"OMP_NUM_THREADS", *FALL_BACK_TO_OPENMP} & set(caps)
    assert caps["NUMBA_NUM_THREADS"] == "1"


@given(st.dictionaries(st.sampled_from(ALL), st.sampled_from(["", "1", "3"])), st.integers(-1, 9))
def test_what_the_user_set_wins(environ, threads):
    """No addition replaces a value the user gave (an empty one is none); every pool gets a thread."""
    caps = native_pool_caps(environ, threads)
    assert not any(environ.get(name) for name in caps)
    assert all(int(value) >= 1 for value in caps.values())


def pools(*modules: str, **environ: str) -> str:
    """Give the sizes of the thread pools in a new process that imports the modules."""
    pytest.importorskip("threadpoolctl")
    script = f"import {', '.join(modules)}; from threadpoolctl import threadpool_info as pools; "
    script += "print([pool['num_threads'] for pool in pools()])"
    env = {name: value for name, value in os.environ.items() if name not in ALL} | environ
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().strip()


def test_numpy_obeys():
    """OpenBLAS in numpy starts with one thread under the caps, or with the user's number."""
    pytest.importorskip("numpy")
    assert pools("numpy", **native_pool_caps({})) == "[1]"
    users = {"OMP_NUM_THREADS": "2"}
    assert pools("numpy", **users, **native_pool_caps(users)) == "[2]"


def test_arrow_is_widened():
    """The pool Arrow has for all threads gets as many as there are of ours, but not against the user."""
    pytest.importorskip("pyarrow")
    script = """if True:
        import sys; from orchestrator.host.native import *
        caps = {"OMP_NUM_THREADS": "1"}
        before = widen_shared_pools(caps, 3)
        import pyarrow
        print(before, pyarrow.cpu_count(), widen_shared_pools({}, 3), widen_shared_pools(caps, 3))
        print(pyarrow.cpu_count())
    """
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() == "{} 1 {} {'pyarrow': 3}\n3"
