"""A plain CPU loop, for measuring."""
