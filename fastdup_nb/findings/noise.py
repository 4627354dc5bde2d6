"""Which labels are wrong: labels are explained by what the pictures show, and by mistakes.

A picture may be ambiguous, and then either label is a fair one; a mistake strikes whatever the picture shows. So the
chance of a given label *j* is the sum over classes *i* of ``chance(picture shows i) * mistakes[i, j]``. Both parts are
fitted together by expectation and maximization (EM), on evidence that never saw the label in question. By default
all mistakes are equally likely; a pair of classes gets a rate of its own where that explains the labels clearly better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .classifying import Combiner, classes_first, fit_combiner, to_chances
from .discriminant import Floats, Ints, Vectors, one_hot

__all__ = ["FEW", "LabelNoise", "fit_noise"]

FEW = 160  # images, each family one, up to which all of a class speak for a label, and all mistakes are equally likely
_STARTS = ((0.02, 1), (0.3, 3))  # rates of mistakes that are tried, and how much sharper evidence is taken to be then
_CLEARLY = 1.0  # by which many mistakes must be likelier than few, as a logarithm
_PRIOR_IMAGES = 100  # among which one mistake is taken for granted; of few images, among as many as there are
_STEEPEST = 20.0  # logit of a rate that is tried on the way
_LEAST_RIGHT = 0.5  # share of a class whose labels are right; else a class could not be told from its mistakes
_N_ROUNDS = 20
_STILL = 1e-4  # where no rate moves by more, a fit is done
_MOST_FITTED = 5000  # images that the model of mistakes is fitted on; more are sampled,
_LEAST_FITTED, _MOST_CHANCES = 1000, 2_000_000  # and fewer of many classes, whose chances are that many numbers
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

    def take(self, kept: npt.NDArray[np.bool_]) -> LabelNoise:
        """Return the same of some of the images."""
        return replace(self, chances=self.chances[kept], posterior=self.posterior[kept], margin=self.margin[kept])


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
    task = _Task.of(evidence, labels, np.ones(len(labels)) if shares is None else shares, random_state)
    off = ~np.eye(evidence.shape[1], dtype=bool)
    plain = _explain_plainly(task)
    state, is_own = plain, np.zeros_like(off)
    if task.shares.sum() > FEW:
        state, is_own = _choose_rates(task, plain, task.improved(plain, off), off)
    return _explain(evidence, labels, state, is_own)


def _explain_plainly(task: _Task) -> _State:
    """Return the likeliest state with one rate of all mistakes.

    Few mistakes and many are both tried, as one does not always lead to the other. Where there are many, pictures show
    more clearly what they show than labels let them seem to.
    """
    (rate, _), (many_rate, sharpness) = _STARTS
    few = task.explained_plainly(None, rate)
    sharper = Combiner(few.combiner.weights * sharpness, few.combiner.bias)
    many = task.explained_plainly(sharper, many_rate)
    return many if task.fit_of(many) > task.fit_of(few) + _CLEARLY else few


def _explain(evidence: Floats, labels: Ints, state: _State, is_own: npt.NDArray[np.bool_]) -> LabelNoise:
    """Return what a state says of all images."""
    chances, every = state.combiner.chances(evidence), np.arange(len(labels))
    joint = chances * state.mistakes.T[labels]
    right = joint[every, labels]
    others = joint.copy()
    others[every, labels] = 0
    margin = np.log(right + 1e-300) - np.log(others.sum(axis=1) + 1e-300)
    joint /= joint.sum(axis=1, keepdims=True)
    return LabelNoise(chances, state.mistakes, joint, margin, is_own)


@dataclass(frozen=True, eq=False)
class _State:
    combiner: Combiner
    mistakes: Floats


@dataclass(frozen=True, eq=False)
class _Task:
    """The images that the model is fitted on; arrays over classes and images have the classes first."""

    kinds: Vectors
    labels: Ints
    shares: Vectors

    @property
    def n_prior(self) -> float:
        """How many images are added to those there are, with one mistake among them."""
        n = float(self.shares.sum())
        return _PRIOR_IMAGES if n > FEW else max(n, 2)

    @classmethod
    def of(cls, evidence: Floats, labels: Ints, shares: Floats, random_state: int) -> _Task:
        """Return the task of at most _MOST_FITTED of the images."""
        n, n_classes = evidence.shape[:2]
        most = min(_MOST_FITTED, max(_LEAST_FITTED, _MOST_CHANCES // n_classes))
        some = np.sort(np.random.default_rng(random_state).choice(n, most, replace=False)) if n > most else np.arange(n)
        return cls(classes_first(evidence[some]), labels[some], shares[some].astype(np.float32))

    def explained_plainly(self, start: Combiner | None, rate: float) -> _State:
        """Return the likeliest state near a start, where all mistakes are equally likely."""
        n_classes, every = self.kinds.shape[1], np.arange(len(self.labels))
        n_others, prior = max(n_classes - 1, 1), self.n_prior

        def miss(logits: Vectors, free: Floats) -> tuple[float, Vectors, Floats]:
            to_chances(logits)
            half = 1 / (1 + np.exp(-np.clip(free[0], -_STEEPEST, _STEEPEST)))
            rate = (1 - _LEAST_RIGHT) * half
            given = logits[self.labels, every]
            likely = (1 - rate) * given + rate / n_others * (1 - given)
            pull = self.shares / likely
            value = -float(np.log(likely) @ self.shares)
            slope = float(pull @ (given - (1 - given) / n_others))
            value -= np.log(rate) + (prior - 1) * np.log(1 - rate)
            slope -= 1 / rate - (prior - 1) / (1 - rate)
            pull *= (1 - rate - rate / n_others) * given
            logits *= pull
            logits[self.labels, every] -= pull
            return value, logits, np.array([slope * rate * (1 - half)])

        begin = rate / (1 - _LEAST_RIGHT)
        combiner, free = fit_combiner(self.kinds, miss, start, np.array([np.log(begin / (1 - begin))]))
        rate = (1 - _LEAST_RIGHT) / (1 + np.exp(-float(free[0])))
        return _State(combiner, _fill(np.full((n_classes, n_classes), rate / n_others)))

    def improved(self, state: _State, is_own: npt.NDArray[np.bool_]) -> _State:
        """Return the state after rounds of EM, where the mistakes in *is_own* have rates of their own."""
        for _ in range(_N_ROUNDS):
            chances, shown = self.chances(state.combiner), self.shown(state)
            mistakes = _estimate_mistakes(self.counted(shown), is_own, self.n_prior)
            moved = float(np.abs(mistakes - state.mistakes).max())
            state = _State(self._moved(state.combiner, chances, shown), mistakes)
            if moved < _STILL:
                break
        return state

    def _moved(self, combiner: Combiner, chances: Vectors, shown: Vectors) -> Combiner:
        """Return the combiner after a step of Newton's towards what the images show, their labels considered."""
        n_kinds, n_classes, _ = self.kinds.shape
        shares = chances * self.shares
        gap = shares - shown
        apart = shares * (self.kinds - (self.kinds * chances).sum(axis=1)[:, None])
        slope = [np.tensordot(self.kinds, gap, 2) + 0.25 * (combiner.weights - 1), gap.sum(axis=1) + combiner.bias]
        bend = np.empty((n_kinds + n_classes, n_kinds + n_classes))
        bend[:n_kinds, :n_kinds] = np.tensordot(apart, self.kinds, ((1, 2), (1, 2))) + 0.25 * np.eye(n_kinds)
        bend[n_kinds:, n_kinds:] = np.diag(shares.sum(axis=1) + 1) - shares @ chances.T
        bend[:n_kinds, n_kinds:] = apart.sum(axis=2)
        bend[n_kinds:, :n_kinds] = bend[:n_kinds, n_kinds:].T
        step = np.linalg.solve(bend, np.concatenate(slope))
        return Combiner(combiner.weights - step[:n_kinds], combiner.bias - step[n_kinds:])

    def chances(self, combiner: Combiner) -> Vectors:
        """Return what each image shows, by its own evidence."""
        logits = np.tensordot(combiner.weights.astype(np.float32), self.kinds, 1)
        logits += combiner.bias.astype(np.float32)[:, None]
        logits -= logits.max(axis=0)
        to_chances(logits)
        return logits

    def fit_of(self, state: _State) -> float:
        """Return the log-likelihood of the labels."""
        joint = self.chances(state.combiner) * state.mistakes.astype(np.float32)[:, self.labels]
        return float(np.log(joint.sum(axis=0)) @ self.shares)

    def shown(self, state: _State) -> Vectors:
        """Return what each image shows, given its label too, times its share."""
        joint = self.chances(state.combiner)
        joint *= state.mistakes.astype(np.float32)[:, self.labels]
        joint *= self.shares / joint.sum(axis=0)
        return joint

    def counted(self, shown: Vectors) -> Floats:
        """Return the expected number of images that show class i and are labeled j."""
        counts: Floats = (one_hot(self.labels, len(shown)) @ shown.T).T
        return counts


