"""What to do about an extension that turns the GIL on; tried with the free-threaded wheels of November 2026."""

from orchestrator.audit.distributions import Distribution, normalised

_INSTEAD = {
    "lxml": "xml.etree.ElementTree or selectolax reads most documents and leaves the GIL off.",
    "fonttools": "Built from source (`pip install --no-binary fonttools fonttools`) it has no compiled parts.",
    "hiredis": "redis works without it: uninstall hiredis.",
    "fastavro": "Convert the files to Parquet first: pyarrow leaves the GIL off.",
    "duckdb": "pyarrow or Polars does many of its queries and leaves the GIL off.",
    "orjson": "msgspec and ormsgpack leave the GIL off.",
    "lz4": "cramjam leaves the GIL off.",
    "zstandard": "compression.zstd of the standard library leaves the GIL off.",
    "python-snappy": "cramjam leaves the GIL off.",
    "opencv-python-headless": "pillow and scikit-image leave the GIL off.",
    "netcdf4": "h5py reads NetCDF-4 files and leaves the GIL off.",
    "gevent": "Threads do what greenlets were for; it has no free-threaded wheel.",
    "pyinstrument": "It is a profiler: import it only where you profile.",
}
_NEWER_WITHOUT_WHEEL = {"duckdb": "2.0.0", "pycryptodome": "4.4"}
"""Releases of which it is known that they have no free-threaded wheel, so that an older one is installed instead."""

GENERAL = "Look for a newer release that declares Py_mod_gil, do without it, or run the job on processes"


def what_to_do(found: Distribution | None) -> str:
    """What to do about a distribution whose extensions turn the GIL on."""
    special = _INSTEAD.get(normalised(found.name)) if found else None
    backend = f"{GENERAL} (runtime.backend: processes)."
    return f"{special} {backend}" if special else backend


def newer_without_wheel(found: Distribution) -> str | None:
    """A release newer than the one installed that has no free-threaded wheel, None where none is known."""
    newer = _NEWER_WITHOUT_WHEEL.get(normalised(found.name))
    return newer if newer and _numbers(found.version) < _numbers(newer) else None


def _numbers(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
