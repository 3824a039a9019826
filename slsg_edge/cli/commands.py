"""Every command by name, in the order of a real use."""

from collections.abc import Callable

COMMANDS: dict[str, Callable[..., None]] = {}
