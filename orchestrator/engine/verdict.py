"""Whether the failures so far, or at the end, are more than the job allows; pure."""

from msgspec import Struct

from orchestrator.spec.model import Failures

_NONE_ALLOWED = "failures.max_failed allows none when it is not set"


class Verdict(Struct, frozen=True):
    """Whether the run failed by its own rule, and why."""

    failed: bool
    reason: str = ""


def judge_running(rule: Failures, failed: int, total: int | None) -> Verdict:
    """Whether to end the run now.

    Args:
        rule: the job's `failures`.
        failed: items that have failed for good.
        total: the number of items, or None while only reading the input can tell; a percentage waits for it.
    """
    if not failed:
        return Verdict(False)
    if rule.policy == "stop":
        return Verdict(True, "an item failed, and failures.policy is stop")
    if rule.max_failed is None or (total is None and rule.max_failed.is_percentage):
        return Verdict(False)
    return _against(rule, failed, total or 0)


def judge_ended(rule: Failures, failed: int, total: int) -> Verdict:
    """Whether a run whose items are all settled is a failed one."""
    if not failed:
        return Verdict(False)
    if rule.max_failed is None:
        return Verdict(True, f"{failed:,} of {_items(total)} failed ({_NONE_ALLOWED})")
    return _against(rule, failed, total)


def judge_shard(rule: Failures, failed: int, elsewhere: int, total: int | None) -> Verdict:
    """Whether a shard whose items are all settled lets the run fail, by what its process can know.

    Args:
        rule: the job's `failures`.
        failed: items of this shard that failed.
        elsewhere: items of other shards that are known to have failed.
        total: the number of items of all shards, or None while only reading the input can tell; whether a percentage
            was kept is then for whoever publishes the run to say.
    """
    if not failed:
        return Verdict(False)
    if rule.max_failed is None:
        return Verdict(True, f"{_items(failed)} failed ({_NONE_ALLOWED})")
    if total is None and rule.max_failed.is_percentage:
        return Verdict(False)
    return _against(rule, failed + elsewhere, total or 0)


def _against(rule: Failures, failed: int, total: int) -> Verdict:
    assert rule.max_failed is not None
    limit = rule.max_failed.limit(total)
    if failed <= limit:
        return Verdict(False)
    allowed = f"allows {limit:,}"
    if rule.max_failed.is_percentage:
        allowed = f"({rule.max_failed}) allows {limit:,} of {total:,}"
    return Verdict(True, f"{_items(failed)} failed, and failures.max_failed {allowed}")


def _items(count: int) -> str:
    return f"{count:,} item" if count == 1 else f"{count:,} items"
