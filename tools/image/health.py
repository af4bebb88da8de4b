"""Check an interpreter before it becomes an image: threads without the GIL, its own modules, every installed package.

Every shared library of it is loaded, so that none lacks another and none was damaged when it was stripped. Ends with
what is wrong, or prints one line.
"""

import ctypes
import importlib
import os
import sys
import warnings
from importlib.metadata import packages_distributions
from pathlib import Path

STANDARD = (
    "bz2",
    "compression.zstd",
    "ctypes",
    "curses",
    "ensurepip",
    "lzma",
    "readline",
    "sqlite3",
    "ssl",
    "uuid",
    "zlib",
    "zoneinfo",
)


def load(folder: Path) -> int:
    """Load all shared libraries below a folder, without initialising a module; how many there are.

    Raises:
        SystemExit: one of them cannot be loaded.
    """
    paths = sorted(path for path in folder.rglob("*.so*") if not path.is_symlink())
    for path in paths:
        try:
            ctypes.CDLL(str(path), mode=os.RTLD_NOW)
        except OSError as error:
            raise SystemExit(f"{path} cannot be loaded: {error}") from error
    return len(paths)


def main() -> None:
    """Import everything, and see whether the GIL stayed off."""
    warnings.simplefilter("error")
    if sys._is_gil_enabled():  # noqa: SLF001 - the interpreter's own name for it
        raise SystemExit(f"{sys.executable} runs with the GIL: it is no free-threaded build, or PYTHON_GIL is set")
    installed = sorted(name for name in packages_distributions() if name.isidentifier() and name[0] != "_")
    for name in (*STANDARD, *installed):
        importlib.import_module(name)
        if sys._is_gil_enabled():  # noqa: SLF001
            raise SystemExit(f"importing {name} turned the GIL on")
    count = load(Path(sys.base_prefix, "lib"))
    print(f"the GIL stays off with {', '.join(installed)}; {count} shared libraries can be loaded")


if __name__ == "__main__":
    main()
