"""Check an interpreter before it becomes an image: threads without the GIL, its own modules, every installed package.

Ends with what is wrong, or prints one line.
"""

import importlib
import sys
import warnings
from importlib.metadata import packages_distributions

STANDARD = ("bz2", "compression.zstd", "ctypes", "ensurepip", "lzma", "readline", "sqlite3", "ssl", "uuid", "zlib")


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
    print(f"the GIL stays off with {', '.join(installed)}")


if __name__ == "__main__":
    main()
