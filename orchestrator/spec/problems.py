"""What is wrong with a job file, all of it at once: problems first, one error made of them at the end."""

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.errors import JobFileError
from orchestrator.spec.nodes import FieldPath, Node, dotted, locate

MOST_SHOWN = 20


class Problem(Struct, frozen=True):
    """One mistake.

    Attributes:
        path: the field; empty for the whole file.
        message: what was found and what was expected.
        hint: what to do, where there is more to say.
        at_key: the key is wrong, not its value.
    """

    path: FieldPath
    message: str
    hint: str | None = None
    at_key: bool = False


def error_of(problems: Sequence[Problem], root: Node) -> JobFileError:
    """One error that tells all the problems, in the order of the file.

    Args:
        problems: at least one.
        root: the file's tree, for the places.
    """
    placed = [(locate(root, problem.path, key=problem.at_key), problem) for problem in problems]
    placed.sort(key=lambda pair: (pair[0].line or 0, pair[0].column or 0))
    if len(placed) == 1:
        place, problem = placed[0]
        return JobFileError(_text(problem), where=str(place), hint=problem.hint)
    lines = [f"{len(placed)} problems"]
    for place, problem in placed[:MOST_SHOWN]:
        lines.append(f"  {place}: {_text(problem)}")
        if problem.hint:
            lines.append(f"    {problem.hint}")
    if len(placed) > MOST_SHOWN:
        lines.append(f"  and {len(placed) - MOST_SHOWN} more")
    return JobFileError("\n".join(lines), where=root.place.origin)


def _text(problem: Problem) -> str:
    return f"{dotted(problem.path)}: {problem.message}" if problem.path else problem.message
