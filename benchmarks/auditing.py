"""What reading says of every extension that is installed here, next to what loading shows; prints JSON.

`python -m benchmarks.auditing`, with the interpreter whose environment is asked about.
"""

import json
import sysconfig
import time
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator.audit.distributions import Environment, module_name
from orchestrator.audit.observed import Target
from orchestrator.audit.probe import observe
from orchestrator.host.extension import judge

_LIMIT = 60.0


def installed() -> dict[str, tuple[str, str]]:
    """Every shared object that the import system would take: its module and distribution, by path."""
    site, ending = Path(sysconfig.get_path("platlib")), (str(sysconfig.get_config_var("EXT_SUFFIX")), ".so")
    found = {
        str(path): (name, one.name)
        for one in Environment([str(site)]).distributions.values()
        for path, name in one.shared_objects()
        if path.name.endswith(ending) and path.is_file()
    }
    library = Path(sysconfig.get_path("stdlib")) / "lib-dynload"
    return found | {str(path): (module_name(path.name), "Python") for path in library.glob("*.so")}


def loaded(modules: dict[str, tuple[str, str]]) -> tuple[dict[str, bool | None], dict[str, str]]:
    """What each says once it is created, or imported with its packages; and why some could not be."""
    truth: dict[str, bool | None] = {}
    errors: dict[str, str] = {}
    for kind in ("file", "module"):
        rest = [path for path in modules if path not in truth]
        targets = [Target("file" if kind == "file" else "module", modules[path][0], path) for path in rest]
        observed = observe(targets, _LIMIT)
        truth |= {one.path: one.declared for one in observed.extensions}
        errors = {path: one.error or "" for path, one in zip(rest, observed.outcomes, strict=True)}
    return truth, {path: error for path, error in errors.items() if path not in truth}


def main() -> None:
    """Print the table, the wrong verdicts, and how long reading took."""
    files = installed()
    started = time.perf_counter()
    verdicts = {path: judge(path) for path in files}
    seconds = time.perf_counter() - started
    extensions = {path: files[path] for path, verdict in verdicts.items() if verdict.kind != "library"}
    truth, errors = loaded(extensions)
    table: Counter[str] = Counter()
    wrong: list[str] = []
    for path, (name, distribution) in extensions.items():
        kinds: dict[bool | None, str] = {True: "safe", False: "needs", None: "not loadable"}
        said, shown = verdicts[path].kind, kinds[truth.get(path)]
        table[f"{said}, {shown}"] += 1
        if (said, shown) in (("safe", "needs"), ("needs", "safe")):
            wrong.append(f"{distribution}: {name}: {verdicts[path].reason}")
    result: dict[str, Any] = {
        "files": len(files),
        "extensions": len(extensions),
        "distributions": len({distribution for _, distribution in extensions.values()}),
        "seconds": seconds,
        "table": dict(sorted(table.items())),
        "wrong": wrong,
        "not loadable": {files[path][0]: error for path, error in errors.items()},
        "needing": sorted({files[path][1] for path, declared in truth.items() if declared is False and path in files}),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
