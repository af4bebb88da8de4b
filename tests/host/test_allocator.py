"""Freed buffers are kept for the next ones."""

import ctypes
import subprocess
import sys

import pytest

from tests.command import ROOT

ROUNDS = """
import ctypes, resource, sys
from orchestrator.host.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    before = faults()
    taken = [libc.malloc(100_000) for _ in range(100)]
    for address in taken:
        libc.memset(address, 1, 100_000)
    for address in taken:
        libc.free(address)
print(faults() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has mallopt(3)")
@pytest.mark.parametrize("kept", [True, False])
def test_freed_buffers_are_taken_again(kept: bool) -> None:
    """A hundred freed buffers of 100 kB are taken again without new pages; where nothing was set, with all of them."""
    words = [sys.executable, "-c", ROUNDS, "kept" if kept else "given back"]
    ended = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, env={})
    found = int(ended.stdout)
    assert found < 500 if kept else found > 2000
