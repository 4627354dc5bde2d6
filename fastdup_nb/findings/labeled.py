"""Images with their vectors, their labels where they have one, and the evidence that other images give for a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .classifying import count_votes, deal_folds, fit_logistic_scorer, score_logistic_folds
from .discriminant import Floats, Ints, Vectors, fit_discriminant, score_folds

__all__ = ["Labeled"]


@dataclass(frozen=True, eq=False)
class Labeled:
    """Images, their vectors, their labels where they have one, and who is nearest to whom.

    Attributes
    ----------
    image_ids : sequence of str
    labels : sequence of str or None
        The label of each image.
    vectors : float32 array of shape (n_rows, n_features)
        The distinct vectors, of length 1.
    rows : int array of shape (n_images,)
        Row of each image's vector.
    families : int array of shape (n_images,)
        The same number for images that must not vote for each other; images of one row are of one family.
    indices, distances : arrays of shape (n_rows, n_neighbors)
        Rows of labeled images nearest to each row, -1 where there is none, and 1 - cosine similarity.
    """

    image_ids: Sequence[str]
    labels: Sequence[str | None]
    vectors: Vectors
    rows: Ints
    families: Ints
    indices: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]

    @property
    def index(self) -> pd.Index:
        """The ids as the index of a table."""
        index: pd.Index = pd.Index(list(self.image_ids), name="image_id", dtype=TEXT)
        return index

    @cached_property
    def _places(self) -> dict[str, int]:
        return {image_id: i for i, image_id in enumerate(self.image_ids)}

    @cached_property
    def _firsts(self) -> dict[int, int]:
        """The first labeled image of each row."""
        told = [i for i, label in enumerate(self.labels) if isinstance(label, str)]
        return {int(self.rows[i]): i for i in reversed(told)}

    @cached_property
    def row_families(self) -> Ints:
        """Family of each row."""
        families = np.zeros(len(self.vectors), dtype=np.int64)
        families[self.rows] = self.families
        return families

    def number(self, least: int) -> tuple[list[str], Ints]:
        """Return the classes of at least so many families, and for each image its class or -1."""
        told = pd.DataFrame({"label": list(self.labels), "family": self.families})
        sizes = told.dropna().groupby("label")["family"].nunique()
        classes = sorted(str(name) for name in sizes.index[sizes >= least])
        places = {name: i for i, name in enumerate(classes)}
        return classes, np.array(
            [places.get(str(name), -1) if isinstance(name, str) else -1 for name in self.labels], dtype=np.int64
        )

    def evidence(
        self, codes: Ints, n_classes: int, *, n_jobs: int, random_state: int, is_logistic: bool = False
    ) -> Floats:
        """Return the out-of-sample evidence of images with a class >= 0: (n_images, n_classes, 2); zero for others."""
        score = score_logistic_folds if is_logistic else score_folds
        told = np.flatnonzero(codes >= 0)
        folds = deal_folds(codes[told], self.families[told], random_state=random_state)
        evidence = np.zeros((len(codes), n_classes, 2))
        vectors = self.vectors[self.rows[told]]
        evidence[told, :, 0] = score(vectors, codes[told], folds, n_classes=n_classes, n_jobs=n_jobs)
        evidence[:, :, 1] = self._votes(codes, n_classes)
        return evidence

    def score_new(self, codes: Ints, n_classes: int, *, is_logistic: bool = False) -> Floats:
        """Return logits of the images without a class, from a model of all that have one."""
        told, fit = codes >= 0, fit_logistic_scorer if is_logistic else fit_discriminant
        scorer = fit(self.vectors[self.rows[told]], codes[told], n_classes=n_classes)
        return scorer.score(self.vectors[self.rows[~told]])

    def neighbors_of(self, image_id: str) -> pd.DataFrame:
        """Return the nearest labeled images of other families: index image_id; label and similarity, nearest first."""
        place = self._places[image_id]
        row = self.rows[place]
        near, firsts = self.indices[row], self._firsts
        kept = near[(near >= 0) & (self.row_families[near] != self.families[place])]
        similarity = 1 - self.distances[row][np.isin(near, kept)]
        kept = [firsts[int(i)] for i in kept]
        index = pd.Index([self.image_ids[i] for i in kept], name="image_id", dtype=TEXT)
        labels = pd.Series([self.labels[i] for i in kept], index=index, dtype=TEXT)
        return pd.DataFrame({"label": labels, "similarity": similarity.astype(np.float32)}, index=index)

    def votes(self, codes: Ints, n_classes: int, distances: npt.NDArray[np.float32] | None = None) -> Floats:
        """Return how many neighbors of each image are of each class; with *distances*, near ones count more."""
        votes = count_votes(codes, self.rows, self.row_families, self.indices, distances, n_classes=n_classes)
        return votes[self.rows]

    def _votes(self, codes: Ints, n_classes: int) -> Floats:
        votes = self.votes(codes, n_classes, self.distances)
        prior = np.bincount(codes[codes >= 0], minlength=n_classes) / max((codes >= 0).sum(), 1)
        logs: Floats = np.log((votes + prior + 1e-6) / (votes.sum(axis=1, keepdims=True) + 1))
        return logs
