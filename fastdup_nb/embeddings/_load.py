"""From what a user names to an encoder."""

from __future__ import annotations

from ._base import Encoder
from ._bundled import BundledEncoder
from ._models import MODELS


def load_encoder(spec: str = "efficientnet-lite0") -> Encoder:
    """Return the encoder that *spec* names."""
    return BundledEncoder(MODELS[spec])
