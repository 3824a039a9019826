"""Every image and mask of a data set looked at once: what is there, and what is wrong with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.contracts import Json, Sample, Split
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.saturation import defect_rules
from slsg_edge.data.survey.duplicates import DuplicatePair, near_duplicates
from slsg_edge.data.survey.facts import ImageFacts, Quantiles, Unreadable, facts_of, quantiles_of
from slsg_edge.data.survey.finding import SEVERITIES, Finding, shown
from slsg_edge.data.survey.image_findings import image_findings
from slsg_edge.data.survey.leaks import leak_findings
from slsg_edge.data.survey.mask_check import MaskFault, mask_faults
from slsg_edge.data.survey.mask_findings import mask_findings
from slsg_edge.data.survey.outliers import Outlier, find_outliers
from slsg_edge.data.survey.resolution import resolution_findings
from slsg_edge.data.survey.sessions import Acquisition, acquisition_findings, acquisitions_in
from slsg_edge.data.threads import in_threads
from slsg_edge.progress import Bars, no_progress


@dataclass(frozen=True, slots=True)
class Group:
    """The images of one kind in one split; `masked` have a mask.

    `sizes` and `modes` by how many have them, the most common first.
    """

    split: Split
    kind: str
    count: int
    masked: int
    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    brightness: Quantiles | None
    sharpness: Quantiles | None


@dataclass(frozen=True, slots=True)
class Survey:
    """`findings`: the worst first. `odd` are good images unlike the others, `pairs` photos that
    are there twice, `acquisitions` those of the good images.
    """

    dataset: Dataset
    groups: tuple[Group, ...]
    findings: tuple[Finding, ...]
    odd: tuple[Outlier, ...]
    pairs: tuple[DuplicatePair, ...]
    acquisitions: tuple[Acquisition, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether an evaluation on this data set says what it seems to say."""
        return not any(finding.severity == "error" for finding in self.findings)


def survey(dataset: Dataset, bars: Bars = no_progress) -> Survey:
    """Reads every file once; DatasetError only for a `defects_config.json` that is none."""
    samples = dataset.samples
    with bars("images", len(samples)) as advance:
        read = in_threads(facts_of, [sample.image for sample in samples], advance)
    facts = {item.path: item for item in read if isinstance(item, ImageFacts)}
    unreadable = {item.path: item for item in read if isinstance(item, Unreadable)}
    faults = _mask_faults(dataset, facts, bars)
    good = [facts[sample.image] for sample in samples if sample.good and sample.image in facts]
    odd = find_outliers(good)
    known = [facts[sample.image] for sample in samples if sample.image in facts]
    pairs, alike = near_duplicates(known, bars)
    findings = (
        *image_findings(dataset, facts, unreadable, odd),
        *resolution_findings(dataset, facts),
        *mask_findings(dataset, faults),
        *leak_findings(dataset, facts, pairs, alike),
        *acquisition_findings(dataset),
    )
    return Survey(
        dataset,
        tuple(_groups(dataset, facts)),
        tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
        tuple(odd),
        tuple(pairs),
        acquisitions_in(dataset),
    )


def survey_summary(found: Survey) -> dict[str, Json]:
    """All of it but pictures, for machines."""
    dataset = found.dataset
    return {
        "folder": shown(dataset.folder, Path()),
        "layout": dataset.layout,
        "layout_because": dataset.why,
        "valid": found.valid,
        "images": len(dataset.samples),
        "unlabelled": len(dataset.unlabelled),
        "stray_masks": len(dataset.stray_masks),
        "left_out": len(dataset.left_out),
        "groups": [_group_summary(group) for group in found.groups],
        "acquisitions": [
            {
                "name": one.name,
                "images": one.images,
                "first": str(one.first) if one.first else None,
                "last": str(one.last) if one.last else None,
            }
            for one in found.acquisitions
        ],
        "findings": [
            {
                "severity": finding.severity,
                "name": finding.name,
                "what": finding.what,
                "count": finding.count,
                "examples": list(finding.examples),
                "fix": finding.fix,
            }
            for finding in found.findings
        ],
    }


def _mask_faults(dataset: Dataset, facts: Mapping[Path, ImageFacts], bars: Bars) -> list[MaskFault]:
    rules = defect_rules(dataset.folder)
    masked = [sample for sample in dataset.samples if sample.masks and sample.image in facts]

    def check(sample: Sample) -> list[MaskFault]:
        return mask_faults(sample, facts[sample.image], rules)

    with bars("masks", len(masked)) as advance:
        return [fault for some in in_threads(check, masked, advance) for fault in some]


def _groups(dataset: Dataset, facts: Mapping[Path, ImageFacts]) -> list[Group]:
    keys = dict.fromkeys((sample.split, sample.kind) for sample in dataset.samples)
    return [_group(dataset, split, kind, facts) for split, kind in keys]


def _group(dataset: Dataset, split: Split, kind: str, facts: Mapping[Path, ImageFacts]) -> Group:
    samples = [sample for sample in dataset.samples if (sample.split, sample.kind) == (split, kind)]
    known = [facts[sample.image] for sample in samples if sample.image in facts]
    return Group(
        split,
        kind,
        len(samples),
        sum(bool(sample.masks) for sample in samples),
        dict(Counter(image.size for image in known).most_common()),
        dict(Counter(image.mode for image in known).most_common()),
        quantiles_of([image.brightness for image in known]),
        quantiles_of([image.sharpness for image in known]),
    )


def _group_summary(group: Group) -> dict[str, Json]:
    return {
        "split": group.split,
        "kind": group.kind,
        "count": group.count,
        "masked": group.masked,
        "sizes": dict(group.sizes),
        "modes": dict(group.modes),
        "brightness": _quantiles_summary(group.brightness),
        "sharpness": _quantiles_summary(group.sharpness),
    }


def _quantiles_summary(quantiles: Quantiles | None) -> Json:
    if quantiles is None:
        return None
    return {"low": quantiles.low, "median": quantiles.median, "high": quantiles.high}
