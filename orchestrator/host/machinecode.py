"""What a shared object's x86-64 code says, read without running or disassembling it.

Only the plainest forms are understood: an address relative to the next instruction, a constant put into ESI within the
few instructions before a call. Where nothing certain can be said, the answer is None.
"""

import mmap
import re
import struct
from collections.abc import Iterator

from orchestrator.host.elf import X86_64, Segment, SharedObject
from orchestrator.host.relocations import Relocations

_MOST_CODE = 8 << 20
_LOOK_BACK = 24
_INDIRECT = re.compile(rb"\xff[\x15\x25](?=.{4})", re.DOTALL)
_DIRECT = re.compile(rb"\xe8(?=.{4})", re.DOTALL)
_CALL_THROUGH_TABLE = 0x15
_SET_ESI = re.compile(rb"\xbe(.{4})|\x31\xf6|\x33\xf6", re.DOTALL)
_STUB_PREFIXES = (0, 4, 5)
_WINDOW = 1 << 16
_IMMEDIATES = (0, 1, 4)
_RETURN_ADDRESS = re.compile(rb"(?:\xf3\x0f\x1e\xfa)?(?:\x55\x48\x89\xe5)?\x48\x8d\x05(.{4})\x5d?\xc3", re.DOTALL)
_LONGEST_RETURN = 17
_MODE_AND_BASE, _RELATIVE = 0xC7, 0x05
"""The ModRM byte before a displacement that counts from the next instruction (Intel SDM, volume 2, table 2-7)."""


def refers_to(found: SharedObject, start: int, end: int) -> bool | None:
    """Whether code of it may refer to an address from `start` to `end`; a few bytes that only look so count, too."""
    if found.machine != X86_64:
        return None
    return any(_refers(found.data, segment, start, end) for segment in found.executable())


def only_returns(found: SharedObject, function: int) -> int | None:
    """The address that a function returns without doing anything else."""
    if found.machine != X86_64:
        return None
    at = found.offset(function)
    match = _RETURN_ADDRESS.match(found.data[at : at + _LONGEST_RETURN])
    return None if match is None else function + match.end(1) + _displacement(match[1], 0)


def constant_passed(found: SharedObject, pointers: Relocations, function: str) -> int | None:
    """The second argument with which it calls an imported function, where every call passes the same constant."""
    if found.machine != X86_64 or sum(segment.filled for segment in found.executable()) > _MOST_CODE:
        return None
    places = {place for number, _, _ in found.symbols(function) for place in pointers.places_of(number)}
    passed = {_constant_before(code, at) for code, at in _calls(found, places)}
    return passed.pop() if len(passed) == 1 else None


def _refers(data: mmap.mmap, segment: Segment, start: int, end: int) -> bool:
    """Look for the displacement: within 64 KB of code its upper half can have a few values only, and these are rare."""
    stop = segment.offset + segment.filled
    for window in range(segment.offset, stop, _WINDOW):
        address = segment.address + window - segment.offset
        nearest, farthest = start - address - _WINDOW - 8, end - address
        for upper in range(nearest >> 16, (farthest >> 16) + 1):
            if not -0x8000 <= upper < 0x8000:
                continue
            wanted, at = struct.pack("<h", upper), window + 1
            while (at := data.find(wanted, at + 1, min(stop, window + _WINDOW + 4))) >= 0:
                if data[at - 3] & _MODE_AND_BASE != _RELATIVE:
                    continue
                after = segment.address + at + 2 - segment.offset
                target = after + struct.unpack_from("<i", data, at - 2)[0]
                if any(start <= target + more < end for more in _IMMEDIATES):
                    return True
    return False


def _calls(found: SharedObject, places: set[int]) -> Iterator[tuple[bytes, int]]:
    """The calls that go through these places of the offset table: a segment's code, and where in it the call is."""
    stubs: set[int] = set()
    codes = [
        (segment.address, found.data[segment.offset : segment.offset + segment.filled])
        for segment in found.executable()
    ]
    for address, code in codes:
        for match in _INDIRECT.finditer(code):
            at = match.start()
            if address + at + 6 + _displacement(code, at + 2) not in places:
                continue
            if code[at + 1] == _CALL_THROUGH_TABLE:
                yield code, at
            else:
                # A stub of the procedure linkage table; it may begin with endbr64, and that with bnd.
                stubs.update(address + at - before for before in _STUB_PREFIXES)
    if not stubs:
        return
    for address, code in codes:
        for match in _DIRECT.finditer(code):
            if address + match.start() + 5 + _displacement(code, match.start() + 1) in stubs:
                yield code, match.start()


def _displacement(code: bytes, at: int) -> int:
    return int(struct.unpack_from("<i", code, at)[0])


def _constant_before(code: bytes, call: int) -> int | None:
    last = None
    for match in _SET_ESI.finditer(code, max(0, call - _LOOK_BACK), call):
        last = match
    if last is None:
        return None
    return 0 if last[1] is None else int.from_bytes(last[1], "little")
