"""From what a user names to an encoder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import numpy.typing as npt

from ..errors import ParameterError, ParameterTypeError
from ._base import Encoder, PixelArray
from ._bundled import BundledEncoder
from ._callable import CallableEncoder
from ._models import DEFAULT_MODEL, MODELS
from ._onnx import OnnxEncoder

EncoderLike = str | PathLike[str] | Encoder | Callable[[PixelArray], npt.ArrayLike]


def load_encoder(spec: EncoderLike = DEFAULT_MODEL) -> Encoder:
    """Return the encoder that *spec* means.

    Parameters
    ----------
    spec : str, path-like, encoder or callable
        Name of a bundled model; an ONNX file; an encoder, which is returned as it is; or a function of a batch of
        pictures, uint8 (n, 224, 224, 3), that gives (n, d).

    Raises
    ------
    ParameterError
        When it is none of these.

    Examples
    --------
    >>> from fastdup_nb.embeddings import load_encoder
    >>> load_encoder("efficientnet-lite0")
    <encoder efficientnet-lite0: 128 px, 384 features>
    """
    if isinstance(spec, str) and spec in MODELS:
        return _load_bundled(spec)
    if isinstance(spec, (str, PathLike)) and Path(spec).suffix.lower() == ".onnx":
        return OnnxEncoder(spec)
    if isinstance(spec, (str, PathLike)):
        raise ParameterError(_wrong(spec))
    if isinstance(spec, type):
        raise ParameterTypeError(_wrong(spec) + " Give an instance of the class.")
    if isinstance(spec, Encoder):
        return spec
    if callable(spec):
        return CallableEncoder(spec)
    raise ParameterTypeError(_wrong(spec))


@functools.lru_cache(maxsize=4)
def _load_bundled(name: str) -> BundledEncoder:
    return BundledEncoder(MODELS[name])


def _wrong(spec: object) -> str:
    names = ", ".join(map(repr, MODELS))
    return (
        f"The 'encoder' parameter must be one of {names}, the path of an .onnx file, an encoder (key, input_size, "
        f"prepare, encode) or a function of a batch of pictures. Got {spec!r} instead."
    )
