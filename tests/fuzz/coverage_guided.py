"""Runs of atheris, which seeks inputs that reach lines of ours that none reached before.

`python -m fuzz.coverage_guided TARGET FOLDER [option of libFuzzer ...]` ends with an error at the
first input that is neither taken nor refused, and leaves it in FOLDER. Decoders written in C are
seen from outside only.
"""

import sys
import warnings
from contextlib import suppress
from pathlib import Path

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["slsg_edge"], enable_loader_override=False):
    from fuzz.mutation import LONGEST, NASTY
    from fuzz.targets import TARGETS


def main(name: str, folder: Path, *options: str) -> None:
    target = TARGETS[name]
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed[:LONGEST])
    tokens = [token for token in (*NASTY, *target.tokens) if 0 < len(token) < 60]
    words.write_text("".join(f'"{_escaped(token)}"\n' for token in tokens))
    warnings.simplefilter("error")
    work = folder / "work"
    work.mkdir(exist_ok=True)

    def one(content: bytes) -> None:
        with suppress(*target.refusals):
            target.run(content, work)

    own = (f"-max_len={LONGEST}", f"-dict={words}", f"-artifact_prefix={folder}/", "-timeout=20")
    atheris.Setup([sys.argv[0], *own, "-rss_limit_mb=4096", *options, str(corpus)], one)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute(), *sys.argv[3:])
