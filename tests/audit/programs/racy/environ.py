# expect: FT201
# probe: yes
"""Sets a variable for the library that it calls."""

import os


def f(n):
    os.environ["FTORCH_PROGRAM_LEVEL"] = str(n)
    return int(os.environ["FTORCH_PROGRAM_LEVEL"])
