"""From when until when, as people write it."""

from datetime import datetime, timedelta, timezone

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.shift.period import period_of

ZONE = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 30, 14, 30, 5, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "end", "since", "until"),
    [
        (None, None, "2026-11-30T00:00", "2026-11-30T14:30:05"),
        ("06:00", None, "2026-11-30T06:00", "2026-11-30T14:30:05"),
        ("06:00", "14:00", "2026-11-30T06:00", "2026-11-30T14:00"),
        ("22:00", "06:00", "2026-11-29T22:00", "2026-11-30T06:00"),
        ("22:00", None, "2026-11-29T22:00", "2026-11-30T14:30:05"),
        ("06:00", "2026-11-28T14:00", "2026-11-28T06:00", "2026-11-28T14:00"),
        ("2026-11-01", "2026-11-08", "2026-11-01T00:00", "2026-11-08T00:00"),
        (None, "2026-11-08", "2026-11-07T00:00", "2026-11-08T00:00"),
        ("2026-11-30T05:00Z", "2026-11-30 08:00", "2026-11-30T06:00", "2026-11-30T08:00"),
        ("06:00", "06:00", "2026-11-29T06:00", "2026-11-30T06:00"),
    ],
)
def test_what_people_write(start, end, since, until):
    expected = [datetime.fromisoformat(text).replace(tzinfo=ZONE) for text in (since, until)]
    assert [*period_of(start, end, NOW)] == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("soon", None),
        ("25:00", None),
        ("2026-13-01", None),
        (None, "0001-01-01"),
        ("", None),
        ("2026-12-24", None),
        ("2026-11-08", "2026-11-01"),
    ],
)
def test_what_is_no_time_is_a_sentence(start, end):
    with pytest.raises(ConfigError):
        period_of(start, end, NOW)
