"""Whether two bundles learned the same product, by the images that they learned from.

Nothing is known of a bundle that was imported: it gives no warning.
"""

from collections.abc import Iterator, Sequence

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.records import train_record_of
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.data.dataset import Dataset
from slsg_edge.evaluation.known_images import hash_or_none
from slsg_edge.evaluation.paired import Side

FEW_SHARED = 0.1  # of the images of the bundle that learned from fewer


def product_warnings(sides: Sequence[Side], dataset: Dataset) -> tuple[str, ...]:
    """In sentences; none for two backends of one bundle."""
    first, second = (side.bundle for side in sides)
    if first.path.resolve() == second.path.resolve():
        return ()
    learned = [_learned(bundle) for bundle in (first, second)]
    names = sides[0].name, sides[1].name
    prints = [train_record_of(bundle).data_fingerprint for bundle in (first, second)]
    same = prints[0] is not None and prints[0] == prints[1]
    apart = () if same else _apart(names, *learned)
    return (*apart, *_strange(names, learned, dataset))


def _apart(
    names: tuple[str, str], first: frozenset[str] | None, second: frozenset[str] | None
) -> Iterator[str]:
    if not first or not second:
        return
    shared = len(first & second)
    if shared < FEW_SHARED * min(len(first), len(second)):
        yield (
            f"{names[0]} and {names[1]} learned from different images ({shared} of "
            f"{min(len(first), len(second))} shared). If these are different products, this "
            "comparison says nothing: one of them has never seen these parts."
        )


def _strange(
    names: tuple[str, str], learned: Sequence[frozenset[str] | None], dataset: Dataset
) -> Iterator[str]:
    """Where the data set has images to learn from, and a bundle knows none of them."""
    samples = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    if not samples or not any(learned):
        return
    here = frozenset(filter(None, (hash_or_none(sample.image) for sample in samples)))
    strangers = [
        name for name, images in zip(names, learned, strict=True) if images and not images & here
    ]
    if strangers:
        who = "Neither bundle" if len(strangers) == 2 else strangers[0]
        verb = "learned" if len(strangers) == 2 else "did not learn"
        yield (
            f"{who} {verb} from the good images of {dataset.folder.name}: make sure that these "
            "are parts of its product."
        )


def _learned(bundle: Bundle) -> frozenset[str] | None:
    known = trained_on(bundle)
    return None if known is None else known.train | known.holdout
