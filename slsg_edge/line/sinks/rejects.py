"""Pictures of what is not good, for a person to look at and for `calibrate --add-reviewed`."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from slsg_edge.contracts import Image, Prediction
from slsg_edge.errors import StorageError
from slsg_edge.images import HEAT_SUFFIX, encode_image
from slsg_edge.line.records import Inspection
from slsg_edge.pictures import heat_overlay
from slsg_edge.preprocessing import Preprocessing, map_on_frame
from slsg_edge.storage import storage_error, write_together


class RejectFolder:
    """Every frame that is not good, lossless, and beside an anomalous one a picture of its heat.

    Lossless, so that a person who finds it good can give it back to `calibrate`. Verdicts matter
    more than pictures: a full disk is told to `warn` once, and the watch goes on.
    """

    def __init__(
        self, folder: Path, preprocessing: Preprocessing, warn: Callable[[str], None]
    ) -> None:
        self._folder, self._preprocessing, self._warn = folder, preprocessing, warn
        self._warned = False
        # a later run into the same folder overwrites nothing
        self._run = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    def write(self, inspection: Inspection) -> None:
        record, image = inspection.record, inspection.frame.image
        if record.verdict == "good" or image is None:
            return
        score = "undecided" if record.score is None else f"{record.score:.4g}"
        stem = f"{self._run}_{record.index:08d}_{score}"
        files = {f"{stem}.png": encode_image(image)}
        if inspection.prediction is not None:
            heat = self._heat(inspection.prediction, image)
            files[stem + HEAT_SUFFIX] = encode_image(heat, ".jpg")
        try:
            write_together(self._folder, files)
        except StorageError as error:
            if not self._warned:
                self._warn(f"{error.what} Verdicts go on without pictures.")
            self._warned = True

    def close(self) -> None:
        """Every picture is whole already."""

    def _heat(self, prediction: Prediction, image: Image) -> Image:
        on_frame = map_on_frame(prediction.anomaly_map, self._preprocessing, image.shape)
        return heat_overlay(image, on_frame)
