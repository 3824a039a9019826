"""Which versions of what made a file, for the manifest."""

import platform
from importlib import metadata


def tool_versions(*packages: str) -> dict[str, str]:
    """Python, slsg-edge and those of `packages` that are installed, by distribution name."""
    versions = {"python": platform.python_version()}
    for package in ("slsg-edge", "numpy", *packages):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
