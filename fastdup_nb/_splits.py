"""Leaks between splits, and new splits without: the part of ``Dataset`` that compares parts."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypeGuard

import numpy as np
import pandas as pd

from ._facade import Facade
from ._given import as_names, check_length, check_told, tell
from ._stages import Stages
from ._table import COLUMNS
from ._text import TEXT
from .errors import ParameterError, ParameterTypeError

if TYPE_CHECKING:
    from ._pooling import Pool
    from .findings.edges import IntArray
    from .results.leaks import Leaks
    from .results.splits import Split

#: More splits than this are no splits: the column is another one than was meant.
MOST_SPLITS = 100
_DEFAULT = {"train": 0.8, "val": 0.1, "test": 0.1}


class Splits(Facade):
    """Leaks between splits, and new splits without: the part of ``Dataset`` that compares parts."""

    def leaks(
        self,
        split: str | os.PathLike[str] | Sequence[str | None] | Mapping[str, str] | pd.Series | Splits = "split",
        min_similarity: float | str | None = None,
    ) -> Leaks:  # fmt: skip
        """Find images that have a twin in another split, or in another dataset.

        Every image of a split is searched for in all larger ones, exactly, so that twins inside
        its own split cannot hide one in the other. What was judged of pairs (``ds.tags.judge``) holds as in
        ``duplicates``.

        Parameters
        ----------
        split : str, sequence, Series, mapping, Dataset or path, default "split"
            A column of ``ds.images``; ``"folder"`` for the topmost folder; the split of each listed image in order, or
            by image id; or another dataset, whose images are searched for those of this one. A path or glob, where it
            is no column, is read as one, with the options of this dataset.
        min_similarity : float in [0, 1] or {"strict", "default", "loose"}, optional
            Bound of the tier ``near``, as in ``duplicates``; larger is stricter.

        Returns
        -------
        Leaks
            With ``pairs``, ``summary`` (counts and shares of each two splits), ``images`` and
            ``removable(from_="test")``. Images in no split, and broken ones, are in no pair, and are counted.

        Raises
        ------
        ParameterError
            If there is no such column, it has more than 100 values, or the two datasets have not the same encoder.

        Notes
        -----
        The similarity is that of ``duplicates``: 1 is identical, and larger is surer. Why twins across splits matter
        is told by Barz and Denzler (2020), whose judged pairs measure this search (``docs/leaks.md``).

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), split="folder", cache=None)
        >>> leaks = ds.leaks()
        >>> ds.where(ds.images.drop(leaks.removable(from_="test"))).leaks().n_pairs
        0
        """
        from ._pooling import pool_one
        from .findings.duplicates import read_similarity
        from .results.leaks import build_leaks

        least = read_similarity(min_similarity, self._stages.presets, "Dataset.leaks")
        if _is_path(split, self._stages):
            return self._leaks_between(self._open(split), least, repr(os.fspath(split)))
        if isinstance(split, Splits):
            return self._leaks_between(split, least, "other")
        stages = self._stages
        told = _read_column(stages, split, "split", "Dataset.leaks").iloc[stages.valid]
        pool = pool_one(stages)
        sides, names = _number_splits(told)
        return build_leaks(
            pool.find_leaks(sides, names, least), pool.image_ids, pool.labels, sides, names, min_similarity=least,
            shown=self._shown, n_broken=self._shown.n_broken,
            call=_tell_call(split),
        )  # fmt: skip

    def _leaks_between(self, other: Splits, least: float, call: str) -> Leaks:
        from ._pooling import pool_two
        from .results._joined import join_shown
        from .results.leaks import OTHER, THIS, build_leaks

        stages, theirs = self._stages, other._stages
        pool = pool_two(stages, theirs)
        sides = np.repeat(np.arange(2), [len(stages.valid), len(theirs.valid)])
        shown, begin = join_shown(self._shown, other._shown, OTHER)
        return build_leaks(
            pool.find_leaks(sides, (THIS, OTHER), least), pool.image_ids, pool.labels, sides, (THIS, OTHER),
            min_similarity=least, shown=shown, n_broken=self._shown.n_broken + other._shown.n_broken, call=call,
            other=begin,
        )  # fmt: skip

    def split(
        self,
        shares: Mapping[str, float] | None = None,
        *,
        stratify: str | pd.Series | None = "label",
        groups: str | pd.Series | Sequence[str | pd.Series] | None = None,
        min_similarity: float | str | None = None,
        **named: float,
    ) -> Split[Self]:
        """Make a new split in which duplicates, and other groups, are never in two.

        Images are in one group if they are connected by pairs of duplicates, of any tier, or share a value of a column
        of *groups*. Each class is spread over the splits as the shares say, as far as whole groups allow, and none is
        left empty while another has two groups of several images. The new split is searched for leaks; where a pair is
        found that the neighbor graph had missed, its images are joined, too, and the split is made
        anew. So ``ds.split(...).dataset.leaks()`` finds none.

        Parameters
        ----------
        shares : mapping of str to float, optional
            The share of each split, in [0, 1]; together 1. They can also be given by name: ``train=.8, test=.2``. By
            default train 0.8, val 0.1 and test 0.1. A split with share 0 stays empty.
        stratify : str, Series or None, default "label"
            A column of ``ds.images``, or a Series by image id, whose values are spread evenly. Images without a value
            count as a class of their own. None spreads the images only.
        groups : str, Series, or list of these, optional
            Columns of ``ds.images``, or Series by image id, such as a patient or a sequence: images with the same value
            stay together. Images without a value are bound by nothing.
        min_similarity : float in [0, 1] or {"strict", "default", "loose"}, optional
            What a duplicate is, as in ``duplicates``. Larger binds fewer images.

        Returns
        -------
        Split
            With ``splits`` (a Series by image id), ``counts``, ``shares`` and ``dataset``. The same ``random_state`` of
            the dataset gives the same split. Broken images are in none.

        Raises
        ------
        ParameterError
            If the shares do not sum to 1, or there is no such column.

        Notes
        -----
        Groups are dealt out as by scikit-learn's ``StratifiedGroupKFold``, for any shares
        (``fastdup_nb.findings.splitting.split_groups``).

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> new = ds.split(train=0.7, test=0.3)
        >>> new.splits.nunique(), new.dataset.leaks().n_pairs
        (2, 0)
        """
        from .findings.duplicates import read_similarity
        from .findings.splitting import check_shares
        from .results.splits import Split, build_counts

        if shares is not None and named:
            raise ParameterError("Dataset.split takes shares as a mapping or by name, not both.")
        wanted = check_shares(named or (_DEFAULT if shares is None else shares), "Dataset.split")
        stages = self._stages
        least = read_similarity(min_similarity, stages.presets, "Dataset.split")
        told = [_read_column(stages, column, "groups", "Dataset.split") for column in _as_list(groups)]
        given = None if stratify is None else _read_column(stages, stratify, "stratify", "Dataset.split")
        told = [column.iloc[stages.valid] for column in told]
        classes = pd.Series(None, index=stages.valid_ids, dtype=TEXT) if given is None else given.iloc[stages.valid]
        found, bound, n_rounds = _split_without_leaks(
            stages, [_number(column) for column in told], _number(classes, missing=True), wanted, least
        )
        table = pd.DataFrame(
            {
                "split": pd.Series([list(wanted)[i] for i in found], dtype=TEXT),
                "class": classes.reset_index(drop=True).astype(TEXT),
                "group": bound,
            }
        ).set_index(pd.Index(stages.valid_ids, name="image_id", dtype=TEXT))
        counts, achieved = build_counts(table, pd.Series(wanted, dtype=float))
        return Split(
            table=table, counts=counts, shares=achieved, n_rounds=n_rounds, min_similarity=least,
            _told=_remarks(classes, stratify, told), _n_broken=self._shown.n_broken,
            _call=_tell_split(wanted, stratify, groups, least),
            _make=self.using, _shown=self._shown,
        )  # fmt: skip


def _split_without_leaks(
    stages: Stages, columns: Sequence[IntArray], classes: IntArray, wanted: Mapping[str, float], least: float
) -> tuple[IntArray, IntArray, int]:
    """Return split and group of each image, and how many splits were searched until one had no leak."""
    from ._pooling import pool_one
    from .findings.leaks import join_linked
    from .findings.splitting import split_groups

    pool = pool_one(stages)
    nodes, links = _bind_duplicates(stages, pool, least)
    n_rounds = 0
    while True:
        n_rounds += 1
        groups = join_linked(len(pool), nodes, links, columns)
        splits = split_groups(
            groups, classes, np.array(list(wanted.values())), random_state=stages.settings.random_state
        )
        leaks = pool.find_leaks(splits, list(wanted), least)
        if not len(leaks.links):
            return splits, groups, n_rounds
        links = np.concatenate([links, leaks.links])


def _bind_duplicates(stages: Stages, pool: Pool, least: float) -> tuple[IntArray, IntArray]:
    """Return the node of each image, and pairs of images that the neighbor graph finds alike."""
    from .findings.leaks import link_graph, link_nodes

    links = link_graph(stages.graph, stages.turned, pool.score, min_similarity=least)
    copies = pool.copies(links.near)
    edges = link_nodes(copies, links, least)
    if pool.verdicts is not None:
        judged = pool.verdicts.applied(copies, edges, pool.score, least)
        copies, edges = judged.copies, judged.edges
    firsts = np.unique(copies.nodes, return_index=True)[1]
    return copies.nodes, np.column_stack([firsts[edges.a], firsts[edges.b]])


def _read_column(stages: Stages, told: object, option: str, caller: str) -> pd.Series:
    """Return a column of the images, or splits, classes or groups as they were told, as text with gaps.

    What is wrong is said before any image is read.
    """
    known = _list_columns(stages)
    if isinstance(told, str) and told in known and told in stages.images:
        return as_names(stages.images[told].tolist(), stages.images.index).rename(told)
    if isinstance(told, str) and told != "folder":
        raise ParameterError(
            f"The {option!r} parameter of {caller} must be a column of ds.images, "
            f"{'the path of another collection, ' * (option == 'split')}or 'folder'. Got {told!r}; there are "
            f"{', '.join(map(repr, dict.fromkeys(known[: len(COLUMNS) + len(stages.listing_columns)])))}."
        )
    if not isinstance(told, (str, pd.Series, Mapping, list, tuple, np.ndarray, pd.Index)):
        hint = "; another collection is given as fd.Dataset(...)" * (option == "split")
        raise ParameterTypeError(
            f"The {option!r} parameter of {caller} must be a column of ds.images, a sequence with an entry for each "
            f"listed image, or a Series or dict by image id{hint}. Got {type(told).__name__} instead."
        )
    checked = check_told(told, option, [])
    check_length(checked, option, stages.listing, caller=caller)
    column = tell(checked, "label" if option == "stratify" else option, stages.listing)
    column.name = told.name if isinstance(told, pd.Series) else None
    return column


def _list_columns(stages: Stages) -> list[str]:
    return [*COLUMNS, *stages.listing_columns, *(f"{name}_given" for name in stages.listing_columns)]


def _is_path(split: object, stages: Stages) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether *split* is a path or glob, and no column."""
    if not isinstance(split, str):
        return isinstance(split, os.PathLike)
    if split == "folder" or split in _list_columns(stages):
        return False
    return glob.has_magic(split) or os.path.exists(os.path.expanduser(split))


