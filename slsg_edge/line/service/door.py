"""What the page of a line may ask of it."""

import shutil
import time
from dataclasses import replace

from slsg_edge.bundle.folder import Bundle, open_bundle
from slsg_edge.calibration.storing import moved_by_hand, store_threshold
from slsg_edge.line.deploy.words import standing
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.service.alarms import alarms
from slsg_edge.line.service.line_service import LineService
from slsg_edge.line.service.status import LineStatus, StationStatus
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.runtime.detector import REFERENCE_BACKEND


class LineDoor:
    def __init__(self, service: LineService) -> None:
        self._service = service

    def status(self) -> LineStatus:
        service = self._service
        stations = tuple(map(self._with_deployment, service.stations.statuses()))
        sinks = service.delivery.statuses()
        troubles = (
            service.outbox.trouble,
            service.pictures.trouble,
            *service.deployments.alarms(),
        )
        return LineStatus(
            service.settings.name,
            service.started,
            stations,
            sinks,
            alarms(stations, sinks, troubles),
            service.pictures.bytes,
            shutil.disk_usage(service.settings.folder).free,
        )

    def _with_deployment(self, status: StationStatus) -> StationStatus:
        state = self._service.deployments.of(status.name)
        return status if state is None else replace(status, deployment=standing(state))

    def outbox(self) -> Outbox:
        return self._service.outbox

    def settings(self) -> LineSettings:
        return self._service.settings

    def bundle(self, station: str) -> Bundle:
        return self._service.stations.named(station).opened.bundle

    def set_threshold(self, station: str, value: float, by: str, why: str) -> None:
        """Stores it in the bundle, for every station that runs it; SlsgError where it cannot be.

        An undecided band stays where it begins, or begins at `value` where that is lower.
        """
        opened = self._service.stations.named(station).opened
        choice = opened.judged.choice
        backend = choice.backend if choice else REFERENCE_BACKEND
        bundle = open_bundle(opened.bundle.path)
        moved = moved_by_hand(bundle, value, backend)
        band = opened.judged.threshold.undecided_above
        threshold = replace(moved, undecided_above=None if band is None else min(band, value))
        command = f"slsg-edge calibrate {{bundle}} --threshold {value:g}"
        store_threshold(bundle, threshold, command, time.monotonic(), backend)
        text = f"{by} set the threshold to {value:g}: {why}"
        self._service.outbox.event("change", station, "threshold", text)
        self._service.stations.change_bundle(station)
