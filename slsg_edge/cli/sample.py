"""`slsg-edge sample`: parses, draws, says what was drawn and what to do with it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from slsg_edge.cli.text import tell

FILM_FILE = "film.mp4"


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the data set.")],
    train: Annotated[int, typer.Option(help="Good images to train on.")] = 200,
    validation: Annotated[int, typer.Option(help="Good images for the threshold.")] = 100,
    good: Annotated[int, typer.Option(help="Good test images.")] = 40,
    structural: Annotated[int, typer.Option(help="Scratched, stained and chipped ones.")] = 30,
    logical: Annotated[int, typer.Option(help="Test images with a broken rule.")] = 40,
    size: Annotated[int, typer.Option(help="Side of every image in pixels.")] = 320,
    seed: Annotated[int, typer.Option(help="The same seed draws the same images.")] = 0,
    film: Annotated[bool, typer.Option(help="Also draw a film of modules passing by.")] = True,
) -> None:
    """Draw a data set of a made-up product, with defects and masks, and a film of it."""
    from slsg_edge.demo.sample.dataset import SampleCounts, write_dataset
    from slsg_edge.demo.sample.film import FilmSettings, write_film
    from slsg_edge.progress import progress

    counts = SampleCounts(train, validation, good, structural, logical, size)
    settings = FilmSettings(size=size) if film else None
    with progress("images", counts.total) as advance:
        write_dataset(folder, counts, seed, advance)
    if settings is not None:
        with progress("film", settings.total) as advance:
            write_film(folder / FILM_FILE, settings, seed, advance)
    _say(folder, counts.total, film)


def _say(folder: Path, images: int, film: bool) -> None:
    tell(f"{folder}: {images} images of a fuse module. Its rules are in README.txt.")
    if film:
        tell(f"{folder / FILM_FILE}: the same line as a film; film.json says what passes when.")
    tell(f"next: {shlex.join(['slsg-edge', 'train', str(folder), '-o', 'module.slsg'])}")
