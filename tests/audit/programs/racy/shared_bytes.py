# expect: FT107
# probe: yes
"""One bytearray for everybody, through a local name."""

import hashlib

BLOCK = bytearray(16)


def f(n):
    block = BLOCK
    block[:8] = n.to_bytes(8, "big")
    return hashlib.sha256(block).hexdigest()
