"""What a job reaches by reading its code, and what is installed by reading its metadata."""

from pathlib import Path

import pytest

from orchestrator.audit.closure import closure_of
from orchestrator.audit.distributions import Environment, module_name
from orchestrator.audit.reach import reach_of

TASK = """
import json
import numpy as np
from typing import TYPE_CHECKING
from helper import thing
if TYPE_CHECKING:
    import never
else:
    import always
def f(n):
    import late
    import importlib
    importlib.import_module("by.name")
"""


def test_the_jobs_own_modules_are_followed(tmp_path: Path):
    """Modules beside the task are read, the others are named with their first place; late ones are marked."""
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "helper.py").write_text("from pandas import DataFrame\nimport late\nthing = 1\n")
    reach = reach_of("./task.py", tmp_path)
    assert {path.name for path in reach.files} == {"task.py", "helper.py"}
    found = {one.module: (Path(one.path).name, one.line, one.late) for one in reach.imports.values()}
    assert found == {
        "numpy": ("task.py", 3, False),
        "always": ("task.py", 9, False),
        "late": ("helper.py", 2, False),
        "by.name": ("task.py", 13, True),
        "pandas.DataFrame": ("helper.py", 1, False),
    }


def test_relative_imports_and_packages(tmp_path: Path, monkeypatch):
    """In a package relative imports are followed, its `__init__` files included; a loop of imports ends."""
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "ourpackage" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("import one_of_init\n")
    (package / "__init__.py").write_text("")
    (package / "task.py").write_text("from . import other\nfrom ..upper import x\n")
    (package / "other.py").write_text("from .task import f\nimport deep\n")
    (package.parent / "upper.py").write_text("from ...... import nothing\nx = 1\n")
    reach = reach_of("ourpackage.inner.task", tmp_path)
    assert {path.name for path in reach.files} == {"__init__.py", "task.py", "other.py", "upper.py"}
    assert set(reach.imports) == {"one_of_init", "deep"}


@pytest.mark.parametrize(("content", "line"), [(b"x = 1\ndef\n", 2), (b"\x00", 0), (b"\xff\xfe", 0)])
def test_code_that_is_none_is_told(tmp_path: Path, content: bytes, line: int):
    """A file that is no Python is told with its place, and what it would import is not known."""
    (tmp_path / "task.py").write_bytes(content)
    [unreadable] = reach_of("./task.py", tmp_path).unreadable
    assert unreadable.path == str(tmp_path / "task.py")
    assert line in (unreadable.line, 0)


def install(site: Path, name: str, version: str, files: list[str], more: str = "", **texts: str) -> None:
    """Write the metadata of a distribution."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\n\nRequires-Dist: no\n"
    )
    (folder / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    for file, text in texts.items():
        (folder / f"{file}.json").write_text(text)


def test_requirements_are_followed(tmp_path: Path):
    """What is required, and installed, is reached by the shortest way; extras count, developers' extras do not."""
    needs = 'Requires-Dist: Dep_One>=1; python_version > "3"\nRequires-Dist: xml-lib ; extra == "xml"\n'
    install(
        tmp_path,
        "top",
        "1.0",
        ["top/__init__.py"],
        needs + 'Requires-Dist: linter; extra == "dev"\nRequires-Dist: gone',
    )
    install(tmp_path, "dep_one", "2.0", ["dep.py"], "Requires-Dist: top\n")
    install(tmp_path, "xml_lib", "3.0", ["xmllib/__init__.py"])
    install(tmp_path, "linter", "4.0", ["linter.py"])
    reached = closure_of(Environment([str(tmp_path)]), {"top": ("task.py",)})
    assert {one.distribution.name: one.chain for one in reached} == {
        "top": ("task.py", "top"),
        "dep_one": ("task.py", "top", "dep_one"),
        "xml_lib": ("task.py", "top[xml]", "xml_lib"),
    }


def test_namespace_packages_have_several_owners(tmp_path: Path):
    """A module of a namespace package belongs to the distribution that has it; the namespace alone to all of them."""
    install(tmp_path, "space_a", "1", ["space/a/__init__.py"])
    install(tmp_path, "space_b", "1", ["space/b.py"])
    environment = Environment([str(tmp_path)])
    owners = {
        name: [one.name for one in environment.of_module(name)]
        for name in ("space.a", "space.b.thing", "space", "other")
    }
    assert owners == {
        "space.a": ["space_a"],
        "space.b.thing": ["space_b"],
        "space": ["space_a", "space_b"],
        "other": [],
    }


@pytest.mark.parametrize("way", ["path file", "finder"])
def test_editable_installs_are_looked_into(tmp_path: Path, way: str):
    """The shared objects of an editable install are those of the folder that it points to."""
    source, site = tmp_path / "project" / "src", tmp_path / "site"
    (source / "ours").mkdir(parents=True)
    (source / "ours" / "fast.so").write_bytes(b"\x7fELF")
    url = f'{{"url": "file://{source.parent}", "dir_info": {{"editable": true}}}}'
    files = {
        "path file": ("__editable__.ours.pth", f"{source}\n"),
        "finder": ("__editable___ours_finder.py", f"MAPPING: dict[str, str] = {{'ours': '{source / 'ours'}'}}\n"),
    }
    name, text = files[way]
    install(site, "ours", "1", [name], direct_url=url)
    (site / name).write_text(text)
    [found] = Environment([str(site)]).of_module("ours.fast")
    assert [*found.shared_objects()] == [(source / "ours" / "fast.so", "ours.fast")]


def test_the_name_of_a_files_module():
    """Folders become packages, and every suffix is left out."""
    assert module_name("a/b/_c.cpython-314t-x86_64-linux-gnu.so") == "a.b._c"
    assert module_name("d.abi3.so") == "d"
