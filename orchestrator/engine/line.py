"""The fields of a thread's line on the status board, and what they hold.

Apart from the board itself, so that the loops over items can run where nothing but the standard library loads: msgspec
refuses a subinterpreter.
"""

LINE = 8
LO, HI, ITEM, ITEMS, BYTES, FAILED, CHUNKS, STATE = range(LINE)
# What STATE holds.
IDLE, RUNNING, WAITING, PARKED, ENDED = range(5)
NO_ITEM = -1
"""What ITEM holds while a chunk is read or encoded."""
