"""What a run learns from: good images and textures, first as files, then at model resolution.

Choosing reads hashes and, where images are to be held out, thumbnails: a mistake is found before
anything is decoded whole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import depth_of
from slsg_edge.data.splits import content_hash, fingerprint, train_and_holdout
from slsg_edge.images import Look
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.progress import progress
from slsg_edge.synthesis.anomalies import TextureSource
from slsg_edge.synthesis.textures import ProceduralTextures, TexturePhotos, texture_files
from slsg_edge.training.frames import StoredFrames, store_frames
from slsg_edge.training.settings import TrainSettings

FRAMES_FILE, TEXTURES_FILE = "frames.npy", "textures.npy"
HELD_OUT_FILE = "held_out.npy"
KEPT_FILE = "kept.bin"  # what a detector keeps of the images from one phase to the next


@dataclass(frozen=True, slots=True)
class Material:
    """Paths, and the sha256 of each image on either side; no textures are procedural ones.

    fingerprint: of the content of everything that is learned from. acquisitions: of the images
    on both sides, by their sha256. notes: on files that were left out.
    """

    images: tuple[Path, ...]
    held_out: tuple[Path, ...]
    textures: tuple[Path, ...]
    train: tuple[str, ...]
    holdout: tuple[str, ...]
    fingerprint: str
    acquisitions: Mapping[str, str]
    notes: tuple[str, ...] = ()


def choose_material(data: Path, holdout: float, textures: Path | None) -> Material:
    """DatasetError when there are too few images, or no texture."""
    dataset = read_dataset(data)
    images, held_out = train_and_holdout(dataset, holdout, progress)
    photos = texture_photos(textures)
    train, out = _hashes(images), _hashes(held_out)
    known = {sample.image: sample.acquisition for sample in dataset.samples}
    return Material(
        images,
        held_out,
        photos,
        train,
        out,
        fingerprint((*train, *_hashes(photos))),
        dict(zip((*train, *out), map(known.__getitem__, (*images, *held_out)), strict=True)),
        dataset.notes,
    )


def fitted_to(
    settings: TrainSettings, material: Material, notify: Callable[[str], None]
) -> TrainSettings:
    """The depth of files of 16 bit is as the images have it, unless somebody gave it.

    notify: takes that, and what there is to know of the images.
    """
    for note in material.notes:
        notify(note)
    preprocessing = settings.preprocessing
    images = (*material.images, *material.held_out)
    depth = depth_of(images) if preprocessing.depth is None else None
    if depth is None:
        return settings
    notify(f"The images have 16 bit, of which {depth} are used: so are those of the line.")
    return replace(settings, preprocessing=replace(preprocessing, depth=depth))


def texture_photos(folder: Path | None) -> tuple[Path, ...]:
    """The photos in `folder`, none without one; DatasetError for a folder that holds none."""
    return () if folder is None else tuple(texture_files(folder))


def store_material(
    material: Material, folder: Path, preprocessing: Preprocessing, looks: list[Look] | None = None
) -> tuple[StoredFrames, TextureSource]:
    """At model resolution in `folder`, for every process to map; DatasetError names a bad file.

    looks: takes the look of each image, in no order.
    """
    frames = _stored(material.images, folder / FRAMES_FILE, preprocessing, "reading images", looks)
    return frames, store_textures(material.textures, folder, preprocessing)


def store_held_out(
    material: Material, folder: Path, preprocessing: Preprocessing, looks: list[Look] | None = None
) -> StoredFrames:
    """The images that nothing is learned from, as `store_material` keeps the others."""
    target = folder / HELD_OUT_FILE
    return _stored(material.held_out, target, preprocessing, "reading images held out", looks)


def store_textures(
    photos: Sequence[Path], folder: Path, preprocessing: Preprocessing
) -> TextureSource:
    """Photos as `store_material` keeps them, whole; procedural textures where there are none."""
    if not photos:
        return ProceduralTextures()
    whole = Preprocessing(preprocessing.height, preprocessing.width)
    return TexturePhotos(_stored(photos, folder / TEXTURES_FILE, whole, "reading textures"))


def forget_material(folder: Path) -> None:
    """A copy of the images is needed by nobody when the run is over."""
    for name in (FRAMES_FILE, HELD_OUT_FILE, TEXTURES_FILE, KEPT_FILE):
        (folder / name).unlink(missing_ok=True)


def _hashes(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(content_hash(path) for path in paths)


def _stored(
    paths: Sequence[Path],
    target: Path,
    preprocessing: Preprocessing,
    what: str,
    looks: list[Look] | None = None,
) -> StoredFrames:
    with progress(what, len(paths)) as advance:
        return store_frames(target, paths, preprocessing, advance, looks)
