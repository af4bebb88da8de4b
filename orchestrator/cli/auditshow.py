"""An audit's report, printed in the form that was asked for."""

import sys
from typing import Literal

from orchestrator.audit.model import AuditReport
from orchestrator.cli.audittext import audit_text
from orchestrator.cli.show import print_json
from orchestrator.cli.streams import say, width_of


def show(report: AuditReport, form: Literal["text", "json", "sarif"]) -> None:
    """Print a report."""
    if form == "json":
        print_json(report)
    elif form == "sarif":
        from orchestrator.audit.sarif import sarif_of
        from orchestrator.version import __version__

        print_json(sarif_of(report.findings, __version__))
    else:
        say(audit_text(report, width_of(sys.stdout)).rstrip("\n"))
