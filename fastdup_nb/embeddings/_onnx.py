"""A user's own ONNX file as an encoder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._validation import check_choice, check_integer
from ..errors import ParameterError, SourceNotFoundError
from ._base import Descriptors, PixelArray, check_batch, normalize_rows
from ._prepare import FITS, fit_square
from ._scoring import GENERIC_PRESETS
from ._session import Session

if TYPE_CHECKING:
    import PIL.Image

_PIECE = 8
_LARGEST = 4096  # pixels on a side
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


class OnnxEncoder:
    """Any ONNX model that takes pictures and gives a vector for each.

    Parameters
    ----------
    path : path-like
        The model: one input of four dimensions, uint8 or float, NHWC or NCHW.
    input_size : int, optional
        Pixels on a side of the square input; needed only when the model leaves it open.
    mean, std : float or three floats, optional
        What is subtracted from, and then divides, pixels in [0, 1]; default 0 and 1. Of no use to a model that takes
        uint8.
    layout : {"auto", "NHWC", "NCHW"}
        Where the channels are; "auto" looks for the dimension of 3.
    output : str, optional
        Name of the output to take; default the first.
    fit : {"squash", "crop", "half"}
        How a picture becomes a square: all of it distorted, its middle, or half the way of both.

    Attributes
    ----------
    key : str
        Identity for the store: name and checksum of the file and everything set here.

    Raises
    ------
    SourceNotFoundError
        When there is no such file.
    ParameterError
        When the file is no ONNX model or cannot be fed with pictures.

    Examples
    --------
    >>> import fastdup_nb as fd
    >>> fd.OnnxEncoder("clip.onnx", mean=(0.48, 0.46, 0.41), std=(0.27, 0.26, 0.28))  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        input_size: int | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        layout: str = "auto",
        output: str | None = None,
        fit: str = "squash",
    ) -> None:
        self.path = Path(os.path.expanduser(path))
        if not self.path.is_file():
            raise SourceNotFoundError(
                f"The 'path' parameter of OnnxEncoder must be an ONNX file. There is no {path!s}."
            )
        self.fit = check_choice(fit, "fit", "OnnxEncoder", FITS)
        self.presets = dict(GENERIC_PRESETS)
        self._session = Session(self.path)
        self._input, shape, self._dtype = _only_input(self._session.open())
        self._layout = _find_layout(shape, check_choice(layout, "layout", "OnnxEncoder", ("auto", "NHWC", "NCHW")))
        self.input_size = _find_size(shape[1:3] if self._layout == "NHWC" else shape[2:4], input_size)
        self._fixed_batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
        self._mean, self._std = (
            _check_scaling(mean, "mean", 0.0, self._dtype),
            _check_scaling(std, "std", 1.0, self._dtype),
        )
        self._output = _find_output(self._session.open(), output)
        self.key = self._make_key()

    def __repr__(self) -> str:
        return f"<encoder {self.path.name}: {self.input_size} px>"

    def prepare(self, image: PIL.Image.Image) -> PixelArray:
        """Return *image* fitted to the square input."""
        return fit_square(image, self.input_size, fit=self.fit, cut_frame=False)

    def encode(self, batch: PixelArray) -> Descriptors:
        """Return the L2-normalized vectors of *batch*."""
        check_batch(batch, self.input_size, type(self).__name__)
        step = self._fixed_batch or _PIECE
        if len(batch) == 0:
            return Descriptors(self._run(np.zeros((step, *batch.shape[1:]), np.uint8))[:0])
        return Descriptors(np.concatenate([self._run(batch[i : i + step]) for i in range(0, len(batch), step)]))

    def _run(self, batch: PixelArray) -> npt.NDArray[np.float32]:
        n_missing = (self._fixed_batch or len(batch)) - len(batch)
        full = np.concatenate([batch, np.zeros((n_missing, *batch.shape[1:]), np.uint8)]) if n_missing else batch
        out = self._session.open().run([self._output], {self._input: self._scale(full)})[0]
        return normalize_rows(out, len(full), f"The output {self._output!r} of {self.path.name}")[: len(batch)]

    def _scale(self, batch: PixelArray) -> npt.NDArray[Any]:
        x: npt.NDArray[Any] = batch
        if self._dtype != np.uint8:
            x = ((batch / np.float32(255) - self._mean) / self._std).astype(self._dtype)
        return x if self._layout == "NHWC" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))

    def _make_key(self) -> str:
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        scaling = ",".join(f"{v:g}" for v in (*self._mean, *self._std))
        return f"{self.path.name}-{digest}-{self.input_size}-{self._layout}-{self._output}-{self.fit}-{scaling}"


def _only_input(session: Any) -> tuple[str, list[int | str | None], type[np.generic]]:
    inputs = session.get_inputs()
    described = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _DTYPES:
        raise ParameterError(
            "The model of OnnxEncoder must have one input of four dimensions, uint8 or float: a batch of pictures. "
            f"Got {described} instead."
        )
    return str(inputs[0].name), list(inputs[0].shape), _DTYPES[inputs[0].type]


def _find_layout(shape: list[int | str | None], layout: str) -> str:
    if layout != "auto":
        channels = shape[3] if layout == "NHWC" else shape[1]
        if isinstance(channels, int) and channels != 3:
            raise ParameterError(f"The 'layout' parameter of OnnxEncoder is {layout!r}, but the model takes {shape}.")
        return layout
    is_last, is_first = shape[3] == 3, shape[1] == 3
    if is_last == is_first:
        raise ParameterError(
            f"The model of OnnxEncoder takes {shape}, which does not tell where the 3 channels are. "
            "Set layout='NHWC' or layout='NCHW'; the model must take three channels (RGB)."
        )
    return "NHWC" if is_last else "NCHW"


def _find_size(sides: Sequence[int | str | None], input_size: int | None) -> int:
    if input_size is not None:
        check_integer(input_size, "input_size", "OnnxEncoder", low=8, high=_LARGEST)
    known = {side for side in sides if isinstance(side, int) and side > 0}
    if len(known) > 1:
        raise ParameterError(f"The model of OnnxEncoder must take square pictures. Got {list(sides)} instead.")
    if known and input_size not in (None, *known):
        raise ParameterError(
            f"The 'input_size' parameter of OnnxEncoder is {input_size}, but the model takes {known.pop()}."
        )
    if known and max(known) > _LARGEST:
        raise ParameterError(
            f"The model of OnnxEncoder must take pictures of at most {_LARGEST:,} pixels a side. Got {known.pop():,}."
        )
    if not known and input_size is None:
        raise ParameterError("The model of OnnxEncoder leaves the size of pictures open: set input_size, such as 224.")
    return input_size if input_size is not None else known.pop()


def _check_scaling(value: float | Sequence[float] | None, name: str, default: float, dtype: type[np.generic]) -> Any:
    if value is not None and dtype == np.uint8:
        raise ParameterError(f"The {name!r} parameter of OnnxEncoder is of no use: the model takes uint8 pixels.")
    wanted = f"The {name!r} parameter of OnnxEncoder must be a number or three numbers"
    try:
        numbers = np.broadcast_to(np.asarray(default if value is None else value, np.float32), 3)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{wanted}. Got {value!r} instead.") from error
    if not np.isfinite(numbers).all() or (name == "std" and (numbers <= 0).any()):
        raise ParameterError(f"{wanted}{', above 0' if name == 'std' else ''}. Got {value!r} instead.")
    return numbers


def _find_output(session: Any, output: str | None) -> str:
    names = [o.name for o in session.get_outputs()]
    if output is None:
        return str(names[0])
    return check_choice(output, "output", "OnnxEncoder", names)
