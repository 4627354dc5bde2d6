"""Clusters: images that belong together."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import ParameterError
from ..views import Badge, Fact, Row, View, format_count, format_similarity
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Deck


@dataclass(frozen=True, eq=False, repr=False)
class Clusters(ImageResult):
    """Images that belong together, as ``Dataset.clusters`` found them.

    Attributes
    ----------
    clusters : DataFrame
        Index ``cluster``, largest first: ``size``, ``share`` of all images, ``medoid`` (the most central image),
        ``examples`` (ids, from the medoid outwards), ``mean_similarity`` (mean cosine of all pairs inside) and, where
        there are labels, ``label_mix``, ``top_label``, ``top_label_share``.
    members : DataFrame
        Index ``image_id``: ``cluster`` (-1 is noise: no cluster), ``similarity_to_medoid``.
    min_cluster_size : int
        Smallest number of distinct pictures that makes a cluster.
    """

    clusters: pd.DataFrame
    members: pd.DataFrame
    min_cluster_size: int
    _shown: Shown

    @property
    def labels(self) -> pd.Series:
        """The cluster of each image, -1 for none."""
        return self.members["cluster"]

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``members``."""
        return self.members.copy()

    def _deck(self) -> Deck:
        from .decks import deck_of_clusters

        return deck_of_clusters(self)

    def _listed(self, which: object) -> list[str]:
        of_image = self.members["cluster"]
        wanted = [which] if isinstance(which, numbers.Integral) else which
        if wanted is None:
            wanted = self.clusters.index.tolist()
        known = {-1, *self.clusters.index.tolist()}
        if isinstance(wanted, str) or not isinstance(wanted, Iterable) or not set(wanted := list(wanted)) <= known:
            raise ParameterError(
                "The 'which' parameter of Clusters.tag must be the number of a cluster or several, as in "
                f"clusters.clusters.index, or -1 for the noise. Got {which!r} instead."
            )
        ids: list[str] = self.members.index[of_image.isin(wanted)].tolist()
        return ids

    def _view(self, n_rows: int) -> View:
        n_noise = int((self.members["cluster"] < 0).sum())
        n, inside = len(self.clusters), len(self.members) - n_noise
        return View(
            title="Clusters",
            headline=self._headline(inside),
            facts=(
                Fact(("cluster", "clusters"), n, f"of at least {self.min_cluster_size} distinct images"),
                Fact("images in a cluster", inside, "each in one"),
                Fact("noise", n_noise, "images in no cluster, -1"),
            ),
            rows=tuple(self._row(int(cluster)) for cluster in self.clusters.index[:n_rows]),
            rows_title="Largest first; the medoid, then examples from the middle outwards",
            noun=("cluster", "clusters"),
            n_more=max(0, n - n_rows),
            empty=f"No {self.min_cluster_size} images are close enough together to be a cluster.",
            next_calls=(
                ("clusters.clusters", "a row per cluster"),
                ("clusters.to_frame()", "the cluster of every image"),
            ),
        )

    def _headline(self, inside: int) -> str:
        if self.members.empty:
            return NO_IMAGE
        images = format_count(len(self.members), IMAGES)
        if self.clusters.empty:
            return f"No cluster in {images}."
        n = len(self.clusters)
        return f"{format_count(n, ('cluster holds', 'clusters hold'))} {inside:,} of {images}."

    def _row(self, cluster: int) -> Row:
        facts = self.clusters.loc[cluster].to_dict()
        examples = list(facts["examples"])
        tiles = [self._shown.tile(e, mark="medoid" if e == facts["medoid"] else "", label=True) for e in examples]
        note = f"mean similarity {format_similarity(facts['mean_similarity'])}"
        if "label_mix" in facts and isinstance(facts["label_mix"], str) and facts["label_mix"]:
            note += f" · {facts['label_mix']}"
        return Row(
            title=f"Cluster {cluster}: {format_count(facts['size'], IMAGES)}",
            tiles=tuple(tiles),
            badge=Badge(f"{facts['share']:.1%} of all"),
            note=note,
            n_more=int(facts["size"]) - len(tiles),
        )
