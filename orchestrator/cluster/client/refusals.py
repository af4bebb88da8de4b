"""What the API server's refusals mean to a user: one clear line each; pure."""

import re
from collections.abc import Callable

from orchestrator.cluster.objects import Status
from orchestrator.errors import ClusterError, ClusterRefused, FtorchError, RunNotFound

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<what>[^"]+)" in API group "(?P<group>[^"]*)"'
)
_QUOTA = re.compile(r"exceeded quota: (?P<what>.*)", re.DOTALL)
_SECURITY = re.compile(r'violates? PodSecurity "(?P<level>[^"]+)": (?P<why>.*)', re.DOTALL)
_HOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request:? ?(?P<why>.*)', re.DOTALL)
_HOOK_DOWN = re.compile(r'failed calling webhook "(?P<name>[^"]+)": (?P<why>.*)', re.DOTALL)
_POLICY = re.compile(r"ValidatingAdmissionPolicy '(?P<name>[^']+)'.*denied request: (?P<why>.*)", re.DOTALL)
_MANAGER = re.compile(r'conflict with "([^"]+)"')
_NO_NAMESPACE = re.compile(r'namespaces "(?P<name>[^"]+)" not found')


class Gone(ClusterError):
    """410: what the watch should go on from is too old."""


class Overtaken(ClusterRefused):
    """409 that passes: what was to be changed, or the namespace's quota, was changed at the same moment."""


class Owned(ClusterRefused):
    """409 of an apply: fields of it were set by others since, whose names are in `managers`."""

    managers: frozenset[str] = frozenset()


class NoDryRun(ClusterRefused):
    """A webhook on the cluster cannot be asked beforehand."""


def refusal(code: int, status: Status, asked: str, server: str) -> FtorchError:
    """The error that a refusal is.

    Args:
        code: of HTTP.
        status: the answer's body.
        asked: method and path, for what has no better words.
        server: the API server's address.
    """
    text = " ".join((status.message or "").split())
    found = _by_words(text)
    if found is not None:
        return found
    if code == 409:
        return _conflict(text, status, server)
    if code in {400, 413, 422}:
        return ClusterRefused(f"the cluster does not accept the job: {_causes(status) or text}", where=server)
    known: dict[int, FtorchError] = {
        401: ClusterError(
            "the API server does not accept our credentials",
            where=server,
            hint="Log in to the cluster again; `kubectl auth whoami` tells as whom you are known.",
        ),
        403: ClusterError(f"not allowed: {text}", where=server),
        404: RunNotFound(text or f"not there: {asked}", where=server, hint="`ftorch runs --on kubernetes` lists."),
        410: Gone(text or "too old", where=server),
    }
    other = ClusterError(f"the API server answered {code} to {asked}: {text or 'nothing'}", where=server)
    return known.get(code, other)


def pod_security(warnings: tuple[str, ...]) -> ClusterRefused | None:
    """The error that a warning foretells: pods that the namespace's pod security would refuse, one by one, later."""
    found = next((match for text in warnings if (match := _SECURITY.search(text))), None)
    return None if found is None else _insecure(found)


def _conflict(text: str, status: Status, server: str) -> FtorchError:
    if "the object has been modified" in text:
        return Overtaken(
            f"somebody else changed it at the same moment, again and again: {text}",
            where=server,
            hint="Try again; if that goes on, `kubectl get --show-managed-fields` tells who it is.",
        )
    owned = Owned(
        f"somebody else changed it: {text}",
        where=server,
        hint="Look with kubectl at what is there; delete it, or apply again once it is free.",
    )
    causes = status.details.causes if status.details else []
    owned.managers = frozenset(found[1] for cause in causes if (found := _MANAGER.search(cause.get("message", ""))))
    return owned


def _by_words(text: str) -> FtorchError | None:
    if "does not support dry run" in text:
        return NoDryRun(text)
    for pattern, told in _TOLD:
        found = pattern.search(text)
        if found is not None:
            return told(found)
    return _not_permitted(text)


def _quota(found: re.Match[str]) -> FtorchError:
    return ClusterRefused(
        f"the namespace's quota is used up: {found['what']}",
        hint="`kubectl describe quota` shows it; end other runs, ask for less, or for a larger quota.",
    )


def _denied(found: re.Match[str]) -> FtorchError:
    return ClusterRefused(f"the cluster's policy {found['name']!r} refuses the job: {found['why'] or 'no reason'}")


def _hook_down(found: re.Match[str]) -> FtorchError:
    return ClusterError(
        f"the cluster's webhook {found['name']!r} does not answer, so nothing can be created: {found['why']}",
        hint="Whoever runs the cluster must repair or remove it.",
    )


def _no_namespace(found: re.Match[str]) -> FtorchError:
    return ClusterError(
        f"there is no namespace {found['name']!r}",
        hint=f"kubectl create namespace {found['name']}, or name another with --namespace.",
    )


def _not_permitted(text: str) -> FtorchError | None:
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    what = f"{found['what']}.{found['group']}" if found["group"] else found["what"]
    space = re.search(r'in the namespace "([^"]+)"', text)
    where = f" in namespace {space[1]}" if space else ""
    return ClusterError(
        f"no permission to {found['verb']} {what}{where} (as {found['user']})",
        hint="Ask for a Role with that verb; the chart makes one for submitters.",
    )


def _insecure(found: re.Match[str]) -> ClusterRefused:
    return ClusterRefused(
        f"the namespace's pod security ({found['level']}) would refuse every pod of the job: {found['why']}",
        hint="Leave out what the job file adds to the pods (volumes, pod template), or name another --namespace.",
    )


def _causes(status: Status) -> str:
    causes = status.details.causes if status.details else []
    return "; ".join(f"{cause.get('field', '')}: {cause.get('message', '')}".strip(": ") for cause in causes)


_TOLD: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], FtorchError]], ...] = (
    (_SECURITY, _insecure),
    (_QUOTA, _quota),
    (_HOOK, _denied),
    (_POLICY, _denied),
    (_HOOK_DOWN, _hook_down),
    (_NO_NAMESPACE, _no_namespace),
)
