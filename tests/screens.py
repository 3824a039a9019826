"""The screen that what a command prints must fit on."""

import itertools

LINES, COLUMNS = 24, 100


def lines_of(text: str) -> list[str]:
    """On a terminal of so many columns."""
    return list(
        itertools.chain.from_iterable(
            [line[start : start + COLUMNS] for start in range(0, max(1, len(line)), COLUMNS)]
            for line in text.splitlines()
        )
    )


def fits_and_begins_with(text: str, result: str) -> bool:
    """Whether it fits, and tells the result before anything else."""
    shown = lines_of(text)
    return len(shown) <= LINES and result in " ".join(shown[:2])
