"""A node's work: a supervisor, and the worker process whose threads take chunks and commit their results."""
