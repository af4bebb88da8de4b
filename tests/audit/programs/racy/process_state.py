# expect: FT102
# probe: yes
"""Writes to the state that is made once per process."""

from orchestrator import task


def state():
    return {"items": 0}


@task(process=state)
def f(n, ctx):
    ctx.process["items"] += 1
    return n
