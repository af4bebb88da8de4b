"""Finds the user's own modules by name, in files, without importing them."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.names import Module
from orchestrator.audit.races.source import foreign_folders, read_source
from orchestrator.audit.races.values import Value

OURS = "orchestrator"


@dataclass
class Project:
    """The modules that were looked at so far.

    Attributes:
        base: the job file's folder.
        installed: packages that are followed although they are installed ("all code" of `--package NAME`).
        modules: by name; None where there is none of the user's.
        findings: files that could not be read.
        bound: what names at the top of modules stand for, as far as that was asked.
    """

    base: Path
    installed: frozenset[str] = frozenset()
    modules: dict[str, Module | None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    bound: dict[tuple[str, str], Value] = field(default_factory=dict)

    def find(self, name: str) -> Module | None:
        """A module of the user's by its dotted name; None for installed ones, built-in ones, and for none at all."""
        if name not in self.modules:
            path = self._locate(name)
            self.modules[name] = self.read(name, path) if path is not None else None
        return self.modules[name]

    def read(self, name: str, path: Path) -> Module | None:
        """Read a file as the module of that name; what is wrong with it goes to the findings."""
        source = read_source(path)
        if isinstance(source, Finding):
            self.findings.append(source)
            self.modules[name] = None
            return None
        self.findings.extend(source.findings)
        module = Module.of(name, source, path.name == "__init__.py")
        self.modules[name] = module
        return module

    def is_package(self, name: str) -> bool:
        """Whether a folder has that name: a package, with or without an `__init__.py`."""
        return any((root / name.replace(".", os.sep)).is_dir() for root in self._roots(name.partition(".")[0]))

    def _locate(self, name: str) -> Path | None:
        top, *rest = name.split(".")
        if top in (OURS, "") or (top in sys.stdlib_module_names and not (self.base / f"{top}.py").is_file()):
            return None
        for root in self._roots(top):
            path = root.joinpath(top, *rest)
            for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
                if file.is_file():
                    return file
        return None

    def _roots(self, top: str) -> list[Path]:
        """The folders of the import path that are the user's, in order; for an editable install the place it names."""
        foreign = foreign_folders()
        own = [Path(folder or ".").resolve() for folder in ("", *sys.path) if Path(folder or ".").is_dir()]
        roots = [self.base, *(root for root in own if not _below(root, foreign))]
        if top in self.installed or not any((root / top).exists() or (root / f"{top}.py").exists() for root in roots):
            roots += _origin(top, () if top in self.installed else foreign)
        return list(dict.fromkeys(roots))


def _origin(top: str, foreign: Sequence[Path]) -> list[Path]:
    try:
        spec = importlib.util.find_spec(top)
    except ImportError, ValueError, AttributeError:
        return []
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []
    if spec is not None and not folders and spec.origin is not None:
        folders = [Path(spec.origin)]
    return [folder.parent for folder in folders if not _below(folder.resolve(), foreign)]


def _below(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