def _choose_rates(
    task: _Task, plain: _State, free: _State, off: npt.NDArray[np.bool_]
) -> tuple[_State, npt.NDArray[np.bool_]]:
    """Return the state in which only mistakes have rates of their own that pay for it, and which these are."""
    n_classes = len(off)
    counts = task.counted(task.shown(free))
    usual = np.maximum(plain.mistakes * counts.sum(axis=1, keepdims=True), 1e-9)
    gain = np.where(off & (counts > usual), counts * np.log(np.maximum(counts, 1e-9) / usual) - (counts - usual), 0)
    price = np.log(max(n_classes * (n_classes - 1), 1)) + 0.5 * np.log(max(task.shares.sum(), 1))
    surely = task.shown(free) * (task.chances(plain.combiner) >= _SURE)
    base, is_own = task.fit_of(plain), (gain > price) & (5 * task.counted(surely) > counts)
    while is_own.any():
        state = free = task.improved(free, is_own)
        if task.fit_of(state) - base > price * is_own.sum():
            return state, is_own
        n_left = int(0.75 * is_own.sum())  # the weakest go
        is_own &= gain > np.sort(gain[is_own])[::-1][n_left]
    return plain, np.zeros_like(off)


def _estimate_mistakes(counts: Floats, is_own: npt.NDArray[np.bool_], n_prior: float) -> Floats:
    """Return the rates of mistakes from expected counts: one for all, but where they have their own."""
    n_classes = len(counts)
    sizes = counts.sum(axis=1, keepdims=True) + 1e-9
    tied = ~np.eye(n_classes, dtype=bool) & ~is_own
    places = float((sizes * tied).sum()) + n_prior * (n_classes - 1)
    rate = (float(counts[tied].sum()) + 1) / max(places, 1e-9)
    return _fill(np.where(is_own, (counts + rate * n_classes) / (sizes + n_classes), rate))


def _fill(rates: Floats) -> Floats:
    """Return rates with a diagonal that makes rows sum to 1, of which it is half at least."""
    wrong = np.where(np.eye(len(rates), dtype=bool), 0, rates)
    total = wrong.sum(axis=1, keepdims=True)
    wrong = wrong * np.minimum(1, (1 - _LEAST_RIGHT) / np.maximum(total, 1e-12))
    filled: Floats = wrong + np.diag(1 - wrong.sum(axis=1))
    return filled
