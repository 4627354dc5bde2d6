"""Which few to keep: the part of ``Dataset`` that chooses images."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._facade import Facade
from ._stages import Stages
from ._text import TEXT, write_call
from ._validation import check_choice, check_integer
from .errors import ParameterError, ParameterTypeError
from .tags._given import check_images

if TYPE_CHECKING:
    from .findings.sampling import Candidates, Parts
    from .results.sampling import Sample

Flags = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_CALLER = "Dataset.sample"


@dataclass(frozen=True)
class _Asked:
    """What was asked for, checked before any image is read."""

    n: int | float
    method: str
    include: Sequence[str]
    exclude: Sequence[str]
    quotas: Mapping[str, int]
    issues: Sequence[str]
    contamination: str | float | None
    seed: int
    call: str


class Sampling(Facade):
    """The methods of ``Dataset`` that choose a few images."""

    def sample(
        self,
        n: float | None = None,
        method: str = "representative",
        *,
        include: object = None,
        exclude: object = None,
        quotas: Mapping[str, int] | None = None,
        drop_issues: bool | str | Sequence[str] = False,
        drop_outliers: bool | float = False,
        deduplicate: bool = True,
        min_similarity: float | str | None = None,
        random_state: int | None = None,
    ) -> Sample[Self]:
        """Choose a few images that stand for many, in an order whose every beginning is a sample, too.

        For labeling first, for training on less, or for a look at what there is.

        Parameters
        ----------
        n : int or float in (0, 1], optional
            How many images: an int, or a share of all that can be read. May be left out where *quotas* say it. Where
            there are fewer candidates, all of them are chosen.
        method : {"representative", "coverage", "diverse per cluster", "stratified", "random"}, default "representative"
            ``"representative"``: all images are, on average, as similar as can be to a chosen one (facility location).
            It takes what is typical, from dense regions more: the one to label or to train on.
            ``"coverage"``: no image is far from a chosen one (k-center). It takes what is strange first: good to see
            everything there is; for a small training set random images are better.
            ``"diverse per cluster"``: as many from each of ``ds.clusters()``, and from noise; within each by coverage.
            For an overview; to train on, random images are better.
            ``"stratified"``: at random, with the shares that the labels have of the candidates kept (a group of
            duplicates counts once, so a class of near-identical frames gets few), images without one as a class of
            their own: for a test set. ``"random"``: at random.
        include : id, ids, DataFrame or boolean Series, optional
            Images that must be in. They come first, count in *n*, and the others are chosen to complete them.
        exclude : id, ids, DataFrame or boolean Series, optional
            Images that must not be chosen. A duplicate of one may be.
        quotas : mapping of label to int, optional
            How many images to take of a label, such as ``{"cat": 50}``; the rest of *n* comes from images with other
            labels or none. Each is chosen by *method* from its own images.
        drop_issues : bool, str or list of str, default False
            Leave out images with a quality issue: any, or those named (see ``ds.quality()``).
        drop_outliers : bool or float in (0, 0.5], default False
            Leave out outliers: those of ``ds.outliers()``, or that share of the images.
        deduplicate : bool, default True
            Never choose two images of one group of ``ds.duplicates()``.
        min_similarity : float in [0, 1] or {"strict", "default", "loose"}, optional
            Bound of what is a duplicate, as in ``ds.duplicates``.
        random_state : int, optional
            Seed of what is random; that of the dataset by default.

        Returns
        -------
        Sample
            The images in order of choice, what each adds, and the curve that tells where to stop. ``.dataset`` is a
            Dataset of them.

        Raises
        ------
        ParameterError
            If a value cannot be used: an image is both in and out, is broken, or more must be in than are wanted.
        UnknownImageError
            If *include* or *exclude* name an image that is not of this dataset.

        Notes
        -----
        Greedy choices with a proven bound (``fastdup_nb.findings.sampling``): k-center after Gonzalez (1985) is within
        twice the best largest distance; facility location within 63 % of the best sum. Above 8,192 candidates,
        facility location counts similarity within cells of at most 4,096 near images.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> sample = ds.sample(20, exclude=ds.image_ids[:3])
        >>> len(sample.dataset), sample.table.columns.tolist()
        (20, ['gain', 'distance', 'share', 'is_included', 'label'])
        """
        from .findings.duplicates import read_similarity
        from .findings.sampling import METHODS

        check_choice(method, "method", _CALLER, METHODS)
        if not isinstance(deduplicate, bool):
            raise ParameterTypeError(f"The 'deduplicate' parameter of {_CALLER} must be a bool. Got {deduplicate!r}.")
        read_similarity(min_similarity, self._stages.presets, _CALLER)
        stages, known = self._stages, self._stages.positions
        checked = check_quotas(quotas, stages.labels)
        seed = stages.settings.random_state if random_state is None else random_state
        given = (include, exclude, quotas, drop_issues, drop_outliers, deduplicate, min_similarity, random_state)
        told = {name: value for (name, usual), value in zip(_USUAL.items(), given, strict=True) if value is not usual}
        asked = _Asked(
            n=_check_size(n, checked),
            method=method,
            include=[] if include is None else check_images(include, _CALLER, known, name="include"),
            exclude=[] if exclude is None else check_images(exclude, _CALLER, known, name="exclude"),
            quotas=checked,
            issues=_check_issues(drop_issues),
            contamination=_check_outliers(drop_outliers),
            seed=check_integer(seed, "random_state", _CALLER, low=0, high=2**32 - 1),
            call=write_call("ds.sample", n, method, **told),
        )
        included = _find_included(asked, stages)
        members = self.duplicates(min_similarity).members if deduplicate else None
        return self._choose(asked, included, self._find_candidates(asked, included, members))

    def _find_candidates(self, asked: _Asked, included: IntArray, members: pd.DataFrame | None) -> Candidates:
        from .findings.sampling import find_candidates

        ids = self._stages.valid_ids
        left_out: dict[str, Flags] = {"excluded": np.isin(np.asarray(ids, dtype=object), list(asked.exclude))}
        if asked.issues:
            table = self.quality().table.reindex(ids)
            left_out["quality"] = table[[f"is_{issue}" for issue in asked.issues]].any(axis=1).to_numpy(dtype=bool)
        if asked.contamination is not None:
            left_out["outlier"] = (
                self.outliers(asked.contamination).table["is_outlier"].reindex(ids).to_numpy(dtype=bool)
            )
        group, is_kept = np.full(len(ids), -1, dtype=np.int64), np.zeros(len(ids), dtype=np.bool_)
        if members is not None:
            group = members["group"].reindex(ids, fill_value=-1).to_numpy(dtype=np.int64)
            is_kept = members["is_kept"].reindex(ids, fill_value=False).to_numpy(dtype=bool)
            _check_unlike(asked.include, group[included])
        return find_candidates(included, left_out, group, is_kept)

    def _choose(self, asked: _Asked, included: IntArray, candidates: Candidates) -> Sample[Self]:
        from .findings.coverage import measure_coverage, measure_random
        from .findings.sampling import choose
        from .results.sampling import Sample, make_tables

        stages, at = self._stages, candidates.positions
        n = asked.n if isinstance(asked.n, int) else max(1, round(asked.n * len(stages.valid)))
        first = np.searchsorted(at, included)
        labels = stages.labels.iloc[stages.valid[at]]
        parts, remarks = _make_parts(labels, asked.quotas, n, first)
        groups, remark = self._find_groups(asked.method, at, labels)
        vectors = stages.descriptors.vectors[stages.rows[at]]
        chosen = choose(
            vectors, parts, method=asked.method, included=first.tolist(), groups=groups, random_state=asked.seed
        )
        coverage = measure_coverage(vectors, chosen, random_state=asked.seed)
        table, curve = make_tables(
            pd.Index([stages.valid_ids[i] for i in at[chosen]], name="image_id", dtype=TEXT),
            coverage,
            measure_random(vectors, len(chosen), random_state=asked.seed),
            len(first),
            labels.iloc[chosen],
        )
        return Sample(
            table=table,
            curve=curve,
            method=asked.method,
            n_wanted=n,
            n_images=len(stages.valid),
            n_candidates=len(at),
            n_left_out=candidates.n_left_out,
            n_measured=coverage.n_measured,
            remarks=(*remark, *remarks),
            _call=asked.call,
            _take=self.where,
            _shown=self._shown,
        )

    def _find_groups(self, method: str, at: IntArray, labels: pd.Series) -> tuple[IntArray | None, tuple[str, ...]]:
        """Return the group of each candidate where a method has groups, and what is to be said of them."""
        if method == "stratified":
            groups, n_known = _number(labels)
            n_without = int((groups == n_known).sum())
            if not n_known or not n_without:
                return groups, ("No image has a label: all are drawn from alike.",) if n_without else ()
            from .views import format_count

            told = format_count(n_without, ("candidate has", "candidates have"))
            return groups, (f"{told} no label, and {'counts' if n_without == 1 else 'count'} as a class of their own.",)
        if method == "diverse per cluster":
            of_image = self.clusters().labels.iloc[at]
            groups, n_known = _number(of_image.where(of_image >= 0))
            return groups, ("There is no cluster: chosen from all images together.",) if not n_known and len(at) else ()
        return None, ()


_CANDIDATES = ("candidate", "candidates")
_MOST = 2**62  # images that can be asked for; more are as good as all
_USUAL = {
    "include": None, "exclude": None, "quotas": None, "drop_issues": False, "drop_outliers": False,
    "deduplicate": True, "min_similarity": None, "random_state": None,
}  # fmt: skip


def check_quotas(quotas: object, labels: pd.Series) -> dict[str, int]:
    """Return how many images of each label are wanted, or raise."""
    if quotas is None:
        return {}
    if isinstance(quotas, pd.Series):  # such as a value_counts()
        quotas = dict(quotas.items())
    if not isinstance(quotas, Mapping):
        raise ParameterTypeError(
            f"The 'quotas' parameter of {_CALLER} must be a mapping of label to int, such as {{'cat': 50}}. "
            f"Got {type(quotas).__name__} instead."
        )
    known = set(labels.dropna())
    for label in quotas:
        if str(label).strip() not in known:
            has = ", ".join(map(repr, sorted(known)[:8])) if known else "none; make the Dataset with labels="
            raise ParameterError(
                f"The 'quotas' parameter of {_CALLER} must have labels of this dataset as keys. Got {label!r}; the "
                f"labels are {has}{', ...' if len(known) > 8 else ''}."
            )
    clean: dict[str, int] = {}
    for label, n in quotas.items():
        name = str(label).strip()  # as labels are told
        if name in clean:
            raise ParameterError(
                f"The 'quotas' parameter of {_CALLER} must name each label once, where spaces around it do not count. "
                f"Got {name!r} twice."
            )
        clean[name] = check_integer(n, f"quotas[{label!r}]", _CALLER, low=0)
    return clean


def _check_size(n: object, quotas: Mapping[str, int]) -> int | float:
    """Return how many images are wanted: an int, or a share as a float."""
    if n is None and quotas:
        return sum(quotas.values())
    wanted = f"The 'n' parameter of {_CALLER} must be an int of at least 1, or a share as a float in (0, 1]"
    if isinstance(n, bool) or not isinstance(n, numbers.Real):
        raise ParameterTypeError(f"{wanted}; it may be left out only where quotas are given. Got {n!r} instead.")
    if isinstance(n, numbers.Integral) and int(n) >= 1:
        _check_sum(quotas, int(n))
        return int(n)
    if not isinstance(n, numbers.Integral) and 0 < float(n) <= 1:
        return float(n)
    raise ParameterError(f"{wanted}. Got {n!r} instead.")


def _check_sum(quotas: Mapping[str, int], n: int) -> None:
    if sum(quotas.values()) > n:
        raise ParameterError(
            f"The 'quotas' parameter of {_CALLER} must add up to at most the {n:,} images wanted. Got "
            f"{sum(quotas.values()):,}."
        )


def _check_issues(drop_issues: object) -> list[str]:
    from .findings.quality import QUALITY_ISSUES

    names = [issue for issue in QUALITY_ISSUES if issue != "broken"]
    if isinstance(drop_issues, bool):
        return names if drop_issues else []
    listed = [drop_issues] if isinstance(drop_issues, str) else drop_issues
    if not isinstance(listed, Sequence) or not all(issue in names for issue in listed):
        error = ParameterError if isinstance(listed, Sequence) else ParameterTypeError
        raise error(
            f"The 'drop_issues' parameter of {_CALLER} must be a bool, or one or several of "
            f"{', '.join(map(repr, names))}. Got {drop_issues!r} instead."
        )
    return list(dict.fromkeys(listed))


def _check_outliers(drop_outliers: object) -> str | float | None:
    if isinstance(drop_outliers, bool):
        return "auto" if drop_outliers else None
    if isinstance(drop_outliers, numbers.Real) and 0 < float(drop_outliers) <= 0.5:
        return float(drop_outliers)
    error = ParameterError if isinstance(drop_outliers, numbers.Real) else ParameterTypeError
    raise error(
        f"The 'drop_outliers' parameter of {_CALLER} must be a bool or a float in (0, 0.5]. "
        f"Got {drop_outliers!r} instead."
    )


def _find_included(asked: _Asked, stages: Stages) -> IntArray:
    """Return the places among the valid images of those that must be in, in the order given, or raise."""
    both = sorted(set(asked.include) & set(asked.exclude))
    if both:
        raise ParameterError(
            f"The 'include' and 'exclude' parameters of {_CALLER} must not name the same image. "
            f"Got {both[0]!r} in both."
        )
    n_most = asked.n if isinstance(asked.n, int) else max(1, round(asked.n * len(stages.valid)))
    if len(asked.include) > n_most:
        raise ParameterError(
            f"The 'include' parameter of {_CALLER} must name at most the {n_most:,} images wanted. "
            f"Got {len(asked.include):,}; ask for more, or leave some out."
        )
    places = stages.valid_places[[stages.positions[image_id] for image_id in asked.include]].astype(np.int64)
    for image_id, place in zip(asked.include, places.tolist(), strict=True):
        if place < 0:
            raise ParameterError(
                f"The 'include' parameter of {_CALLER} must name images that can be read. {image_id!r} is broken: "
                f"{stages.scan.facts[stages.positions[image_id]]['reason']}."
            )
    return places


def _check_unlike(include: Sequence[str], groups: IntArray) -> None:
    seen: dict[int, str] = {}
    for image_id, group in zip(include, groups.tolist(), strict=True):
        if group >= 0 and group in seen:
            raise ParameterError(
                f"The 'include' parameter of {_CALLER} must not name two duplicates. Got {seen[group]!r} and "
                f"{image_id!r}; leave one out, or set deduplicate=False."
            )
        seen[group] = image_id


def _number(names: pd.Series) -> tuple[IntArray, int]:
    """Return a number for each name, those without one last, and how many names there are."""
    codes, found = pd.factorize(names, sort=True)
    return np.where(codes < 0, len(found), codes).astype(np.int64), len(found)


def _make_parts(labels: pd.Series, quotas: Mapping[str, int], n: int, first: IntArray) -> tuple[Parts, tuple[str, ...]]:
    """Return how many images to choose from where, and which quotas cannot be filled; the last part is all others."""
    from .findings.sampling import Parts

    _check_sum(quotas, n)
    numbers_of = {label: i for i, label in enumerate(quotas)}
    of_row = labels.map(numbers_of).fillna(len(quotas)).to_numpy(dtype=np.int64)
    wanted = np.array([min(m, _MOST) for m in (*quotas.values(), n - sum(quotas.values()))], dtype=np.int64)
    had = np.bincount(of_row[first], minlength=len(wanted))
    names = [*(f"label {label!r}" for label in quotas), "other labels or none" if quotas else "all"]
    for name, n_had, n_wanted in zip(names, had.tolist(), wanted.tolist(), strict=True):
        if n_had > n_wanted:
            raise ParameterError(
                f"The 'include' parameter of {_CALLER} must fit the quotas. Got {n_had:,} images of {name}, of which "
                f"{n_wanted:,} are wanted."
            )
    there = np.bincount(of_row, minlength=len(wanted))
    return Parts(np.asarray(of_row, dtype=np.int64), (wanted - had).tolist()), _tell_short(
        names, wanted, there, has_quotas=bool(quotas)
    )


def _tell_short(names: Sequence[str], wanted: IntArray, there: IntArray, *, has_quotas: bool) -> tuple[str, ...]:
    from .views import format_count

    short = [(name, n, m) for name, n, m in zip(names, wanted.tolist(), there.tolist(), strict=True) if m < n]
    if has_quotas:
        told = [f"{name} ({format_count(m, _CANDIDATES)}, {n:,} wanted)" for name, n, m in short]
        return (f"Quotas that are not filled: {'; '.join(told)}." if told else "All quotas are filled.",)
    return tuple(
        f"{n:,} {'was' if n == 1 else 'were'} wanted; there {'is' if m == 1 else 'are'} {format_count(m, _CANDIDATES)}."
        for _, n, m in short
    )
