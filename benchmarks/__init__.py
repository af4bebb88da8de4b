"""Every figure of the README, reproducible by one command, always next to what it is compared to.

`python -m benchmarks NAME` or `python -m benchmarks.NAME`; NAME is one of those in `benchmarks.__main__`.
"""
