"""`ftorch audit` as a user runs it, and the look ahead of `ftorch submit`."""

import json
import os
import re
import signal
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

from orchestrator.audit.foresight import known, look
from orchestrator.audit.races.rules import RULES as RACES
from orchestrator.audit.rules import RULES
from tests.command import ROOT, Place, finish
from tests.extensions import SOURCES, build
from tests.setup.test_dependencies import dependencies

JOBS = sorted(path.parent.name for path in (ROOT / "jobs").glob("*/job.yaml"))
A_RELEASE_CANDIDATE = "FT004"
LATE = "def f(n):\n    import bad.fast\n    return n\n"
NOW = "import bad.fast\ndef f(n):\n    return n\n"
LAZY = "\nlazy import bad.fast\ndef f(n):\n    return n\n"
NEEDS_LAZY = pytest.mark.skipif(sys.version_info < (3, 15), reason="lazy imports came with Python 3.15")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder for a job."""
    return Place(tmp_path)


@pytest.fixture
def site(tmp_path_factory) -> dict[str, str]:
    """An environment in which a distribution is installed whose extension turns the GIL on, and an empty cache."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "bad").mkdir()
    (folder / "bad" / "__init__.py").write_text("")
    path = build(folder / "bad", "fast", SOURCES["no_slot"].replace("no_slot", "fast"))
    information = folder / "bad-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: bad\nVersion: 1.2\n")
    (information / "RECORD").write_text(f"bad/__init__.py,,\nbad/{path.name},,\n")
    cache = tmp_path_factory.mktemp("cache")
    return {"PYTHONPATH": f"{folder}:{ROOT}", "XDG_CACHE_HOME": str(cache)}


@pytest.mark.parametrize(
    ("source", "rule"),
    [(NOW, "FT010"), (LATE, "FT011"), pytest.param(LAZY, "FT011", marks=NEEDS_LAZY)],
    ids=["imported", "late", "lazy"],
)
def test_what_turns_the_gil_on_is_named(place: Place, site, source: str, rule: str):
    """Exit 1, the module and its distribution, the job's own line that leads there, and what to do."""
    place.job(source)
    done = place.ftorch("audit", "job.yaml", "--json", env=site)
    assert done.code == 1, done.err
    [finding] = [one for one in done.json()["findings"] if one["severity"] != "note"]
    assert (finding["rule"], finding["detail"]["modules"]) == (rule, "bad.fast")
    assert (finding["detail"]["distribution"], finding["detail"]["version"]) == ("bad", "1.2")
    assert (finding["path"], finding["line"]) == (str(place / "task.py"), 1 + (rule == "FT011"))
    text = place.ftorch("audit", "job.yaml", env=site)
    assert text.code == 1
    assert re.search(rf"{rule} .*bad 1\.2 .*bad\.fast", text.out)


def test_sarif(place: Place, site):
    """The same findings as a SARIF log, with places that are relative to the current folder."""
    done = place.job(LATE).ftorch("audit", "job.yaml", "--sarif", env=site)
    [run] = done.json()["runs"]
    [result] = [one for one in run["results"] if one["level"] != "note"]
    physical = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], physical["artifactLocation"]["uri"]) == ("FT011", "task.py")
    assert physical["region"] == {"startLine": 2}
    assert result["ruleId"] in [rule["id"] for rule in run["tool"]["driver"]["rules"]]


RACY = "counts = {}\ndef f(n):\n    counts[n % 2] = counts.get(n % 2, 0) + 1\n    return n\n"


def test_races_are_named_beside_extensions(place: Place, site):
    """One report, and one SARIF log, has what turns the GIL on and what races, each by file and line."""
    place.job("import bad.fast\n" + RACY)
    done = place.ftorch("audit", "job.yaml", "--json", env=site)
    found = {(one["rule"], one["line"]) for one in done.json()["findings"] if one["severity"] != "note"}
    assert (done.code, {("FT010", 1), ("FT102", 4)} <= found) == (1, True), done.out
    [run] = place.ftorch("audit", "job.yaml", "--sarif", env=site).json()["runs"]
    titles = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert titles["FT102"] == RACES["FT102"].title


BESIDE = {
    "needs": ("FT011", "would turn the GIL on when loaded: fast"),
    "damaged": ("FT021", "fast not read: damaged"),
    "foreign": ("FT020", "is built for another Python: fast: its name says that it is for another Python"),
    "no module": ("FT021", "fast not read: no extension module: it has no PyInit_fast"),
}


def beside(folder: Path, kind: str) -> Path:
    """An extension module of that kind, in some folder."""
    made = build(folder, "fast", SOURCES["no_slot"].replace("no_slot", "fast" if kind != "no module" else "other"))
    if kind == "damaged":
        made.write_bytes(made.read_bytes()[:1000])
    return made.rename(folder / "fast.cpython-311-x86_64-linux-gnu.so") if kind == "foreign" else made


