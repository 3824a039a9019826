"""How the camera of a station is captured, as its settings say."""

from slsg_edge.line.settings.line import StationSettings
from slsg_edge.line.sources.capturing import LiveOptions


def live_options(station: StationSettings) -> LiveOptions:
    limits = station.limits
    return LiveOptions(
        stall=limits.silent_ms / 1000,
        oldest=limits.max_age_ms / 1000,
        frozen_after=limits.frozen_after,
        every=station.snapshot_ms / 1000,
    )
