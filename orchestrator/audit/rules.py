"""The rules about the runtime and its extensions, FT001 to FT041: what each finding of them says besides its facts."""

from typing import Literal

from msgspec import Struct

from orchestrator.audit.findings import Finding

type Severity = Literal["error", "warning", "note"]


class Rule(Struct, frozen=True):
    """A rule: how bad it is, what it is about, why that matters."""

    severity: Severity
    title: str
    why: str


RULES: dict[str, Rule] = {
    "FT001": Rule(
        "warning",
        "this Python has a GIL",
        "Python code of several threads runs one at a time on it: the job runs on processes instead.",
    ),
    "FT002": Rule(
        "error",
        "PYTHON_GIL=1 or -X gil=1 keeps the GIL on",
        "It holds whatever the extensions say: the job runs on processes instead of threads.",
    ),
    "FT003": Rule(
        "warning",
        "PYTHON_GIL=0 or -X gil=0 keeps the GIL off",
        "It stays off for extensions that rely on it, too: their results can be wrong, or they crash, unannounced.",
    ),
    "FT004": Rule("note", "this Python is no final release", "What is measured and tested here is 3.14 and 3.15."),
    "FT010": Rule(
        "error",
        "an extension that the job imports turns the GIL on",
        "It does not declare that it can do without the GIL, so CPython turns it on for the rest of the process: "
        "threads then run Python code one at a time.",
    ),
    "FT011": Rule(
        "warning",
        "an extension would turn the GIL on when loaded",
        "The job does not load it when it starts, but code it reaches can: in a function, a plotting back end, a lazy "
        "import. Once that happens, every thread runs one at a time.",
    ),
    "FT012": Rule(
        "note",
        "an extension of which nobody can tell",
        "Its file does not say whether it needs the GIL, and it could not be loaded to find out.",
    ),
    "FT020": Rule(
        "warning",
        "an extension built for another Python",
        "This Python cannot load it, or crashes when it does.",
    ),
    "FT021": Rule("note", "a native file that was not read", "Nothing is said about what it would do."),
    "FT022": Rule(
        "note",
        "an older release than there is",
        "pip takes the newest release that it can install here; where newer ones have no free-threaded wheel, that is "
        "an older one, and it does not say so.",
    ),
    "FT030": Rule("error", "the job's module cannot be imported", "The job would end at once, with the same error."),
    "FT031": Rule("error", "importing does not end", "The job would hang before its first item."),
    "FT032": Rule("error", "importing crashes the process", "The job would die before its first item."),
    "FT033": Rule("error", "importing ends the process", "The job would end before its first item."),
    "FT040": Rule(
        "note",
        "importing starts processes",
        "A fork copies a process that has threads: what they held locked stays locked in the copy for ever.",
    ),
    "FT041": Rule("note", "importing prints", "It will be among the job's own messages, once for each worker."),
}


class Fact(Struct, frozen=True):
    """What one finding is about."""

    message: str
    fix: str
    path: str = ""
    line: int = 0
    detail: dict[str, str] = {}


def finding(rule: str, fact: Fact, severity: Severity | None = None) -> Finding:
    """A finding of a rule, as severe as the rule says unless told."""
    known = RULES[rule]
    return Finding(
        rule, severity or known.severity, fact.message, fact.path, fact.line, known.why, fact.fix, fact.detail
    )
