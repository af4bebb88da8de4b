"""Gives the folder and the environment to what needs them, and changes nobody else's."""

import os
from pathlib import Path


def f(n):
    environment = dict(os.environ)
    environment["FTORCH_PROGRAM_LEVEL"] = str(n)
    folder = Path("/usr") if n % 2 else Path("/")
    return len(environment["FTORCH_PROGRAM_LEVEL"]) + len(str(folder))
