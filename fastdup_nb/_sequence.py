"""What happens in time: the part of ``Dataset`` that knows an order."""

from __future__ import annotations

from ._stages import Stages


class Sequences:
    """What happens in time: the part of ``Dataset`` that knows an order."""

    _stages: Stages
