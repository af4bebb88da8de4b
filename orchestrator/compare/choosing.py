"""Finds the items of a comparison: as many as were asked for, or as many as can be measured in a few seconds."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from orchestrator.compare.base import Assignment
from orchestrator.compare.contender import Contender, try_first, tune_all
from orchestrator.compare.nearby import copies_of, is_far, near
from orchestrator.compare.sample import Chosen, Wanted, choose, survey
from orchestrator.compare.sizing import Input, calibrated, wanted_of
from orchestrator.compare.turn import Course
from orchestrator.compare.work import Binding
from orchestrator.run.folder import raw_job
from orchestrator.spec.model import JobSpec


class Chooser:
    """Chooses items, each time into a folder of its own.

    Args:
        spec: the job, prepared.
        base: the folder that its paths start from.
        folder: where the plans and items are written.
        batch: how many items the task takes at a time, None for one.
        tell: told what takes long.
    """

    def __init__(self, spec: JobSpec, base: Path, folder: Path, batch: int | None, tell: Callable[[str], None]) -> None:
        self.spec = spec
        self._base = base
        self._folder = folder
        self._batch = batch
        self._tell = tell
        self._number = 0

    def survey(self, tell: Callable[[str], None]) -> Input:
        """Plan the whole input, which a choice that is spread over it needs."""
        index = survey(self.spec, self._base, self._folder / "whole", lambda n: tell(f"planning: {n:,} entries"))
        return Input(index.unit, index.units)

    def __call__(self, wanted: Wanted) -> tuple[Chosen, Course]:
        """Choose those that are wanted.

        Raises:
            InputError: the input cannot be read.
        """
        self._number += 1
        place = self._folder / f"choice-{self._number}"
        first = place / "first"
        first.mkdir(parents=True)
        whole = self._folder / "whole"
        spec = self.spec
        if is_far(spec):
            self._tell("downloading the objects to compare")
            spec = near(spec, copies_of(whole))
        chosen = choose(self.spec, self._base, wanted, whole, place)
        one = choose(self.spec, self._base, Wanted(limit=1), whole, first)
        threads = self.spec.resources.threads
        assignment = Assignment(
            name="",
            job=bytes(raw_job(spec)).decode(),
            binding=binding_of(self.spec, self._base, chosen.kind),
            batch=self._batch,
            items=str(chosen.items),
            workers=threads if isinstance(threads, int) else 1,
            scratch=str(place),
            whole=str(chosen.run),
            first=str(one.run),
        )
        return chosen, Course(assignment, len(chosen.keys), self.spec.output.format == "json")


def binding_of(spec: JobSpec, base: Path, kind: str) -> Binding:
    """The job's task, as workers bind it."""
    return Binding(spec.task, str(base), msgspec.json.encode(spec.arguments).decode(), kind)


def first_items(
    chooser: Chooser, limit: int, standing: Callable[[], list[Contender]], tell: Callable[[str], None]
) -> Found:
    """The first so many."""
    chosen, course = chooser(Wanted(limit=limit))
    _tune(chooser, course, standing, tell)
    return chosen, course, "the first of the input"


def _tune(
    chooser: Chooser, course: Course, standing: Callable[[], list[Contender]], tell: Callable[[str], None]
) -> None:
    """Tune the peers; where items have a time limit, after a look at whether they keep it, since no peer has one."""
    if chooser.spec.timeout.item is not None:
        try_first(standing(), course, tell)
    tune_all(standing(), course, tell)


def spread_items(
    chooser: Chooser, items: int, standing: Callable[[], list[Contender]], tell: Callable[[str], None]
) -> Found:
    """About so many, spread over the input."""
    whole = chooser.survey(tell)
    found = len(chooser(wanted_of(whole, items, None))[0].keys) if whole.unit == "byte" else None
    wanted = wanted_of(whole, items, found)
    chosen, course = chooser(wanted)
    _tune(chooser, course, standing, tell)
    return chosen, course, _words(wanted, chosen, whole)


def enough_items(chooser: Chooser, standing: Callable[[], list[Contender]], tell: Callable[[str], None]) -> Found:
    """As many as a pass of a second or so needs, and so few that none of the peers takes much more than a few."""
    whole = chooser.survey(tell)
    share = whole.first_share()
    while True:
        chosen, course = chooser(Wanted(share=share))
        seconds = try_first(standing(), course, tell)
        if seconds is None:
            return chosen, course, _words(Wanted(share=share), chosen, whole)
        larger = calibrated(share, seconds, [])
        if larger <= 2 * share:
            break
        share = larger
    final = calibrated(share, seconds, tune_all(standing(), course, tell))
    if final > share:
        share = final
        chosen, course = chooser(Wanted(share=share))
    return chosen, course, _words(Wanted(share=share), chosen, whole)


type Found = tuple[Chosen, Course, str]
"""The items, what contestants run, and which items those are, in words."""


def _words(wanted: Wanted, chosen: Chosen, whole: Input) -> str:
    everything = wanted.share >= 1 or (whole.unit != "byte" and len(chosen.keys) == whole.units)
    return "all of the input" if everything else "spread over the input"
