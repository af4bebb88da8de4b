"""What the report says was lost."""

from orchestrator.measure.account import Account
from orchestrator.measure.diagnosis import Diagnosis
from orchestrator.measure.finding import Finding
from orchestrator.report.losses import losses
from tests.report.samples import node

ACCOUNT = Account(2.0, 2, [])
LOCK = Finding("lock", 0.4, "9 of 20 looks", "Hold it shorter.")
CROWD = Finding("crowding", 0.0, "8 threads on 2 CPUs", "Use fewer.")


def rows_of(diagnosis: Diagnosis | None) -> list[tuple[str, str]]:
    """The rows of a node."""
    return list(losses(node(diagnosis=diagnosis)))


def test_causes():
    """What was lost in all, then each cause: its cost (nothing is left out), its evidence, what to do."""
    assert rows_of(Diagnosis(0.43, [LOCK, CROWD], [], ACCOUNT)) == [
        ("lost", "43 % of the CPU time there was"),
        ("", "40 % waiting for a lock: 9 of 20 looks. Hold it shorter."),
        ("", "more threads than CPUs: 8 threads on 2 CPUs. Use fewer."),
    ]


def test_a_healthy_run():
    """Without a cause that is all that is said."""
    assert rows_of(Diagnosis(0.02, [], ["x"], ACCOUNT)) == [
        ("lost", "2 % of the CPU time there was; no cause stands out")
    ]


def test_what_is_not_judged():
    """A run too short says so; a report of an older release says nothing."""
    assert rows_of(Diagnosis(None, [], ["too short"], ACCOUNT)) == [("lost", "not judged: too short")]
    assert rows_of(None) == []
