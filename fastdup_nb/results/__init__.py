"""Frozen results: the frames of a finding joined with the views of it."""

from ._base import Result, Shown
from .clusters import Clusters
from .duplicates import Duplicates
from .labels import LabelIssues
from .leaks import Leaks
from .normality import Normality
from .novelty import Novelties
from .outliers import Outliers
from .overview import Estimate, Neighbors, Overview, Summary
from .predictions import Predictions
from .quality import Quality
from .queue import LabelQueue
from .sampling import Sample
from .sequence import Sequence
from .similar import Similar
from .splits import Split

__all__ = [
    "Clusters",
    "Duplicates",
    "Estimate",
    "LabelIssues",
    "LabelQueue",
    "Leaks",
    "Neighbors",
    "Normality",
    "Novelties",
    "Outliers",
    "Overview",
    "Predictions",
    "Quality",
    "Result",
    "Sample",
    "Sequence",
    "Shown",
    "Similar",
    "Split",
    "Summary",
]
