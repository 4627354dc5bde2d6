"""Which few to keep: the part of ``Dataset`` that chooses images."""

from __future__ import annotations

from ._stages import Stages


class Sampling:
    """Which few to keep: the part of ``Dataset`` that chooses images."""

    _stages: Stages
