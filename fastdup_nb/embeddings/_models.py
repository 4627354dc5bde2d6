"""The models that ship with the package, each a frozen description."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelDescription:
    """A bundled model: where it is, what it takes and gives."""

    name: str
    file: str
    license: str
    sha256: str
    input_size: int
    n_features: int
    version: int

    @property
    def path(self) -> Path:
        """The ONNX file."""
        return Path(__file__).with_name("models") / self.file


MODELS = {
    "efficientnet-lite0": ModelDescription(
        name="efficientnet-lite0",
        file="efficientnet-lite0.onnx",
        license="Apache-2.0",
        sha256="a73597b73df883d7d370a73f71a073392b453d1a79f12a58369ba566b8f70add",
        input_size=160,
        n_features=1280,
        version=0,
    ),
}
