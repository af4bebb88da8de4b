# expect: FT107
# probe: yes
"""One numpy buffer for everybody."""

import numpy as np

BUFFER = np.zeros(8)


def f(n):
    BUFFER[:] = n
    return float(BUFFER.sum())
