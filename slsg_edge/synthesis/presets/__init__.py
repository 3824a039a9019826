"""Synthesis rules of known products, as TOML files beside this one."""

from pathlib import Path

from slsg_edge.config import unknown_name


def preset_file(name: str) -> Path:
    """The TOML file of a preset; ConfigError lists the known ones."""
    files = {path.stem: path for path in Path(__file__).parent.glob("*.toml")}
    if name not in files:
        raise unknown_name(name, files, what="preset")
    return files[name]
