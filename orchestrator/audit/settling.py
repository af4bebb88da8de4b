"""Extensions that reading could not tell of: loaded one by one, in a process of their own."""

from collections.abc import Sequence

from msgspec.structs import replace

from orchestrator.audit.extensions import verdict_of
from orchestrator.audit.model import Extension
from orchestrator.audit.observed import LoadedExtension, Target
from orchestrator.audit.probe import observe
from orchestrator.host.verdicts import Verdicts


def settle(extensions: Sequence[Extension], limit: float, verdicts: Verdicts) -> list[Extension]:
    """The same, with those that could not be told by reading loaded one by one in another process.

    Creating a module is enough; where one cannot be created alone, it is imported with its packages.
    """
    answers: dict[str, LoadedExtension] = {}
    errors: dict[str, str] = {}
    for kind in ("file", "module"):
        open_ = [one for one in extensions if one.verdict == "undecided" and one.path not in answers]
        targets = [
            Target("file", one.name, one.path) if kind == "file" else Target("module", one.name) for one in open_
        ]
        observed = observe(targets, limit)
        answers |= {one.path: one for one in observed.extensions if one.declared is not None}
        errors |= {one.path: outcome.error or "" for one, outcome in zip(open_, observed.outcomes, strict=True)}
    for path, answer in answers.items():
        verdicts.settle(path, verdict_of(answer))
    return [_settled(one, answers.get(one.path), errors.get(one.path, "")) for one in extensions]


def _settled(one: Extension, answer: LoadedExtension | None, error: str) -> Extension:
    if one.verdict != "undecided":
        return one
    if answer is None:
        return replace(one, reason=f"{one.reason}; loading it failed: {error}" if error else one.reason)
    verdict = verdict_of(answer)
    return replace(one, verdict=verdict.kind, reason=verdict.reason, how="loaded")