@pytest.mark.parametrize("kind", BESIDE)
def test_what_lies_beside_the_job_is_read_ahead(place: Place, kind: str):
    """An extension in the job's folder that is imported late is named, with what its file says, and the line."""
    made = beside(place.path, kind)
    if kind == "foreign" and "x86_64-linux-gnu" not in sysconfig.get_config_var("SOABI"):
        made.rename(place / ("fast.cpython-311-" + sysconfig.get_config_var("SOABI").split("-", 2)[2] + ".so"))
    rule, text = BESIDE[kind]
    done = place.job("def f(n):\n    import fast\n    return n\n").ftorch("audit", "job.yaml", "--json", "--no-probe")
    [finding] = [one for one in done.json()["findings"] if one["rule"] != A_RELEASE_CANDIDATE]
    assert (finding["rule"], finding["line"], Path(finding["path"]).name) == (rule, 2, "task.py")
    assert str(place.path) in finding["message"]
    assert text in finding["message"]


def test_submit_looks_beside_the_job(place: Place, monkeypatch):
    """What `submit` tells ahead of a run names an extension beside the job, until that file changes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    made = beside(place.path, "needs")
    place.job("def f(n):\n    import fast\n    return n\n")
    [told] = look("./task.py:f", place.path)
    assert f"{made} would turn the GIL on when loaded: fast" in told
    assert known("./task.py:f", place.path) == [told]
    made.write_bytes(b"another one")
    assert known("./task.py:f", place.path) is None


def test_what_lies_on_the_import_path_is_read_ahead(place: Place, tmp_path_factory):
    """One in a package of a folder on the import path is named, and only what is imported."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "tools").mkdir()
    (folder / "tools" / "__init__.py").touch()
    for name in ("fast", "never"):
        build(folder / "tools", name, SOURCES["no_slot"].replace("no_slot", name))
    env = {"PYTHONPATH": f"{folder}:{ROOT}"}
    done = place.job("def f(n):\n    from tools import fast\n    return n\n").ftorch(
        "audit", "job.yaml", "--json", "--no-probe", env=env
    )
    [finding] = [one for one in done.json()["findings"] if one["rule"] != A_RELEASE_CANDIDATE]
    assert (finding["rule"], finding["detail"]["modules"]) == ("FT011", "tools.fast")
    assert [one["name"] for one in done.json()["extensions"] if "tools" in one["name"]] == ["tools.fast"]


def test_a_huge_folder_beside_the_job_is_not_listed(place: Place):
    """Nothing is looked for but the names that the job imports, whatever else lies in its folder."""
    (place / "fast").mkdir()
    for kind in ("a", "b"):
        (place / "fast" / f"{kind}.so").write_bytes(b"no extension")
    done = place.job("def f(n):\n    import json\n    return n\n").ftorch("audit", "job.yaml", "--json", "--no-probe")
    assert [one for one in done.json()["extensions"] if str(place.path) in one["path"]] == []


UNTIL_LOOKED_AT = """
import glob, os
KEPT = os.path.join(os.environ["XDG_CACHE_HOME"], "ftorch", "audit", "ahead-*.json")
def f(n):
    while not glob.glob(KEPT):
        pass
    if n < 0:
        import bad.fast
    return n
"""


def test_submit_looks_ahead(place: Place, site):
    """What a job can reach is looked for beside a long run and told at its end; then before each, until a change."""
    said = "ftorch: bad 1.2 would turn the GIL on when loaded: bad.fast"
    place.job(UNTIL_LOOKED_AT, input={"range": {"stop": 3}})
    for told_first in (False, True):
        done = place.ftorch("submit", "job.yaml", "--set", "output.overwrite=true", env=site).expect(0, said)
        assert (done.err.index(said) < done.err.index('"started"')) == told_first
    assert (
        said not in place.ftorch("submit", "job.yaml", "-q", "--set", "output.overwrite=true", env=site).expect(0).err
    )
    place.write("task.py", "def f(n):\n    return n + 0\n")
    done = place.ftorch("submit", "job.yaml", "--set", "output.overwrite=true", env=site)
    assert "would turn the GIL on" not in done.expect(0).err


@pytest.mark.parametrize("name", JOBS)
def test_the_shipped_jobs_are_clean(name: str, place: Place):
    """No shipped job imports or reaches anything that turns the GIL on, nor has code that races."""
    done = place.ftorch("audit", ROOT / "jobs" / name, "--json", "--no-probe", cwd=ROOT)
    found = [one for one in done.json()["findings"] if one["rule"] != A_RELEASE_CANDIDATE]
    assert (done.code, found) == (0, []), done.out + done.err


def test_there_are_jobs_and_dependencies_to_audit():
    """The lists that the next tests run over are the project's own, and not empty."""
    assert {"hashing", "sums"} <= set(JOBS)
    assert {"click", "msgspec", "PyYAML"} <= set(dependencies())


