"""Whether a function is a task, and takes what the job's `with:` gives it."""

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.errors import TaskError

CONTEXT_PARAMETER = "ctx"
_STATE_PARAMETER = "process"


def check_function(function: Any, reference: str) -> None:
    """Make sure that it is a plain function.

    Raises:
        TaskError: it is not.
    """
    where = f"task: {reference}"
    if not callable(function):
        raise TaskError(f"it is of type {type(function).__name__}, not a function", where=where)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TaskError(
            "it is an async function; a task is a plain function of one item",
            where=where,
            hint="Threads run tasks; call asyncio.run inside it if it must await.",
        )
    if inspect.isgeneratorfunction(function):
        raise TaskError("it is a generator function; a task returns its result", where=where)


def accepted_names(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the arguments beside the item; None where it takes any (`**more`), or cannot tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except TypeError, ValueError:
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in list(parameters)[1:]) - {CONTEXT_PARAMETER}


def takes_context(function: Callable[..., Any]) -> bool:
    """Whether it has a parameter named `ctx`."""
    try:
        return CONTEXT_PARAMETER in inspect.signature(function).parameters
    except TypeError, ValueError:
        return False


def check_arguments(
    function: Callable[..., Any],
    factories: tuple[Callable[..., Any] | None, Callable[..., Any] | None],
    arguments: Mapping[str, Any],
    reference: str,
) -> None:
    """Make sure that each argument is taken by the function or by one of its state factories, and none is lacking.

    Args:
        function: the task.
        factories: what makes its process state and its thread state.
        arguments: the job's `with:`.
        reference: the task, as the job file has it.

    Raises:
        TaskError: one is unknown, or lacking.
    """
    where = f"task: {reference}"
    names = accepted_names(function)
    offered = _offered_to_factories(factories, arguments, reference)
    if names is None:
        return
    for name in arguments:
        if name not in names | offered:
            near = difflib.get_close_matches(name, sorted(names | offered), n=1)
            takes = ", ".join(sorted(names | offered)) or "only the item"
            hint = f"Did you mean {near[0]!r}?" if near else f"It takes: {takes}."
            raise TaskError(f"with: it takes no argument {name!r}", where=where, hint=hint)
    extra = {CONTEXT_PARAMETER: None} if takes_context(function) else {}
    signature = inspect.signature(function)
    given = {name: value for name, value in arguments.items() if name in names}
    try:
        signature.bind(object(), **given, **extra)
    except TypeError as error:
        raise TaskError(
            f"it cannot be called with one item and this `with:`: {error}",
            where=where,
            hint=f"It is {signature}; `with:` gives what it takes beside the item.",
        ) from error


def _offered_to_factories(
    factories: tuple[Callable[..., Any] | None, Callable[..., Any] | None],
    arguments: Mapping[str, Any],
    reference: str,
) -> frozenset[str]:
    names: set[str] = set()
    for factory, state in zip(factories, ("", _STATE_PARAMETER), strict=True):
        if factory is None:
            continue
        shown, where = getattr(factory, "__name__", factory), f"task: {reference}"
        if inspect.iscoroutinefunction(factory) or inspect.isasyncgenfunction(factory):
            raise TaskError(f"its state function {shown!r} is async; it must be a plain function", where=where)
        for name, parameter in factory_parameters(factory).items():
            names.add(name)
            if parameter.default is parameter.empty and name not in arguments and name != state:
                raise TaskError(f"its state function {shown!r} needs {name!r}, which `with:` lacks", where=where)
    return frozenset(names - {_STATE_PARAMETER})


def factory_parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a state function that can be given by name; none where it cannot tell (`thread=dict`)."""
    try:
        parameters = inspect.signature(factory).parameters
    except TypeError, ValueError:
        return {}
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: parameter for name, parameter in parameters.items() if parameter.kind in by_name}
