"""What a run learns from: good images and textures, first as files, then at model resolution.

Choosing reads nothing but hashes, so that a mistake is found before anything is decoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.splits import content_hash, fingerprint, train_and_holdout
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.progress import progress
from slsg_edge.synthesis.anomalies import TextureSource
from slsg_edge.synthesis.textures import ProceduralTextures, TexturePhotos, texture_files
from slsg_edge.training.frames import StoredFrames, store_frames

FRAMES, TEXTURES = "frames.npy", "textures.npy"


@dataclass(frozen=True, slots=True)
class Material:
    """Paths, and the sha256 of each image on either side; no textures are procedural ones.

    fingerprint: of the content of everything that is learned from.
    """

    images: tuple[Path, ...]
    textures: tuple[Path, ...]
    train: tuple[str, ...]
    holdout: tuple[str, ...]
    fingerprint: str


def choose_material(data: Path, holdout: float, textures: Path | None) -> Material:
    """DatasetError when there are too few images, or no texture."""
    images, held_out = train_and_holdout(read_dataset(data), holdout)
    photos = () if textures is None else tuple(texture_files(textures))
    train = _hashes(images)
    return Material(
        images, photos, train, _hashes(held_out), fingerprint((*train, *_hashes(photos)))
    )


def store_material(
    material: Material, folder: Path, preprocessing: Preprocessing
) -> tuple[StoredFrames, TextureSource]:
    """At model resolution in `folder`, for every process to map; DatasetError names a bad file."""
    frames = _stored(material.images, folder / FRAMES, preprocessing, "reading images")
    if not material.textures:
        return frames, ProceduralTextures()
    whole = Preprocessing(preprocessing.height, preprocessing.width)
    photos = _stored(material.textures, folder / TEXTURES, whole, "reading textures")
    return frames, TexturePhotos(photos)


def forget_material(folder: Path) -> None:
    """A copy of the images is needed by nobody when the run is over."""
    for name in (FRAMES, TEXTURES):
        (folder / name).unlink(missing_ok=True)


def _hashes(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(content_hash(path) for path in paths)


def _stored(
    paths: Sequence[Path], target: Path, preprocessing: Preprocessing, what: str
) -> StoredFrames:
    with progress(what, len(paths)) as advance:
        return store_frames(target, paths, preprocessing, advance)
