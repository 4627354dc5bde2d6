"""Frozen results: the frames of a finding joined with the views of it."""

from ._base import Result, Shown
from .clusters import Clusters
from .duplicates import Duplicates
from .outliers import Outliers
from .overview import Estimate, Neighbors, Overview, Summary
from .quality import Quality
from .sampling import Sample
from .similar import Similar

__all__ = [
    "Clusters",
    "Duplicates",
    "Estimate",
    "Neighbors",
    "Outliers",
    "Overview",
    "Quality",
    "Result",
    "Sample",
    "Shown",
    "Similar",
    "Summary",
]
