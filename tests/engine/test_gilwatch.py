"""Which extension module turned the GIL on: heard in a process of its own, and told by a run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import ROOT, Place
from tests.extensions import build

WATCHED = """
import sys, warnings
from orchestrator.engine.gilwatch import GilWatch
watch = GilWatch()
watch.start()
{body}
print(watch.culprit, sys._is_gil_enabled())
"""


def watched(extensions: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run some imports under a watch, in a process of their own."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHON_GIL"}
    environment["PYTHONPATH"] = os.pathsep.join([str(extensions), str(ROOT)])
    command = [sys.executable, *options, "-c", WATCHED.format(body=body)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)


def test_nothing_is_blamed_without_cause(extensions):
    """Modules that can do without the GIL leave no name."""
    assert watched(extensions, "import numpy, msgspec").stdout == "None False\n"


def test_the_culprit_is_named_and_kept_quiet(extensions):
    """The first module that turns the GIL on is named; the warning, which the report will tell, is not printed."""
    done = watched(extensions, "import needsgil, alsoneedsgil")
    assert done.stdout == "needsgil True\n"
    assert done.stderr == ""


def test_a_module_imported_by_another_is_named(extensions):
    """The module that did it is named, not the one that imported it."""
    (extensions / "innocent.py").write_text("import alsoneedsgil\nimport needsgil\n")
    assert watched(extensions, "import innocent").stdout == "alsoneedsgil True\n"


@pytest.mark.parametrize("option", ["-Werror", "-Wignore", "-Wdefault"])
def test_options_for_warnings_do_not_hide_it(extensions, option):
    """Whatever the user wants of warnings, the import works and the name is heard."""
    assert watched(extensions, "import needsgil", option).stdout == "needsgil True\n"


def test_other_warnings_go_where_they_went(extensions):
    """A warning of another kind is printed as always."""
    done = watched(extensions, "warnings.warn('something else', stacklevel=1)")
    assert done.stdout == "None False\n"
    assert "UserWarning: something else" in done.stderr


def test_an_import_in_a_thread(extensions):
    """A module that a thread imports is named, too."""
    body = "import threading\nt = threading.Thread(target=__import__, args=('needsgil',))\nt.start()\nt.join()"
    assert watched(extensions, body).stdout == "needsgil True\n"


AT_THE_TOP = "import needsgil\ndef f(n):\n    return n * n\n"
IN_THE_TASK = "def f(n):\n    if n == 5:\n        import needsgil\n    return n * n\n"
SWALLOWED = """
try:
    import needsgil
except ImportError:
    needsgil = None
def f(n):
    assert needsgil is None
    return n * n
"""
UNHEARD = """
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    warnings.showwarning = lambda *_, **__: None
    import needsgil
def f(n):
    return n * n
"""
IN_STATE = """
from orchestrator import task
def make():
    import needsgil
@task(process=make)
def f(n):
    return n * n
"""
SQUARES = [n * n for n in range(10)]
# Can do without the GIL, but has it on until the run has committed twice.
LONG_LOADED = """
#include <Python.h>
#include <unistd.h>
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "longloaded", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_longloaded(void) {
    Py_BEGIN_ALLOW_THREADS
    for (int waited = 0; waited < 60000 && access("run/shards/0/commits/00000001", F_OK); waited++) usleep(1000);
    Py_END_ALLOW_THREADS
    return PyModuleDef_Init(&module);
}
"""
LOADS_LONG = """
import os, time
def f(n):
    if n == 5:
        import longloaded
    if not os.path.exists("run/shards/0/commits/00000001"):
        time.sleep(0.02)
    return n * n
"""


@pytest.fixture
def blamed(place: Place, extensions: Path) -> Place:
    """A job's folder with the extension beside it."""
    for path in extensions.glob("*.so"):
        (place / path.name).write_bytes(path.read_bytes())
    return place


@pytest.mark.parametrize("source", [AT_THE_TOP, IN_STATE], ids=["imports", "state"])
def test_processes_instead_of_threads(blamed, source):
    """A task whose imports turn the GIL on runs on processes; the report says so, and names the module."""
    report = blamed.job(source).submit("--threads", "2")
    [node] = report["nodes"]
    assert node["backend"]["backend"] == "processes"
    assert "importing needsgil turned the GIL on" in node["backend"]["reason"]
    assert (node["gil_enabled"], node["gil_culprit"]) == (True, "needsgil")
    assert blamed.results() == SQUARES


