"""From when until when, as people write it."""

import re
from datetime import datetime, timedelta, timezone

from slsg_edge.errors import ConfigError

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DAY = timedelta(days=1)


def period_of(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Both with their time zone, which is that of `now` where none is given.

    Each is a time of day, a date, or both with a `T` or a space between them. A time of day alone
    is the latest before `now`, or before the end. Without an end it is `now`, without a start the
    midnight before the end.
    """
    until = now if end is None else _moment(end, now, "--to")
    midnight = (until - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0)
    since = midnight if start is None else _moment(start, until, "--from")
    since = since.replace(microsecond=0)
    if since >= until:
        raise ConfigError(
            f"The report would begin at {since:%Y-%m-%d %H:%M} and end at {until:%Y-%m-%d %H:%M}.",
            fix="Give an earlier --from or a later --to.",
        )
    return since, until


def _moment(text: str, before: datetime, option: str) -> datetime:
    """A time of day is the latest one that is not after `before`."""
    clock = _CLOCK.fullmatch(text.strip())
    try:
        if clock:
            moment = before.replace(
                hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0
            )
            return moment if moment <= before and moment != before else moment - _DAY
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=before.tzinfo)
        aware.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{option} {text} is no time.",
            fix="Write it as in 06:00, 2026-11-30 or 2026-11-30T06:00.",
        ) from error
    return aware
