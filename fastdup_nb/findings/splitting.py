"""New splits in which groups stay whole, as near to the wanted shares of every class as groups allow.

Groups of several images are dealt out one by one, the largest first, each to the split that then is nearest to its
share of all that has been dealt out so far, in every class of the group: the idea of scikit-learn's
``StratifiedGroupKFold``, for any shares. Since shares hold at every step, large groups do not all go to the largest
split. Then, where it helps, groups move to another split. Last come images that are alone: they fill up each class,
down to a whole image; what is left over goes to the splits that lack most (error diffusion), so that rare classes,
too small to be cut, do not all go the same way.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..errors import ParameterError, ParameterTypeError
from .edges import IntArray

FloatArray = npt.NDArray[np.float64]
_Parts = dict[int, tuple[IntArray, FloatArray]]  # of each group of several images its classes, and how many of each
#: By how much the shares may miss 1, so that 0.33, 0.33 and 0.33 are thirds.
SHARE_TOLERANCE = 0.011
_MOST_MOVED = 20_000  # above so many groups, what the first round gives is near enough
_ROUNDS = 10
_LEAST_GAIN = 1e-12
_EPSILON = 1e-9
_MOST_OVER = 0.25  # of the smallest share, that splits may hold too much in all, for the sake of the classes
_MOST_WEIGHT = 4  # of all images, beside all classes


def check_shares(shares: object, caller: str) -> dict[str, float]:
    """Return the shares of the splits, scaled to sum to 1 exactly, or raise.

    Raises
    ------
    ParameterError
        If there are none, one is negative or not finite, or they do not sum to 1.
    """
    wanted = f"The shares given to {caller} must be numbers of at least 0 that sum to 1, such as train=.8, test=.2."
    if not isinstance(shares, Mapping) or not all(isinstance(name, str) and name.strip() for name in shares):
        raise ParameterTypeError(f"{wanted} Got {shares!r} instead.")
    clean = {}
    for name, value in shares.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise ParameterTypeError(f"{wanted} Got {name}={value!r} instead.")
        if name.strip() in clean:
            raise ParameterError(
                f"The shares given to {caller} must name each split once, where spaces around it do not count. "
                f"Got {name.strip()!r} twice."
            )
        clean[name.strip()] = float(value)  # as splits are told
    if not clean or not all(np.isfinite(value) and value >= 0 for value in clean.values()):
        raise ParameterError(f"{wanted} Got {_tell(clean)} instead.")
    total = sum(clean.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        hint = f"; for these proportions, give {_tell(clean, total)}" if total > 0 and len(clean) > 1 else ""
        raise ParameterError(f"{wanted} Got {_tell(clean)}, which sum to {total:.6g}{hint}.")
    return {name: value / total for name, value in clean.items()}


def split_groups(groups: IntArray, classes: IntArray, shares: FloatArray, *, random_state: int = 0) -> IntArray:
    """Return the split of each image, such that no group is in two and classes are spread as the shares say.

    Parameters
    ----------
    groups : int array of shape (n_images,)
        The group of each image, from 0.
    classes : int array of shape (n_images,)
        The class of each image, from 0; all 0 where splits need not be stratified.
    shares : float array of shape (n_splits,)
        The wanted share of each split; they sum to 1.
    random_state : int, default 0
        Seed of the order among equals. The same seed gives the same splits.

    Returns
    -------
    int array of shape (n_images,)
        A split of each image. Without groups, each class is within one image of its share in each split. Splits whose
        share is 0 stay empty.

    References
    ----------
    scikit-learn's ``StratifiedGroupKFold``; K. Sechidis, G. Tsoumakas, I. Vlahavas: On the stratification of
    multi-label data, ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.splitting import split_groups
    >>> np.bincount(split_groups(np.arange(10), np.zeros(10, dtype=int), np.array([0.8, 0.2]))).tolist()
    [8, 2]
    """
    rng = np.random.default_rng(random_state)
    if not len(groups):
        return np.empty(0, dtype=np.int64)
    sizes = np.bincount(groups)
    n_classes = int(classes.max()) + 1
    open_splits = np.flatnonzero(shares > 0)
    dealt = _Dealt(shares[open_splits], np.bincount(classes, minlength=n_classes))
    of_group, parts = _deal_groups(dealt, groups, classes, sizes, rng)
    alone = np.flatnonzero(sizes[groups] == 1)
    found = _deal_alone(dealt, classes[alone], rng)
    dealt.put_each(found, classes[alone])
    _fill_empty(dealt, of_group, parts)
    of_image = of_group[groups]
    of_image[alone] = found
    return open_splits[of_image].astype(np.int64)


class _Dealt:
    """What each split holds of each class and in all, and what has been dealt out."""

    def __init__(self, shares: FloatArray, of_class: IntArray) -> None:
        self.shares = shares
        self.of_class = of_class.astype(float)
        self.n_images = self.of_class.sum(keepdims=True)
        self.held = np.zeros((len(of_class), len(shares)))
        self.held_in_all = np.zeros((1, len(shares)))
        self.seen = np.zeros(len(of_class))
        self.weight = 1.0  # of all images, beside one class

    @property
    def over(self) -> float:
        """By how much splits hold more than their share of all images, in parts of the smallest share."""
        over = np.maximum(self.held_in_all / self.n_images - self.shares, 0).sum()
        return float(over / self.shares.min())

    def put(self, split: int, at: IntArray, counts: FloatArray) -> None:
        """Put so many images of the classes *at* into a split; fewer than 0 take them out."""
        self.held[at, split] += counts
        self.held_in_all[0, split] += counts.sum()
        self.seen[at] += counts

    def put_each(self, splits: IntArray, classes: IntArray) -> None:
        """Put images into a split each."""
        counts = np.zeros_like(self.held)
        np.add.at(counts, (classes, splits), 1)
        self.held += counts
        self.held_in_all += counts.sum(axis=0)
        self.seen += counts.sum(axis=1)

    def taken(self, split: int, at: IntArray, counts: FloatArray) -> FloatArray:
        """Return the same as ``best`` for what a split holds, as if it were taken out of it."""
        seen, n_seen = self.seen[at], float(self.seen.sum())
        self.put(split, at, -counts)
        rise = self.best(at, counts, seen, n_seen)
        self.put(split, at, counts)
        return rise

    def best(self, at: IntArray, counts: FloatArray, seen: FloatArray, n_seen: float) -> FloatArray:
        """Return for each split how much farther all are from their shares of *seen* if it takes *counts*."""
        rise = _rise(self.held[at], seen[:, None] * self.shares, counts, self.of_class[at])
        total = counts.sum(keepdims=True)
        in_all = _rise(self.held_in_all, (n_seen * self.shares)[None], total, self.n_images)
        return rise + self.weight * in_all


def _rise(held: FloatArray, wanted: FloatArray, counts: FloatArray, scale: FloatArray) -> FloatArray:
    """Return for each split by how much the squared miss of all classes rises if it takes *counts* more."""
    apart, more = (held - wanted) / scale[:, None], (counts / scale)[:, None]
    return np.asarray((2 * apart * more + more**2).sum(axis=0))


def _deal_groups(
    dealt: _Dealt, groups: IntArray, classes: IntArray, sizes: IntArray, rng: np.random.Generator
) -> tuple[IntArray, _Parts]:
    """Return the split of each group of several images, 0 for the others; and what each of them holds."""
    several = np.flatnonzero(sizes > 1)
    several = several[np.lexsort((rng.random(len(several)), -sizes[several]))]
    keys, counts = np.unique(groups * len(dealt.of_class) + classes, return_counts=True)
    of_key, of_class = np.divmod(keys, len(dealt.of_class))
    starts = np.searchsorted(of_key, np.arange(len(sizes) + 1))
    found = np.zeros(len(sizes), dtype=np.int64)
    parts: _Parts = {}
    for group in several.tolist():
        part = slice(starts[group], starts[group + 1])
        at, n = parts[group] = of_class[part], counts[part].astype(float)
        found[group] = np.argmin(dealt.best(at, n, dealt.seen[at] + n, dealt.held_in_all.sum() + n.sum()))
        dealt.put(int(found[group]), at, n)
    if len(parts) <= _MOST_MOVED:
        _move_groups(dealt, found, parts)
        while dealt.over > _MOST_OVER and dealt.weight < _MOST_WEIGHT * len(dealt.of_class):
            dealt.weight *= 2  # a class of few groups is nearest to its shares where the largest split has all of them
            _move_groups(dealt, found, parts)
    return found, parts


def _move_groups(dealt: _Dealt, found: IntArray, parts: _Parts) -> None:
    """Move groups to other splits as long as that brings all of them nearer to what they should hold, in place."""
    for _ in range(_ROUNDS):
        n_moved = 0
        for group, (at, n) in parts.items():
            now = int(found[group])
            rise = dealt.taken(now, at, n)
            dealt.put(now, at, -n)
            best = int(np.argmin(rise))
            if rise[best] < rise[now] - _LEAST_GAIN:
                found[group], n_moved = best, n_moved + 1
            dealt.put(int(found[group]), at, n)
        if not n_moved:
            return


def _fill_empty(dealt: _Dealt, found: IntArray, parts: _Parts) -> None:
    """Give each split that is empty the group that costs least, of splits that have more than one, in place."""
    for empty in np.flatnonzero(dealt.held_in_all[0] == 0).tolist():
        costs = {}
        for group, (at, n) in parts.items():
            now = int(found[group])
            if dealt.held_in_all[0, now] > n.sum():
                rise = dealt.taken(now, at, n)
                costs[group] = rise[empty] - rise[now]
        if costs:
            group = min(costs, key=costs.__getitem__)
            at, n = parts[group]
            dealt.put(int(found[group]), at, -n)
            dealt.put(empty, at, n)
            found[group] = empty


def _deal_alone(dealt: _Dealt, classes: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the split of each image that is in no group: what its class still lacks there."""
    found = np.empty(len(classes), dtype=np.int64)
    n_alone = np.bincount(classes, minlength=len(dealt.of_class))
    wanted = dealt.of_class[:, None] * dealt.shares - dealt.held
    lacking = np.array([_fill(row, n) for row, n in zip(wanted, n_alone.tolist(), strict=True)])
    owed = (wanted - lacking).sum(axis=0)  # what classes without images to spare have left undone
    order = rng.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    starts = np.searchsorted(classes[order], np.arange(len(n_alone) + 1))
    for one in rng.permutation(len(n_alone)):
        counts = np.floor(lacking[one] + _EPSILON)
        owed += lacking[one] - counts
        cut = np.flatnonzero(lacking[one] > counts + _EPSILON)
        one_more = cut[np.argsort(-owed[cut], kind="stable")][: n_alone[one] - int(counts.sum())]
        counts[one_more] += 1
        owed[one_more] -= 1
        images = order[starts[one] : starts[one + 1]]
        found[images] = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
    return found


def _fill(lacking: FloatArray, n: int) -> FloatArray:
    """Return what *n* images bring each split: what it lacks, less where others hold too much."""
    if not n:
        return np.zeros(len(lacking))
    order = np.argsort(-lacking)
    levels = (np.cumsum(lacking[order]) - n) / np.arange(1, len(lacking) + 1)
    level = levels[np.flatnonzero(lacking[order] > levels)[-1]]
    return np.asarray(np.maximum(lacking - level, 0))


def _tell(shares: Mapping[str, float], total: float = 1) -> str:
    return ", ".join(f"{name}={value / total:.4g}" for name, value in shares.items()) or "none"
