"""What the lint finds in programs that race, and that it finds nothing in their look-alikes."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.audit_lint import JUDGED, SAMPLES, judged
from orchestrator.audit.races.lint import lint, lint_package
from orchestrator.audit.races.rules import RULES, TABLE, page
from orchestrator.spec.load import load_job

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("programs")
RACY = sorted((PROGRAMS / "racy").glob("*.py"))
CORRECT = sorted((PROGRAMS / "correct").glob("*.py"))
JOBS = sorted([*(ROOT / "jobs").glob("*/job.yaml"), ROOT / "tools/sizes/job.yaml"])


def rules(path, name="f"):
    """The rules of what is found in a task file."""
    return [finding.rule for finding in lint(f"./{path.name}:{name}", path.parent)]


@pytest.fixture
def task(tmp_path):
    """Writes task.py, whose function is `f`, and gives what is found in it."""

    def write(source):
        (tmp_path / "task.py").write_text(source)
        return lint("./task.py:f", tmp_path)

    return write


def test_programs_are_enough():
    """Half of the programs race, and there are 40 of them at least."""
    assert len(RACY) >= 20
    assert len(CORRECT) >= 20


@pytest.mark.parametrize("path", RACY, ids=lambda path: path.stem)
def test_racy_program_is_found(path):
    """A program that races is found, by the rule that it names, and by no other."""
    expected = path.read_text().splitlines()[0].removeprefix("# expect: ")
    assert set(rules(path)) == {expected}


@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_correct_program_is_left_alone(path):
    """A correct program that looks like a racy one has no finding."""
    assert rules(path) == []


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.parent.name)
def test_our_own_jobs_are_clean(job):
    """The jobs that are shipped have no finding."""
    assert lint(load_job(job).task, job.parent) == []


def test_finding_says_where_why_and_what_to_do(task):
    """A finding has its file and line, and the rule's reason and fix."""
    [finding] = task("total = 0\n\n\ndef f(n):\n    global total\n    total += n\n")
    assert (Path(finding.path).name, finding.line, finding.severity) == ("task.py", 6, "warning")
    assert (finding.why, finding.fix) == (RULES["FT101"].why, RULES["FT101"].fix)
    assert "total" in finding.message


ACCEPTED = "D = {{}}\n\n\ndef f(n):\n    {above}\n    D[n] += 1  {beside}\n"


@pytest.mark.parametrize(
    ("above", "beside", "expected"),
    [
        ("pass", "", ["FT102"]),
        ("pass", "# ftorch: ok FT102 one thread only", []),
        ("# ftorch: ok FT102 one thread only", "", []),
        ("pass", "# ftorch: ok FT101 the wrong rule", ["FT102"]),
        ("pass", "# ftorch: ok FT102", ["FT100", "FT102"]),
        ("pass", "# ftorch: ok because", ["FT100", "FT102"]),
        ("pass", "# ftorch: ok FT999 no such rule", ["FT100", "FT102"]),
    ],
)
def test_comment_accepts_one_rule_with_a_reason(task, above, beside, expected):
    """A comment accepts the rule that it names, on its line or the one below, if it gives a reason."""
    source = ACCEPTED.format(above="pass" if above == "pass" else above, beside=beside)
    assert sorted(finding.rule for finding in task(source)) == expected


def test_modules_beside_the_job_are_followed(tmp_path):
    """What a task imports from beside the job is read too: modules, packages, and namespace packages."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/deep.py").write_text("D = {}\n\n\ndef bump(n):\n    D[n] += 1\n")
    (tmp_path / "task.py").write_text("from plain.deep import bump\n\n\ndef f(n):\n    bump(n)\n")
    [finding] = lint("./task.py:f", tmp_path)
    assert (finding.rule, Path(finding.path).name) == ("FT102", "deep.py")


PURE_KEYS = """
class Cache:
    def __init__(self):
        self.entries = {{}}
    def __getitem__(self, key):
        return self.entries[str(key)] if key else self.entries[key]
    def __setitem__(self, key, value):
        self.entries[key] = value
class Plain(Cache):
    def __getitem__(self, key):
        return self.entries[key]
CACHE = Plain()
def f(n):
    CACHE[n{other}] = CACHE[n]{more}
"""
SETTING = "LEVEL = {{'n': 0}}\ndef f(n):\n    if LEVEL['n'] != {to}:\n        print(n)\n        LEVEL['n'] = {made}\n"
STARRED = """
KEPT = []
def make({parameters}):
    if not {last} and n:
        return n
    return {last}.pop()
def f(n):
    return make(n, KEPT)
