"""The keys of `line.toml` for new bundles: where they come from, and when one is kept."""

from dataclasses import dataclass
from pathlib import Path

from slsg_edge.line.settings.setting import setting

WINDOW = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"
"""As 22:00-05:00; it may go over midnight."""
CHANNEL = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """How stations get new bundles, and by what a new one is kept or taken back."""

    repository: str = setting(
        "A repository that `slsg-edge fleet publish` wrote: a folder, a share that is mounted, or "
        "its https://… address. Without one nothing is pulled.",
        "",
    )
    root: Path | None = setting(
        "The repository's root.json, carried here by hand once: it says whom to trust.", None
    )
    channel: str = setting("Which releases are taken.", "stable", pattern=CHANNEL)
    window: str = setting(
        "The hours of the day, local time, in which is pulled, as 22:00-05:00; empty is any time.",
        "",
        pattern=rf"|{WINDOW}",
    )
    every_minutes: float = setting("How often is looked for a new release.", 60.0, least=0.01)
    drop: Path | None = setting(
        "A folder whose archives (*.slsg.zip) are taken when they are signed by a trusted key.",
        None,
    )
    mqtt: bool = setting(
        "Whether any message on TOPIC/LINE/update of an [[mqtt]] sink has the repository looked "
        "at now; what is taken then must be signed by a trusted key.",
        False,
    )
    shadow_hours: float = setting(
        "How long a pulled bundle runs beside the active one before it is switched to.",
        0.0,
        least=0,
        most=1000,
    )
    first_frames: int = setting(
        "A new bundle is on probation for so many parts.", 100, least=1, most=1_000_000
    )
    least_rejects: float = setting(
        "The share of these parts that must not be good; with less it is taken back.",
        0.0,
        least=0,
        most=1,
    )
    most_rejects: float = setting(
        "The share of these parts that may be not good; with more it is taken back.",
        0.2,
        least=0,
        most=1,
    )
