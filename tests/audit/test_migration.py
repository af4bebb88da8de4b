"""What `ftorch audit` says of scripts that use a pool, and what it writes for them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.audit.migration.report import plan_of
from orchestrator.audit.migration.table import HEAD, MIGRATION
from orchestrator.audit.races.rules import RULES, page
from orchestrator.cli.moving import audit_script
from tests.command import ROOT, Place, environment

PAGE = ROOT / "docs/migration.md"
NAMED = re.compile(r"  # (FT\d{3}(?:, FT\d{3})*)$")
SCRIPTS = sorted(Path(__file__).with_name("programs").glob("moving/*.py"))
POOL = "from multiprocessing import Pool\n"
TAIL = "if __name__ == '__main__':\n    with Pool() as pool:\n        pool.map(f, range(9))\n"

OWN_DICT = POOL + "counts = {}\ndef f(x):\n    counts[x % 2] = counts.get(x % 2, 0) + 1\n" + TAIL


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder for a script."""
    return Place(tmp_path)


def expected(path: Path) -> set[tuple[str, int]]:
    """The rules that a script's comments name, with their lines."""
    lines = enumerate(path.read_text().splitlines(), 1)
    return {(rule, line) for line, text in lines for rule in re.findall(r"FT\d{3}", "".join(NAMED.findall(text)))}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_is_told_of_a_script(path: Path):
    """Each script is told what its comments name, at their lines, and nothing else."""
    findings = audit_script(path, None).findings
    assert {(one.rule, one.line) for one in findings if one.rule >= "FT1"} == expected(path)


def test_every_rule_is_shown_by_a_script():
    """Each of the rules about moving is told of one of these scripts, but for one that the page's example has."""
    shown = {rule for path in SCRIPTS for rule, _ in expected(path) if rule >= "FT4"}
    assert shown == {rule.id for rule in MIGRATION if rule.id != "FT402"}
    assert "FT402" in block("text")
    assert {rule.id for rule in MIGRATION} <= RULES.keys()


def block(kind: str) -> str:
    """The first block of that kind in docs/migration.md."""
    return re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]


def test_page_shows_what_the_tool_prints(place: Place):
    """The example in docs/migration.md: what is printed, written and planned, and the table of rules."""
    place.write("words.py", block("python"))
    place.write("texts/a.txt", "one two a\n")
    place.write("stop.txt", "two\n")
    done = place.ftorch("audit", "words.py", "--write", "words-job")
    assert done.code == 1, done.err
    assert same(done.out) == same(block("text"))
    job = (place / "words-job/job.yaml").read_text()
    assert job == block("yaml")
    task = (place / "words-job/task.py").read_text()
    assert task[task.index("@task") :] in PAGE.read_text()
    [needs] = re.findall(r"`(its state function .* lacks)`", PAGE.read_text())
    place.ftorch("plan", "words-job").expect(2, needs)
    place.write("words-job/job.yaml", job.replace("with:\n", "with:\n  path: stop.txt\n"))
    place.ftorch("submit", "words-job", "-q").expect(0)
    assert '["texts/a.txt",1]' in (place / "words-job/out/results.jsonl").read_text()
    assert page(MIGRATION, HEAD) in PAGE.read_text()


def same(text: str) -> str:
    """An audit without what depends on the interpreter and the machine."""
    text = re.sub(r"  note +FT004 .*\n.*\n", "", text)
    return re.sub(r"^  (python|time) .*\n", "", text, flags=re.MULTILINE).strip()


FILLED = {
    "input": (
        "import sys\n" + POOL + "def f(x):\n    return x\nPool().map(f, sys.argv[1:])\n",
        'input: found the text "FILL_IN"',
    ),
    "argument": (
        "import sys\n" + POOL + "def f(x, k):\n    return x\nPool().starmap(f, [(x, sys.argv[1]) for x in range(3)])\n",
        None,
    ),
    "local argument": (
        POOL + "def f(x, k):\n    return x\ndef main(k):\n    Pool().starmap(f, [(x, k) for x in range(3)])\n",
        "missing a required argument: 'k'",
    ),
    "state": (
        POOL + "T = None\ndef f(x):\n    return T\ndef main(path):\n    global T\n    T = open(path).read()\n"
        "    Pool().map(f, range(3))\n",
        "its state function 'set_up' needs 't'",
    ),
}


@pytest.mark.parametrize("name", FILLED)
def test_what_cannot_be_told_is_a_place_to_fill(place: Place, name: str):
    """`ftorch plan` names what has to be filled in; what the task's module knows by itself needs no filling."""
    text, message = FILLED[name]
    place.write("script.py", text)
    place.ftorch("audit", "script.py", "--write", "job")
    done = place.ftorch("plan", "job/job.yaml")
    if message is None:
        done.expect(0)
    else:
        done.expect(2, message)
        assert "FILL" in (place / "job/job.yaml").read_text()


