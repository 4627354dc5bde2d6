"""What can go wrong, in one family: every error of ours is a ``FastdupError`` and the builtin one would expect."""

from __future__ import annotations

__all__ = [
    "FastdupError",
    "ImageError",
    "MissingExtraError",
    "ParameterError",
    "ParameterTypeError",
    "SourceError",
    "SourceNotFoundError",
    "StoreError",
    "UnknownImageError",
]


class FastdupError(Exception):
    """Base of all errors raised by fastdup_nb."""


class ParameterError(FastdupError, ValueError):
    """A parameter has a value that cannot be used."""


class ParameterTypeError(FastdupError, TypeError):
    """A parameter has a type that cannot be used."""


class SourceError(FastdupError, ValueError):
    """A source of images cannot be understood: no images, no path column, a path given twice."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """The folder or file that was named does not exist."""


class ImageError(FastdupError, ValueError):
    """Bytes that are not a picture; inside a run it becomes a broken row, never the end of the run."""


class UnknownImageError(FastdupError, KeyError):
    """An image id that the dataset does not have."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class StoreError(FastdupError, OSError):
    """The store could not be read or written."""


class MissingExtraError(FastdupError, ImportError):
    """A package of one of the extras is not installed; the message names the line that installs it."""
