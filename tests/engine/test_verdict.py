"""When failures end a run, and when they make it a failed one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.verdict import Verdict, judge_ended, judge_running, judge_shard
from orchestrator.spec.model import Failures
from orchestrator.spec.units import Share


def rule(most: int | str | None, policy: str = "quarantine") -> Failures:
    """The job's `failures`."""
    return Failures(policy=policy, max_failed=None if most is None else Share.parse(most))


@pytest.mark.parametrize("given_rule", [rule(None), rule(0), rule("0%"), rule(None, "stop"), rule(5, "stop")])
def test_without_failures_nothing_fails(given_rule):
    """Whatever the rule, a run in which no item failed goes on, and ends well; also one without items."""
    for total in (None, 0, 7):
        assert judge_running(given_rule, 0, total) == Verdict(False)
    assert judge_ended(given_rule, 0, 0) == Verdict(False)


def test_stop_means_the_first():
    """With `policy: stop` one failed item ends the run, and the reason names the rule."""
    verdict = judge_running(rule(None, "stop"), 1, None)
    assert verdict.failed
    assert "failures.policy is stop" in verdict.reason


def test_without_a_limit_the_run_goes_to_its_end():
    """Without max_failed no number of failures ends a run early, and one makes it a failed one at its end."""
    assert not judge_running(rule(None), 10**6, 10**6).failed
    verdict = judge_ended(rule(None), 1, 10)
    assert verdict.failed
    assert "1 of 10 items failed" in verdict.reason


@given(st.integers(0, 50), st.integers(1, 60), st.one_of(st.none(), st.integers(60, 100)))
def test_a_number_needs_no_total(most, failed, total):
    """A number of items holds while the run goes on, whether or not the total is known, and at the end."""
    assert judge_running(rule(most), failed, total).failed == (failed > most)
    assert judge_ended(rule(most), failed, 100).failed == (failed > most)


@given(st.integers(0, 100), st.integers(1, 200), st.integers(200, 300))
def test_a_percentage_is_of_all_items(percent, failed, total):
    """A percentage allows so many of all items, rounded down; while the total is unknown it ends nothing."""
    allowed = percent * total // 100
    assert judge_running(rule(f"{percent}%"), failed, total).failed == (failed > allowed)
    assert judge_ended(rule(f"{percent}%"), failed, total).failed == (failed > allowed)
    assert not judge_running(rule(f"{percent}%"), failed, None).failed


def test_reasons_say_what_was_allowed():
    """The reason has the count, and what the rule makes of it."""
    assert (
        judge_running(rule("2.5%"), 6, 200).reason == "6 items failed, and failures.max_failed (2.5%) allows 5 of 200"
    )
    assert judge_running(rule(3), 4, None).reason == "4 items failed, and failures.max_failed allows 3"


def test_a_shard_is_judged_by_what_its_process_knows():
    """Its own failures count beside those known of others, against the limit of the whole job."""
    assert not judge_shard(rule(5), 3, 2, 1000).failed
    assert judge_shard(rule(5), 3, 3, 1000).failed
    assert not judge_shard(rule(5), 0, 30, 1000).failed
    assert judge_shard(rule("1%"), 11, 0, 1000).failed
    assert not judge_shard(rule("1%"), 11, 0, None).failed
    assert judge_shard(rule(None), 1, 0, None).failed
    assert not judge_shard(rule(None), 0, 0, None).failed


def test_numbers_are_readable():
    """Large numbers have their thousands parted, and one item is no plural."""
    assert judge_ended(Failures(), 1200, 30002).reason.startswith("1,200 of 30,002 items failed")
    assert judge_shard(Failures(), 1, 0, None).reason.startswith("1 item failed")
