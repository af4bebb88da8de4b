"""Changes the precision for one computation."""

import decimal


def f(n):
    with decimal.localcontext() as context:
        context.prec = 5 + n % 3
        return str(decimal.Decimal(n) / 7)
