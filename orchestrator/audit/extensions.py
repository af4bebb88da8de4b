"""Every extension that a job imports or could import: what it would do to the GIL, and how that is known."""

import importlib.machinery
import os
import re
from collections.abc import Iterable
from pathlib import Path

from orchestrator.audit.beside import Beside
from orchestrator.audit.closure import Reached
from orchestrator.audit.distributions import Environment
from orchestrator.audit.model import Extension
from orchestrator.audit.observed import LoadedExtension, Observed
from orchestrator.host.extension import Verdict
from orchestrator.host.verdicts import Verdicts

STANDARD_LIBRARY = "the standard library"
_OTHER_PYTHON = re.compile(r"\.(cpython-\d+t?-[^.]+|abi3t?)\.so$")
_SAFE, _NEEDS = "its module says that it does without the GIL", "its module does not say that it does without the GIL"


def imported(observed: Observed, environment: Environment, verdicts: Verdicts) -> list[Extension]:
    """What was loaded when the job was imported, with the answer of the modules themselves."""
    found = []
    for one in observed.extensions:
        owner = environment.owners.get(os.path.realpath(one.path))
        verdict = verdicts.of(one.path) if one.declared is None else verdict_of(one)
        name, version = (owner.name, owner.version) if owner else (_home_of(one.path), "")
        found.append(Extension(one.name, one.path, name, version, verdict.kind, "imported", verdict.reason, one.chain))
    return found


def verdict_of(one: LoadedExtension) -> Verdict:
    """What a loaded module says itself."""
    return Verdict("safe", _SAFE) if one.declared else Verdict("needs", _NEEDS)


def read_ahead(reached: Iterable[Reached], verdicts: Verdicts) -> list[Extension]:
    """The shared objects of some distributions, read from their files; libraries that are no modules are left out."""
    found: list[Extension] = []
    for one in reached:
        shared = [(path, name) for path, name in one.distribution.shared_objects()]
        names = {name for path, name in shared if _is_for_this_python(path)}
        for path, name in shared:
            verdict = _judge(path, name, names, verdicts)
            if verdict.kind != "library":
                facts = (one.distribution.name, one.distribution.version, verdict.kind)
                found.append(Extension(name, str(path), *facts, "read", verdict.reason, one.chain))
    return found


def read_beside(found: Iterable[Beside], verdicts: Verdicts) -> list[Extension]:
    """Extension modules that no distribution brought, read from their files."""
    return [
        Extension(one.module, str(one.path), "", "", verdict.kind, "read", verdict.reason, (one.by, one.module))
        for one in found
        for verdict in [_judge_imported(one, verdicts)]
    ]


def _judge_imported(one: Beside, verdicts: Verdicts) -> Verdict:
    verdict = _judge(one.path, one.module, set(), verdicts)
    # It is imported by this name, so it is no library that lies there for another one.
    return Verdict("unread", verdict.reason) if verdict.kind == "library" else verdict


def _judge(path: Path, name: str, names: set[str], verdicts: Verdicts) -> Verdict:
    if path.suffix != ".so":
        kind = "a macOS file" if path.suffix == ".dylib" else "a Windows file"
        return Verdict("unread", kind)
    if _is_for_this_python(path):
        return verdicts.of(str(path))
    if name in names or not _OTHER_PYTHON.search(path.name):
        return Verdict("library", "another file is taken for this module")
    return Verdict("foreign", f"its name says that it is for another Python: {path.name}")


def _is_for_this_python(path: Path) -> bool:
    """Whether the import system would take it, as "x.so", "x.abi3.so" and "x.cpython-314t-….so" are taken."""
    suffix = "." + path.name.partition(".")[2]
    return suffix in importlib.machinery.EXTENSION_SUFFIXES


def _home_of(path: str) -> str:
    return STANDARD_LIBRARY if "lib-dynload" in Path(path).parts else ""
