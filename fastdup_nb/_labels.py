"""Wrong and missing labels: the part of ``Dataset`` that learns from labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._facade import Facade
from ._text import list_text
from ._threads import count_processors
from ._validation import check_choice
from .errors import ParameterError
from .graph import search

if TYPE_CHECKING:
    from .findings.labeled import Labeled
    from .results.duplicates import Duplicates
    from .results.labels import LabelIssues
    from .results.predictions import Predictions

    _Flags = npt.NDArray[np.bool_]

_METHODS = ("auto", "neighbors", "logistic")
_WHICH = ("unlabeled", "all")


class Labels(Facade):
    """Wrong and missing labels: the part of ``Dataset`` that learns from labels."""

    def label_issues(self) -> LabelIssues:
        """Find images that are labeled as what they do not show.

        Each label is compared with what the picture shows by the evidence of other pictures: a discriminant of
        the vectors, cross-validated, and the labels of the nearest neighbors. An image, its duplicates and its own
        label never vote for it. Of at most 160 images, all of each class speak in place of both. A model of mistakes
        then tells ambiguous pictures from wrong labels. Labels are those of the source; a label decided with
        ``ds.relabel`` takes its place, and that image is not reported.

        Returns
        -------
        LabelIssues
            ``label_quality`` of each image (0 worst, 1 best) is the chance that its label is right, and
            ``is_label_issue`` says that it is below 0.5: more likely wrong than right. A clean set may have none.
            With it come the groups of duplicates that have two labels, each class with its estimated number of errors,
            and the pairs of classes that look alike.

        Raises
        ------
        ParameterError
            If images have lists of labels; one label each is understood.

        Notes
        -----
        Out-of-sample chances as in confident learning (Northcutt, Jiang and Chuang, 2021); the model of mistakes of
        Lawrence and Schölkopf (2001). Classes of fewer than three different pictures are not judged, nor are
        duplicates that are most of their class, nor classes of fewer than twenty pictures most of which look wrong.
        Method and measured numbers: ``docs/labels.md``.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> issues = ds.label_issues()
        >>> issues.to_frame().columns[:4].tolist()
        ['given_label', 'suggested_label', 'label_quality', 'is_label_issue']
        """
        from .findings.labels import find_conflicts, find_label_issues
        from .results.labels import LabelIssues

        stages, given = self._stages, self._given_labels("Dataset.label_issues")
        is_decided = self._decide(given)
        duplicates = self.duplicates()
        labeled = self._labeled(given, duplicates)
        jobs, seed = count_processors(stages.settings.n_jobs), stages.settings.random_state
        found = find_label_issues(labeled, is_decided=is_decided, n_jobs=jobs, random_state=seed)
        conflicts = find_conflicts(labeled.image_ids, labeled.labels, stages.files, duplicates.members)
        table = found.table[found.table["given_label"].notna()]
        table = table.assign(has_conflict=table.index.isin(conflicts.index))
        return LabelIssues(
            table=table,
            conflicts=conflicts,
            classes=found.classes,
            confusion=found.confusion,
            pairs=found.pairs,
            n_without_label=len(found.table) - len(table),
            _labeled=labeled,
            _shown=self._shown,
        )

    def predict_labels(self, method: str = "auto", *, which: str = "unlabeled") -> Predictions:
        """Predict the labels of images that have none, from those that have one.

        Parameters
        ----------
        method : {"auto", "neighbors", "logistic"}, default "auto"
            The labels of the nearest neighbors; a logistic regression of the vectors, which takes longer; or the
            neighbors joined with a discriminant of the vectors, which follows curves from 3,000 labeled images on.
        which : {"unlabeled", "all"}, default "unlabeled"
            Which images to predict. Those that have a label are predicted by models that saw neither them nor their
            duplicates.

        Returns
        -------
        Predictions
            ``predicted_label`` and ``confidence``, the least sure first: a queue for ``ds.annotate``. A confidence is a
            calibrated chance: of the predictions with 0.8 about 80 % are right, as far as images without a label are
            like those with one; ``calibration`` shows how well that holds. ``report`` has the cross-validated precision
            and recall of each class.

        Raises
        ------
        ParameterError
            If *method* or *which* is not one of these, or images have lists of labels.

        Notes
        -----
        A discriminant (Fisher, 1936; of many images with a kernel: Mika et al., 1999) with a ridge (Friedman, 1989) and
        the votes of the nearest neighbors, each out of sample, become chances by a logistic regression of both
        (stacking: Wolpert, 1992; calibration: Platt, 1999). ``"logistic"`` is the logistic regression of scikit-learn.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> ds.predict_labels(which="all").report.columns.tolist()
        ['precision', 'recall', 'f1', 'support', 'n_predicted']
        """
        from .findings.predicting import predict_labels
        from .results.predictions import Predictions

        check_choice(method, "method", "Dataset.predict_labels", _METHODS)
        check_choice(which, "which", "Dataset.predict_labels", _WHICH)
        stages, given = self._stages, self._given_labels("Dataset.predict_labels")
        self._decide(given)
        labeled = self._labeled(given, self.duplicates())
        jobs, seed = count_processors(stages.settings.n_jobs), stages.settings.random_state
        found = predict_labels(labeled, method=method, n_jobs=jobs, random_state=seed)
        return Predictions(
            table=found.table if which == "all" else found.table[found.table["given_label"].isna()],
            report=found.report,
            calibration=found.calibration,
            accuracy=found.accuracy,
            n_tested=int(given.notna().sum()),
            n_alone=found.n_alone,
            method=method,
            which=which,
            n_images=len(stages.valid),
            labels=tuple(sorted(given.dropna().unique())),
            _shown=self._shown,
        )

    def _given_labels(self, caller: str) -> pd.Series:
        """Return the label of each image that can be read, as the source gives it."""
        stages = self._stages
        settings, columns = stages.settings, stages.listing.columns
        told = settings.labels
        name = "label" if told is None else told
        if isinstance(name, str):
            told = columns[name] if columns is not None and name in columns else ()
        kinds = (list, tuple, set, frozenset, dict, np.ndarray)
        several = next((value for value in told if isinstance(value, kinds)), None)  # type: ignore[attr-defined]
        if several is not None:
            raise ParameterError(
                f"{caller} takes one label for each image. Got {str(several)[:60]!r}, a {type(several).__name__}. "
                "Choose one, for example labels=frame['labels'].str[0]."
            )
        return stages.labels.iloc[stages.valid].astype(object).copy()

    def _decide(self, given: pd.Series) -> _Flags:
        """Put decided labels in the place of given ones; return which images have one."""
        decided = self._stages.tags.labels()["new_label"]
        decided = decided[decided.index.isin(given.index)]
        given.loc[decided.index] = decided.astype(object)
        return np.asarray(given.index.isin(decided.index), dtype=bool)

    def _labeled(self, given: pd.Series, duplicates: Duplicates) -> Labeled:
        from .findings.classifying import find_families
        from .findings.labeled import Labeled

        stages = self._stages
        place = pd.Series(np.arange(len(given)), index=given.index)
        # images of one row are the same picture to a model, and so of one family
        a, b = (place.reindex(duplicates.pairs[name]).to_numpy() for name in ("image_id_a", "image_id_b"))
        a, b = np.concatenate([a, np.arange(len(given))]), np.concatenate([b, stages.firsts[stages.rows]])
        groups = np.full(len(given), -1, dtype=np.int64)
        groups[place.reindex(duplicates.members.index).to_numpy()] = duplicates.members["group"]
        indices, distances = self._nearest_labeled(given)
        return Labeled(
            image_ids=stages.valid_ids,
            labels=list_text(given),
            vectors=stages.descriptors.vectors,
            rows=stages.rows,
            families=find_families(len(given), a, b, groups),
            indices=indices,
            distances=distances,
        )

    def _nearest_labeled(self, given: pd.Series) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return for each distinct vector the rows nearest to it that have a label."""
        stages = self._stages
        rows = np.unique(stages.rows[given.notna().to_numpy()])
        vectors = stages.descriptors.vectors
        if len(rows) == len(vectors):
            return stages.graph.indices, stages.graph.distances
        n_neighbors = min(stages.settings.n_neighbors + 1, len(rows))
        if not n_neighbors:
            return np.empty((len(vectors), 0), np.int32), np.empty((len(vectors), 0), np.float32)
        found, distances = search(vectors[rows], vectors, n_neighbors=n_neighbors, n_jobs=stages.settings.n_jobs)
        return np.where(found >= 0, rows[found], -1).astype(np.int32), distances
