"""`python -m sitegen OUT`: what the site is built from."""

import sys
from pathlib import Path

from sitegen.markdown import MissingText
from sitegen.stage import stage

if __name__ == "__main__":
    try:
        stage(Path(sys.argv[1]))
    except MissingText as missing:
        sys.exit(f"docs: {missing} Write it where it is defined.")
