"""Which labels are wrong: labels are explained by what the pictures show, and by mistakes.

A picture may be ambiguous, and then either label is a fair one; a mistake strikes whatever the picture shows. So the
chance of a given label *j* is the sum over classes *i* of ``chance(picture shows i) * mistakes[i, j]``. Both parts are
fitted together by expectation and maximization (EM), on evidence that never saw the label in question. By default
all mistakes are equally likely; a pair of classes gets a rate of its own where that explains the labels clearly better.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .._threads import one_blas_thread
from .classifying import Combiner, Floats, Ints, combine

__all__ = ["LabelNoise", "fit_noise"]

_STARTS = ((0.02, 1), (0.3, 3))  # rates of mistakes that are tried, and how much sharper evidence is taken to be then
_CLEARLY = 1.0  # by which many mistakes must be likelier than few, as a logarithm
_PRIOR_RATE = 0.01  # of mistakes, worth so many images:
_PRIOR_IMAGES = 100
_LEAST_RIGHT = 0.5  # share of a class whose labels are right; else a class could not be told from its mistakes
_N_ROUNDS = 20
_MOST_FITTED = 5000  # images that the model of mistakes is fitted on; more are sampled
_SURE = 0.7  # chance of a class from which on a picture may speak for a rate of mistakes of its own


@dataclass(frozen=True, eq=False)
class LabelNoise:
    """What the labels of a collection were explained by.

    Attributes
    ----------
    chances : float64 array of shape (n_images, n_classes)
        What each picture shows, by its own evidence, without its label.
    mistakes : float64 array of shape (n_classes, n_classes)
        Chance that a picture of class *i* is labeled *j*; rows sum to 1.
    posterior : float64 array of shape (n_images, n_classes)
        What each picture shows, given its label too; in the column of its label, the chance that the label is right.
    margin : float64 array of shape (n_images,)
        Logarithm of the odds that the given label is right; smaller is worse.
    is_own_rate : bool array of shape (n_classes, n_classes)
        Mistakes that got a rate of their own.
    """

    chances: Floats
    mistakes: Floats
    posterior: Floats
    margin: Floats
    is_own_rate: npt.NDArray[np.bool_]


def fit_noise(evidence: Floats, labels: Ints, shares: Floats | None = None, *, random_state: int = 0) -> LabelNoise:
    """Explain labels by evidence and by mistakes.

    Parameters
    ----------
    evidence : float64 array of shape (n_images, n_classes, n_kinds)
        Logits of each class, out of sample, such as those of ``classifying``.
    labels : int array of shape (n_images,)
        The given class of each image, 0 ... n_classes - 1.
    shares : float64 array of shape (n_images,), optional
        How much each image counts, 1 by default; duplicates together should count once.
    random_state : int, default 0
        Chooses the images that the model is fitted on, where there are more than 5,000.

    Notes
    -----
    The model of mistakes is that of Lawrence and Schölkopf (2001) and Bootkrajang and Kabán (2012); rates of their own
    are chosen by the extended Bayesian information criterion (Chen and Chen, 2008), among mistakes of
    pictures that surely show another class.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.noise import fit_noise
    >>> labels = np.array([0, 1] * 50)
    >>> evidence = np.where(labels[:, None] == [0, 1], 3.0, -3.0)[..., None]
    >>> labels[0] = 1
    >>> int(fit_noise(evidence, labels).margin.argmin())
    0
    """
    with one_blas_thread():
        return _fit_noise(evidence, labels, shares, random_state)


def _fit_noise(evidence: Floats, labels: Ints, shares: Floats | None, random_state: int) -> LabelNoise:
    n_classes = evidence.shape[1]
    whole = _Task(evidence, labels, np.ones(len(labels)) if shares is None else shares)
    task = whole.sampled(random_state)
    off = ~np.eye(n_classes, dtype=bool)
    fair = combine(task.evidence, np.eye(n_classes)[task.labels], task.shares)
    plain, start = _explain_plainly(task, fair, off)
    chosen = _choose_rates(task, plain, task.improved(start, off), off)
    return whole.explained(*chosen)


def _explain_plainly(task: _Task, fair: Combiner, off: npt.NDArray[np.bool_]) -> tuple[_State, _State]:
    """Return the likeliest state with one rate of all mistakes, and the one from which it was found.

    Few mistakes and many are both tried, as EM goes slowly from one to the other. Where there are many, pictures show
    more clearly what they show than labels let them seem to.
    """
    tied, found = np.zeros_like(off), []
    for rate, sharpness in _STARTS:
        mistakes = _fill(off, np.full(off.shape, rate / max(len(off) - 1, 1)))
        start = _State(Combiner(fair.weights * sharpness, fair.bias), mistakes)
        found.append((task.improved(start, tied), start))
    few, many = found
    return many if task.fit_of(many[0]) > task.fit_of(few[0]) + _CLEARLY else few


@dataclass(frozen=True, eq=False)
class _State:
    combiner: Combiner
    mistakes: Floats


@dataclass(frozen=True, eq=False)
class _Task:
    evidence: Floats
    labels: Ints
    shares: Floats

    @cached_property
    def given(self) -> Floats:
        """The labels one-hot, each row multiplied by its share."""
        hot: Floats = np.eye(self.evidence.shape[1])[self.labels] * self.shares[:, None]
        return hot

    def sampled(self, random_state: int) -> _Task:
        """Return the task of at most _MOST_FITTED of the images."""
        n = len(self.labels)
        if n <= _MOST_FITTED:
            return self
        some = np.sort(np.random.default_rng(random_state).choice(n, _MOST_FITTED, replace=False))
        return _Task(self.evidence[some], self.labels[some], self.shares[some])

    def improved(self, state: _State, is_own: npt.NDArray[np.bool_]) -> _State:
        """Return the state after rounds of EM, where the mistakes in *is_own* have rates of their own."""
        for _ in range(_N_ROUNDS):
            joint = self.joint(state)
            posterior = joint / joint.sum(axis=1, keepdims=True)
            mistakes = _estimate_mistakes(posterior.T @ self.given, is_own)
            moved = float(np.abs(mistakes - state.mistakes).max())
            state = _State(combine(self.evidence, posterior, self.shares, state.combiner, n_steps=8), mistakes)
            if moved < 1e-4:
                break
        return state

    def joint(self, state: _State) -> Floats:
        """Return the chance of each image to show each class and to have its label."""
        joint: Floats = state.combiner.chances(self.evidence) * state.mistakes[:, self.labels].T
        return joint

    def fit_of(self, state: _State) -> float:
        """Return the log-likelihood of the labels."""
        return float(np.log(self.joint(state).sum(axis=1)) @ self.shares)

    def expected(self, state: _State, *, surely: _State | None = None) -> Floats:
        """Return the expected number of images that show class i and are labeled j.

        With *surely*, only of those that show it with a chance of _SURE or more by that state, whatever their label.
        """
        joint = self.joint(state)
        posterior = joint / joint.sum(axis=1, keepdims=True)
        if surely is not None:
            posterior *= surely.combiner.chances(self.evidence) >= _SURE
        counts: Floats = posterior.T @ self.given
        return counts

    def explained(self, state: _State, is_own: npt.NDArray[np.bool_]) -> LabelNoise:
        """Return what a state says of the images."""
        joint, every = self.joint(state), np.arange(len(self.labels))
        right = joint[every, self.labels]
        others = joint.copy()
        others[every, self.labels] = 0
        margin = np.log(right + 1e-300) - np.log(others.sum(axis=1) + 1e-300)
        posterior = joint / joint.sum(axis=1, keepdims=True)
        return LabelNoise(state.combiner.chances(self.evidence), state.mistakes, posterior, margin, is_own)


def _choose_rates(
    task: _Task, plain: _State, free: _State, off: npt.NDArray[np.bool_]
) -> tuple[_State, npt.NDArray[np.bool_]]:
    """Return the state in which only mistakes have rates of their own that pay for it, and which these are."""
    n_classes = len(off)
    counts = task.expected(free)
    usual = np.maximum(plain.mistakes * counts.sum(axis=1, keepdims=True), 1e-9)
    gain = np.where(off & (counts > usual), counts * np.log(np.maximum(counts, 1e-9) / usual) - (counts - usual), 0)
    price = np.log(max(n_classes * (n_classes - 1), 1)) + 0.5 * np.log(max(task.shares.sum(), 1))
    base, is_own = task.fit_of(plain), (gain > price) & (5 * task.expected(free, surely=plain) > counts)
    while is_own.any():
        state = free = task.improved(free, is_own)
        if task.fit_of(state) - base > price * is_own.sum():
            return state, is_own
        n_left = int(0.75 * is_own.sum())  # the weakest go
        is_own &= gain > np.sort(gain[is_own])[::-1][n_left]
    return plain, np.zeros_like(off)


def _estimate_mistakes(counts: Floats, is_own: npt.NDArray[np.bool_]) -> Floats:
    """Return the rates of mistakes from expected counts: one for all, but where they have their own."""
    n_classes = len(counts)
    sizes = counts.sum(axis=1, keepdims=True) + 1e-9
    tied = ~np.eye(n_classes, dtype=bool) & ~is_own
    places = float((sizes * tied).sum()) + _PRIOR_IMAGES * (n_classes - 1)
    rate = (float(counts[tied].sum()) + _PRIOR_RATE * _PRIOR_IMAGES) / max(places, 1e-9)
    own = (counts + rate * n_classes) / (sizes + n_classes)
    return _fill(is_own | tied, np.where(is_own, own, rate))


def _fill(off: npt.NDArray[np.bool_], rates: Floats) -> Floats:
    """Return rates with a diagonal that makes rows sum to 1, of which it is half at least."""
    wrong = np.where(off, rates, 0)
    total = wrong.sum(axis=1, keepdims=True)
    wrong = wrong * np.minimum(1, (1 - _LEAST_RIGHT) / np.maximum(total, 1e-12))
    filled: Floats = wrong + np.diag(1 - wrong.sum(axis=1))
    return filled
