"""The images of one dataset, or of two side by side, as the search for leaks takes them: broken ones are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._linking import link_turned, merge_equal
from ._progress import Waiting
from ._scores import PairScores
from ._stages import Stages
from ._text import list_text
from ._threads import count_processors
from .embeddings import Descriptors
from .errors import ParameterError
from .findings.edges import Copies, IntArray, Score
from .findings.keeping import find_unsure_of
from .findings.leaks import LeakTables, find_leaks, link_graph, link_sides
from .findings.verdicts import Verdicts, number_verdicts
from .graph import NeighborGraph


@dataclass(frozen=True)
class Pool:
    """Images to compare, an entry each; *rows* names the distinct vector of each, *files* its content."""

    image_ids: list[str]
    rows: IntArray
    files: IntArray
    descriptors: Descriptors
    facts: list[dict[str, object]]
    labels: list[str | None]
    verdicts: Verdicts | None
    number_pixels: Callable[[Sequence[int]], IntArray]
    n_jobs: int
    score: Score
    turned: npt.NDArray[np.int32]
    graph: NeighborGraph | None = None

    def __len__(self) -> int:
        return len(self.image_ids)

    def copies(self, near: tuple[IntArray, IntArray, npt.NDArray[np.float32]]) -> Copies:
        """Return the images as those of ``findings``; pairs of rows in *near* may have the same pixels."""
        pixels = self.number_pixels(find_unsure_of(self.facts, self.rows, *near))
        return Copies(self.image_ids, self.rows, self.files, pixels, np.arange(len(self)))

    def find_leaks(self, sides: IntArray, names: Sequence[str], least: float) -> LeakTables:
        """Return the pairs across sides, of which each image is one (a place in *names*) or none (-1)."""
        with Waiting("Searching across sides"):
            links = link_sides(
                self.descriptors.vectors, self.rows, sides, self.score, min_similarity=least, n_jobs=self.n_jobs
            )
        links = links.joined(link_graph(self.graph, self.turned, self.score, min_similarity=least))
        return find_leaks(
            self.copies(links.near), sides, names, links, self.score,
            min_similarity=least, labels=self.labels, verdicts=self.verdicts,
        )  # fmt: skip


def pool_one(stages: Stages) -> Pool:
    """Return the images of a dataset."""
    labels = stages.labels.iloc[stages.valid]
    return Pool(
        stages.valid_ids, stages.rows, stages.files, stages.descriptors, stages.valid_facts, list_text(labels),
        stages.verdicts, stages.pixel_ids, count_processors(stages.settings.n_jobs), stages.score, stages.turned,
        stages.graph,
    )  # fmt: skip


def pool_two(one: Stages, other: Stages) -> Pool:
    """Return the images of *one*, then those of *other*, numbered together.

    Raises
    ------
    ParameterError
        If their vectors cannot be compared.
    """
    check_comparable(one, other, "Dataset.leaks")
    both, of_distinct = merge_equal(_concatenate(one.descriptors, other.descriptors))
    places = np.concatenate([one.rows, other.rows + len(one.descriptors)])
    digests = [stages.scan.digests[i] for stages in (one, other) for i in stages.valid]
    numbers: dict[str | None, int] = {}
    files = np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], dtype=np.int64)
    judged = {**other.tags.verdicts(), **one.tags.verdicts()}
    verdicts = number_verdicts({pair: verdict for pair, (verdict, _) in judged.items()}, numbers)
    labels = [*list_text(one.labels.iloc[one.valid]), *list_text(other.labels.iloc[other.valid])]

    def number_pixels(unsure: Sequence[int]) -> IntArray:
        n = len(one.valid)
        names = one.pixel_names([i for i in unsure if i < n]) + other.pixel_names([i - n for i in unsure if i >= n])
        hashes = [str(facts["pixel_hash"]) for facts in (*one.valid_facts, *other.valid_facts)]
        full = {short: name for short, name in zip(hashes, names, strict=True) if short != name}
        names = [full.get(short, name) for short, name in zip(hashes, names, strict=True)]  # known to one is so to both
        known: dict[str, int] = {}
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)

    n_jobs = count_processors(one.settings.n_jobs)
    return Pool(
        [*one.valid_ids, *other.valid_ids], of_distinct[places] if len(places) else places, files, both,
        [*one.valid_facts, *other.valid_facts], labels, verdicts, number_pixels, n_jobs,
        PairScores(both, one.store, one.encoder_key, n_jobs=n_jobs),
        link_turned(
            both, one.store, one.encoder_key,
            method=one.settings.method, random_state=one.settings.random_state, n_jobs=n_jobs,
        ),
    )  # fmt: skip


def check_comparable(one: Stages, other: Stages, caller: str, *, may_be_own: bool = False) -> None:
    """Raise unless the vectors of two datasets come from one encoder, as far as one can tell.

    If *may_be_own*, vectors that a user gave to one of them may be from the encoder of the other.
    """
    keys = {one.encoder_key, other.encoder_key}
    is_other = len(keys) > 1 and not (may_be_own and "own" in keys)
    if is_other or ("own" in keys and len({_count_features(one), _count_features(other)} - {None}) > 1):
        mine, theirs = (stages.encoder_name for stages in (one, other))
        raise ParameterError(
            f"The other dataset given to {caller} must have vectors of the same encoder. Got {theirs} beside {mine}; "
            "try other.using(encoder=...) with the encoder of ds."
        )


def _count_features(stages: Stages) -> int | None:
    """Return the length of the vectors, None where there is none."""
    own = stages.settings.embeddings
    if own is not None:
        return int(own.shape[1])
    return stages.descriptors.vectors.shape[1] if len(stages.descriptors) else None


def _concatenate(a: Descriptors, b: Descriptors) -> Descriptors:
    if not len(a) or not len(b):
        return a if len(a) else b
    details = None if a.details is None or b.details is None else np.concatenate([a.details, b.details])
    return Descriptors(np.concatenate([a.vectors, b.vectors]), details)
