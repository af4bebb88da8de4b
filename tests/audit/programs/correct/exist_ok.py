"""Makes a folder whether it is there or not."""

import os
import tempfile

OUT = tempfile.gettempdir()


def f(n):
    folder = os.path.join(OUT, f"ftorch-audit-{os.getpid()}", str(n % 2))
    os.makedirs(folder, exist_ok=True)
    return n
