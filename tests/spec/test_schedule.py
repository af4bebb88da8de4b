"""Cron expressions and time zones."""

import zoneinfo

import pytest

from orchestrator.errors import JobFileError
from orchestrator.spec.cron import cron_mistakes, zone_mistake
from orchestrator.spec.load import load_job_text
from orchestrator.spec.nodes import shown


@pytest.mark.parametrize(
    "expression",
    [
        "0 2 * * *",
        "*/15 * * * *",
        "0,30 8-18 * * mon-FRI",
        "5/10 0 1 JAN,jul *",
        "0 0 29 2 *",
        "0-30/5 0 1-7 * 0",
        "0 0 31 2 1",
        "59 23 31 12 6",
    ],
)
def test_good_expressions(expression):
    """Five fields of numbers, names, lists, ranges and steps are taken."""
    assert list(cron_mistakes(expression)) == []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("60 * * * *", 'found "60" for the minute'),
        ("* 24 * * *", 'found "24" for the hour'),
        ("* * 0 * *", 'found "0" for the day of the month'),
        ("* * * 13 *", 'found "13" for the month'),
        ("* * * * 7", 'found "7" for the day of the week'),
        ("* * * * sunday", 'found "sunday" for the day of the week'),
        ("9-5 * * * *", 'found "9-5" for the minute'),
        ("*/0 * * * *", 'found "*/0" for the minute'),
        ("1,,2 * * * *", 'found "" for the minute'),
        ("-1 * * * *", 'found "-1" for the minute'),
        ("٣ * * * *", 'found "٣" for the minute'),
        ("0 0 31 2,4 *", 'found "0 0 31 2,4 *", a day that no month has'),
        ("@daily", 'found "@daily", expected five fields'),
        ("0 0 * * * *", 'found "0 0 * * * *", expected five fields'),
        ("", 'found "", expected five fields'),
    ],
)
def test_bad_expressions(expression, found):
    """What the cluster's scheduler would refuse, or never run, is told by its field."""
    mistakes = list(cron_mistakes(expression))
    assert len(mistakes) == 1
    assert mistakes[0].startswith(found)


def test_message():
    """A schedule's mistakes come with place, expectation and example."""
    text = "task: a:b\ninput: {range: {stop: 9}}\nschedule:\n  cron: 0 25 * * *\n  time_zone: Europe/Berln\n"
    with pytest.raises(JobFileError) as caught:
        load_job_text(text)
    assert str(caught.value) == (
        "job.yaml: 2 problems\n"
        '  job.yaml:4:9: schedule.cron: found "25" for the hour, expected *, 0 to 23, a range such as 0-1, '
        "or steps such as */2\n"
        '    Example: "0 2 * * *" (every day at 02:00).\n'
        '  job.yaml:5:14: schedule.time_zone: found "Europe/Berln", expected the name of a time zone; '
        'did you mean "Europe/Berlin"?'
    )


@pytest.mark.parametrize("name", ["Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_known_zones(name):
    """The names of the time zone database are taken."""
    assert zone_mistake(name) is None


@pytest.mark.parametrize("name", ["", "Local", "Europe", "../etc/passwd", "/etc/localtime", "a\0b", "Mars/Olympus"])
def test_unknown_zones(name):
    """Names that are no zone are refused, those that look like paths included."""
    mistake = zone_mistake(name)
    assert mistake is not None
    assert mistake.startswith(f'found "{shown(name)}", expected the name of a time zone')


def test_without_zone_data():
    """A machine without zone data, as small containers are, takes any name that looks like one."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        if zoneinfo.available_timezones():
            pytest.skip("the tzdata package brings zones of its own")
        assert zone_mistake("Europe/Berlin") is None
        assert zone_mistake("UTC") is None
        assert zone_mistake("no zone") is not None
    finally:
        zoneinfo.reset_tzpath(before)
