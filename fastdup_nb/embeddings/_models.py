"""The models that ship with the package, each a frozen description."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ModelDescription:
    """A bundled model: where it is, what it takes and gives.

    Attributes
    ----------
    name, file, license : str
        What users call it; the file in ``models/``; the license of its weights, whose text lies beside it.
    sha256 : str
        Of the file, hexadecimal.
    input_size : int
        Pixels on a side of the square input, uint8 RGB.
    n_features, n_details : int
        Length of a vector (float32, L2-normalized) and of the second descriptor (uint8).
    version : int
        Of the preprocessing; raised whenever the same file would give other numbers.
    presets : dict of str to float
        Bounds on :func:`score_pairs`, measured (docs/encoder.md).
    """

    name: str
    file: str
    license: str
    sha256: str
    input_size: int
    n_features: int
    n_details: int
    version: int
    presets: dict[str, float] = field(hash=False)

    @property
    def path(self) -> Path:
        """The ONNX file."""
        return Path(__file__).with_name("models") / self.file


DEFAULT_MODEL = "efficientnet-lite0"
MODELS = {
    DEFAULT_MODEL: ModelDescription(
        name=DEFAULT_MODEL,
        file="efficientnet-lite0.onnx",
        license="Apache-2.0",
        sha256="28aa244b610a2a87dd5141373c8f4e1adacae0d3d737325845629be3e3be70f7",
        input_size=128,
        n_features=384,
        n_details=256,
        version=3,
        presets={"strict": 0.94, "default": 0.88, "loose": 0.8},
    ),
}
