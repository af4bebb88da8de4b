"""How the threads' time is shared out: nothing is lost twice, and nothing is lost that another thread used."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.host.cgroups import Throttling
from orchestrator.measure.account import Account, LaneAccount, Machine, NativeThreads
from orchestrator.measure.budget import split
from orchestrator.measure.diagnosis import diagnose
from orchestrator.measure.looks import Looks
from orchestrator.measure.threaduse import ThreadUse
from tests.diagnosis.running import causes
from tests.engine.parts import unhurried

SECONDS = 10.0


def lane(index: int = 0, run: float = 10.0, delay: float = 0.0, **more: Any) -> LaneAccount:
    """A thread of a run of ten seconds; what it did not run and was not ready, it slept."""
    use = ThreadUse(SECONDS - more.get("tail", 0.0), run, delay, run, 0.0, None, 0, 100, 10)
    return LaneAccount(index, SECONDS, use, run, **more)


def account(*lanes: LaneAccount, cpus: int = 2, **more: Any) -> Account:
    """An account of them."""
    return Account(SECONDS, cpus, list(lanes), pauses=more.pop("pauses", 0.0), **more)


def test_threads_that_ran_all_the_time():
    """Nothing is lost, and nothing is found."""
    found = diagnose(account(lane(0), lane(1)))
    assert (found.lost, found.findings) == (0.0, [])


def test_more_threads_than_cpus_lose_nothing():
    """Threads that take turns on CPUs that are never idle lose nothing, and are told that they do."""
    found = diagnose(account(*(lane(at, 5.0, 5.0) for at in range(4))))
    assert (found.lost, causes(found)) == (0.0, ["crowding"])
    assert found.findings[0].share == 0.0


def test_sleep_that_another_thread_uses_is_no_loss():
    """Three threads on two CPUs may sleep a third of their time: that is what `profile: mixed` is for."""
    found = diagnose(account(*(lane(at, 20 / 3) for at in range(3)), looks=Looks(20, 0, 10)))
    assert found.lost is not None
    assert found.lost < 1e-6
    assert not found.findings


def test_a_pool_that_computes_for_a_sleeping_thread():
    """A thread that waits while a native pool uses the CPUs for it loses nothing."""
    pool = NativeThreads("polars", 2, 18.0, 0.0)
    busy = account(lane(0, 1.0), lane(1, 1.0), looks=Looks(1, 9), process_cpu=20.0, native=[pool])
    found = diagnose(busy)
    assert found.lost == 0.0
    assert "lock" not in causes(found)


def test_ready_without_a_cpu_on_a_quiet_machine():
    """Threads that are ready while the CPUs they may use are taken by others: the machine is busy."""
    found = diagnose(account(lane(0, 6.0, 4.0), lane(1, 6.0, 4.0), machine=Machine(7.9, 0.0)))
    assert causes(found) == ["neighbours"]
    assert found.findings[0].share == found.lost == 0.4


def test_others_and_too_many_threads_at_once():
    """What others are known to have used is theirs; the rest of the wait is this process's own."""
    found = diagnose(account(*(lane(at, 2.5, 7.5) for at in range(4)), machine=Machine(10.0, 0.0)))
    assert causes(found) == ["neighbours", "crowding"]
    assert found.findings[0].share == found.lost == 0.5


def test_time_the_hypervisor_took():
    """A CPU that the hypervisor gives to others is told, though no thread was seen waiting for it."""
    assert causes(diagnose(account(lane(0), lane(1), machine=Machine(0.0, 6.0)))) == ["neighbours"]


def test_throttled_threads_that_count_as_asleep():
    """Whether the kernel counts a throttled thread as ready or as asleep: it is the quota."""
    throttled = Throttling("/pod", 100, 90, 8.0)
    for delay in (4.0, 0.0):
        found = diagnose(account(lane(0, 6.0, delay), lane(1, 6.0, delay), throttled=throttled, quota=1.2))
        assert causes(found) == ["quota"]
        assert "90 % of its periods" in found.findings[0].evidence


def test_a_thread_stopped_for_a_collection_is_not_locked():
    """A sleep that lasts as long as the collector's pauses is the collector's."""
    found = diagnose(account(lane(0, 10.0), lane(1, 6.0), looks=Looks(16, 4), pauses=4.0, collections=40))
    assert causes(found) == ["gc"]
    assert found.findings[0].share == 0.4


def test_retries_at_the_end():
    """Waiting for nothing but a retry is an end with nothing to do."""
    found = diagnose(account(lane(0), lane(1, 5.0, retrying=5.0)))
    assert causes(found) == ["tail"]
    assert "waited 5 s to try failed items again" in found.findings[0].evidence
    assert "retry.attempts" in found.findings[0].advice


def test_parked_threads_had_no_capacity():
    """Time in which a thread was not allowed to work is not lost."""
    found = diagnose(account(lane(0), lane(1, 4.0, parked=6.0)))
    assert (found.lost, found.findings) == (0.0, [])


seconds = st.floats(0, SECONDS)


def test_collections_where_sleep_is_not_measured():
    """Where the kernel does not say how threads spent their time, a collection leaves no sleep below nothing."""
    unmeasured = msgspec.structs.replace(lane(0).use, run=None)
    taken = account(*(msgspec.structs.replace(lane(at, 0.0), use=unmeasured) for at in range(3)), cpus=1, pauses=1.0)
    budget = split(taken)
    assert (budget.measured, budget.unknown) == (False, 0.0)


@st.composite
def accounts(draw: Any) -> Account:
    """Accounts of all sorts, consistent or not, as torn samples may be."""
    lanes = []
    for index in range(draw(st.integers(1, 6))):
        use = ThreadUse(draw(seconds), draw(seconds | st.none()), draw(seconds), draw(seconds), draw(seconds))
        times = {name: draw(seconds) for name in ("cpu", "output", "parked", "retrying", "tail", "commit")}
        lanes.append(LaneAccount(index, SECONDS, use, **times))
    looks = Looks(*(draw(st.integers(0, 9)) for _ in range(4)))
    return account(
        *lanes,
        cpus=draw(st.integers(1, 8)),
        looks=looks,
        pauses=draw(seconds | st.none()),
        process_cpu=draw(st.floats(0, 60) | st.none()),
        throttled=draw(st.builds(Throttling, st.just("/x"), st.integers(0, 9), st.integers(0, 9), seconds) | st.none()),
        machine=draw(st.builds(Machine, seconds, seconds) | st.none()),
        gil=draw(st.booleans()),
        items=draw(st.integers(0, 100)),
    )


@given(accounts(), st.floats(0, 2) | st.none(), st.floats(0.5, 4) | st.none())
@unhurried
def test_no_account_is_too_odd(taken: Account, alone: float | None, control: float | None):
    """Whatever was measured: shares lie between 0 and 1, no state has less than no time, and the rest is JSON."""
    budget = split(taken)
    assert all(getattr(budget, name) >= -1e-9 for name in budget.__struct_fields__)
    assert budget.scale <= 1
    found = diagnose(taken, alone, control)
    assert found.lost is None or 0 <= found.lost <= 1
    assert all(0 <= finding.share <= 1 for finding in found.findings)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
