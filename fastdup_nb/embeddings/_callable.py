"""A user's own function as an encoder."""

from __future__ import annotations

import functools
import hashlib
import inspect
import types
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._validation import check_choice, check_integer
from ..errors import ParameterTypeError
from ._base import Descriptors, PixelArray, check_batch, normalize_rows
from ._prepare import FITS, fit_square
from ._scoring import GENERIC_PRESETS

if TYPE_CHECKING:
    import PIL.Image

EncodingFunction = Callable[[PixelArray], npt.ArrayLike]


class CallableEncoder:
    """Any function that takes a batch of pictures and gives a vector for each.

    Parameters
    ----------
    function : callable
        Takes uint8 RGB of shape (n, input_size, input_size, 3), gives (n, d). It is called from several threads.
    input_size : int
        Pixels on a side of the square pictures it is given.
    name : str, optional
        What it is called; default the function's own name.
    key : str, optional
        Its version, for remembering results on disk: change it whenever the function would give other vectors.
        Without it a plain function is known by its source text, so editing it recomputes (what it *uses* is not looked
        at: a function that calls a global model needs a *key*). Lambdas, closures, methods and other callables cannot
        be told from one another, and their results are remembered in this process only.
    fit : {"squash", "crop", "half"}
        How a picture becomes a square.

    Attributes
    ----------
    key : str
        Identity for the store.
    is_identified : bool
        Whether *key* is the same in another process.

    Examples
    --------
    >>> from fastdup_nb.embeddings import CallableEncoder
    >>> def mean_color(batch):
    ...     return batch.mean(axis=(1, 2))
    >>> CallableEncoder(mean_color, input_size=32, key="1")
    <encoder mean_color: 32 px>
    """

    def __init__(
        self,
        function: EncodingFunction,
        *,
        input_size: int = 224,
        name: str | None = None,
        key: str | None = None,
        fit: str = "squash",
    ) -> None:
        if not callable(function):
            raise ParameterTypeError(
                "The 'function' parameter of CallableEncoder must be a function of a batch of pictures. "
                f"Got {function!r} instead."
            )
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.input_size = check_integer(input_size, "input_size", "CallableEncoder", low=8, high=4096)
        self.fit = check_choice(fit, "fit", "CallableEncoder", FITS)
        self.presets = dict(GENERIC_PRESETS)
        identity = f"key-{key}" if key is not None else _identify(function)
        self.is_identified = identity is not None
        self.key = f"{self.name}-{identity or _token(function)}-{self.input_size}-{self.fit}"

    def __repr__(self) -> str:
        return f"<encoder {self.name}: {self.input_size} px>"

    def prepare(self, image: PIL.Image.Image) -> PixelArray:
        """Return *image* fitted to the square input."""
        return fit_square(image, self.input_size, fit=self.fit, cut_frame=False)

    def encode(self, batch: PixelArray) -> Descriptors:
        """Return the L2-normalized vectors that the function gives for *batch*."""
        check_batch(batch, self.input_size, type(self).__name__)
        return Descriptors(normalize_rows(np.asarray(self.function(batch)), len(batch), f"What {self.name} returns"))


def _identify(function: EncodingFunction) -> str | None:
    """Return a hash of the source of a plain function, or None when that would not tell it from another."""
    if not isinstance(function, types.FunctionType) or function.__closure__ or function.__name__ == "<lambda>":
        return None
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return None
    told = "\n".join([function.__module__, function.__qualname__, source, repr(function.__defaults__)])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=32)
def _token_of(function: EncodingFunction) -> str:  # noqa: ARG001  the cache is what remembers it
    return f"unidentified-{uuid.uuid4().hex}"


def _token(function: EncodingFunction) -> str:
    """Return what tells *function* from others in this process."""
    try:
        return _token_of(function)
    except TypeError:  # not hashable
        return f"unidentified-{uuid.uuid4().hex}"
