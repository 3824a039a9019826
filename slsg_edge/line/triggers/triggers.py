"""The trigger that the settings of a station ask for."""

from slsg_edge.contracts import Image
from slsg_edge.errors import ConfigError
from slsg_edge.images import read_image
from slsg_edge.line.settings.line import TriggerSettings
from slsg_edge.line.triggers.asked import Asked
from slsg_edge.line.triggers.requests import Requests
from slsg_edge.line.triggers.still import Still
from slsg_edge.line.triggers.timed import every_frame, interval
from slsg_edge.line.triggers.trigger import Trigger
from slsg_edge.runtime.reasons import described


def trigger_of(settings: TriggerSettings, requests: Requests | None) -> Trigger:
    """requests: where somebody asks for verdicts, what they ask through.

    ConfigError where that is missing, or the picture of the empty place cannot be read.
    """
    if settings.kind == "every_frame":
        return every_frame(settings.every)
    if settings.kind == "interval":
        return interval(settings.every_ms / 1000)
    if settings.kind == "still":
        return Still(settings.still_ms / 1000, settings.still_change, _empty(settings))
    if requests is None:
        raise ConfigError(
            f"The trigger is {settings.kind}, and there is no [[{settings.kind}]] table that it "
            "could come through.",
            fix="Write one, and name it in `sink` of the trigger where there are several.",
        )
    return Asked(requests, settings.patience_ms / 1000)


def _empty(settings: TriggerSettings) -> Image | None:
    if settings.still_empty is None:
        return None
    try:
        return read_image(settings.still_empty)
    except Exception as error:
        raise ConfigError(
            f"The picture of the empty place, {settings.still_empty}, cannot be read: "
            f"{described(error)}",
            fix="Give one as the camera takes it, with no part there.",
        ) from error
