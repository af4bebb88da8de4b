"""The task of the benchmark `objects`."""

import hashlib

from orchestrator.inputs.object import Object


def digest(item: Object) -> str:
    """The SHA-256 of an object."""
    return hashlib.sha256(item.read_bytes()).hexdigest()
