"""Leaks between splits, and new splits without: the part of ``Dataset`` that compares parts."""

from __future__ import annotations

from ._stages import Stages


class Splits:
    """Leaks between splits, and new splits without: the part of ``Dataset`` that compares parts."""

    _stages: Stages
