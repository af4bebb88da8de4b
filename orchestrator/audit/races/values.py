"""What a name or an expression stands for, where that can be told from the source."""

from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.audit.races.kinds import Kind
from orchestrator.audit.races.names import Class, Function, Module

type Scope = Literal["global", "class", "default", "closure", "process"]


@dataclass(frozen=True)
class Place:
    """Something that all threads share.

    Attributes:
        name: as the user knows it: `COUNTS`, `COUNTER.total`, `ctx.process`, `COUNTS[word]`.
        scope: why it is shared.
        kind: what it holds.
        cls: its class, if it is an object of one of the user's.
        base: the name of the shared thing that it is, or is a part of.
        through_self: it is the class's, but was reached through an object.
        home: the module that it lives in.
    """

    name: str
    scope: Scope
    kind: Kind
    cls: Class | None = None
    base: str = ""
    through_self: bool = False
    home: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other places."""
        return self.home, self.name

    def part(self, suffix: str, kind: Kind = Kind.UNKNOWN, cls: Class | None = None) -> Place:
        """An attribute (".n") or an entry ("[k]") of it."""
        return replace(
            self, name=self.name + suffix, kind=kind, cls=cls, base=self.base or self.name, through_self=False
        )


@dataclass(frozen=True)
class Instance:
    """An object of one of the user's classes that the calling thread has for itself."""

    cls: Class


@dataclass(frozen=True)
class Bound:
    """A function, and the object that it is a method of (a shared place, or None)."""

    function: Function
    self: Place | Instance | None = None


@dataclass(frozen=True)
class External:
    """Something built in or installed, by its full name."""

    name: str


class Context:
    """The task's `ctx`."""


CONTEXT = Context()

type Value = Place | Instance | Bound | External | Class | Module | Context | None
