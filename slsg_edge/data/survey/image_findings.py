"""Findings on the images: unreadable, odd, of mixed kinds, too few, without a label."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slsg_edge.contracts import GOOD, Sample
from slsg_edge.data.dataset import TRAINING_MINIMUM, Dataset
from slsg_edge.data.left_out import by_reason
from slsg_edge.data.loading import depth_from
from slsg_edge.data.names import printable
from slsg_edge.data.own_output import OWN_OUTPUT
from slsg_edge.data.survey.facts import ImageFacts, Unreadable
from slsg_edge.data.survey.finding import EXAMPLES, Finding, finding, shown
from slsg_edge.data.survey.outliers import Outlier
from slsg_edge.images import SUFFIXES

LEAVE = "Nothing, if they are no images of this data set."


def image_findings(
    dataset: Dataset,
    facts: Mapping[Path, ImageFacts],
    unreadable: Mapping[Path, Unreadable],
    odd: Sequence[Outlier],
) -> list[Finding]:
    return [
        *_unreadable(dataset, unreadable),
        *_missing_sides(dataset),
        *_mixed(dataset, facts),
        *_depth(facts),
        *_odd(dataset, odd),
        *_labels(dataset),
        *_left_out(dataset),
        *_names(dataset),
    ]


def _unreadable(dataset: Dataset, unreadable: Mapping[Path, Unreadable]) -> list[Finding]:
    """In the test they count in no figure; anywhere else training or calibration refuses them."""

    def texts(samples: Iterable[Sample]) -> list[str]:
        bad = (unreadable.get(sample.image) for sample in samples)
        return [printable(one.reason) for one in bad if one]

    others = (*dataset.of("train"), *dataset.of("validation"))
    return [
        *finding(
            "error",
            "unreadable-test",
            "Test images that cannot be read: they count in no figure",
            texts(dataset.of("test")),
            "Replace them or take them out.",
        ),
        *finding(
            "warning",
            "unreadable",
            "Images that cannot be read: training and calibration will stop at them",
            texts(others),
            "Replace them or take them out.",
        ),
    ]


def _missing_sides(dataset: Dataset) -> list[Finding]:
    """What figures cannot do without; a data set without a test is only to learn from."""
    train, test = dataset.of("train", good=True), dataset.of("test")
    good = sum(sample.good for sample in test)
    found = []
    if 0 < len(train) < TRAINING_MINIMUM:
        images = "is only 1 good image" if len(train) == 1 else f"are only {len(train)} good images"
        what = f"There {images} to train on, and training needs at least {TRAINING_MINIMUM}"
        found.append(Finding("warning", "few-train", what, 1, (), "Add good images."))
    if test and not good:
        what = "There are no good test images, so no false alarms and no figure that needs both"
        fix = f"Put good images that were not trained on in test/{GOOD}."
        found.append(Finding("warning", "no-good-test", what, 1, (), fix))
    if test and good == len(test):
        what = "There are no defective test images: nothing says whether defects are found"
        fix = "Add some to measure with; training and the threshold need none."
        found.append(Finding("note", "no-defective-test", what, 1, (), fix))
    return found


def _mixed(dataset: Dataset, facts: Mapping[Path, ImageFacts]) -> list[Finding]:
    """A mode that one side of the evaluation lacks tells good from defective by itself."""
    modes = Counter(one.mode for one in facts.values())
    sizes = Counter(one.size for one in facts.values())
    apart = [
        f"{mode}: {', '.join(sorted(sides))} only"
        for mode, sides in _sides_by_mode(dataset, facts).items()
        if len(sides) == 1 and len(modes) > 1
    ]
    mixed = [f"{mode}: {count}" for mode, count in modes.most_common()] if len(modes) > 1 else []
    several = [f"{size}: {count}" for size, count in sizes.most_common()] if len(sizes) > 1 else []
    return [
        *finding(
            "warning",
            "modes-apart",
            "Modes (grey, colour, alpha, 16 bit) that only good or only defective images have",
            apart,
            "Save all images alike: a detector may tell them apart by this alone.",
        ),
        *finding(
            "note",
            "modes",
            "Modes in the data set; all are read as 8 bit colour",
            [] if apart else mixed,
            "Nothing, if the line delivers them so.",
        ),
        *finding(
            "note",
            "sizes",
            "Images come in several sizes, and each is resized to that of the model",
            several,
            "Nothing, if the parts fill the images alike; else cut with --roi.",
        ),
    ]


def _depth(facts: Mapping[Path, ImageFacts]) -> list[Finding]:
    deep = [one for one in facts.values() if one.peak]
    depth = depth_from(max((one.peak for one in deep), default=0))
    if depth is None:
        return []
    what = f"Files of 16 bit that use {depth} of them: all are read as pictures of {depth} bit"
    brightest = max(deep, key=lambda one: one.peak)
    return finding(
        "note",
        "depth",
        what,
        [f"the largest value of {len(deep)} images is {brightest.peak}"],
        "Nothing, if the line delivers them so: training keeps the depth in the bundle.",
    )


def _sides_by_mode(dataset: Dataset, facts: Mapping[Path, ImageFacts]) -> Mapping[str, set[str]]:
    """Empty unless there are both sides."""
    sides: dict[str, set[str]] = {}
    for sample in dataset.samples:
        if sample.image in facts:
            side = GOOD if sample.good else "defective"
            sides.setdefault(facts[sample.image].mode, set()).add(side)
    return sides if len(set().union(*sides.values())) == 2 else {}


def _odd(dataset: Dataset, odd: Sequence[Outlier]) -> list[Finding]:
    return finding(
        "warning",
        "odd-good",
        "Good images that are unlike the other good ones",
        [f"{shown(one.facts.path, dataset.folder)}: {one.reason}" for one in odd],
        "Look at them: a defect in the wrong folder, a wrong exposure or another product.",
    )


def _labels(dataset: Dataset) -> list[Finding]:
    folder = dataset.folder
    defective = dataset.of("train", good=False)
    return [
        *finding(
            "note",
            "unlabelled",
            "Images without a label: they are neither trained on nor tested",
            [shown(path, folder) for path in dataset.unlabelled],
            "Label them, or leave them.",
        ),
        *finding(
            "note",
            "defects-in-train",
            "Defective images in the training split: nothing is learned from them",
            [shown(sample.image, folder) for sample in defective],
            "Move them to the test to measure with them.",
        ),
        *finding(
            "note",
            "defects-in-validation",
            "Defective images in the validation split: a threshold is found from good ones alone",
            [shown(sample.image, folder) for sample in dataset.of("validation", good=False)],
            "Move them to the test to measure with them.",
        ),
    ]


def _left_out(dataset: Dataset) -> list[Finding]:
    """One for each reason; what we wrote ourselves is only good to know."""
    return [
        Finding(
            "note" if why in OWN_OUTPUT else "warning",
            "left-out",
            f"Files that are left out: {why}",
            len(paths),
            tuple(shown(path, dataset.folder) for path in paths[:EXAMPLES]),
            LEAVE if why in OWN_OUTPUT else _where_to(paths, dataset.folder),
        )
        for why, paths in by_reason(dataset.left_out).items()
    ]


def _where_to(paths: Sequence[Path], folder: Path) -> str:
    """The good photos of a folder stay where they are when somebody adds a test beside them."""
    if any(path.parent == folder and path.suffix.lower() in SUFFIXES for path in paths):
        return f"Move them to train/good, if they show good parts. {LEAVE}"
    return LEAVE


def _names(dataset: Dataset) -> list[Finding]:
    def foreign(path: Path) -> bool:
        return os.fsencode(path) != str(path).encode("utf-8", "replace")

    return finding(
        "note",
        "names",
        "File names that are not UTF-8: shown with escapes",
        [shown(one.image, dataset.folder) for one in dataset.samples if foreign(one.image)],
        "Rename them if other tools stumble over them.",
    )
