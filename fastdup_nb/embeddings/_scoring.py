"""How alike two encoded pictures are, from 0 to 1."""

from __future__ import annotations

import numpy as np

from ._base import Descriptors, FloatArray

PRESETS = {"strict": 0.95, "default": 0.9, "loose": 0.85}
GENERIC_PRESETS = {"strict": 0.95, "default": 0.9, "loose": 0.85}


def score_pairs(a: Descriptors, b: Descriptors) -> FloatArray:
    """Return how alike row *i* of *a* and row *i* of *b* are: float32 in [0, 1], 1 is identical."""
    cosine = np.einsum("ij,ij->i", a.vectors, b.vectors)
    return np.clip(cosine, 0, 1).astype(np.float32)
