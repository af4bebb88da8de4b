"""Extension modules that belong to no distribution: in the job's folder, or elsewhere on its import path.

Only what the job's own code imports by name is looked for, also inside functions: a few names are asked for in each
folder, none is listed, since a job's folder may hold millions of data files.
"""

import importlib.machinery
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.audit.reach import Import, Reach

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_OTHERS = range(10, 20)


class Beside(Struct, frozen=True):
    """An extension module's file, and the import that leads there."""

    module: str
    path: Path
    found: Import

    @property
    def by(self) -> str:
        """The name of the file that imports it."""
        return Path(self.found.path).name


def beside_of(reach: Reach, search: Sequence[str]) -> list[Beside]:
    """The extension modules of no distribution that a job's own code names.

    Args:
        reach: what the job imports.
        search: the folders of the import path.
    """
    library = Path(sysconfig.get_path("stdlib")).resolve()
    folders = [Path(folder).resolve() for folder in search if folder]
    apart = [one for one in folders if not _INSTALLED.intersection(one.parts) and not one.is_relative_to(library)]
    roots, suffixes = [*dict.fromkeys((*reach.near, *apart))], _suffixes()
    found: dict[str, Beside] = {}
    for one in reach.named.values():
        for module, path in _files_of(one.module, roots, suffixes):
            found.setdefault(module, Beside(module, path, one))
    return [*found.values()]


def _files_of(module: str, roots: Sequence[Path], suffixes: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Those of a module and its packages, which the import system would take: the first folder that has it counts."""
    parts = module.split(".")
    for index in range(1, len(parts) + 1):
        for root in roots:
            place = root.joinpath(*parts[:index])
            path = next((path for suffix in suffixes if (path := place.with_name(place.name + suffix)).is_file()), None)
            package = (place / "__init__.py").is_file()
            if path is not None and not package:
                yield ".".join(parts[:index]), path
            if path is not None or package or place.with_name(f"{place.name}.py").is_file():
                break


def _suffixes() -> list[str]:
    """The ends of an extension's name: those that this Python takes, then those that it does not."""
    ours = importlib.machinery.EXTENSION_SUFFIXES
    platform = str(sysconfig.get_config_var("SOABI") or "").partition("-")[2].partition("-")[2]
    others = [f".cpython-3{minor}{build}-{platform}.so" for minor in _OTHERS for build in ("", "t")]
    return [*dict.fromkeys((*ours, *others, ".abi3.so", ".abi3t.so", ".pyd", ".dylib"))]
