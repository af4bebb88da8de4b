"""Tables that are complete when the threads start, and settings that nobody changes."""

import os

os.environ.setdefault("FTORCH_PROGRAM_LEVEL", "3")
TABLE = {}
for number in range(100):
    TABLE[number] = number * number
NAMES = ["a", "b"]
NAMES.append("c")
FACTOR = 2
FACTOR += 1


def f(n):
    level = int(os.environ["FTORCH_PROGRAM_LEVEL"])
    return TABLE[n] + len(NAMES) + FACTOR * level + max(value for value in TABLE.values() if value < 50)
