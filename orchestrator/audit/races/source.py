"""Reads the user's source files, and what their comments accept."""

import ast
import io
import re
import sysconfig
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.rules import RULES, found

ACCEPT = re.compile(r"#\s*ftorch:\s*ok\b\s*(?P<rules>(?:FT\d{3}[,\s]*)*)(?P<reason>.*)")


@dataclass(frozen=True)
class Source:
    """One file that could be read.

    Attributes:
        path: where it is.
        tree: its syntax.
        accepted: the rules that a comment accepts, by line.
        findings: comments that accept nothing.
    """

    path: str
    tree: ast.Module
    accepted: dict[int, frozenset[str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_source(path: Path) -> Source | Finding:
    """Read a file; a finding where it cannot be read, with the line."""
    shown = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return found("FT199", f"it cannot be read: {error.strerror}", (shown, 0))
    try:
        tree = ast.parse(data, shown)
    except SyntaxError as error:
        return found("FT199", f"not valid Python: {error.msg}", (shown, _undecodable(data) or error.lineno or 0))
    except (ValueError, RecursionError, MemoryError) as error:
        return found("FT199", f"not valid Python: {str(error) or 'it is nested too deep'}", (shown, 0))
    accepted, wrong = _acceptances(data, shown) if b"ftorch:" in data else ({}, ())
    return Source(shown, tree, accepted, wrong)


def _undecodable(data: bytes) -> int | None:
    """The line of the first byte that its encoding does not have."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    except SyntaxError:
        # Without a declaration, detect_encoding already refuses the line in which it finds such a byte.
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return data.count(b"\n", 0, error.start) + 1
    return None


def _acceptances(data: bytes, path: str) -> tuple[dict[int, frozenset[str]], tuple[Finding, ...]]:
    accepted: dict[int, frozenset[str]] = {}
    wrong: list[Finding] = []
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        match = ACCEPT.search(token.string) if token.type == tokenize.COMMENT else None
        if match is None:
            continue
        rules = frozenset(re.findall(r"FT\d{3}", match["rules"]))
        line = token.start[0]
        problem = _problem(rules, match["reason"])
        if problem is not None:
            wrong.append(found("FT100", problem, (path, line)))
            continue
        alone = token.line.lstrip().startswith("#")
        for at in (line, line + 1) if alone else (line,):
            accepted[at] = accepted.get(at, frozenset()) | rules
    return accepted, tuple(wrong)


def _problem(rules: frozenset[str], reason: str) -> str | None:
    if not rules:
        return "it names no rule"
    unknown = sorted(rules - RULES.keys())
    if unknown:
        return f"there is no rule {', '.join(unknown)}"
    return None if reason.strip(" -:.") else f"it gives no reason to accept {', '.join(sorted(rules))}"


def foreign_folders() -> tuple[Path, ...]:
    """Where packages lie that are not the user's own: the standard library and what is installed."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({Path(folder).resolve() for name in names if (folder := sysconfig.get_path(name))})
