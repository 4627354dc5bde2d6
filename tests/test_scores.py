"""Pairs of pictures are compared once, also over sessions, and the scores are those of the encoder."""

from __future__ import annotations

import numpy as np
import pytest

from fastdup_nb import _scores
from fastdup_nb._progress import Progress
from fastdup_nb._scores import PairScores
from fastdup_nb._store import Store
from fastdup_nb.embeddings import Descriptors, score_edges


@pytest.fixture
def descriptors() -> Descriptors:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(90, 8)).astype(np.float32)
    return Descriptors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture
def compared(monkeypatch) -> list[int]:
    counts = []

    def counting(descriptors, rows, others, **options):
        counts.append(len(rows))
        return score_edges(descriptors, rows, others, **options)

    monkeypatch.setattr(_scores, "score_edges", counting)
    return counts


def open_scores(descriptors: Descriptors, folder) -> PairScores:
    return PairScores(descriptors, Store(folder), "maker", n_jobs=2)


def test_a_pair_is_compared_once_whatever_its_order(descriptors, compared):
    score = open_scores(descriptors, None)
    a, b = np.triu_indices(90, 1)
    first = score(b, a)
    np.testing.assert_array_equal(first, score(a, b))
    np.testing.assert_allclose(first, score_edges(descriptors, a, b), atol=1e-6)
    some = np.array([5, 5, 3]), np.array([2, 2, 80])
    np.testing.assert_array_equal(score(*some)[:2], first[(a == 2) & (b == 5)].repeat(2))
    assert compared == [len(a)]
    assert score(np.array([], dtype=int), np.array([], dtype=int)).shape == (0,)


def test_pairs_asked_in_overlapping_pieces_are_compared_once_each(descriptors, compared):
    rng, score = np.random.default_rng(1), open_scores(descriptors, None)
    a, b = np.triu_indices(90, 1)
    asked = np.zeros(len(a), dtype=bool)
    for n in (3, 1500, 700, 2000, 1):
        some = rng.integers(0, len(a), n)
        asked[some] = True
        np.testing.assert_allclose(score(a[some], b[some]), score_edges(descriptors, a[some], b[some]), atol=1e-6)
    assert sum(compared) == asked.sum()


def test_the_next_session_compares_only_what_is_new(descriptors, compared, tmp_path):
    a, b = np.triu_indices(90, 1)
    first = open_scores(descriptors, tmp_path)(a, b)
    again = open_scores(descriptors, tmp_path)
    np.testing.assert_array_equal(again(a, b), first)
    assert compared == [len(a)]
    moved = np.r_[np.arange(40, 80), np.arange(30)]  # of the 90, twenty are gone and all stand elsewhere
    extra = Descriptors(np.concatenate([descriptors.vectors[moved], -descriptors.vectors[:5]]))
    c, d = np.triu_indices(75, 1)
    np.testing.assert_allclose(open_scores(extra, tmp_path)(c, d), score_edges(extra, c, d), atol=1e-6)
    assert compared == [len(a), len(c) - 70 * 69 // 2]


def test_more_than_can_be_kept_is_compared_anew_and_right(descriptors, compared, monkeypatch):
    monkeypatch.setattr(_scores, "_MOST_KEPT", 100)
    score = open_scores(descriptors, None)
    a, b = np.triu_indices(90, 1)
    np.testing.assert_array_equal(score(a, b), score(a, b))
    assert compared == [len(a), len(a)]


def test_what_takes_long_is_told_in_one_bar(descriptors, monkeypatch):
    made, told = [], []

    class Told(Progress):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

        def advance(self, n_more):
            super().advance(n_more)
            told.append((self.done, self.total, self.verb, self.unit))

    monkeypatch.setattr(_scores, "Progress", Told)
    monkeypatch.setattr(_scores, "_AT_ONCE", 1000)
    score = open_scores(descriptors, None)
    a, b = np.triu_indices(90, 1)
    with score.telling() as telling:
        telling(a[:1500], b[:1500])
        found = telling(a, b)
    np.testing.assert_allclose(found, score_edges(descriptors, a, b), atol=1e-6)
    done = [(1000, 1500), (1500, 1500), (2500, 4005), (3500, 4005), (4005, 4005)]
    assert told == [(*step, "Comparing", "pairs") for step in done]
    assert len(made) == 1


def test_damaged_scores_are_made_anew(descriptors, compared, tmp_path):
    a, b = np.triu_indices(90, 1)
    first = open_scores(descriptors, tmp_path)(a, b)
    Store(tmp_path).put_result("newer", b"no archive", family=f"scores:{_scores.SCORES_VERSION}:maker")
    np.testing.assert_array_equal(open_scores(descriptors, tmp_path)(a, b), first)
    assert compared == [len(a), len(a)]
