"""What a rule about races, or about moving to threads, is made of."""

from typing import Literal, NamedTuple

type Severity = Literal["error", "warning", "note"]


class Rule(NamedTuple):
    """One way to race, or one thing to know before a script becomes a job.

    Attributes:
        id: FT1.. for state that the program shares, FT2.. for state that the process has once, FT3.. for what was
            found by running, FT4.. for what a script that uses a pool is to be told.
        title: what it is called.
        example: a line that breaks it.
        why: why that races.
        fix: what to write instead.
        severity: what a finding of it counts as, where the place gives no reason to take it lighter.
    """

    id: str
    title: str
    example: str
    why: str
    fix: str
    severity: Severity = "warning"
