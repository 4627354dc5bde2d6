"""Pictures to arrays: encoders, and how alike two encoded pictures are."""

from ._base import Descriptors, Encoder
from ._load import load_encoder
from ._scoring import GENERIC_PRESETS, PRESETS, score_pairs

__all__ = ["GENERIC_PRESETS", "PRESETS", "Descriptors", "Encoder", "load_encoder", "score_pairs"]
