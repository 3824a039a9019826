"""Pictures of what is not good, for a person to look at and for `calibrate --add-reviewed`."""

from datetime import datetime, timezone
from pathlib import Path

from slsg_edge.contracts import Image, Prediction
from slsg_edge.images import HEAT_SUFFIX, encode_image
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.line.records import Inspection
from slsg_edge.preprocessing import Preprocessing, map_on_frame
from slsg_edge.storage import require_outside_bundles, storage_error, write_new


class RejectFolder:
    """Every frame that is not good, lossless, and beside an anomalous one a picture of its heat.

    Lossless, so that a person who finds it good can give it back to `calibrate`. Verdicts matter
    more than pictures, so a failure does not end the watch.
    """

    name, essential = "pictures", False

    def __init__(self, folder: Path, preprocessing: Preprocessing) -> None:
        self._folder, self._preprocessing = folder, preprocessing
        # a later run into the same folder overwrites nothing
        self._run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
        require_outside_bundles(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    def write(self, inspection: Inspection) -> None:
        """StorageError on a full disk; ValueError or OpenCV's for what cannot be encoded."""
        record, image = inspection.record, inspection.frame.image
        if record.verdict == "good" or image is None:
            return
        score = "undecided" if record.score is None else f"{record.score:.4g}"
        name = f"{self._run}_{record.index:08d}_{score}.png"
        stem = self._keep(name, image).stem
        # after the frame itself, which is there for `calibrate` even where this fails: a JPEG
        # ends at 65,500 pixels, which a line-scan camera exceeds
        if inspection.prediction is not None:
            self._keep(stem + HEAT_SUFFIX, self._heat(inspection.prediction, image))

    def close(self) -> None:
        """Every picture is whole already."""

    def _keep(self, name: str, picture: Image) -> Path:
        """Beside what another watch keeps there by the same name."""
        return write_new(self._folder / name, encode_image(picture, Path(name).suffix))

    def _heat(self, prediction: Prediction, image: Image) -> Image:
        on_frame = map_on_frame(prediction.anomaly_map, self._preprocessing, image.shape)
        return heat_overlay(image, on_frame)
