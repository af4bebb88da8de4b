# expect: FT203
# probe: yes
"""Sets a handler for its time limit."""

import signal


def f(n):
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    return n
