# expect: FT202
# probe: no
"""Changes the precision for some items; their thread keeps it."""

from decimal import Decimal, getcontext


def f(n):
    if n % 7 == 0:
        getcontext().prec = 5
    return str(Decimal(n) / 7)
