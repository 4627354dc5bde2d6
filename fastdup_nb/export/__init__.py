"""Decisions to files: first a plan, then moves that can be taken back."""

from ._manifest import MANIFEST_NAME
from ._move import Move
from ._plan import Plan, load_plan

__all__ = ["MANIFEST_NAME", "Move", "Plan", "load_plan"]