@pytest.mark.parametrize("source", [AT_THE_TOP, IN_STATE], ids=["imports", "state"])
def test_required_refuses_it(blamed, source):
    """With `free_threading: required` nothing is started or written, and the error names the module."""
    blamed.job(source, runtime={"free_threading": "required"})
    before = blamed.listing()
    blamed.ftorch("submit", "job.yaml").expect(3, "importing needsgil would turn the GIL on")
    assert {name for name in blamed.listing() if "__pycache__" not in name} == set(before)


def test_threads_on_request(blamed):
    """With `backend: threads` the job runs on threads all the same, with a warning."""
    report = blamed.job(AT_THE_TOP, runtime={"backend": "threads"}).submit("--threads", "2")
    [node] = report["nodes"]
    assert node["backend"]["backend"] == "threads"
    assert any("importing needsgil turned the GIL on" in warning for warning in node["warnings"])
    assert blamed.results() == SQUARES


def test_a_late_import_is_told(blamed):
    """A module that a task imports while the job runs is named in the report's warnings; the results are right."""
    report = blamed.job(IN_THE_TASK).submit("--threads", "2")
    [node] = report["nodes"]
    assert (node["gil_enabled"], node["gil_culprit"]) == (True, "needsgil")
    assert any(warning.startswith("importing needsgil turned the GIL on") for warning in node["warnings"])
    assert blamed.results() == SQUARES


def test_a_late_import_stops_what_requires_the_gil_off(blamed):
    """With `required` such a job stops with the name; what was committed is kept, and it can be resumed."""
    blamed.job(IN_THE_TASK, runtime={"free_threading": "required"})
    done = blamed.ftorch("submit", "job.yaml", "--threads", "2")
    done.expect(3, "needsgil was refused", "importing needsgil would turn the GIL on")
    assert not (blamed / "out.jsonl").exists()
    done = blamed.ftorch(
        "submit", "job.yaml", "--resume", "--set", "runtime.free_threading=preferred", "--set", "runtime.backend=auto"
    )
    done.expect(0)
    assert blamed.results() == SQUARES


def test_a_module_that_is_being_loaded_turned_nothing_on(place: Place):
    """While any extension is loaded the GIL is on: a commit at that moment does not take it for good."""
    build(place.path, "longloaded", LONG_LOADED)
    place.job(LOADS_LONG, runtime={"free_threading": "required"}, input={"range": {"stop": 2000}})
    [node] = place.submit("--threads", "2", "--run", "run")["nodes"]
    assert (node["gil_enabled"], node["gil_culprit"], node["warnings"]) == (False, None, [])
    assert len(list((place / "run/shards/0/commits").iterdir())) >= 2
    assert place.results() == [n * n for n in range(2000)]


def test_a_library_that_can_do_without_it_goes_on(blamed):
    """With `required` an import whose failure the job handles is refused: the run is done on threads, and says so."""
    blamed.job(SWALLOWED, runtime={"free_threading": "required"})
    done = blamed.ftorch("submit", "job.yaml", "--threads", "2", "--json").expect(0, "ftorch: needsgil was refused")
    [node] = done.json()["nodes"]
    assert (node["gil_enabled"], node["gil_culprit"], node["backend"]["backend"]) == (False, None, "threads")
    assert [warning for warning in node["warnings"] if warning.startswith("needsgil was refused: loading it would")]
    assert blamed.results() == SQUARES


def test_children_refuse_it_too(blamed):
    """With `required` and `backend: processes`, a child does not load it either, and the run ends with the name."""
    blamed.job(IN_THE_TASK, runtime={"free_threading": "required", "backend": "processes"})
    blamed.ftorch("submit", "job.yaml", "--threads", "2").expect(3, "importing needsgil would turn the GIL on")


def test_an_unheard_culprit_is_found_in_its_file(blamed):
    """A library that silences the warning hides nothing: the module is named, as its file gives it away."""
    report = blamed.job(UNHEARD).submit("--threads", "2")
    [node] = report["nodes"]
    assert (node["gil_enabled"], node["gil_culprit"]) == (True, "needsgil")
    assert blamed.results() == SQUARES


def test_what_the_user_forces_is_not_refused(blamed):
    """With PYTHON_GIL=0 the user has decided: nothing is refused, and the report says what that means."""
    blamed.job(AT_THE_TOP, runtime={"free_threading": "required"})
    report = blamed.submit("--threads", "2", env={"PYTHON_GIL": "0"})
    [node] = report["nodes"]
    assert any("keeps the GIL off even for extension modules that need it" in warning for warning in node["warnings"])
    assert blamed.results() == SQUARES
