"""Pictures to arrays: encoders, and how alike two encoded pictures are."""

from ._base import Descriptors, Encoder
from ._callable import CallableEncoder
from ._load import EncoderLike, load_encoder
from ._models import DEFAULT_MODEL, MODELS, ModelDescription
from ._onnx import OnnxEncoder
from ._scoring import GENERIC_PRESETS, PRESETS, presets_for, score_edges, score_pairs
from ._upright import turn_upright

__all__ = [
    "DEFAULT_MODEL",
    "GENERIC_PRESETS",
    "MODELS",
    "PRESETS",
    "CallableEncoder",
    "Descriptors",
    "Encoder",
    "EncoderLike",
    "ModelDescription",
    "OnnxEncoder",
    "load_encoder",
    "presets_for",
    "score_edges",
    "score_pairs",
    "turn_upright",
]
