"""Distances for a table of coordinates: a batch of records at a time, as numpy columns.

Guarantees: threads share nothing; every call makes its own arrays. numpy runs without any Python lock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator import task
from orchestrator.errors import MissingExtra

try:
    import numpy as np
    from numpy.typing import NDArray
except ModuleNotFoundError as error:
    raise MissingExtra(
        "columns need the package 'numpy', which is not installed",
        hint="Install ftorch with its extra `columns`, or: python -m pip install numpy",
    ) from error

type Column = NDArray[np.float64]

EARTH_KM = 6371.0088
"""Mean radius of the Earth in km (IUGG, R1)."""
LIMITS = {"lat1": 90.0, "lon1": 180.0, "lat2": 90.0, "lon2": 180.0}
EDGES_KM = np.array([10.0, 100.0, 1000.0, 10000.0])
BUCKETS = ("local", "regional", "medium", "long", "antipodal")


def column(records: Sequence[Mapping[str, Any]], name: str) -> Column:
    """One field of all records as numbers.

    Raises:
        KeyError: a record lacks it.
        ValueError: one is no number, or out of range.
    """
    values = np.array([float(record[name]) for record in records])
    limit = LIMITS[name]
    wrong = np.flatnonzero(~(np.abs(values) <= limit))
    if wrong.size:
        raise ValueError(f"{name} is {values[wrong[0]]}, expected a number from {-limit:g} to {limit:g}")
    return values


def haversine(lat1: Column, lon1: Column, lat2: Column, lon2: Column) -> Column:
    """Great-circle distances in km on a sphere, from degrees; exact for near points too."""
    north1, north2 = np.radians(lat1), np.radians(lat2)
    across = np.sin(np.radians(lon2 - lon1) / 2) ** 2
    chord = np.sin((north2 - north1) / 2) ** 2 + np.cos(north1) * np.cos(north2) * across
    km: Column = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return km


def bearing(lat1: Column, lon1: Column, lat2: Column, lon2: Column) -> Column:
    """Initial course from the first point to the second, in degrees clockwise from north, (-180, 180]."""
    north1, north2, east = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    along = np.cos(north1) * np.sin(north2) - np.sin(north1) * np.cos(north2) * np.cos(east)
    course: Column = np.degrees(np.arctan2(np.sin(east) * np.cos(north2), along))
    return course


@task(batch=1024)
def distances(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give for each record the distance in km, the course in degrees and the class of the distance.

    Args:
        records: each with id, lat1, lon1, lat2, lon2 in degrees (text, as CSV has it, or numbers).

    Raises:
        KeyError: a record lacks one of them.
        ValueError: a coordinate is no number or out of range; the job then tries the records one by one.
    """
    points = tuple(column(records, name) for name in LIMITS)
    km = haversine(*points)
    # Rounded first: 359.9996 is a course of 0, not of 360.
    courses = bearing(*points).round(3) % 360.0
    classes = np.searchsorted(EDGES_KM, km).tolist()
    return [
        {"id": record["id"], "km": distance, "bearing": course, "bucket": BUCKETS[index]}
        for record, distance, course, index in zip(
            records, km.round(3).tolist(), courses.tolist(), classes, strict=True
        )
    ]
