"""Wrong and missing labels: the part of ``Dataset`` that learns from labels."""

from __future__ import annotations

from ._stages import Stages


class Labels:
    """Wrong and missing labels: the part of ``Dataset`` that learns from labels."""

    _stages: Stages
