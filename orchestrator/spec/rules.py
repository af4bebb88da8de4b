"""Rules that the types cannot state: across fields, and within the texts of some. Each is a small function.

The order of a rule's problems does not matter; :mod:`orchestrator.spec.problems` sorts them by place.
"""

from collections.abc import Iterator

from orchestrator.spec.formats import resolve_output_format
from orchestrator.spec.model import JobSpec
from orchestrator.spec.nodes import FieldPath
from orchestrator.spec.problems import Problem
from orchestrator.spec.rules_data import input_problems, output_problems
from orchestrator.spec.rules_kubernetes import kubernetes_problems, schedule_problems
from orchestrator.spec.rules_name import name_problems, task_problems
from orchestrator.spec.rules_remote import remote_problems
from orchestrator.spec.units import Duration, Size

__all__ = ["resolve_output_format", "rule_problems"]


def rule_problems(spec: JobSpec, given: frozenset[FieldPath] = frozenset()) -> list[Problem]:
    """What is wrong with a job whose every field has the right type.

    Args:
        spec: the job.
        given: the fields the user wrote, as ("output", "keys"): a default that does not apply is no mistake,
            but the same value written by the user is.
    """
    return [
        *name_problems(spec),
        *task_problems(spec),
        *input_problems(spec.input),
        *output_problems(spec.output, given),
        *_limits(spec),
        *_failures(spec),
        *kubernetes_problems(spec),
        *schedule_problems(spec),
        *remote_problems(spec),
    ]


def _limits(spec: JobSpec) -> Iterator[Problem]:
    """Amounts of which none makes no sense."""
    amounts: list[tuple[FieldPath, Duration | Size | None]] = [
        (("timeout", "item"), spec.timeout.item),
        (("timeout", "job"), spec.timeout.job),
        (("resources", "memory"), spec.resources.memory),
        (("output", "part_size"), spec.output.part_size),
        (("kubernetes", "memory"), spec.kubernetes.memory),
        (("remote", "timeout"), spec.remote.timeout),
        (("remote", "in_flight"), spec.remote.in_flight),
    ]
    for path, amount in amounts:
        if amount is not None and amount == type(amount)(0):
            yield Problem(path, f"found {amount}, expected more than zero")


def _failures(spec: JobSpec) -> Iterator[Problem]:
    retry = spec.retry
    if retry.max_backoff < retry.backoff:
        yield Problem(
            ("retry", "max_backoff"),
            f"found {retry.max_backoff}, expected at least retry.backoff, which is {retry.backoff}",
        )
    if spec.failures.policy == "stop" and spec.failures.max_failed is not None:
        yield Problem(
            ("failures", "max_failed"),
            "policy: stop ends the run at the first failed item, so a number of them has no meaning",
            "Remove one of the two.",
        )
