"""What this node allows: CPUs, memory, interpreter. Reading, deciding and acting are separate functions.

Start with `cpu_facts` and `decide_threads`, `interpreter_facts` and `decide_backend`, `native_pool_caps`,
`decide_memory`; `describe_host` gives all that was read, for the report.
"""
