"""Anomaly maps and the masks of a data set to pixel figures, and what to know about them.

Maps are compared with masks at the size of the image, as MVTec's evaluations do: that is where a
saturation in pixels means what it says. Where a region of interest is cut, only it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from slsg_edge.contracts import GOOD, AnomalyMap, Channel, Sample
from slsg_edge.data.masks import Rules, channels_of
from slsg_edge.errors import DatasetError
from slsg_edge.metrics.intervals import REPLICATES, Figures
from slsg_edge.metrics.pixel_figures import pixel_figures
from slsg_edge.metrics.pixels import ScoredMaps
from slsg_edge.preprocessing import Preprocessing, Roi, map_on_frame
from slsg_edge.progress import Bars, no_progress


@dataclass(frozen=True, slots=True)
class PixelOutcome:
    """Pixel figures; one is None where a defect at least has no saturation.

    figures: over all kinds, empty when there are none
    kinds: of each kind of defect with all good images
    notes: why there are none, and which images are left out
    """

    figures: Figures = field(default_factory=dict)
    kinds: Mapping[str, Figures] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class PixelEvaluation:
    """Takes one map after the other; a context manager, since many maps go to disk.

    `rules`: those of `defects_config.json`, for saturated PRO. `folder`: where maps go when there
    are many; None is the system's folder for temporary files.
    """

    def __init__(
        self, preprocessing: Preprocessing, rules: Rules | None = None, folder: Path | None = None
    ) -> None:
        self._preprocessing, self._rules = preprocessing, rules
        self.maps = ScoredMaps(folder)
        self.samples: list[Sample] = []  # of each map
        self._unmasked = 0
        self._faults: list[str] = []

    def __enter__(self) -> "PixelEvaluation":
        return self

    def __exit__(self, *_: object) -> None:
        self.maps.close()

    def add(self, sample: Sample, shape: tuple[int, ...], anomaly_map: AnomalyMap) -> None:
        """The map of an image of `shape`; an image that cannot take part is noted."""
        if not sample.good and not sample.masks:
            self._unmasked += 1
            return
        try:
            channels = channels_of(sample, shape, self._rules)
            scores = map_on_frame(anomaly_map, self._preprocessing, shape)
            self.maps.add(*_inside(scores, channels, self._preprocessing.roi))
        except DatasetError as error:
            self._faults.append(error.what)
        except ValueError as error:
            self._faults.append(f"{sample.image}: {error}.")
        else:
            self.samples.append(sample)

    def outcome(self, replicates: int = REPLICATES, bars: Bars = no_progress) -> PixelOutcome:
        """Over all kinds, and for each kind with all good images."""
        of_maps = [sample.kind for sample in self.samples]
        kinds = list(dict.fromkeys(kind for kind in of_maps if kind != GOOD))
        with bars("pixel figures", 1 + len(kinds)) as advance:
            try:
                figures = pixel_figures(self.maps, of_maps, replicates=replicates)
            except ValueError as error:
                return PixelOutcome(notes=(no_figures("pixel", error), *self.left_out()))
            advance()
            by_kind: dict[str, Figures] = {}
            for kind in kinds:
                by_kind[kind] = (
                    figures if len(kinds) == 1 else self._of_kind(kind, of_maps, replicates)
                )
                advance()
        return PixelOutcome(figures, by_kind, self.left_out())

    def _of_kind(self, kind: str, of_maps: Sequence[str], replicates: int) -> Figures:
        chosen = [index for index, name in enumerate(of_maps) if name in (GOOD, kind)]
        return pixel_figures(self.maps, of_maps, chosen, replicates)

    def left_out(self) -> tuple[str, ...]:
        """Notes on the images that have no map here."""
        notes = []
        if self._unmasked:
            notes.append(
                f"Defective images without a mask, so in no pixel figure: {self._unmasked}."
            )
        if self._faults:
            notes.append(
                f"Images left out of the pixel figures: {len(self._faults)}; the first: "
                f"{self._faults[0]}"
            )
        return tuple(notes)


def _inside(
    scores: AnomalyMap, channels: Sequence[Channel], roi: Roi | None
) -> tuple[AnomalyMap, Sequence[Channel]]:
    """The region of interest of a map and of the defects; ValueError when none reaches into it."""
    if roi is None:
        return scores, channels
    rows, columns = slice(roi.y, roi.y + roi.height), slice(roi.x, roi.x + roi.width)
    kept = [replace(channel, mask=channel.mask[rows, columns]) for channel in channels]
    kept = [channel for channel in kept if channel.mask.any()]
    if channels and not kept:
        raise ValueError("its defects lie outside the region of interest")
    return scores[rows, columns], kept


def no_figures(what: str, error: ValueError) -> str:
    """The note on figures of `image` or `pixel` that metrics refused to give."""
    return f"No {what} figures: they {str(error).replace('needs', 'need')} {what}s."
