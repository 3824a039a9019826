"""`slsg-edge pack` and `unpack`: a bundle as one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from slsg_edge.cli.text import say


def pack(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle.")],
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Default: NAME.slsg.zip beside it.")
    ] = None,
) -> None:
    """Write a bundle as one file; the same bundle always gives the same bytes."""
    from slsg_edge.bundle.archive import ARCHIVE_SUFFIX
    from slsg_edge.bundle.archive import pack as pack_bundle
    from slsg_edge.bundle.folder import open_bundle

    opened = open_bundle(bundle)
    named = bundle if bundle.name.strip(".") else bundle.resolve()
    target = pack_bundle(opened, output or named.with_name(named.stem + ARCHIVE_SUFFIX))
    say(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    say(f"next: slsg-edge unpack {target.name}, where it is needed")


def unpack(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What `pack` wrote.")],
    output: Annotated[
        Path | None, typer.Option("-o", metavar="BUNDLE", help="Default: NAME.slsg beside it.")
    ] = None,
) -> None:
    """Make a bundle of such a file, or nothing where any of it is not as it was packed."""
    from slsg_edge.bundle.archive import ARCHIVE_SUFFIX
    from slsg_edge.bundle.archive import unpack as unpack_bundle
    from slsg_edge.bundle.plan import SUFFIX
    from slsg_edge.errors import BundleError

    if not archive.is_file():
        raise BundleError(f"There is no file {archive}.", fix="Give what `slsg-edge pack` wrote.")
    name = archive.name.removesuffix(ARCHIVE_SUFFIX).removesuffix(".zip")
    target = unpack_bundle(archive, output or archive.with_name(name + SUFFIX))
    say(f"{target}: every file is the one that was packed")
    say(f"next: slsg-edge verify {target}")
