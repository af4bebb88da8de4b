"""Extension modules of every sort, compiled on the fly: what each declares about the GIL, and how."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

_HEAD = "#include <Python.h>\n"
_MULTI = """
static PyModuleDef_Slot slots[] = {{{slots}{{0, NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{name}", NULL, 0, NULL, slots, NULL, NULL, NULL}};
PyMODINIT_FUNC PyInit_{last}(void) {{ {before} return PyModuleDef_Init(&module); }}
"""
_SINGLE = """
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{name}", NULL, -1, NULL, NULL, NULL, NULL, NULL}};
PyMODINIT_FUNC PyInit_{last}(void) {{
    PyObject *made = PyModule_Create(&module);
    {after}
    return made;
}}
"""
_NOT_USED = "{Py_mod_gil, Py_MOD_GIL_NOT_USED},"
_USED = "{Py_mod_gil, Py_MOD_GIL_USED},"
_IMPORTS = """
static int run(PyObject *m) { PyObject *o = PyImport_ImportModule("inner_needs"); Py_XDECREF(o); return o ? 0 : -1; }
"""
# Python 3.15's own way to be loaded: an array of slots in which the name is one of them.
_EXPORT = """
PyABIInfo_VAR(abi);
{inner}
static PySlot slots[] = {{
    PySlot_STATIC_DATA(Py_mod_abi, &abi), {slots} PySlot_STATIC_DATA(Py_mod_name, "{name}"), PySlot_END }};
PyMODEXPORT_FUNC PyModExport_{name}(void) {{ {before} return slots; }}
"""
_EXPORT_NOT_USED = "PySlot_DATA(Py_mod_gil, Py_MOD_GIL_NOT_USED),"
_EXPORT_USED = "PySlot_DATA(Py_mod_gil, Py_MOD_GIL_USED),"
_OLD_ARRAY = "static PyModuleDef_Slot inner[] = {" + _NOT_USED + "{0, NULL}};"
_NEW_ARRAY = "static PySlot inner[] = {" + _EXPORT_NOT_USED + "PySlot_END};"
_LATE_EXPORT = "for (PySlot *s = slots; s->sl_id; s++) if (s->sl_id == Py_mod_gil) s->sl_ptr = Py_MOD_GIL_NOT_USED;"
_LATE = "for (PyModuleDef_Slot *s = slots; s->slot; s++) if (s->slot == Py_mod_gil) s->value = Py_MOD_GIL_NOT_USED;"


SOURCES = {
    "safe_slot": _HEAD + _MULTI.format(slots=_NOT_USED, before="", name="safe_slot", last="safe_slot"),
    "no_slot": _HEAD + _MULTI.format(slots="", before="", name="no_slot", last="no_slot"),
    "used_slot": _HEAD + _MULTI.format(slots=_USED, before="", name="used_slot", last="used_slot"),
    "single": _HEAD + _SINGLE.format(after="", name="single", last="single"),
    "single_safe": _HEAD
    + _SINGLE.format(
        after="PyUnstable_Module_SetGIL(made, Py_MOD_GIL_NOT_USED);", name="single_safe", last="single_safe"
    ),
    "single_used": _HEAD
    + _SINGLE.format(after="PyUnstable_Module_SetGIL(made, Py_MOD_GIL_USED);", name="single_used", last="single_used"),
    "inner_needs": _HEAD + _MULTI.format(slots="", before="", name="inner_needs", last="inner_needs"),
    "imports_in_c": _HEAD
    + _IMPORTS
    + _MULTI.format(slots="{Py_mod_exec, run}," + _NOT_USED, before="", name="imports_in_c", last="imports_in_c"),
    "late_slot": _HEAD + _MULTI.format(slots=_USED, before=_LATE, name="late_slot", last="late_slot"),
    "renamed": _HEAD + _MULTI.format(slots=_NOT_USED, before="", name="another.name", last="renamed"),
}
"""By the module's name: its C source."""

SAYS = {
    "safe_slot": "safe",
    "no_slot": "needs",
    "used_slot": "needs",
    "single": "needs",
    "single_safe": "safe",
    "single_used": "needs",
    "inner_needs": "needs",
    "imports_in_c": "safe",
    "late_slot": "safe",
    "renamed": "safe",
}
"""What each does once it is loaded; a reader may leave it open, but must not say anything else."""


def _export(name: str, slots: str, inner: str = "", before: str = "") -> str:
    return _HEAD + _EXPORT.format(name=name, slots=slots, inner=inner, before=before)


if sys.version_info >= (3, 15):
    SOURCES |= {
        "export_safe": _export("export_safe", _EXPORT_NOT_USED),
        "export_none": _export("export_none", ""),
        "export_used": _export("export_used", _EXPORT_USED),
        "export_old_array": _export("export_old_array", "PySlot_STATIC_DATA(Py_mod_slots, inner),", _OLD_ARRAY),
        "export_new_array": _export("export_new_array", "PySlot_STATIC_DATA(Py_slot_subslots, inner),", _NEW_ARRAY),
        "export_late": _export("export_late", _EXPORT_USED, before=_LATE_EXPORT),
    }
    SAYS |= {
        name: "needs" if name in ("export_none", "export_used") else "safe" for name in SOURCES if "export" in name
    }


def compiler() -> str:
    """The C compiler, on a Python that extensions can do without the GIL for; without one the test is skipped."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None or not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("needs a C compiler and a free-threaded Python")
    return found


def build(folder: Path, name: str, source: str, *options: str, suffix: str | None = None) -> Path:
    """Compile a source into an extension module's file."""
    text = folder / f"{name}.c"
    text.write_text(source)
    target = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX') if suffix is None else suffix}"
    include = sysconfig.get_path("include")
    command = [compiler(), "-shared", "-fPIC", "-O1", f"-I{include}", *options, "-o", str(target), str(text)]
    subprocess.run(command, check=True)
    return target


def build_all(folder: Path, *options: str) -> dict[str, Path]:
    """Compile every source; the files by the modules' names."""
    return {name: build(folder, name, source, *options) for name, source in SOURCES.items()}
