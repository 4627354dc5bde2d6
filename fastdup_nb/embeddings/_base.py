"""What an encoder is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError

if TYPE_CHECKING:
    import PIL.Image

FloatArray = npt.NDArray[np.float32]
PixelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Descriptors:
    """Encoded pictures, a row each.

    Attributes
    ----------
    vectors : float32 array of shape (n, n_features)
        L2-normalized; the graph is built on these.
    details : array of shape (n, n_details) or None
        Second descriptor of the same pass, for scoring pairs again; None for encoders that have none.
    """

    vectors: FloatArray
    details: npt.NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: npt.NDArray[np.integer]) -> Descriptors:
        """Return the descriptors of *rows*, in that order."""
        return Descriptors(self.vectors[rows], None if self.details is None else self.details[rows])


@runtime_checkable
class Encoder(Protocol):
    """Anything that turns square pictures into descriptors."""

    key: str
    """Identity for the store: name, checksum, preprocessing version."""
    input_size: int
    """Pixels on a side of the square input."""

    def prepare(self, image: PIL.Image.Image) -> PixelArray:
        """Return *image* as uint8 of shape (input_size, input_size, 3)."""
        ...

    def encode(self, batch: PixelArray) -> Descriptors:
        """Return descriptors of *batch*, uint8 (n, input_size, input_size, 3); safe to call from many threads."""
        ...


def check_batch(batch: PixelArray, input_size: int, caller: str) -> None:
    """Raise unless *batch* is uint8 of shape (n, input_size, input_size, 3)."""
    wanted = (input_size, input_size, 3)
    if isinstance(batch, np.ndarray) and batch.dtype == np.uint8 and batch.shape[1:] == wanted:
        return
    came = f"{batch.dtype} of shape {batch.shape}" if isinstance(batch, np.ndarray) else type(batch).__name__
    raise ParameterError(
        f"The 'batch' parameter of {caller}.encode must be a uint8 array of shape (n, {input_size}, {input_size}, 3), "
        f"pictures from prepare() stacked. Got {came} instead."
    )


def normalize_rows(vectors: npt.NDArray[np.generic], n_rows: int, whose: str) -> FloatArray:
    """Return *vectors* as float32 of length 1, or raise unless there are *n_rows* finite ones."""
    flat = vectors.reshape(len(vectors), -1) if vectors.ndim == 4 and vectors.shape[2:] == (1, 1) else vectors
    if flat.ndim != 2 or len(flat) != n_rows or flat.shape[1] == 0 or flat.dtype.kind not in "iuf":
        raise ParameterError(
            f"{whose} must be real numbers of shape (n, n_features), a row for each of {n_rows} pictures. "
            f"Got {vectors.dtype} of shape {vectors.shape} instead; pool what has more dimensions."
        )
    out: FloatArray = flat.astype(np.float32)
    if not np.isfinite(out).all():
        raise ParameterError(f"{whose} must be finite. Got NaN or infinity instead.")
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), np.float32(1e-12))
    return out
