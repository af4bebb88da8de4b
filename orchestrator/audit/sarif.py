"""Findings as SARIF 2.1.0, which code hosts and editors show beside the code; pure."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.audit.findings import Finding
from orchestrator.audit.races.rules import RULES as RACES
from orchestrator.audit.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(findings: Iterable[Finding], version: str) -> dict[str, Any]:
    """A SARIF log with one run.

    Args:
        findings: what was found.
        version: of ftorch.
    """
    found = [*findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "ftorch audit", "version": version, "rules": _rules(found)}},
                "results": [_result(one) for one in found],
            }
        ],
    }


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    for one in findings:
        known = RULES.get(one.rule) or RACES.get(one.rule)
        title = known.title if known else one.message
        rules.setdefault(
            one.rule,
            {"id": one.rule, "shortDescription": {"text": title}, "fullDescription": {"text": one.why}},
        )
    return [rules[name] for name in sorted(rules)]


def _result(one: Finding) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "level": one.severity,
        "message": {"text": f"{one.message}. {one.fix}"},
        "properties": one.detail,
    }
    if one.path:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(one.path)}}
        if one.line:
            place["region"] = {"startLine": one.line}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(path: str) -> str:
    """Relative to the current folder where it lies in it, as the readers of SARIF want it."""
    place = Path(path)
    if not place.is_absolute():
        return place.as_posix()
    here = Path.cwd()
    return place.relative_to(here).as_posix() if place.is_relative_to(here) else place.as_uri()
