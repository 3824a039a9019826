"""`slsg-edge compare OLD.parquet NEW.parquet`: what changes verdict in an archive."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.cli.text import first_of, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.archive.compare import ChangedImage, ScoreComparison

LISTED = 10  # images that change verdict: what a screen has room for


def are_scores(paths: list[Path]) -> bool:
    return any(path.suffix == ".parquet" for path in paths)


def compare_two_scores(
    paths: list[Path], archive: str | None, sheet: Path | None, *, as_json: bool, verbose: bool
) -> bool:
    """Prints what changes; whether anything does."""
    from slsg_edge.archive.compare import compare_scores, sheet_of
    from slsg_edge.images import encode_image
    from slsg_edge.storage import write_atomically

    if len(paths) != 2 or (sheet is None) != (archive is None):
        raise ConfigError(
            "Two files of scores are compared, and a sheet is made of their archive.",
            fix="Give OLD.parquet NEW.parquet, and --sheet FILE.jpg with --archive ARCHIVE.",
        )
    found = compare_scores(*paths)
    tell(json.dumps(_table(found))) if as_json else _print(found, paths, verbose=verbose)
    if sheet is not None and archive is not None and found.changed:
        write_atomically(sheet, encode_image(sheet_of(found.changed, archive), sheet.suffix))
    return bool(found.changed)


def _table(found: "ScoreComparison") -> dict[str, object]:
    verdicts = {f"{before} -> {after}": count for (before, after), count in found.verdicts.items()}
    return {**asdict(found), "verdicts": verdicts}


def _print(found: "ScoreComparison", paths: list[Path], *, verbose: bool) -> None:
    tell(
        f"{len(found.changed):,} of {found.both:,} images change verdict "
        f"from {paths[0].name} to {paths[1].name}."
    )
    for (before, after), count in sorted(found.verdicts.items(), key=lambda one: -one[1]):
        if before != after:
            tell(f"  {count:,} from {before} to {after}")
    if found.gone or found.new:
        tell(f"{found.gone:,} images only in the first file, {found.new:,} only in the second.")
    for line in first_of([*map(_line, found.changed)], LISTED, verbose, "images"):
        tell(str(line))


def _line(one: "ChangedImage") -> str:
    return f"{one.name}: {one.before} {_number(one.score_before)} -> {one.after} " + _number(
        one.score_after
    )


def _number(score: float | None) -> str:
    return "without a score" if score is None else f"{score:.3f}"
