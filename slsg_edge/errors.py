"""Everything that a user can put right, as one tree of exceptions.

    SlsgError
    ├── ConfigError          an option, a TOML key or a combination of them
    ├── DatasetError         a folder or an image
    ├── MissingDependency    a package is not installed; names the extra that brings it
    ├── StorageError         writing failed: disk full, no permission
    ├── BundleError          a bundle is missing, damaged or not far enough along
    │   ├── StaleBundle      an input of a stage changed after the stage ran
    │   ├── BundleChanged    another command changed the bundle while this one ran
    │   └── UntrustedBundle  content does not match what the manifest vouches for
    ├── ExportError          the exported graph is not the trained network
    ├── OutOfMemory          the system gave no more of it
    ├── WorkerLost           a process that draws batches was killed
    ├── EngineError          TensorRT; carries its log lines
    ├── CudaError            the CUDA driver or runtime
    └── CameraError          a frame source

The command line prints `what` and `fix` without a traceback and exits with 2. Any other
exception is a bug and keeps its traceback.
"""

import errno
from typing import Any

# Of libraries that raise one kind of error for everything: PyTorch, OpenCV, ONNX Runtime.
_NO_MEMORY = (
    "allocate memory", "not enough memory", "out of memory", "insufficient memory", "bad_alloc",
    "bad allocation",
)  # fmt: skip


class SlsgError(Exception):
    """Something the user can mend: `what` went wrong and where, and `fix`, the next step."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} {self.fix}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles whatever a subclass takes, so that a worker process can hand it back."""
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(
    kind: type[SlsgError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> SlsgError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class ConfigError(SlsgError):
    """An option, a TOML key or a combination of them."""


class DatasetError(SlsgError):
    """A folder or an image."""


class MissingDependency(SlsgError):
    """A package that this step needs is not installed."""

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(
            f"{package} is not installed.", fix=f"Run: pip install 'slsg-edge[{extra}]'"
        )


class StorageError(SlsgError):
    """Writing failed; nothing that was there before has changed."""


class BundleError(SlsgError):
    """A bundle is missing, damaged or not far enough along."""


class StaleBundle(BundleError):
    """An input of a stage changed after the stage ran."""


class BundleChanged(BundleError):
    """Another command changed the bundle while this one ran; nothing of this one was written."""


class UntrustedBundle(BundleError):
    """A file does not match what the manifest vouches for."""


class ExportError(SlsgError):
    """The exported graph is not the trained network."""


class EngineError(SlsgError):
    """TensorRT refused or failed; `log` holds its own lines."""

    def __init__(self, what: str, *, fix: str, log: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((what, *log)), fix=fix)
        self.log = log


class OutOfMemory(SlsgError):
    """The system gave no more memory; which part of the work asked for it does not matter."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"There is not enough memory here: {said}.",
            fix="Close other programs, or take less at once: fewer or smaller images, or, for "
            "train, a smaller --size.",
        )


class WorkerLost(SlsgError):
    """A process that drew batches for training was killed from outside, or could not start."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"A process that draws batches was lost, as where memory or /dev/shm is full: {said}.",
            fix="Free memory, or give --workers 0, and go on with --resume. In a Python script, "
            'call train below `if __name__ == "__main__":`.',
        )


class CudaError(SlsgError):
    """The CUDA driver or runtime."""


class CameraError(SlsgError):
    """A frame source cannot be opened or read."""


def out_of_memory(error: BaseException) -> OutOfMemory | None:
    """`error` as a sentence when it is that, whichever library raised it; None for another one."""
    said = (str(error).strip() or type(error).__name__).partition("\n")[0].rstrip(".")
    if isinstance(error, OSError):
        return OutOfMemory(said) if error.errno == errno.ENOMEM else None
    known = isinstance(error, MemoryError) or any(words in said.lower() for words in _NO_MEMORY)
    return OutOfMemory(said) if known else None
