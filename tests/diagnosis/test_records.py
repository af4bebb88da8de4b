"""The rules on what real runs measured: two CPUs, one job for each cause, and its healthy twin."""

from pathlib import Path

import msgspec
import pytest

from orchestrator.measure.account import Account
from orchestrator.measure.budget import split
from orchestrator.measure.diagnosis import diagnose
from tests.diagnosis.jobs import PAIRS
from tests.diagnosis.record import RECORDS
from tests.diagnosis.running import causes

FILES = sorted(RECORDS.glob("*.json"))


class Record(msgspec.Struct):
    """What `tests.diagnosis.record` writes."""

    cause: str
    kind: str
    alone: float | None
    control: float | None
    account: Account


def read(file: Path) -> Record:
    """A record."""
    return msgspec.json.decode(file.read_bytes(), type=Record)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_was_recorded(file: Path):
    """The run made to have a cause has it, first of all; its twin has none. No share is more than was lost."""
    record = read(file)
    found = diagnose(record.account, record.alone, record.control)
    assert causes(found)[:1] == ([record.cause] if record.kind == "sick" else [])
    assert found.lost is not None
    assert 0 <= sum(finding.share for finding in found.findings) <= found.lost + 0.01
    assert all(finding.evidence and finding.advice for finding in found.findings)
    if record.kind == "healthy":
        assert found.lost < 0.15


def test_every_cause_is_recorded():
    """There is a record of each synthetic job and of its twin."""
    assert {file.name for file in FILES} == {
        f"{pair.file}.{kind}.json" for pair in PAIRS for kind in ("sick", "healthy")
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_where_the_run_queue_cannot_be_read(file: Path):
    """Without the kernel's account of the run queue nothing is guessed: that is told, and healthy runs stay healthy."""
    record = read(file)
    lanes = [
        msgspec.structs.replace(lane, use=msgspec.structs.replace(lane.use, run=None, delay=None))
        for lane in record.account.lanes
    ]
    found = diagnose(msgspec.structs.replace(record.account, lanes=lanes), record.alone, record.control)
    assert found.unjudged[0].startswith("run-queue delay")
    assert {"lock", "io", "input", "crowding", "neighbours"}.isdisjoint(causes(found))
    if record.kind == "healthy":
        assert not found.findings


@pytest.mark.parametrize("name", ["sharing-counted-object", "sharing-object-lock"])
def test_without_a_reference(name: str):
    """What an item takes with one thread is needed to say that it takes more; without it, just that is said."""
    record = read(RECORDS / f"{name}.sick.json")
    found = diagnose(record.account)
    assert "sharing" not in causes(found)
    assert any(text.startswith("CPU per item") for text in found.unjudged)


def test_a_control_that_grows_as_much():
    """Where a loop that shares nothing takes more CPU, too (hyper-threads), the job is not blamed for it."""
    record = read(RECORDS / "sharing-counted-object.sick.json")
    assert "sharing" not in causes(diagnose(record.account, record.alone, 2.4))


def test_the_hot_line_and_what_it_shares():
    """The lock's line and the shared objects are named, with their module's names."""
    locked = diagnose(read(RECORDS / "lock.sick.json").account).findings[0]
    assert "task.py" in locked.evidence
    assert "`with LOCK:`" in locked.evidence
    assert locked.advice.startswith("LOCK (module global, lock)")
    record = read(RECORDS / "sharing-counted-object.sick.json")
    assert "TABLE (module global, dict of 8)" in diagnose(record.account, record.alone).findings[0].advice
    pool = diagnose(read(RECORDS / "crowding-native-pool.sick.json").account).findings[0]
    assert "OpenBLAS" in pool.evidence


def test_a_run_that_is_too_short():
    """Less than a second is not judged, whatever was measured."""
    short = msgspec.structs.replace(read(RECORDS / "lock.sick.json").account, seconds=0.9)
    found = diagnose(short)
    assert (found.lost, found.findings) == (None, [])
    assert "at least 1 s" in found.unjudged[0]


def test_the_gil_explains_the_waits():
    """With the GIL on, threads that sleep wait for it, not for a lock; the module that turned it on is named."""
    locked = read(RECORDS / "lock.sick.json").account
    found = diagnose(msgspec.structs.replace(locked, gil=True, culprit="lxml"))
    assert causes(found) == ["gil"]
    assert "lxml" in found.findings[0].evidence
    assert found.findings[0].share == pytest.approx(split(locked).lock / split(locked).capacity, abs=0.05)
