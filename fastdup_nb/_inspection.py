"""What is in a collection: the part of ``Dataset`` that finds duplicates, outliers, clusters and poor pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ._facade import Facade
from ._validation import check_choice, check_integer
from .errors import ParameterError

if TYPE_CHECKING:
    from .results.clusters import Clusters
    from .results.duplicates import Duplicates
    from .results.outliers import Outliers
    from .results.overview import Summary
    from .results.quality import Quality


class Inspection(Facade):
    """The methods of ``Dataset`` that ask what is in it."""

    def duplicates(
        self, min_similarity: float | str | None = None, keep: str = "first", *, include_rejected: bool = False
    ) -> Duplicates:
        """Find images that show the same picture: same file, same pixels, or nearly.

        What was judged of pairs (``ds.tags.judge``) holds whatever the bound. A pair that is "not duplicates" is left
        out, and its two images are in no group together. A pair that is "same" is in, with its real similarity, and
        groups its images.

        Parameters
        ----------
        min_similarity : float in [0, 1] or {"strict", "default", "loose"}, optional
            Bound of the tier ``near``; larger is stricter, 1 leaves identical ones. By default, one false pair or none
            is expected in a thousand photographs of different subjects; where the same monument or kind of object
            comes again and again there are more (``docs/encoder.md``), and "strict" leaves few of them. Filled-in
            forms, captions on one picture and variants of one product are alike at any bound: look before you drop.
            For your own vectors, where nothing can be calibrated, the presets are plain cosine similarities.
        keep : {"first", "largest", "sharpest", "oldest"} or a column of the source, default "first"
            Which image of a group stays: the first listed, the one with most pixels, the one with the finest detail
            (of about equal ones that with most pixels, so no thumbnail stays for its original), or the oldest by
            EXIF time (else by file time). Of a column of numbers that the source brings, such as a rating, the largest
            stays. By any rule a symbolic link stays only where all are links.
        include_rejected : bool, default False
            Whether ``pairs`` lists those judged "not duplicates" too, told by a column ``is_rejected``. They are in no
            group and in no other count.

        Returns
        -------
        Duplicates
            With ``pairs``, ``groups``, ``members`` and ``removable``. Broken images are in none.

        Notes
        -----
        ``similarity`` is 1 for identical pictures. For others it joins the cosine of the encoder's vectors with a
        second descriptor of the same pass (``docs/encoder.md``). JPEGs that may have exactly the same pixels as
        another image are decoded once more, in full, to be sure.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
        >>> dups = ds.duplicates(keep="largest")
        >>> int(dups.groups["removable"].sum()) == len(dups.removable)
        True
        """
        from .findings.duplicates import find_duplicates, read_similarity
        from .findings.edges import Copies
        from .findings.keeping import count_same_files, find_unsure_pixels, rank_images
        from .results.duplicates import Duplicates

        least = read_similarity(min_similarity, self._stages.presets, "Dataset.duplicates")
        rule = self._check_keep(keep)
        stages = self._stages
        images = stages.images
        copies = Copies(
            image_ids=stages.valid_ids,
            rows=stages.rows,
            files=stages.files,
            pixels=stages.pixel_ids(find_unsure_pixels(stages.valid_facts, stages.rows, stages.graph)),
            rank=rank_images(images.loc[stages.valid_ids], rule),
        )
        with stages.score.telling() as score:
            found = find_duplicates(
                copies,
                np.hstack([stages.graph.indices, stages.turned]),
                score,
                min_similarity=least,
                verdicts=stages.verdicts,
                include_rejected=include_rejected,
            )
        return Duplicates(
            pairs=found.pairs,
            groups=found.groups,
            members=found.members,
            min_similarity=least,
            keep=keep,
            n_images=len(stages.valid),
            n_pairs_by_tier=found.n_pairs_by_tier,
            n_images_in_pairs=found.n_images_in_pairs,
            n_same_files=count_same_files(images["path"], found.members),
            n_rejected=found.n_rejected,
            n_large_sets=found.n_large_sets,
            most_in_full=found.most_in_full,
            _shown=self._shown,
        )

    def _check_keep(self, keep: str) -> str | pd.Series:
        """Return a rule as it is, and the column of the source that is one."""
        from .findings.keeping import KEEP_RULES

        own = self._stages.listing_columns
        if check_choice(keep, "keep", "Dataset.duplicates", tuple(dict.fromkeys((*KEEP_RULES, *own)))) in KEEP_RULES:
            return keep
        column: pd.Series = self._stages.listing.columns[keep]  # type: ignore[index]
        if not is_numeric_dtype(column):
            raise ParameterError(
                f"The 'keep' parameter of Dataset.duplicates must hold numbers where it is a column of the source. "
                f"Got {keep!r} of {column.dtype}."
            )
        return column

    def outliers(self, contamination: float | str = "auto") -> Outliers:
        """Find images that are unlike all others.

        Parameters
        ----------
        contamination : "auto" or float in (0, 0.5], default "auto"
            ``"auto"`` flags only scores that the rest of the collection does not explain: a clean set may have none.
            A number flags exactly that share of the images.

        Returns
        -------
        Outliers
            A score for each image, larger is stranger, 1 is ordinary: how many times farther than usual its nearest
            neighbors are (``fastdup_nb.findings.outliers.score_outliers`` tells how). Exact copies share a score.
        """
        from .findings.outliers import check_contamination, find_outliers
        from .results.outliers import Outliers

        contamination = check_contamination(contamination, "Dataset.outliers")
        stages = self._stages
        table = find_outliers(
            stages.valid_ids,
            stages.graph.indices,
            stages.graph.distances,
            rows=stages.rows,
            contamination=contamination,
        )
        return Outliers(table=table, contamination=contamination, _shown=self._shown)

    def clusters(self, min_cluster_size: int | None = None) -> Clusters:
        """Find images that belong together.

        Parameters
        ----------
        min_cluster_size : int, optional
            Smallest number of distinct pictures that makes a cluster; grows with the collection by default. Larger
            gives fewer clusters and more noise.

        Returns
        -------
        Clusters
            A label for each image, -1 for none, and a row for each cluster with its medoid and examples.
        """
        from .findings.clusters import default_min_cluster_size, find_clusters, label_clusters
        from .results.clusters import Clusters

        if min_cluster_size is not None:
            min_cluster_size = check_integer(min_cluster_size, "min_cluster_size", "Dataset.clusters", low=2)
        stages = self._stages
        size = min_cluster_size or default_min_cluster_size(len(stages.descriptors))
        vectors, seed = stages.descriptors.vectors, stages.settings.random_state
        labels = label_clusters(
            vectors, stages.graph.indices, stages.graph.distances, min_cluster_size=size, random_state=seed
        )
        given = stages.labels.iloc[stages.valid]
        members, clusters = find_clusters(
            stages.valid_ids,
            vectors[stages.rows],
            labels[stages.rows],
            given_labels=given.tolist() if stages.labels.notna().any() else None,
        )
        return Clusters(clusters=clusters, members=members, min_cluster_size=size, _shown=self._shown)

    def quality(self, bounds: Mapping[str, float] | None = None) -> Quality:
        """Find broken, dark, bright, blurry, low-information, oddly shaped, oddly sized and gray images.

        Parameters
        ----------
        bounds : mapping of str to float in [0, 1], optional
            Other bounds for some issues, for example ``{"dark": 0.4}``; images with a score below are flagged. No image
            is read again.

        Returns
        -------
        Quality
            For each issue ``is_<issue>`` and ``<issue>_score``, 0 worst, 1 best.

        Notes
        -----
        Pictures are seen as a viewer shows them: one of 12 bits in a file of 16 is dark (``docs/encoder.md``).
        """
        from .findings.quality import check_bounds, find_quality_issues
        from .results.quality import Quality

        limits = check_bounds(bounds, "Dataset.quality")
        table = find_quality_issues(self._stages.images, bounds=limits)
        return Quality(table=table, bounds=limits, _shown=self._shown)

    def summary(self) -> Summary:
        """Return every count with its meaning: pairs, images in a pair, groups and removable images are different."""
        from .results.summary import build_summary

        return build_summary(self.duplicates(), self.outliers(), self.clusters(), self.quality(), self._shown)
