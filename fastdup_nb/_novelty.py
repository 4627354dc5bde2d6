"""What is normal and what is new: the part of ``Dataset`` that learns from a reference."""

from __future__ import annotations

from ._stages import Stages


class Novelty:
    """What is normal and what is new: the part of ``Dataset`` that learns from a reference."""

    _stages: Stages
