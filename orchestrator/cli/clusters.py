"""`--on kubernetes`: the options that say where, and which of a command's two bodies is meant."""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import click

from orchestrator.cli.collapsing import compare_option

_WHERE = (
    click.option("--on", type=click.Choice(["kubernetes"]), help="Not here, but on a cluster."),
    click.option("--context", metavar="NAME", help="The kubeconfig's context; by default its current one."),
    click.option("--namespace", "-n", metavar="NAME", help="The namespace; by default the context's."),
)
_SUBMITTING = (
    click.option(
        "--wait/--detach", default=True, help="Follow the run to its end, or return once it is on the cluster."
    ),
    click.option("--follow-logs", is_flag=True, help="Show what the pods print."),
    click.option("--suspend", is_flag=True, help="Have it wait on the cluster until `ftorch resume`."),
    click.option("--price", type=click.FloatRange(0), metavar="P", help="Of a CPU-hour: adds what the run cost."),
    compare_option,
)


def also_on_cluster(module: str, name: str, *, submits: bool = False) -> Callable[[Any], Any]:
    """A command that has another body for `--on kubernetes`, which is imported when it is called.

    Args:
        module: of :mod:`orchestrator.cli`, with that body.
        name: of the function; it is given which cluster is meant, and all the command's arguments.
        submits: whether the options of `submit` belong to it, too.
    """
    options = (*_WHERE, *(_SUBMITTING if submits else ()))

    def decorate(function: Any) -> Any:
        @wraps(function)
        def either(*args: Any, on: str | None, context: str | None, namespace: str | None, **asked: Any) -> Any:
            if on is not None:
                return _body(module, name)(*args, context=context, namespace=namespace, **asked)
            _refuse(context or namespace, "--context and --namespace say which cluster")
            if submits:
                given = [not asked.pop("wait"), asked.pop("follow_logs"), asked.pop("suspend")]
                _refuse(any(given), "--detach, --follow-logs and --suspend are about a cluster")
                told = [asked.pop("price") is not None, asked.pop("compare") is not None]
                _refuse(any(told), "--price and --compare are of the report of a run on a cluster")
            return function(*args, **asked)

        return _with(options, either)

    return decorate


def on_cluster(function: Any) -> Any:
    """A command that there is only for clusters: `--on kubernetes` may be given, and is meant without."""

    @wraps(function)
    def there(*args: Any, on: str | None, **asked: Any) -> Any:  # noqa: ARG001 - it can only be kubernetes
        return function(*args, **asked)

    return _with(_WHERE, there)


def _with(options: tuple[Any, ...], function: Any) -> Any:
    for option in reversed(options):
        function = option(function)
    return function


def _body(module: str, name: str) -> Any:
    return getattr(import_module(f"orchestrator.cli.{module}"), name)


def _refuse(given: Any, what: str) -> None:
    if given:
        raise click.UsageError(f"{what}: give it with --on kubernetes")
