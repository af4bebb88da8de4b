"""Who of many processes publishes a run that is complete.

Guarantees: of those that find it complete at the same time one publishes; when that one has died, the next process of
its shard, or whoever is told to, does it again, and what stands there then is what the ledgers say last. Assumes: to
publish is the same whoever does it, and may be done by two at once (see :mod:`orchestrator.outputs.publish`).
"""

import os
import time

import msgspec
from msgspec import Struct

from orchestrator.host.processes import started
from orchestrator.store.base import NotFound, Store

_FOLDER = "publish/claims/"
ANYBODY = -1


class Claim(Struct, frozen=True):
    """Who publishes: the process, its host, when it began to, and the shard it had worked on (-1: none)."""

    host: str
    pid: int
    started: int
    since: float
    shard: int


def claim_publishing(store: Store, shard: int) -> int | None:
    """Take the turn to publish, and give its number; None where another process has it and is not known to be dead.

    Args:
        store: the run's store.
        shard: whose process this is; ANYBODY takes the turn from whoever has it.
    """
    number = newest_claim(store)
    if number >= 0 and shard != ANYBODY and not _may_follow(_read(store, number), shard):
        return None
    me = Claim(os.uname().nodename, os.getpid(), started(os.getpid()), time.time(), shard)
    while not store.create(_name(number + 1), [msgspec.json.encode(me)]):
        if shard != ANYBODY:
            return None
        number += 1
    return number + 1


def newest_claim(store: Store) -> int:
    """The number of the newest turn, -1 where there was none."""
    names = (name.removeprefix(_FOLDER) for name in store.list(_FOLDER))
    return max((int(name) for name in names if name.isdecimal()), default=-1)


def _may_follow(claim: Claim | None, shard: int) -> bool:
    """Whether a process of a shard may do again what another began: its predecessor's, or that of a dead one."""
    if claim is None or claim.shard == shard:
        return True
    return claim.host == os.uname().nodename and started(claim.pid) != claim.started


def _read(store: Store, number: int) -> Claim | None:
    try:
        return msgspec.json.decode(store.get(_name(number)), type=Claim)
    except msgspec.MsgspecError, NotFound:
        return None


def _name(number: int) -> str:
    return f"{_FOLDER}{number:06d}"
