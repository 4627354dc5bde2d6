"""Frozen results: the frames of a finding joined with the views of it."""

from ._base import Result, Shown
from .clusters import Clusters
from .duplicates import Duplicates
from .normality import Normality
from .novelty import Novelties
from .outliers import Outliers
from .overview import Estimate, Neighbors, Overview, Summary
from .quality import Quality
from .queue import LabelQueue
from .similar import Similar

__all__ = [
    "Clusters",
    "Duplicates",
    "Estimate",
    "LabelQueue",
    "Neighbors",
    "Normality",
    "Novelties",
    "Outliers",
    "Overview",
    "Quality",
    "Result",
    "Shown",
    "Similar",
    "Summary",
]
