"""What a figure means, for somebody who inspects parts: behind a `?` that opens by any means.

It is a `details`: it works by keyboard and by touch, and where no script runs.
"""

from collections.abc import Mapping
from html import escape

from slsg_edge.metrics.image_figures import MISS_RATES
from slsg_edge.metrics.regions import PRO_LIMIT
from slsg_edge.metrics.saturated import SPRO_LIMITS

RANKS = (
    "How often a defective {what} gets a higher score than a good one, over all pairs of the two. "
    "1: always; 0.5: no better than a coin. No threshold is in it."
)
MEANINGS: Mapping[str, str] = {
    "image_auroc": RANKS.format(what="image"),
    "image_auroc_delong": RANKS.format(what="image") + " The interval is DeLong's.",
    "image_aupr": "How pure the alarms are from the highest score down: the mean share of real "
    "defects among them as more and more defects are found. 1: no good part among them. It depends "
    "on how many of the images are defective.",
    "f1_max": "The best balance that any threshold reaches between defects that are found and "
    "alarms that are right. 1: all are found and no alarm is false. The bundle's own threshold may "
    "do worse.",
    "pixel_auroc": RANKS.format(what="pixel") + " Small defects hardly count in it.",
    "pixel_aupr": "How pure what the map marks is, pixel by pixel, from its highest value down. "
    "1: it marks the defects and nothing else.",
    "aupro": "How much of each defect the map covers, small ones counting as much as large ones, "
    f"while it marks up to {PRO_LIMIT:.0%} of the good surface. 1: all of each.",
    **{
        f"spro_{limit}": "How much of each defect the map covers, as far as it has to be covered, "
        f"while it marks up to {limit:.0%} of the good surface. 1: enough of each."
        for limit in SPRO_LIMITS
    },
    **{
        f"good_kept_at_{rate:.0%}_missed": f"The share of the good parts that pass where the "
        f"threshold is set so that {rate:.0%} of these defects are missed. 1: all of them."
        for rate in MISS_RATES
    },
    **{
        f"false_alarm_rate_at_{rate:.0%}_missed": f"The share of the good parts that are rejected "
        f"where the threshold is set so that {rate:.0%} of these defects are missed. 0: none."
        for rate in MISS_RATES
    },
    "false_alarms": "The share of the good parts that the detector calls anomalous. 0: none.",
    "misses": "The share of the defective parts that the detector calls good. 0: none.",
}


def term(label: str, meaning: str) -> str:
    """A label with a `?` after it, as HTML."""
    if not meaning:
        return escape(label)
    name = escape(label)
    return (
        f'{name}<details class="help" name="help"><summary aria-label="What {name} means">?'
        f"</summary><p><b>{name}</b> {escape(meaning)}</p></details>"
    )
