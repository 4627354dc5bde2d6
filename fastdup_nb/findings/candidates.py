"""Which images a sample may be drawn from: what is left out, why, and one of each group of duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Candidates", "find_candidates"]

Flags = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Positions of the images to choose from, in order, and for each reason the number of those left out by it."""

    positions: IntArray
    n_left_out: Mapping[str, int]


def find_candidates(included: IntArray, left_out: Mapping[str, Flags], group: IntArray, is_kept: Flags) -> Candidates:
    """Return the images that a sample may be drawn from.

    Parameters
    ----------
    included : int64 array
        Positions of the images that must be in. They are candidates whatever else is said of them, and other members
        of their groups are not.
    left_out : mapping of str to bool array of shape (n_images,)
        Images not to choose, by the reason; an image counts for the first reason that holds.
    group : int64 array of shape (n_images,)
        The group of duplicates that each image is in, -1 for none. Of a group one image is a candidate.
    is_kept : bool array of shape (n_images,)
        Members of a group that are preferred; otherwise it is the first.
    """
    must = np.zeros(len(group), dtype=np.bool_)
    must[included] = True
    free, counts = np.ones(len(group), dtype=np.bool_), {}
    for reason, flags in left_out.items():
        hit = flags & free & ~must
        counts[reason] = int(hit.sum())
        free &= ~hit
    is_copy = free & ~must & (group >= 0)
    order = np.lexsort((np.arange(len(group)), ~is_kept, ~must))
    members = order[(group[order] >= 0) & (free | must)[order]]
    is_copy[members[np.unique(group[members], return_index=True)[1]]] = False
    counts["duplicate"] = int(is_copy.sum())
    return Candidates(np.flatnonzero((free & ~is_copy) | must), counts)
