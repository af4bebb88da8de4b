"""An extension module that needs the GIL, and a folder for a job."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.command import Place

NAME = "needsgil"
SOURCE = """
#include <Python.h>
/* Multi-phase initialisation without Py_mod_gil: CPython turns the GIL on for it. */
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "NAME", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_NAME(void) { return PyModuleDef_Init(&module); }
"""


def build(folder: Path, name: str) -> Path:
    """Compile an extension module that does not say it can do without the GIL."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("needs a C compiler and a free-threaded Python")
    source = folder / f"{name}.c"
    source.write_text(SOURCE.replace("NAME", name))
    target = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    subprocess.run([compiler, "-shared", "-fPIC", f"-I{include}", "-o", target, source], check=True)
    return target


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two such modules, `needsgil` and `alsoneedsgil`."""
    folder = tmp_path_factory.mktemp("extensions")
    for name in (NAME, f"also{NAME}"):
        build(folder, name)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder for a job."""
    return Place(tmp_path)
