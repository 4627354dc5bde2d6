"""What is normal and what is new: the part of ``Dataset`` that learns from a reference."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._facade import Facade
from ._stages import Stages
from ._text import list_text, write_call
from ._validation import check_choice, check_integer
from .errors import ParameterError, ParameterTypeError
from .tags._given import check_images, check_tags

if TYPE_CHECKING:
    from .results.normality import Incoming, Normality, Part
    from .results.novelty import Novelties
    from .results.queue import LabelQueue

_SKIPPED = "skipped"


class Novelty(Facade):
    """What is normal and what is new: the part of ``Dataset`` that learns from a reference."""

    def normality(self, *, by: str | None = None, calibration: str = "leave-one-out") -> Normality:
        """Learn from this collection what is normal, to judge new images by it.

        Parameters
        ----------
        by : "label" or None, default None
            ``"label"`` learns each class by itself: an image is then new *within its class*. Images without a label
            teach nothing.
        calibration : {"leave-one-out", "held-out"}, default "leave-one-out"
            Which images say how far out is usual. ``"leave-one-out"``: each, scored against all others. ``"held-out"``:
            a random half, which teaches nothing else; larger p-values, and the rule for lists is proven.

        Returns
        -------
        Normality
            ``model.score(other)`` judges new images. It can be pickled.

        Raises
        ------
        ParameterError
            For ``by="label"`` where no image has a label.

        Notes
        -----
        Duplicates count once: images of one group (``ds.duplicates()``) are never each other's evidence. With your own
        vectors or encoder, those count as duplicates that are twenty times nearer than usual. How scores and p-values
        are made, and after whom, is told by ``novelty``.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
        >>> model = ds.normality()
        >>> 0 < model.smallest_p < 0.1, model.n_groups < model.n_images
        (True, True)
        """
        return self._learn(by, calibration, set(), "Dataset.normality")

    def novelty(
        self,
        other: object,
        *,
        false_alarm_rate: float = 0.01,
        control: str = "list",
        method: str = "auto",
        by: str | None = None,
        calibration: str = "leave-one-out",
    ) -> Novelties:
        """Find what is new in other images, compared with this collection.

        Parameters
        ----------
        other : Dataset, path, glob or list of paths; ids of this dataset; float array (n_images, n_features)
            The new images. Those that are of this dataset too (ids, a view by ``ds.where``) are left out of what is
            learned from. Files are read once, by the encoder of this dataset, and kept in its cache.
        false_alarm_rate : float in (0, 0.5], default 0.01
            What is allowed; smaller flags less.
        control : {"list", "each"}, default "list"
            ``"list"``: of the flagged, at most this share is expected to be ordinary, however many are tested; and of
            a list without anything new, with at most this chance anything is flagged. ``"each"``: of the ordinary
            images, at most this share is expected to be flagged.
        method : {"auto", "alone", "together"}, default "auto"
            ``"alone"`` judges each image by its distance to the known ones. ``"together"`` judges the list: a kind of
            image that comes in numbers is found even where each looks familiar. It takes longer, and the score of an
            image depends on the others. ``"auto"`` takes it for 20 images or more, where 40 different pictures are
            known.
        by, calibration
            As in ``normality``. By label, *other* needs labels too.

        Returns
        -------
        Novelties
            A row per image, newest first: ``novelty_score``, larger is newer, 1 is ordinary: the distance to the three
            nearest known pictures (geometric mean), compared with what is usual among these; ``p_value``, smaller is
            newer; ``is_novel``; the nearest known image. It says where there are too few known ones to flag any.

        Raises
        ------
        ParameterError
            If *other* was made by another encoder, is files where this dataset has your own vectors, or is all of this
            dataset, so that nothing is left to learn from.

        Notes
        -----
        Distance to the nearest known pictures (Sun et al., 2022), conformal p-values (Vovk et al., 2005), and lists
        after Benjamini and Hochberg (1995), see Bates et al. (2023); together after Marandon et al. (2024).
        ``fastdup_nb.findings.novelty`` and ``.together`` tell how, and what is guaranteed; ``docs/novelty.md`` tells
        what was measured.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), split="folder", cache=None)
        >>> train, test = (ds.where(ds.images["split"] == split) for split in ("train", "test"))
        >>> found = train.novelty(test, false_alarm_rate=0.1, control="each")
        >>> found.to_frame().columns[:4].tolist()
        ['novelty_score', 'p_value', 'q_value', 'is_novel']
        """
        from ._incoming import is_vectors
        from .results.normality import check_rate

        check_rate(false_alarm_rate, control, method, "Dataset.novelty")
        _check_learning(by, calibration, "Dataset.novelty")
        chosen = self._find_own(other)
        opened = self.where(chosen) if chosen is not None else other if is_vectors(other) else self._open(other)
        paths = set() if is_vectors(opened) else set(opened._stages.listing.paths)  # type: ignore[union-attr]
        model = self._learn(by, calibration, paths, "Dataset.novelty")
        if not model.n_images and model.n_left_out:
            raise ParameterError(
                "The 'other' parameter of Dataset.novelty must leave images to learn from. Got all "
                f"{model.n_left_out:,} of this dataset; for those that stand out among them try ds.outliers()."
            )
        found = model.score(opened, false_alarm_rate=false_alarm_rate, control=control, method=method)
        call = write_call(
            "ds.novelty", other, false_alarm_rate=false_alarm_rate, control=control, method=method, by=by,
            calibration=calibration,
        )  # fmt: skip
        return replace(found, _call=call)

    def next_to_label(self, n: int = 50, *, labels: str | Sequence[str] | None = None) -> LabelQueue:
        """Choose images to label next: those whose labels would tell most about all others.

        Parameters
        ----------
        n : int, default 50
            How many; fewer are chosen where there are no more.
        labels : str or list of str, optional
            Tags that count as labels, as given to ``ds.annotate``. By default those tags that are also a label of some
            image. An image has a label if one is given in the source, was decided (``ds.relabel``), or is such a tag;
            the decision counts before the tag, and the tag before the source. Images tagged "skipped" are not asked
            for again.

        Returns
        -------
        LabelQueue
            ``to_frame()`` is a queue for ``ds.annotate``, with the reason for each.

        Notes
        -----
        Each choice raises most the sum, over the images without a label, of their uncertainty times the similarity to
        the nearest labeled or chosen image: novelty, uncertainty and coverage in one number
        (``fastdup_nb.findings.queue.choose_to_label``; Wei, Iyer and Bilmes, 2015). Without labels, only coverage is
        left. Near-twins of labeled or chosen images are never chosen.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
        >>> queue = ds.next_to_label(5)
        >>> queue.to_frame().columns.tolist()
        ['reason', 'uncertainty', 'n_covered', 'distance', 'gain']
        """
        from .findings.queue import choose_to_label
        from .results.queue import LabelQueue, tabulate_choice

        n = check_integer(n, "n", "Dataset.next_to_label", low=1)
        told, tags = self._find_labels(labels)
        stages = self._stages
        skipped = np.isin(np.array(stages.valid_ids, dtype=object), self.tags.tagged(_SKIPPED)) & told.isna().to_numpy()
        codes = pd.factorize(told.to_numpy(dtype=object))[0]
        of_row = np.full(len(stages.descriptors), -1, dtype=np.int64)
        labeled = np.flatnonzero(codes >= 0)[::-1]  # of copies, the first labeled one counts
        of_row[stages.rows[labeled]] = codes[labeled]
        may_choose = np.ones(len(of_row), dtype=bool)
        may_choose[stages.rows[skipped]] = False
        chosen = choose_to_label(
            stages.descriptors.vectors,
            of_row,
            n=n,
            groups=self._group_rows(),
            may_choose=may_choose,
            random_state=stages.settings.random_state,
        )
        return LabelQueue(
            table=tabulate_choice(chosen, np.array(stages.distinct_ids, dtype=object)),
            n_asked=n,
            n_labeled=len(labeled),
            n_unlabeled=len(told) - len(labeled),
            n_skipped=int(skipped.sum()),
            tags=tags,
            _shown=self._shown,
        )

    def _find_labels(self, wanted: str | Sequence[str] | None) -> tuple[pd.Series, tuple[str, ...]]:
        """Return the label of each valid image, missing where it has none, and which tags count as one."""
        stages = self._stages
        given = stages.labels.iloc[stages.valid].astype(object)
        decided = self.tags.labels()["new_label"].reindex(given.index)
        if wanted is None:
            names = set(given.dropna()) | set(decided.dropna())
            tags = [str(tag) for tag in self.tags.counts().index if tag in names]
        else:
            tags = check_tags(wanted, "labels", "Dataset.next_to_label")
        for tag in tags:
            given[given.index.isin(self.tags.tagged(tag))] = tag
        return given.where(decided.isna(), decided.astype(object)), tuple(tags)

    def _learn(self, by: str | None, calibration: str, left_out: set[str], caller: str) -> Normality:
        """Learn from all images but those at some paths."""
        from .results.normality import Normality

        _check_learning(by, calibration, caller)
        stages = self._stages
        labels = stages.labels.iloc[stages.valid]
        if by and not stages.labels.notna().any() and len(stages.listing):
            raise ParameterError(
                f"The 'by' parameter of {caller} is 'label', but no image has one. Give labels to the Dataset, for "
                "example with ds.using(labels='folder'), or leave 'by' out."
            )
        stays = np.array([stages.listing.paths[i] not in left_out for i in stages.valid], dtype=bool)
        names = np.array(list_text(labels) if by else [""] * len(labels), dtype=object)
        has_name = np.array([name is not None for name in names], dtype=bool)
        groups = self._group_rows() if stays.any() else np.empty(0, dtype=np.int64)
        classes = sorted(set(names[stays & has_name]))
        parts = {
            name: self._learn_part(np.flatnonzero(stays & (names == name)), groups, calibration) for name in classes
        }
        return Normality(
            parts=parts,
            by=by,
            calibration=calibration,
            n_broken=len(stages.listing) - len(stages.valid),
            n_unlabeled=int((stays & ~has_name).sum()),
            n_left_out=int((~stays).sum()),
            random_state=stages.settings.random_state,
            _read=self._read_other,
            _shown=self._shown,
        )

    def _learn_part(self, images: npt.NDArray[np.intp], groups: npt.NDArray[np.int64], calibration: str) -> Part:
        from .findings.novelty import fit_normal
        from .results.normality import Part

        stages = self._stages
        rows, firsts = np.unique(stages.rows[images], return_index=True)
        model = fit_normal(
            stages.descriptors.vectors[rows],
            groups=groups[rows],
            calibration=calibration,
            random_state=stages.settings.random_state,
        )
        return Part(model, [stages.valid_ids[i] for i in images[firsts]], len(images))

    def _group_rows(self) -> npt.NDArray[np.int64]:
        """Return the duplicate group of each distinct vector, as a number; alone ones have one of their own."""
        from .findings.novelty import group_twins

        stages = self._stages
        if not hasattr(stages.encoder, "presets"):  # nothing is known of these vectors
            return group_twins(stages.graph.indices, stages.graph.distances)
        group_of = self.duplicates().members["group"].astype(np.int64)
        groups = np.array(group_of.reindex(stages.distinct_ids, fill_value=-1), dtype=np.int64)
        alone = groups < 0
        groups[alone] = groups.max(initial=0) + 1 + np.arange(int(alone.sum()))
        return groups

    def _find_own(self, other: object) -> list[str] | None:
        """Return the ids of this dataset that *other* names, None where it is something else."""
        positions = self._stages.positions
        if isinstance(other, str):
            return [other] if other in positions else None
        is_table = isinstance(other, pd.DataFrame) and other.index.name == "image_id"
        if is_table or (isinstance(other, pd.Series) and other.index.name == "image_id" and other.dtype == bool):
            return check_images(other, "Dataset.novelty", positions, name="other")
        if isinstance(other, (list, tuple, pd.Index, pd.Series)) and len(other):
            names = list(other)
            if all(isinstance(name, str) and name in positions for name in names):
                return check_images(names, "Dataset.novelty", positions, name="other")
        return None

    def _read_other(self, other: object, by: str | None) -> Incoming:
        """Return what is to be judged: of a Dataset, of files, or vectors."""
        from ._incoming import is_vectors, take_vectors
        from ._pooling import check_comparable
        from .results.normality import Incoming

        if is_vectors(other):
            return take_vectors(np.asarray(other), self._stages, self._shown)
        opened = self._open(other)
        theirs = opened._stages
        check_comparable(self._stages, theirs, "Dataset.novelty", may_be_own=True)
        labels = theirs.labels.iloc[theirs.valid]
        return Incoming(
            image_ids=theirs.valid_ids,
            vectors=theirs.descriptors.vectors[theirs.rows],
            labels=list_text(labels) if by else [None] * len(labels),
            shown=opened._shown,
            n_broken=len(theirs.listing) - len(theirs.valid),
        )

    def _open(self, other: object) -> Self:
        """Return a dataset as it is, and one of other files with the options of this one."""
        if isinstance(getattr(other, "_stages", None), Stages):
            return other  # type: ignore[return-value]
        if isinstance(other, (bytes, Mapping)) or not isinstance(other, (str, os.PathLike, Iterable)):
            raise ParameterTypeError(
                "What is to be judged must be a Dataset, a folder, a glob, a table or a list of paths, ids of this "
                f"dataset, or an array of vectors. Got {type(other).__name__} instead."
            )
        settings = self._stages.settings
        if settings.embeddings is not None:
            raise ParameterError(
                "This dataset was made with embeddings=, so there is no encoder for other files. Give them as "
                "fd.Dataset(files, embeddings=...), or as an array of vectors."
            )
        self._refuse_ids(other)
        columns = other.columns if isinstance(other, pd.DataFrame) else ()
        labels = (
            settings.labels if isinstance(settings.labels, str) and settings.labels in {"folder", *columns} else None
        )
        return self.using(source=other, labels=labels, split=None, embeddings=None)

    def _refuse_ids(self, other: object) -> None:
        """Raise where *other* is or has an id of this dataset, which would be taken for a file that is not there."""
        names = [other] if isinstance(other, (str, os.PathLike)) else other
        if not isinstance(names, (list, tuple, pd.Index, pd.Series)):
            return
        known = self._stages.positions
        for name in names:
            if isinstance(name, (str, os.PathLike)) and os.fspath(name) in known and not os.path.exists(name):
                raise ParameterError(
                    f"{os.fspath(name)!r} is an image that was learned from. ds.novelty(ids) leaves such images out "
                    "first, where all that are given are ids of this dataset; files are given by their paths."
                )


def _check_learning(by: object, calibration: object, caller: str) -> None:
    from .findings.novelty import CALIBRATIONS

    if by is not None:
        check_choice(by, "by", caller, ("label",))
    check_choice(calibration, "calibration", caller, CALIBRATIONS)
