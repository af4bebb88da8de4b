"""One thing that the audit found, whatever found it."""

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """Something a user should know before the job runs.

    Attributes:
        rule: its id, FT001 and on; `docs/audit.md` lists them.
        severity: "error" and "warning" matter (exit code 1), a "note" is told only.
        message: what was found, in one line.
        path: the file it is about; "" where there is none.
        line: the line in it, counted from 1; 0 where there is none.
        why: why it matters.
        fix: what to do about it.
        detail: what else a program may want to know.
    """

    rule: str
    severity: Literal["error", "warning", "note"]
    message: str
    path: str
    line: int
    why: str
    fix: str
    detail: dict[str, str] = {}