"""
WARNED = "TEXT = 'old'\ndef f(n):\n    global TEXT\n    if {asks}TEXT:\n        print(TEXT)\n        TEXT = {made}\n"
TWINS = {
    "another key": (PURE_KEYS.format(other=" + 1", more=""), PURE_KEYS.format(other="", more=" + 1"), "FT102"),
    "a setting": (SETTING.format(to="n", made="n"), SETTING.format(to="0", made="n + 1"), "FT104"),
    "own arguments": (
        STARRED.format(parameters="n, *rest, **words", last="words"),
        STARRED.format(parameters="n, words", last="words"),
        "FT103",
    ),
    "taken away": (WARNED.format(asks="", made="''"), WARNED.format(asks="not ", made="input()"), "FT104"),
}


@pytest.mark.parametrize("name", TWINS)
def test_what_was_blamed_wrongly_is_not_any_more(task, name):
    """What looks like a race in SymPy and is none has no finding; what differs in the one thing that counts has."""
    correct, racy, rule = TWINS[name]
    assert task(correct) == []
    assert [finding.rule for finding in task(racy)] == [rule]


def test_unreachable_code_is_not_judged(task):
    """A function that the task does not call has no finding."""
    assert task("D = {}\n\n\ndef other(n):\n    D[n] += 1\n\n\ndef f(n):\n    return n\n") == []


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"x = 1\ndef f(n:\n    pass\n", 2, "not valid Python"),
        (b"x = 1\ny = 2\ns = '\xff'\n", 3, "not valid Python"),
        (b"x = '\0'\n", 1, "not valid Python"),
    ],
)
def test_file_that_cannot_be_read_is_one_finding(tmp_path, data, line, message):
    """A syntax error, and bytes that are not UTF-8, are one error, with the line."""
    (tmp_path / "task.py").write_bytes(data)
    [finding] = lint("./task.py:f", tmp_path)
    assert (finding.rule, finding.severity) == ("FT199", "error")
    assert finding.line in {line, 0}
    assert message in finding.message


def test_declared_encoding_is_read(tmp_path):
    """A file that says its encoding is read by it."""
    (tmp_path / "task.py").write_bytes(b"# -*- coding: latin-1 -*-\nD = {}\n\n\ndef f(n):\n    D['\xe4'] += n\n")
    assert rules(tmp_path / "task.py") == ["FT102"]


def test_namespace_package_and_missing_file_are_told(tmp_path):
    """A namespace package has no function of its own, and a task file may not be there: each is one line."""
    (tmp_path / "spaces").mkdir()
    [finding] = lint("spaces:f", tmp_path)
    assert "namespace package" in finding.message
    [finding] = lint("./nothing.py:f", tmp_path)
    assert "no such task file" in finding.message


def test_installed_code_is_not_read(tmp_path):
    """A task of an installed package is told as not read, and counts for nothing."""
    [finding] = lint("json:dumps", tmp_path)
    assert finding.severity == "note"


def test_rules_are_one_table():
    """Each rule has an id of its own, and says what, why and what to do."""
    assert len(RULES) == len(TABLE)
    assert all(rule.title and rule.example and rule.why and rule.fix for rule in TABLE)


def test_page_is_the_table():
    """docs/races.md holds the table as the package has it."""
    assert page() in (ROOT / "docs/races.md").read_text()


POOL = """
class Machine:
    spare = []

    def run(self, n):
        try:
            one = self.spare.pop()
        except {caught}:
            one = bytearray(8)
        self.spare.append(one)
        return n

def f(n):
    return Machine().run(n)
"""


def test_pool_of_spare_objects_is_left_alone(task):
    """A list of the class from which one is taken in a step that may fail is a pool; one that must not fail is not."""
    assert task(POOL.format(caught="IndexError")) == []
    assert "FT105" in [finding.rule for finding in task(POOL.format(caught="ValueError"))]


LIBRARY = """
import threading

LOCK = threading.Lock()
total = 0
names = {}

def _register(name):
    names[name] = names.get(name, 0) + 1

_register("first")

def _add(n):
    global total
    total += n

def add(n):
    with LOCK:
        _add(n)
"""


def test_private_functions_of_a_library_are_judged_as_they_are_called(tmp_path, monkeypatch):
    """In a package, what is private counts as its callers use it: under their lock, or at import alone; tests don't."""
    (tmp_path / "somelib" / "tests").mkdir(parents=True)
    (tmp_path / "somelib" / "__init__.py").write_text(LIBRARY)
    (tmp_path / "somelib" / "tests" / "test_it.py").write_text("D = {}\ndef helper(n):\n    D[n] += 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert lint_package("somelib", tmp_path) == []
    (tmp_path / "somelib" / "__init__.py").write_text(LIBRARY.replace("with LOCK:", "if n:"))
    assert [finding.rule for finding in lint_package("somelib", tmp_path)] == ["FT101"]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_judged_samples_are_whole(name):
    """The committed tables have a judgement for each finding of the samples, as the text above them counts them."""
    libraries, size = SAMPLES[name]
    text = JUDGED.read_text()
    said = Counter(how for one, how in judged(text).items() if one.split()[0] in libraries)
    assert said.total() >= size
    assert f"{said['race']} race, {said['harmless']} harmless, {said['false']} false" in text