@pytest.mark.parametrize("name", dependencies())
def test_our_own_dependencies_are_clean(name: str, place: Place):
    """What ftorch's metadata requires, with every extra but the developers', leaves the GIL off wherever it leads."""
    done = place.ftorch("audit", "--package", name, "--json")
    assert done.code in (0, 1), done.err
    report = done.json()
    matter = [one for one in report["findings"] if one["rule"] in ("FT010", "FT011", "FT012", "FT020")]
    assert (matter, report["distributions"] > 0) == ([], True)
    # PyYAML is built without its extension where there is neither a wheel nor libyaml.
    has_extension = any(file.suffix == ".so" for file in distribution(name).files or ())
    read = {one["distribution"].lower() for one in report["extensions"]}
    assert not has_extension or name.lower() in read


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "name one thing"),
        (("job.yaml", "--environment"), "name one thing"),
        (("--package", "no-such"), "no distribution 'no-such' is installed"),
        (("--package", "yaml"), "Did you mean PyYAML?"),
        (("job.yaml", "--json", "--sarif"), "choose one"),
        (("gone.yaml",), "there is no such file"),
    ],
)
def test_mistakes_on_the_command_line(place: Place, arguments: tuple[str, ...], text: str):
    """What cannot be audited ends with exit 2 and one message."""
    done = place.job().ftorch("audit", *arguments)
    assert done.code == 2
    assert text.lower() in done.err.lower()


@pytest.mark.parametrize(
    ("source", "rule", "text"),
    [
        ("def\n", "FT030", "not valid Python"),
        ("import nothing_of_that_name\n", "FT030", "nothing_of_that_name"),
        ("import os\nos._exit(5)\n", "FT033", "exit code 5"),
        ("import os\nos.abort()\n", "FT032", "SIGABRT"),
        ("while True: pass\n", "FT031", "did not end within 1 s"),
        ("print('hello')\ndef f(n): return n\n", "FT041", "prints: hello"),
    ],
)
def test_tasks_that_cannot_be_imported(place: Place, source: str, rule: str, text: str):
    """A task's file that fails, ends, crashes or hangs is one finding, with what happened."""
    done = place.job(source).ftorch("audit", "job.yaml", "--json", "--timeout", "1")
    [finding] = [one for one in done.json()["findings"] if one["rule"] != "FT004"]
    assert finding["rule"] == rule
    assert text in finding["message"]
    assert done.code == (0 if finding["severity"] == "note" else 1)


def test_the_rules_are_documented():
    """docs/audit.md has a line for each rule, with its severity and title."""
    text = (ROOT / "docs" / "audit.md").read_text()
    rows = dict(re.findall(r"^\| (FT0\d\d) \| (.*) \|$", text, re.MULTILINE))
    assert rows == {name: f"{rule.severity} | {rule.title}" for name, rule in RULES.items()}


def test_json_names_the_interpreter(place: Place):
    """The report says which Python it speaks of, and whether the GIL was forced."""
    done = place.job().ftorch("audit", "job.yaml", "--json", env={"PYTHON_GIL": "1"})
    report = json.loads(done.out)
    assert report["python"]["version"] == sys.version.split()[0]
    assert [one["rule"] for one in report["findings"] if one["severity"] == "error"] == ["FT002"]


STOPPED = """
import os
import pathlib

def f(n):
    pathlib.Path("child").write_text(str(os.getpid()))
    pathlib.Path("begun").touch()
    while True:
        pass
"""


def test_ctrl_c_during_the_probe_ends_quietly(place: Place):
    """A SIGINT while the task is tried ends the command with 75 and one line, and nothing of it is left running."""
    place.job(STOPPED)
    process = place.popen("audit", "job.yaml")
    while not (place / "begun").exists():
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, "Traceback" in done.err, done.out) == (75, False, ""), done.err
    assert not alive(int((place / "child").read_text()))


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError, ProcessLookupError:
        return False


def test_what_a_library_loads_late_is_named(place: Place, site):
    """A job that imports only a library is told of what that library's extra would load: pandas and its lxml."""
    folder = Path(site["PYTHONPATH"].partition(":")[0])
    (folder / "frame").mkdir()
    (folder / "frame" / "__init__.py").write_text("def read_html(text):\n    import bad.fast\n    return text\n")
    (folder / "frame-2.0.dist-info").mkdir()
    metadata = 'Name: frame\nVersion: 2.0\nProvides-Extra: html\nRequires-Dist: bad>=1; extra == "html"\n'
    (folder / "frame-2.0.dist-info" / "METADATA").write_text(metadata)
    (folder / "frame-2.0.dist-info" / "RECORD").write_text("frame/__init__.py,,\n")
    done = place.job("import frame\ndef f(n):\n    return n\n").ftorch("audit", "job.yaml", "--json", env=site)
    [finding] = [one for one in done.json()["findings"] if one["severity"] != "note"]
    assert (done.code, finding["rule"], finding["detail"]["distribution"]) == (1, "FT011", "bad")
    assert "reached through task.py → frame[html]" in finding["message"]
