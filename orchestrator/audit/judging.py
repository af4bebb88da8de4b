"""From what is known of extensions and imports to findings; pure."""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.audit.advice import newer_without_wheel, what_to_do
from orchestrator.audit.closure import Reached
from orchestrator.audit.distributions import Distribution, Environment, normalised
from orchestrator.audit.findings import Finding
from orchestrator.audit.model import Extension
from orchestrator.audit.observed import Outcome
from orchestrator.audit.reach import Import, Unreadable
from orchestrator.audit.rules import Fact, finding

_SHOWN = 3
_CHAIN_ENDS = 3
_DISPLAY = ("display", "xcb", "libGL", "wayland")
_PRE_RELEASE = ("a", "b", "rc", "dev")
_LOOK_FOR_WHEEL = "Install a wheel for this Python, or build it from source with `pip install --no-binary {0} {0}`."
_ENDED = {"hang": "FT031", "crash": "FT032", "exit": "FT033"}


def extension_findings(
    extensions: Sequence[Extension], environment: Environment, imports: dict[str, Import], free_threaded: bool
) -> Iterator[Finding]:
    """What the extensions mean, a finding for each rule and distribution.

    Args:
        extensions: what is known of each.
        environment: what is installed.
        imports: the job's own imports, by the name of the distribution they lead to: where to point to.
        free_threaded: this Python's build; on one with a GIL every extension has the other layout.
    """
    for (rule, name), group in _grouped(extensions, free_threaded).items():
        owner = environment.distributions.get(normalised(name))
        place = imports.get(normalised(name))
        path, line = (place.path, place.line) if place else (group[0].path, 0)
        yield finding(rule, Fact(_message(rule, group), _fix(rule, owner), path, line, _detail(group)))


def held_back(reached: Iterable[Reached]) -> Iterator[Finding]:
    """Distributions whose newer releases cannot be installed here, as far as local metadata shows."""
    for one in reached:
        found = one.distribution
        newer = newer_without_wheel(found)
        label = f"{found.name} {found.version}"
        if newer:
            message = f"{label} is installed: {newer} and newer have no free-threaded wheel"
            yield finding("FT022", Fact(message, "Pin it, so that the older release is taken on purpose."))
        elif _is_pre_release(found.version) and found.source is None:
            message = f"{label} is a pre-release: pip takes one where no final release can be installed"
            yield finding("FT022", Fact(message, "Pin it if it is wanted; else look which final release has a wheel."))


def outcome_findings(outcomes: Iterable[Outcome], subject: str) -> Iterator[Finding]:
    """What became of importing the job."""
    for one in outcomes:
        what = subject if one.target.kind == "task" else one.target.name
        if one.ended:
            during = f" while {one.during} was loaded" if one.during else ""
            fix = "Import it alone to see: `python -X faulthandler -c 'import …'`; do the work when it is called."
            yield finding(_ENDED[one.ended], Fact(f"importing {what}: {one.error}{during}", fix))
        elif one.error is not None:
            yield finding("FT030", Fact(f"importing {what}: {one.error}", _import_fix(one.error)))
        if one.processes:
            how = ", ".join(one.processes)
            fix = "Start processes when the work needs them, not when the module is imported."
            yield finding("FT040", Fact(f"importing {what} starts processes ({how})", fix))
        if one.printed.strip():
            first = one.printed.strip().splitlines()[0]
            yield finding("FT041", Fact(f"importing {what} prints: {first}", "Print when the work is done."))


def unreadable_findings(unreadable: Iterable[Unreadable]) -> Iterator[Finding]:
    """Files of the job that are no valid Python."""
    for one in unreadable:
        fact = Fact(one.message, "Correct it; nothing was run.", one.path, one.line)
        yield finding("FT030", fact)


def _grouped(extensions: Iterable[Extension], free_threaded: bool) -> dict[tuple[str, str], list[Extension]]:
    groups: dict[tuple[str, str], list[Extension]] = {}
    for one in extensions:
        rule = _rule(one, free_threaded)
        if rule:
            groups.setdefault((rule, one.distribution or one.name), []).append(one)
    return groups


def _rule(one: Extension, free_threaded: bool) -> str | None:
    if one.verdict == "needs":
        return "FT010" if one.how == "imported" else "FT011"
    if one.verdict == "foreign":
        return "FT020" if free_threaded else None
    return {"undecided": "FT012", "unread": "FT021"}.get(one.verdict)


def _message(rule: str, group: Sequence[Extension]) -> str:
    first = group[0]
    names = ", ".join(one.name for one in group[:_SHOWN])
    more = f" and {len(group) - _SHOWN} more" if len(group) > _SHOWN else ""
    label = f"{first.distribution} {first.version}".strip() or first.path
    way = _way(first)
    match rule:
        case "FT010":
            return f"{label} turns the GIL on: {names}{more}{way}"
        case "FT011":
            return f"{label} would turn the GIL on when loaded: {names}{more}{way}"
        case "FT012":
            return f"{label}: nobody can tell of {names}{more}: {first.reason}"
        case "FT020":
            return f"{label} is built for another Python: {names}{more}: {first.reason}"
        case _:
            return f"{label}: {names}{more} not read: {first.reason}"


def _way(one: Extension) -> str:
    chain = one.chain if one.how == "imported" else one.chain[:-1]
    if not chain:
        return ""
    if len(chain) > 2 * _CHAIN_ENDS:
        chain = (*chain[:_CHAIN_ENDS], "…", *chain[-_CHAIN_ENDS:])
    return f" ({'imported' if one.how == 'imported' else 'reached'} through {' → '.join(chain)})"


def _fix(rule: str, owner: Distribution | None) -> str:
    name = owner.name if owner else "it"
    match rule:
        case "FT010" | "FT011":
            return what_to_do(owner)
        case "FT012":
            return "The report of a run says whether the GIL was on at its end."
        case "FT020":
            return _LOOK_FOR_WHEEL.format(name)
        case _:
            return f"If the job loads it, reinstall {name} for this machine."


def _detail(group: Sequence[Extension]) -> dict[str, str]:
    first = group[0]
    return {
        "distribution": first.distribution,
        "version": first.version,
        "modules": " ".join(one.name for one in group),
        "chain": " → ".join(first.chain),
        "how": first.how,
        "reason": first.reason,
    }


def _import_fix(error: str) -> str:
    if any(word in error for word in _DISPLAY):
        return "Jobs have no display: choose a back end without one (MPLBACKEND=Agg, QT_QPA_PLATFORM=offscreen)."
    return "Correct it, or install what is missing; `ftorch plan` imports the task, too."


def _is_pre_release(version: str) -> bool:
    local_free = version.partition("+")[0].lower()
    return any(mark in local_free for mark in _PRE_RELEASE)
