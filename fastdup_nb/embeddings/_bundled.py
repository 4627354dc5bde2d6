"""The encoder that ships with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._base import Descriptors, PixelArray, check_batch
from ._models import ModelDescription
from ._prepare import fit_square
from ._session import Session

if TYPE_CHECKING:
    import PIL.Image

_PIECE = 4  # pictures per run: more is slower (caches) and takes more memory per thread


class BundledEncoder:
    """A model of this package.

    Parameters
    ----------
    model : ModelDescription
        One of ``MODELS``.

    Attributes
    ----------
    key : str
        Name, checksum and preprocessing version.
    input_size, n_features : int
        Pixels on a side of the square input, and length of a vector.
    presets : dict of str to float
        Bounds on :func:`score_pairs` for this model.
    """

    def __init__(self, model: ModelDescription) -> None:
        self.model = model
        self.input_size, self.n_features = model.input_size, model.n_features
        self.key = f"{model.name}-{model.sha256[:16]}-{model.version}"
        self.presets = dict(model.presets)
        self._session = Session(model.path)

    def __repr__(self) -> str:
        return f"<encoder {self.model.name}: {self.input_size} px, {self.model.n_features} features>"

    def prepare(self, image: PIL.Image.Image) -> PixelArray:
        """Return *image* without its plain frame, fitted to the square input."""
        return fit_square(image, self.input_size)

    def encode(self, batch: PixelArray) -> Descriptors:
        """Return the descriptors of *batch*: vectors, and a small gray picture of each as details."""
        check_batch(batch, self.input_size, type(self).__name__)
        session = self._session.open()
        pieces = [session.run(None, {"pixels": batch[i : i + _PIECE]}) for i in range(0, len(batch), _PIECE)]
        if not pieces:
            pieces = [session.run(None, {"pixels": batch})]
        return Descriptors(np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces]))
