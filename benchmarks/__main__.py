"""`python -m benchmarks [NAME …] [options]`: the benchmarks named, or all, one after the other."""

import sys
from importlib import import_module

NAMES = (
    "startup",
    "board",
    "dispatch",
    "fleet",
    "api",
    "scaling",
    "hashing",
    "memory",
    "faults",
    "latency",
    "sharedtable",
    "audit",
    "audit_lint",
    "audit_probe",
    "garbage",
    "objects",
    "corestate",
)


def main(arguments: list[str]) -> int:
    """Run them; options (`--quick`, `--rounds N`, …) go to each."""
    named = [word for word in arguments if word in NAMES]
    options = [word for word in arguments if word not in NAMES]
    if len(named or NAMES) > 1 and "--out" in options:
        print("--out names one file: name one benchmark with it", file=sys.stderr)
        return 2
    for name in named or NAMES:
        import_module(f"benchmarks.{name}").main(options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