def test_function_keeps_its_text_and_finds_its_modules(place: Place):
    """The function, its comments, the modules beside the script and files named from its place are as they were."""
    place.write("helpers.py", "def twice(n):\n    return n * 2\n")
    place.write("factor.txt", "5")
    function = "# What it does.\n@helpers_first\ndef f(x):\n    return  twice(x)*FACTOR   # spaced oddly\n"
    text = (
        "from pathlib import Path\nfrom helpers import twice\n" + POOL + "FACTOR = int((Path(__file__).parent / "
        "'factor.txt').read_text())\ndef helpers_first(g):\n    return g\n" + function + TAIL
    )
    place.write("script.py", text)
    place.ftorch("audit", "script.py", "--write", "deep/job").expect(0)
    assert function in (place / "deep/job/task.py").read_text()
    place.ftorch("submit", "deep/job", "-q").expect(0)
    lines = (place / "deep/job/out/results.jsonl").read_text().splitlines()
    assert [json.loads(line)["result"] for line in lines] == [n * 2 * 5 for n in range(9)]


def test_nothing_is_overwritten(place: Place):
    """A file that is there stays, nothing is written beside it, and the exit code is 2."""
    place.write("script.py", POOL + "def f(x):\n    return x\n" + TAIL)
    place.write("job/task.py", "mine")
    place.ftorch("audit", "script.py", "--write", "job").expect(2, "task.py would be overwritten")
    assert [one.name for one in (place / "job").iterdir()] == ["task.py"]
    assert (place / "job/task.py").read_text() == "mine"


def test_nothing_of_the_script_is_run(place: Place):
    """Reading a script runs neither its top nor its main part."""
    place.write("script.py", "open('ran', 'w')\n" + POOL + "def f(x):\n    return x\n" + TAIL)
    place.ftorch("audit", "script.py").expect(0)
    assert not (place / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("script.py", "def f(:\n", "script.py:1: not valid Python"),
        ("script.py", "print(1)\n", "nothing in it uses a pool"),
        ("script.py", "class Pool:\n    def map(self): ...\nPool().map()\n", "nothing in it uses a pool"),
        ("script.py", "import helpers\n", "If helpers does, audit that file"),
        ("book.ipynb", "{}", "nbconvert --to script book.ipynb"),
        ("script.py", "x = '\0'\n", "not valid Python"),
        ("script.py", POOL + "def g():\n    Pool().map(h[0], range(3))\n", "script.py:3: no job was written"),
    ],
)
def test_what_is_no_such_script(place: Place, name: str, text: str, message: str):
    """What cannot be read as a script with a pool ends with exit 2 and one message, and writes nothing."""
    place.write("helpers.py", POOL)
    place.write(name, text)
    place.ftorch("audit", name, "--write", "job").expect(2, message)
    assert not (place / "job").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.py",), "No such file"),
        (("job.yaml", "--write", "x"), "--write is for a script"),
        (("script.py", "--set", "a=1"), "--set is for a job file"),
        (("script.py", "--json", "--sarif"), "choose one"),
    ],
)
def test_options_that_do_not_fit(place: Place, arguments: tuple[str, ...], message: str):
    """Options that mean nothing for a script, or for a job, are mistakes."""
    place.job().write("script.py", POOL)
    place.ftorch("audit", *arguments).expect(2, message)


def test_sarif(place: Place):
    """SARIF has the rules' titles and the places."""
    place.write("script.py", OWN_DICT)
    [run] = place.ftorch("audit", "script.py", "--sarif").json()["runs"]
    titles = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert titles["FT410"] == RULES["FT410"].title
    [result] = [one for one in run["results"] if one["ruleId"] == "FT410"]
    physical = result["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]) == ("script.py", {"startLine": 4})


def test_shebang_makes_a_script(place: Place):
    """A file without a suffix is a script if its first line says so."""
    place.write("run", "#!/usr/bin/env python3\n" + POOL + "def f(x):\n    return x\n" + TAIL)
    assert "FT400" in place.ftorch("audit", "run").expect(0).out


def test_shell_completes_scripts_and_options(place: Place):
    """The shell offers files for the argument, and --write."""
    variables = {"_FTORCH_COMPLETE": "bash_complete", "COMP_WORDS": "ftorch audit --wr", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        env=environment(variables),
        cwd=place.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "--write" in done.stdout, done.stderr


def test_reading_is_pure(place: Place):
    """Two readings of one script say the same."""
    path = place.write("script.py", OWN_DICT)
    first, second = ([(m.call.line, a.lines) for m, a in plan_of(path).moves] for _ in range(2))
    assert first == second
