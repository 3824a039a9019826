"""What people call their folders and labels: good parts, defective ones, masks, splits.

The one place that knows these names: every layout and every list asks here. A name is the same in
any case, with or without spaces, hyphens, underscores and dots, and in either Unicode form.
"""

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that the command line answers at once: the contracts need NumPy
    from slsg_edge.contracts import Split

_BETWEEN = re.compile(r"[\s_.\-]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GOOD = _words(
    """good goods goodparts goodimages ok okay okimages okparts normal normals normalimages pass
    passed nodefect nodefects defectfree nondefect nondefective nonanomalous flawless clean gut
    gutteil gutteile io iot iotteile bueno buenos buena buenas correcto correctos sinfallo
    sindefecto sindefectos bon bons bonne bonnes conforme conformes buono buoni bom bons dobry
    dobre ok品 ok图 ok图片 良品 良 合格 合格品 正常 正常品 正常图片 无缺陷 好 好品 良好 양품 정상"""
)
_BAD = _words(
    """bad ng nok notok notgood nogood ko defect defects defective defectives anomaly anomalies
    anomalous abnormal fail failed faulty fault faults reject rejects rejected scrap broken
    damaged nio nioteil nioteile schlecht schlechtteile ausschuss defekt defekte fehler malo malos
    mala malas defecto defectos defectuoso defectuosos mauvais defaut defauts difettoso difettosi
    ng品 ng图     不良 不良品 缺陷 缺陷品 异常 異常 次品 废品 불량 불량품"""
)
_MASKS = _words(
    """groundtruth groundtruths gt gts mask masks maske masken mascara mascaras masque masques
    maskimages defectmask defectmasks segmentation segmentations segmentationmask
    segmentationmasks segmask segmasks annotation annotations 掩码 掩膜 标注"""
)
_SPLITS: "dict[str, Split]" = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
_ENDING = re.compile(r"[_\-. ](mask|gt|groundtruth|ground_truth|label|labels|seg)$", re.IGNORECASE)


def is_good(name: str) -> bool:
    return plain(name) in _GOOD


def is_bad(name: str) -> bool:
    """Of defective parts as a whole; the name of one kind of defect is none of these."""
    return plain(name) in _BAD


def is_masks(name: str) -> bool:
    return plain(name) in _MASKS


def split_of(name: str) -> "Split | None":
    return _SPLITS.get(plain(name))


def without_mask_ending(stem: str) -> str | None:
    """The stem of the image that a mask is called after, as `7` for `7_mask` and `7_GT`."""
    found = _ENDING.search(stem)
    return stem[: found.start()] if found and found.start() else None


def plain(name: str) -> str:
    """What two spellings of a name have in common."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", name).casefold())


def printable(text: str | Path) -> str:
    """On one line of a terminal, whatever bytes a name has: controls and the like as escapes."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode()
        for sign in str(text)
    )
