"""The state of a Job and its shards, from objects and from streams recorded from a real 1.36 cluster."""
