"""The engine from Python: `run` over an iterable, and a `concurrent.futures.Executor`."""
