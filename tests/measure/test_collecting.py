"""How often garbage is collected: what collections cost and found decides."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measure.collecting import HALF, MOST, PAUSED, WINDOW, Collected, Collecting, choose

FIRST = 2_000
START = Collecting("freeze", FIRST)
RAISED = Collecting("threshold", 32_000, "threshold 32,000")
OFF = Collecting("off", 32_000, "off")

choices = st.builds(
    Collecting,
    mode=st.sampled_from(("freeze", "threshold", "off")),
    threshold=st.integers(FIRST, MOST),
    reason=st.text(max_size=9),
    final=st.booleans(),
)
looks = st.builds(
    Collected,
    seconds=st.floats(0, 1e4),
    count=st.integers(0, 10**6),
    paused=st.floats(0, 1e4),
    freed=st.integers(0, 10**12),
    memory=st.floats(0, 2),
)


def seen(paused: float, freed: int = 0, count: int = 10, memory: float = 0.1, seconds: float = 1.0) -> Collected:
    """What a second showed."""
    return Collected(seconds, count, paused, freed, memory)


def test_collections_that_free_nothing_become_rarer_and_then_stop():
    """Pauses that find nothing: the threshold is raised once, and if that is not enough, collecting is off."""
    raised = choose(START, seen(0.5), FIRST)
    assert (raised.mode, raised.threshold) == ("threshold", 32_000)
    assert raised.reason == "threshold 32,000 for 50 % of the time in collections"
    off = choose(raised, seen(0.16), FIRST)
    assert off.mode == "off"
    assert off.reason == f"{raised.reason}; off for 16 % of the time in collections and little freed"


def test_collections_that_find_some_garbage_become_rarer_to_a_bound():
    """Garbage among much that lives: the threshold is raised as long as the pauses cost, and not beyond the bound."""
    now = START
    for threshold in (32_000, MOST, MOST):
        now = choose(now, seen(0.5, freed=500_000), FIRST)
        assert (now.mode, now.threshold) == ("threshold", threshold)


def test_collections_that_earn_their_time_stay():
    """Where nearly all the time goes into freeing, rarer collections would gain nothing; that is told once."""
    kept = choose(START, seen(0.9, freed=15_000_000), FIRST)
    assert (kept.mode, kept.threshold) == ("freeze", FIRST)
    assert kept.reason == "90 % of the time in collections, for the garbage that they freed"
    assert choose(kept, seen(0.9, freed=15_000_000), FIRST) is kept


def test_garbage_after_all():
    """While off, a collection that memory called for and that finds garbage turns collections on again."""
    assert choose(OFF, seen(0.1, freed=100, count=1), FIRST) is OFF
    again = choose(OFF, seen(0.1, freed=90_000, count=1), FIRST)
    assert (again.mode, again.threshold) == ("threshold", 32_000)
    assert again.reason == "off; on again, as one freed 90,000 objects"


@given(choices, looks)
def test_near_the_memory_limit_collections_are_automatic(now: Collecting, look: Collected):
    """From half of the limit on it is as Python began, for good; what was never changed may still change later."""
    found = choose(now, look, FIRST)
    if look.memory >= HALF and now.mode != "freeze" and not now.final:
        assert (found.mode, found.threshold, found.final) == ("freeze", FIRST, True)
        assert "of the memory limit" in found.reason
    elif look.memory >= HALF or now.final:
        assert found is now


@given(choices, looks)
def test_a_change_has_grounds_and_a_reason(now: Collecting, look: Collected):
    """Nothing changes without a window's time and collections that cost or found something; each change is told."""
    found = choose(now, look, FIRST)
    if look.memory < HALF and found is not now:
        assert not now.final
        assert look.seconds >= WINDOW
        assert look.count
        assert now.mode == "off" or look.paused >= PAUSED * look.seconds
    if found is not now:
        assert found.reason.startswith(now.reason)
        assert found.reason != now.reason
    assert FIRST <= found.threshold <= MOST


@given(choices, st.lists(looks, max_size=20))
def test_steps_are_single(now: Collecting, many: list[Collected]):
    """Collecting is never turned off at once: rarer comes first."""
    for look in many:
        after = choose(now, look, FIRST)
        assert not (now.mode == "freeze" and after.mode == "off")
        now = after
