"""Counts without sharing: an accumulator for each chunk."""

from orchestrator import Fold, task


def zero():
    return {"items": 0}


def add(total, n):
    total["items"] += n
    return total


def merge(one, other):
    one["items"] += other["items"]
    return one


@task(fold=Fold(zero, add, merge))
def f(n):
    return n
