# expect: FT103
# probe: no
"""Makes a folder that is not there yet."""

import os
import tempfile

OUT = os.path.join(tempfile.gettempdir(), "audit")


def f(n):
    folder = os.path.join(OUT, str(n % 2))
    if not os.path.isdir(folder):
        os.makedirs(folder)
    return folder
