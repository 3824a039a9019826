"""Saturated PRO and false-positive rate of MVTec LOCO, from files to figures, against the paper.

The other side of each comparison is written here from the definitions alone (Bergmann et al.,
Beyond Dents and Scratches, IJCV 130, 2022, section 4.2), pixel by pixel, and reads masks and
`defects_config.json` by itself.
"""

import json

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import GOOD
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.saturation import defect_rules
from slsg_edge.evaluation.pixel import PixelEvaluation
from slsg_edge.preprocessing import Preprocessing

HEIGHT, WIDTH = 28, 36
LIMITS = (0.01, 0.05, 0.1, 0.3, 1.0)
CONFIG = [
    ("missing_pushpin", 255, 0.4, True),
    ("two_in_one", 254, 30, False),
    ("front_bent", 253, 1.0, True),
    ("larger_than_it_is", 251, 10_000, False),
]


@pytest.fixture
def data(tmp_path):
    """Two kinds, one to three overlapping channels per image, of every entry of the config."""
    rng = np.random.default_rng(11)
    table = [
        dict(
            zip(
                ("defect_name", "pixel_value", "saturation_threshold", "relative_saturation"),
                entry,
                strict=True,
            )
        )
        for entry in CONFIG
    ]
    (tmp_path / "defects_config.json").write_text(json.dumps(table))
    for kind, count in ((GOOD, 3), ("logical_anomalies", 4), ("structural_anomalies", 3)):
        for index in range(count):
            image = tmp_path / f"test/{kind}/{index:03}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(image), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
            channels = 0 if kind == GOOD else 1 + index % 3
            for channel in range(channels):
                mask = np.zeros((HEIGHT, WIDTH), np.uint8)
                value = CONFIG[(index + channel) % len(CONFIG)][1]
                top, left = rng.integers(0, 16, 2)
                mask[top : top + rng.integers(3, 12), left : left + rng.integers(3, 12)] = value
                mask[rng.integers(0, HEIGHT), rng.integers(0, WIDTH)] = value
                folder = tmp_path / f"ground_truth/{kind}/{index:03}"
                folder.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / f"{channel:03}.png"), mask)
    return tmp_path


def maps_of(samples, levels):
    """Noise that is a little stronger in the first defect of an image."""
    rng = np.random.default_rng(5)
    found = []
    for sample in samples:
        heat = rng.random((HEIGHT, WIDTH)).astype(np.float32)
        if sample.masks:
            heat[cv2.imread(str(sample.masks[0]), cv2.IMREAD_GRAYSCALE) > 0] += 0.3
        found.append(np.round(heat * levels) / levels if levels else heat)
    return found


def by_definition(samples, maps, threshold, saturation):
    """(false-positive rate, sPRO), one pixel after the other."""
    false_positives = good_pixels = 0
    overlaps = []
    for sample, heat in zip(samples, maps, strict=True):
        truths = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sample.masks]
        for truth in truths:
            defect = [(y, x) for y in range(HEIGHT) for x in range(WIDTH) if truth[y, x]]
            found = sum(bool(heat[place] > threshold) for place in defect)
            value = int(truth.max())
            overlaps.append(min(found / saturation(value, len(defect)), 1.0))
        for y in range(HEIGHT):
            for x in range(WIDTH):
                if not any(truth[y, x] for truth in truths):
                    good_pixels += 1
                    false_positives += bool(heat[y, x] > threshold)
    return false_positives / good_pixels, sum(overlaps) / len(overlaps)


def published_saturation(value, area):
    (entry,) = [one for one in CONFIG if one[1] == value]
    _, _, threshold, relative = entry
    return int(threshold * area) if relative else min(threshold, area)


def measured(data, samples, maps):
    pixels = PixelEvaluation(Preprocessing(height=HEIGHT, width=WIDTH), defect_rules(data))
    for sample, heat in zip(samples, maps, strict=True):
        pixels.add(sample, (HEIGHT, WIDTH, 3), heat)
    assert pixels.left_out() == ()
    return pixels


@pytest.mark.parametrize("levels", [None, 8])
@pytest.mark.parametrize("kind", ["logical_anomalies", "structural_anomalies", None])
def test_rates_at_thresholds_are_those_of_the_definition(data, levels, kind):
    samples = [s for s in read_dataset(data).of("test") if kind is None or s.kind in (GOOD, kind)]
    maps = maps_of(samples, levels)
    thresholds = [-1.0, 0.0, 0.25, 0.5, 0.7, 0.95, 1.05, 1.25, 2.0]
    with measured(data, samples, maps) as pixels:
        rates = pixels.maps.rates(thresholds)
    for index, threshold in enumerate(thresholds):
        expected = by_definition(samples, maps, threshold, published_saturation)
        got = rates.false_positive_rate[index], rates.spro[index]
        assert got == pytest.approx(expected, abs=1e-6)


def test_areas_are_those_under_the_curve_of_the_definition(data):
    samples = read_dataset(data).of("test")
    maps = maps_of(samples, levels=40)
    every = sorted({float(score) for heat in maps for score in heat.ravel()}, reverse=True)
    points = [by_definition(samples, maps, value, published_saturation) for value in [*every, -1]]
    rate, overlap = np.array(points).T
    with measured(data, samples, maps) as pixels:
        figures = pixels.outcome(replicates=20).figures
    for limit in LIMITS:
        x = np.append(rate[rate < limit], limit)
        y = np.append(overlap[rate < limit], np.interp(limit, rate, overlap))
        area = float((np.diff(x) * (y[1:] + y[:-1])).sum()) / 2 / limit
        assert figures[f"spro_{limit}"].value == pytest.approx(area, abs=1e-9)


def test_kinds_are_measured_apart_as_the_published_mean_of_both_needs(data):
    samples = read_dataset(data).of("test")
    maps = maps_of(samples, levels=None)
    with measured(data, samples, maps) as pixels:
        kinds = pixels.outcome(replicates=20).kinds
    for kind in ("logical_anomalies", "structural_anomalies"):
        chosen = [at for at, sample in enumerate(samples) if sample.kind in (GOOD, kind)]
        with measured(data, [samples[i] for i in chosen], [maps[i] for i in chosen]) as alone:
            assert kinds[kind] == alone.outcome(replicates=20).figures
