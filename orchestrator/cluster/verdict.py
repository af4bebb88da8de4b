"""How a Job as a whole is, and the exit code that says so; pure."""

from typing import Literal

from msgspec import Struct

from orchestrator.cluster.objects import BatchJob, Condition
from orchestrator.cluster.shards import Shard
from orchestrator.errors import BAD_JOB, BAD_MACHINE, DONE, RESUMABLE, SIGNAL_BASE, TOO_MANY_FAILED

type Outcome = Literal["unknown", "suspended", "pending", "running", "done", "failed", "deleted"]


class Verdict(Struct, frozen=True):
    """How a run on a cluster is.

    Attributes:
        state: in a word.
        reason: why it failed, in words.
        exit_code: of DESIGN §9; None while it is not over.
    """

    state: Outcome
    reason: str = ""
    exit_code: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.exit_code is not None


def judge(job: BatchJob | None, gone: bool, over: Condition | None, failing: list[Shard]) -> Verdict:
    """How the Job is.

    Args:
        job: as it was last seen.
        gone: whether it was deleted.
        over: its condition `Complete` or `Failed`.
        failing: the shards whose newest pod failed, or that the Job counts as failed.
    """
    if over is not None and over.type == "Complete":
        return Verdict("done", exit_code=DONE)
    if over is not None:
        return Verdict("failed", _reason(over, failing), _code(over.reason or "", failing))
    if gone:
        return Verdict("deleted", "the Job was deleted on the cluster", RESUMABLE)
    if job is None:
        return Verdict("unknown")
    if job.spec.suspend:
        return Verdict("suspended")
    return Verdict("running" if job.status.active or job.status.succeeded else "pending")


def _code(reason: str, failing: list[Shard]) -> int:
    codes = {shard.exit_code for shard in failing if shard.exit_code}
    if reason == "DeadlineExceeded":
        return RESUMABLE
    if reason == "PodFailurePolicy" and codes & {BAD_JOB, BAD_MACHINE}:
        return BAD_JOB if BAD_JOB in codes else BAD_MACHINE
    died = [code for code in codes if code > SIGNAL_BASE]
    if died and TOO_MANY_FAILED not in codes:
        return max(died)
    return RESUMABLE if codes == {RESUMABLE} else TOO_MANY_FAILED


def _reason(over: Condition, failing: list[Shard]) -> str:
    told = over.message or over.reason or "the Job failed"
    if not failing:
        return told
    shown = "; ".join(f"shard {shard.index}: {shard.reason}" for shard in failing[:3] if shard.reason)
    more = f", and {len(failing) - 3} more" if len(failing) > 3 else ""
    return f"{told} ({shown}{more})" if shown else told
