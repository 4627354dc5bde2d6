"""Every count with its meaning: numbers that are easily taken for each other stand side by side."""

from __future__ import annotations

import pandas as pd

from ..findings.duplicates import TIERS
from ._base import Shown
from .clusters import Clusters
from .duplicates import Duplicates
from .outliers import Outliers
from .overview import Summary
from .quality import Quality


def build_summary(dups: Duplicates, outliers: Outliers, clusters: Clusters, quality: Quality, shown: Shown) -> Summary:
    """Join the counts of all findings."""
    issues = quality.counts.drop("broken")
    rows = [
        ("images", len(shown.images), "listed by the source"),
        ("broken", shown.n_broken, "cannot be decoded; in no finding but quality"),
        ("compared", dups.n_images, "images that are not broken"),
        ("pairs", dups.n_pairs, f"of images at least {dups.min_similarity:.3f} similar, each counted once"),
        *((f"pairs, {tier}", dups.n_pairs_by_tier[tier], _TIER_MEANINGS[tier]) for tier in TIERS),
        ("images in a pair", dups.n_images_in_pairs, "images that have at least one twin"),
        ("groups", len(dups.groups), "of images that are all similar to the one that stays"),
        ("removable", dups.n_removable, "images of groups, without the one of each that stays"),
        ("outliers", outliers.n_outliers, "images that are unlike all others"),
        ("clusters", len(clusters.clusters), f"of at least {clusters.min_cluster_size} distinct images"),
        ("noise", int((clusters.members["cluster"] < 0).sum()), "images in no cluster"),
        *((str(issue).replace("_", " "), int(n), "images flagged by quality") for issue, n in issues.items()),
    ]
    table = pd.DataFrame(rows, columns=["count", "value", "meaning"]).set_index("count")
    return Summary(table=table, _shown=shown)


_TIER_MEANINGS = {
    "identical file": "same bytes",
    "identical pixels": "same decoded picture, other bytes",
    "near": "same picture, edited or saved again",
}