def _tell_call(split: object) -> str:
    """Return how a split was told, as one would write it."""
    from .results.leaks import GIVEN

    if not isinstance(split, str):
        return GIVEN
    return "" if split == "split" else repr(split)


def _tell_split(wanted: Mapping[str, float], stratify: object, groups: object, least: float) -> str:
    """Return how a split is made, as one would write it; "" where a Series was given."""
    if not all(isinstance(column, (str, type(None))) for column in (stratify, *_as_list(groups))):
        return ""
    return f"ds.split({dict(wanted)!r}, stratify={stratify!r}, groups={groups!r}, min_similarity={least!r})"


def _as_list(groups: object) -> list[object]:
    if groups is None:
        return []
    return list(groups) if isinstance(groups, (list, tuple)) else [groups]


def _number(column: pd.Series, *, missing: bool = False) -> IntArray:
    """Return a number for each value; for gaps -1, or, if *missing*, a number of their own."""
    return pd.factorize(column, use_na_sentinel=not missing)[0].astype(np.int64)


def _number_splits(told: pd.Series) -> tuple[IntArray, list[str]]:
    """Return the split of each image as a place among their names, the largest split first."""
    sizes = told.value_counts()
    if len(sizes) > MOST_SPLITS:
        raise ParameterError(
            f"The 'split' parameter of Dataset.leaks must name at most {MOST_SPLITS} splits. Got {len(sizes):,} "
            f"values, such as {sizes.index[0]!r}; was another column meant?"
        )
    names = sorted(map(str, sizes.index), key=lambda name: (-int(sizes[name]), name))
    return pd.Index(names, dtype=TEXT).get_indexer(told).astype(np.int64), names


def _remarks(classes: pd.Series, stratify: object, groups: Sequence[pd.Series]) -> tuple[str, ...]:
    """Say what was missing."""
    from .views import format_count

    told, n = [], len(classes)
    name = stratify if isinstance(stratify, str) else "class"
    n_missing = int(classes.isna().sum())
    if stratify is not None and n and n_missing == n:
        told.append(f"No image has a {name}: not stratified.")
    elif stratify is not None and n_missing:
        words = format_count(n_missing, ("image has", "images have"))
        told.append(f"{words} no {name}, and {'counts' if n_missing == 1 else 'count'} as a class of their own.")
    for column in groups:
        n_missing = int(column.isna().sum())
        if n_missing:
            words = format_count(n_missing, ("image has", "images have"))
            told.append(f"{words} no value in {column.name if column.name else 'a given group'}.")
    return tuple(told)
