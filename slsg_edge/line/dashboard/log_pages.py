"""Who changed what, and the page on which somebody signs in."""

from datetime import datetime
from html import escape

from slsg_edge.line.dashboard.audit import AuditEntry
from slsg_edge.line.dashboard.words import mark, note, table


def audit_body(entries: list[AuditEntry], broken: int | None) -> list[str]:
    if broken is not None:
        told = note(
            f"Line {broken} of the log does not follow from those before it: somebody changed the "
            "file, or the power failed while it was written.",
            "alarm",
        )
    elif entries:
        told = f'<p class="note">{mark("good")} Each line follows from the one before.</p>'
    else:
        told = '<p class="soft">Nothing was changed yet.</p>'
    rows = (
        (_when(each.at), escape(each.who), escape(each.what), escape(each.why)) for each in entries
    )
    return [told, table(("when", "who", "what", "why"), rows)] if entries else [told]


def enter_body(back: str, said: str | None) -> list[str]:
    return [
        note(said, "alarm") if said else "",
        '<form class="column" method="post" action="/enter">'
        f'<input type="hidden" name="next" value="{escape(back)}">'
        '<label>Your name<input name="who" required maxlength="80" autocomplete="name"></label>'
        '<label>Token of the line<input name="token" type="password" required '
        'autocomplete="current-password"></label><button>Sign in</button></form>',
    ]


def _when(iso: str) -> str:
    """Always with the day: here, unlike on the other pages, it is what one looks for."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return "?"
