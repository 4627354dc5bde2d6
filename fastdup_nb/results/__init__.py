"""Frozen results: the frames of a finding joined with the views of it."""

from ._base import Result, Shown
from .clusters import Clusters
from .duplicates import Duplicates
from .labels import LabelIssues
from .outliers import Outliers
from .overview import Estimate, Neighbors, Overview, Summary
from .predictions import Predictions
from .quality import Quality
from .similar import Similar

__all__ = [
    "Clusters",
    "Duplicates",
    "Estimate",
    "LabelIssues",
    "Neighbors",
    "Outliers",
    "Overview",
    "Predictions",
    "Quality",
    "Result",
    "Shown",
    "Similar",
    "Summary",
]
