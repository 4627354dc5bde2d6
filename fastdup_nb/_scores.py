"""How alike pairs of pictures are: each pair is compared once, and remembered in the store for later sessions."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ._linking import Names, match_names, name_rows
from ._progress import Progress
from ._store import Store
from .embeddings import Descriptors, score_edges

SCORES_VERSION = 4
_MOST_KEPT = 10_000_000  # pairs; of more, none is added, and those are compared anew each time
_AT_ONCE = 16_384  # pairs between two looks at the progress
_WORTH_SAVING = 1000  # new pairs; fewer, or less than a tenth of all, take no time to speak of

_Ints = npt.NDArray[np.int64]
_Scores = npt.NDArray[np.float32]


class PairScores:
    """The similarity of pairs of rows of one set of descriptors; call it with two arrays of row numbers."""

    def __init__(self, descriptors: Descriptors, store: Store, maker: str, *, n_jobs: int) -> None:
        self._descriptors, self._store, self._n_jobs = descriptors, store, n_jobs
        self._names = name_rows(descriptors.vectors)
        self._family = f"scores:{SCORES_VERSION}:{maker}"
        self._lock = threading.Lock()
        self._pairs, self._scores = self._load()
        self._n_saved = len(self._pairs)

    def __call__(self, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> _Scores:
        """Return the similarity of rows *a* and rows *b*: float32 of shape (n,); their order does not matter."""
        with self.telling() as score:
            return score(a, b)

    @contextmanager
    def telling(self) -> Iterator[Callable[[npt.NDArray[np.integer], npt.NDArray[np.integer]], _Scores]]:
        """Return the same as a function that tells of all its comparisons in one bar."""
        with Progress(0, "Comparing", unit="pairs") as progress:
            yield partial(self._look_up, progress)

    def _look_up(self, progress: Progress, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> _Scores:
        with self._lock:
            pairs = self._number(a, b)
            new = _leave_out(pairs, self._pairs)
            if len(new) == 0:
                return self._scores[np.searchsorted(self._pairs, pairs)]
            known, scores = _merge(self._pairs, self._scores, new, self._compare(progress, new))
            if len(known) <= _MOST_KEPT:
                self._pairs, self._scores = known, scores
                self._save()
            return scores[np.searchsorted(known, pairs)]

    def _compare(self, progress: Progress, pairs: _Ints) -> _Scores:
        progress.total += len(pairs)
        found = np.empty(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), _AT_ONCE):
            part = pairs[start : start + _AT_ONCE]
            rows = divmod(part, len(self._names))
            found[start : start + len(part)] = score_edges(self._descriptors, *rows, n_jobs=self._n_jobs)
            progress.advance(len(part))
        return found

    def _number(self, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> _Ints:
        low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
        pairs: _Ints = low * len(self._names) + high
        return pairs

    def _load(self) -> tuple[_Ints, _Scores]:
        """Return what earlier sessions kept, of pairs whose pictures are both still there."""
        kept = _unpack(self._store.latest(self._family))
        if kept is None:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        a, b, scores, names = kept
        places = match_names(self._names, names)  # of the rows as they were then
        a, b = places[a], places[b]
        there = (a >= 0) & (b >= 0)
        pairs = self._number(a[there], b[there])
        order = np.argsort(pairs)
        return pairs[order], scores[there][order]

    def _save(self) -> None:
        if len(self._pairs) - self._n_saved < max(_WORTH_SAVING, self._n_saved // 10):
            return
        self._n_saved = len(self._pairs)
        a, b = divmod(self._pairs, len(self._names))
        key = f"{self._family}:{blake2b(self._names.tobytes() + self._pairs.tobytes(), digest_size=16).hexdigest()}"
        self._store.put_result(key, _pack(a, b, self._scores, self._names), family=self._family)


def _leave_out(asked: _Ints, known: _Ints) -> _Ints:
    """Return the pairs that are asked and not among the known, which are sorted: sorted, each once."""
    asked = np.sort(asked)
    asked = asked[np.diff(asked, prepend=-1) != 0]
    at = np.searchsorted(known, asked)
    is_known = np.zeros(len(asked), dtype=bool)
    inside = at < len(known)
    is_known[inside] = known[at[inside]] == asked[inside]
    return asked[~is_known]


def _merge(pairs: _Ints, scores: _Scores, new: _Ints, found: _Scores) -> tuple[_Ints, _Scores]:
    """Return two sorted sets of pairs as one."""
    at = np.searchsorted(pairs, new)
    return np.insert(pairs, at, new), np.insert(scores, at, found)


def _pack(a: _Ints, b: _Ints, scores: _Scores, names: Names) -> bytes:
    file = io.BytesIO()
    held = np.frombuffer(names.tobytes(), dtype=np.uint8)
    np.savez(file, a=a.astype(np.int32), b=b.astype(np.int32), scores=scores, names=held)
    return file.getvalue()


def _unpack(payload: bytes | None) -> tuple[_Ints, _Ints, _Scores, Names] | None:
    """Return kept pairs, or None where there are none, or they are damaged and are compared anew."""
    if payload is None:
        return None
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as kept:
            names = np.frombuffer(kept["names"].tobytes(), dtype="V16")
            a, b, scores = kept["a"].astype(np.int64), kept["b"].astype(np.int64), kept["scores"]
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile):
        return None
    fits = len(a) == len(b) == len(scores) and (len(a) == 0 or max(a.max(), b.max()) < len(names))
    return (a, b, scores.astype(np.float32), names) if fits else None
