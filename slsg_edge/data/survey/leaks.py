"""Findings on photos that are there more than once: between the splits they are leaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.survey.duplicates import DuplicatePair, copies
from slsg_edge.data.survey.facts import ImageFacts
from slsg_edge.data.survey.finding import Finding, Severity, finding, shown

# By what the copies are of; the first that applies counts.
_COPIES: Mapping[str, tuple[Severity, str, str]] = {
    "both-labels": (
        "error",
        "Photos that are there as good and as defective",
        "Decide what they are, and delete the others.",
    ),
    "train-test": (
        "error",
        "Photos that are there to train on and to test with",
        "Delete them on one side: a detector knows what it was trained on.",
    ),
    "validation-test": (
        "warning",
        "Photos that the threshold is found with and that are tested",
        "Delete them on one side: false alarms come out too few.",
    ),
    "train-validation": (
        "warning",
        "Photos that are there to train on and to find the threshold with",
        "Delete them on one side: the threshold comes out too low.",
    ),
    "within-test": (
        "warning",
        "Photos that are several times in the test, and count as often",
        "Keep one of each.",
    ),
    "within-split": (
        "note",
        "Photos that are several times in the same split",
        "Keep one of each: copies teach nothing.",
    ),
}


def leak_findings(
    dataset: Dataset,
    facts: Mapping[Path, ImageFacts],
    pairs: Sequence[DuplicatePair],
    alike: Sequence[DuplicatePair] = (),
) -> list[Finding]:
    """Of files with the same content, then of photos that were saved anew; `alike` only look so."""
    by_path = {sample.image: sample for sample in dataset.samples}
    same = [[by_path[one.path] for one in group] for group in copies(facts.values())]
    anew = [[by_path[pair.first.path], by_path[pair.second.path]] for pair in pairs]
    return [
        *_of(same, dataset, "copies", "the very same file"),
        *map(_milder, _of(anew, dataset, "near", "saved anew, or taken at another exposure")),
        *_alike(dataset, alike),
    ]


def _alike(dataset: Dataset, pairs: Sequence[DuplicatePair]) -> list[Finding]:
    """Parts on a line look alike, and nothing is wrong with that."""
    return finding(
        "note",
        "look-alikes",
        "Pairs of photos that look alike as a whole, and are not the same photo",
        [
            " ~ ".join(shown(one.path, dataset.folder) for one in (pair.first, pair.second))
            for pair in pairs
        ],
        "Nothing, if these are different parts. Keep one of each, if one part was photographed "
        "again and again.",
    )


def _milder(found: Finding) -> Finding:
    """A part before and after it was scratched may be nearly the same photo twice, and rightly."""
    if found.name != "near-both-labels":
        return found
    return replace(found, severity="warning", fix="Look whether the defect is there to be seen.")


def _of(
    groups: Iterable[Sequence[Sample]], dataset: Dataset, prefix: str, how: str
) -> list[Finding]:
    texts: dict[str, list[str]] = {}
    for group in groups:
        names = (shown(sample.image, dataset.folder) for sample in group)
        texts.setdefault(_relation(group), []).append(" = ".join(names))
    return [
        one
        for relation, (severity, what, fix) in _COPIES.items()
        for one in finding(
            severity, f"{prefix}-{relation}", f"{what} ({how})", texts.get(relation, []), fix
        )
    ]


def _relation(group: Sequence[Sample]) -> str:
    splits = {sample.split for sample in group}
    if len({sample.good for sample in group}) == 2:
        return "both-labels"
    if {"train", "test"} <= splits:
        return "train-test"
    if len(splits) == 2:
        return "validation-test" if "test" in splits else "train-validation"
    return "within-test" if splits == {"test"} else "within-split"
