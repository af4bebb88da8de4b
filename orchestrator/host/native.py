"""Keep native thread pools from multiplying with ours: N threads must not each start N more.

There are two sorts of pool. One starts threads for the caller (OpenMP, OpenBLAS, MKL, numexpr …): capped to
1, the work runs in the thread that called. The other is one pool for the whole process, which callers wait
on (Polars and everything on Rayon, Arrow): capped to 1 it would make all our threads take turns on a single
one (measured with pyarrow 26: two threads reading CSV used 1.03 CPUs; with a pool of 2, 1.97), so it is made
as large as our number of threads.

The variables are read when a library is loaded, so they must be in the environment before the job's imports.
oneTBB, DuckDB and pyarrow's own settings have no such variable. ARROW_IO_THREADS is left alone: those
threads wait for files, and take no CPU.
"""

import sys
from collections.abc import Mapping

PER_CALLER = (
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "VIPS_CONCURRENCY",
    "BLOSC_NTHREADS",
)
"""OpenMP, Apple's Accelerate, Numba, OpenCV, libvips, Blosc."""

FALL_BACK_TO_OPENMP = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Libraries that take OMP_NUM_THREADS where their own variable is missing, and prefer their own where it is
there."""

WHOLE_PROCESS = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
"""Pools that all threads of the process share: Polars, and Rust extensions built on Rayon."""


def native_pool_caps(environ: Mapping[str, str], threads: int = 1) -> dict[str, str]:
    """Give what must be added to the worker's environment; pure.

    What the user has set is left as it is. A user's OMP_NUM_THREADS also stands for the libraries that would
    take it, so their own variables are then not added.

    Args:
        environ: the environment the worker would get.
        threads: the number of threads in each worker process; 1 for a process of a pool.
    """
    alone = PER_CALLER if environ.get("OMP_NUM_THREADS") else PER_CALLER + FALL_BACK_TO_OPENMP
    wanted = dict.fromkeys(alone, "1") | dict.fromkeys(WHOLE_PROCESS, str(max(1, threads)))
    return {name: value for name, value in wanted.items() if not environ.get(name)}


def widen_shared_pools(caps: Mapping[str, str], threads: int) -> dict[str, int]:
    """Give Arrow's pool one thread for each of ours; returns the pools that were changed, with their new
    size.

    To be called after the job's imports, and again when the number of threads changes. Arrow sizes its pool
    by OMP_NUM_THREADS, which must be 1 for OpenMP itself, so only a call can set it. Nothing is imported for
    this, and nothing changed where OMP_NUM_THREADS was the user's own (`caps`, what `native_pool_caps` gave,
    lacks it).
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is None or "OMP_NUM_THREADS" not in caps or not hasattr(arrow, "set_cpu_count"):
        return {}
    arrow.set_cpu_count(max(1, threads))
    return {"pyarrow": int(arrow.cpu_count())}
