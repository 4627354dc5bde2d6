"""The encoder that ships with the package."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ._base import Descriptors, PixelArray
from ._models import ModelDescription

if TYPE_CHECKING:
    import PIL.Image


class BundledEncoder:
    """A model of this package, run by onnxruntime on one thread per call."""

    def __init__(self, model: ModelDescription) -> None:
        self.model = model
        self.input_size = model.input_size
        self.key = f"{model.name}-{model.sha256[:16]}-{model.version}"

    def prepare(self, image: PIL.Image.Image) -> PixelArray:
        """Return *image* squashed to the square input."""
        from PIL import Image

        return np.asarray(image.convert("RGB").resize((self.input_size,) * 2, Image.Resampling.BILINEAR))

    def encode(self, batch: PixelArray) -> Descriptors:
        """Return the descriptors of *batch*."""
        return Descriptors(self._session.run(None, {"pixels": batch})[0])

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(str(self.model.path), options, providers=["CPUExecutionProvider"])
