"""The decision between threads and processes, and the facts of real interpreters it rests on."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from orchestrator.errors import GilError
from orchestrator.host.interpreter import InterpreterFacts, decide_backend, gil_enabled, interpreter_facts


def python(*, free_threaded: bool = True, gil: bool = False, forced: str | None = None) -> InterpreterFacts:
    """Make the facts of a CPython 3.14."""
    return InterpreterFacts(
        version="3.14.7",
        implementation="CPython",
        executable="/usr/bin/python3",
        platform="linux-x86_64",
        compiler="GCC 12.2.0",
        free_threaded=free_threaded,
        gil_enabled=gil,
        gil_forced=forced,  # type: ignore[arg-type]
    )


OFF, TURNED_ON = python(), python(gil=True)
GIL_BUILD = python(free_threaded=False, gil=True)


@pytest.mark.parametrize(
    ("requested", "facts", "culprit", "backend", "reason"),
    [
        (
            "auto",
            OFF,
            None,
            "threads",
            "the GIL is off: CPython 3.14.7 (free-threaded build, /usr/bin/python3)",
        ),
        ("processes", OFF, None, "processes", "asked for by runtime.backend"),
        ("threads", OFF, None, "threads", "asked for by runtime.backend"),
        ("auto", GIL_BUILD, None, "processes", "this Python cannot turn it off"),
        ("auto", TURNED_ON, "lxml.etree", "processes", "importing lxml.etree turned the GIL on"),
        ("auto", TURNED_ON, None, "processes", "an extension module that the job imports turned the GIL on"),
        ("auto", python(gil=True, forced="on"), None, "processes", "PYTHON_GIL=1 or -X gil=1 turned it on"),
        ("processes", GIL_BUILD, None, "processes", "asked for by runtime.backend"),
    ],
)
def test_preferred(requested, facts, culprit, backend, reason):
    """Threads where the GIL is off; otherwise processes, with the cause in the reason."""
    decision = decide_backend(requested, "preferred", facts, culprit)
    assert decision.backend == backend
    assert reason in decision.reason
    assert decision.warnings == ()


def test_threads_in_spite_of_the_gil():
    """Threads that the user asks for are taken with the GIL on, with a warning."""
    decision = decide_backend("threads", "preferred", GIL_BUILD)
    assert decision.backend == "threads"
    assert ["one at a time" in warning for warning in decision.warnings] == [True]


@pytest.mark.parametrize(
    ("facts", "culprit", "says", "hint"),
    [
        (GIL_BUILD, None, "CPython 3.14.7 (GIL build, /usr/bin/python3)", "3.14t"),
        (TURNED_ON, "lxml.etree", "importing lxml.etree turned the GIL on", "release of lxml.etree"),
        (TURNED_ON, None, "an extension module", "python -v"),
        (python(gil=True, forced="on"), "lxml", "PYTHON_GIL=1 or -X gil=1", "Unset PYTHON_GIL"),
    ],
)
@pytest.mark.parametrize("requested", ["auto", "threads", "processes"])
def test_required(requested, facts, culprit, says, hint):
    """A job that requires the GIL off exits 3 where it is on, with the cause and the way out."""
    with pytest.raises(GilError) as caught:
        decide_backend(requested, "required", facts, culprit)
    assert caught.value.exit_code == 3
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


def test_required_and_met():
    """A job that requires the GIL off runs on threads where it is off."""
    assert decide_backend("auto", "required", OFF).backend == "threads"


def test_forced_off():
    """With the GIL forced off, extensions that need it are in danger: that is said."""
    decision = decide_backend("auto", "required", python(forced="off"))
    assert ["even for extension modules that need it" in warning for warning in decision.warnings] == [True]


def facts_of(*options: str, gil: str | None = None) -> InterpreterFacts:
    """Ask another interpreter, started with the options and PYTHON_GIL, for its facts."""
    script = "import msgspec.json as j; from orchestrator.host.interpreter import *; "
    script += "print(j.encode(interpreter_facts()).decode())"
    env = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    env |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({"PYTHON_GIL": gil} if gil else {})
    done = subprocess.run(
        [sys.executable, *options, "-c", script], env=env, capture_output=True, check=True, timeout=60
    )
    return msgspec.json.decode(done.stdout, type=InterpreterFacts)


def test_real_interpreters():
    """Real interpreters tell whether the GIL is on, and whether the variable or the option forced it."""
    plain = facts_of()
    assert plain.version == sys.version.split()[0]
    assert (plain.gil_forced, plain.gil_enabled) == (None, not plain.free_threaded)
    if not plain.free_threaded:
        pytest.skip("a GIL build has no -X gil=0 to test")
    forced = [facts_of(gil="1"), facts_of("-X", "gil=1"), facts_of("-X", "gil=0", gil="1")]
    assert [(facts.gil_forced, facts.gil_enabled) for facts in forced] == [
        ("on", True),
        ("on", True),
        ("off", False),
    ]


@pytest.mark.skipif(getattr(sys.flags, "gil", 1) is not None, reason="the GIL's state is settled in this process")
@pytest.mark.parametrize(
    ("looks", "enabled"), [([True, False], False), ([True] * 100, True), ([False], False)], ids=["load", "on", "off"]
)
def test_a_moment_is_not_enough(monkeypatch: pytest.MonkeyPatch, looks: list[bool], enabled: bool):
    """CPython has the GIL on while it loads an extension: it counts as on where it stays on, and one look tells off."""
    left = iter(looks)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: next(left))
    assert gil_enabled() is enabled
    assert enabled or next(left, None) is None


def test_facts_are_json():
    """The facts can be written as JSON and read back."""
    facts = interpreter_facts()
    assert msgspec.json.decode(msgspec.json.encode(facts), type=InterpreterFacts) == facts
    assert json.loads(msgspec.json.encode(facts))["executable"] == sys.executable
