"""A buffer of each thread, as the job gives it."""

from orchestrator import task


def make_buffer():
    return bytearray(8)


@task(thread=make_buffer)
def f(n, ctx):
    buffer = ctx.thread
    buffer[:] = n.to_bytes(8, "big")
    ctx.thread[0] += 1
    return buffer.hex()
