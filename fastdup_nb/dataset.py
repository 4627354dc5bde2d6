"""``Dataset``: the front door. It joins the stages and holds no algorithm."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._given import check_embeddings, check_settings
from ._inspection import Inspection
from ._labels import Labels
from ._novelty import Novelty
from ._review import Review
from ._sampling import Sampling
from ._search import Search
from ._sequence import Sequences
from ._splits import Splits
from ._stages import Stages
from ._subset import choose_images, take_stages
from ._text import show_path
from .errors import ParameterError, ParameterTypeError
from .sources import check_source

if TYPE_CHECKING:
    from .results.overview import Estimate, Neighbors, Overview

_ESTIMATE_IMAGES = 48


class Dataset(Inspection, Search, Labels, Splits, Sampling, Novelty, Sequences, Review):
    """A collection of images, looked at lazily.

    It has the ids of its images: ``len(ds)``, ``for image_id in ds``, ``image_id in ds``. Making one opens nothing. The
    first call that needs it reads every image once, on all processors, for everything: digest, facts, thumbnail and
    vector; then links each to its nearest neighbors. What was found is kept on disk, so the next call, and the next
    session, reads only files that are new or changed.

    Each question is a method that returns a frozen result, with DataFrames, a gallery and ``tag``. What is there:
    ``summary``, ``duplicates``, ``outliers``, ``clusters``, ``quality``, ``similar``, ``map``. What to learn from:
    ``label_issues``, ``predict_labels``, ``leaks``, ``split``, ``sample``, ``next_to_label``. What is new, and when:
    ``normality``, ``novelty``, ``sequence``. What to do about it: ``gallery``, ``annotate``, ``tags``, ``plan``,
    ``report``.

    Parameters
    ----------
    source : path, glob, list of paths, or DataFrame
        A folder (with all folders below it); a glob such as ``"photos/**/*.jpg"``; a list of paths; a DataFrame, CSV
        or Parquet file with a path column (``path``, ``image_path``, ``filename``, ...), whose other columns stay with
        the images. ``~`` is the user's home. In folders and globs, images are known by their suffix, in any case, or
        have none; of a file with an unknown one (``photo.dat``, ``a.jpg_original``) the first bytes are looked at.
        Others and hidden files are passed over, and counted. Every image gets an id: its path relative to the root of
        the source, with ``/``.
    labels : "folder", str, sequence, Series, dict or DataFrame, optional
        ``"folder"`` takes the folder an image lies in; another str names a column; a sequence gives one label per
        listed image; what has image ids or paths as its index or keys may leave some out. Of a DataFrame a column
        ``new_label`` (as in ``ds.tags.labels()``) or ``label`` is taken, or its only one. A column of the source that
        is named ``label`` is taken by itself. Space around a label is dropped; None, NaN and blank text are none.
    split : "folder", str, sequence, Series, dict or DataFrame, optional
        The same for splits; ``"folder"`` takes the topmost folder. A column named ``split`` is taken by itself.
    cache : "auto", path or None, default "auto"
        Folder in which results are kept. ``"auto"`` is a folder of this source in the user's cache, or below
        ``$FASTDUP_NB_CACHE``; None keeps nothing. Nothing is ever written beside the images.
    tags : "auto", path or None, default "auto"
        File in which tags and other decisions are kept. ``"auto"`` is a file in the folder of *cache*, or none where
        nothing is cached; None keeps decisions in memory.
    encoder : str, Encoder or callable, default "efficientnet-lite0"
        What turns a picture into a vector: the encoder that ships with the package, ``fd.OnnxEncoder(path)``, or a
        function of a uint8 array (n, height, width, 3) that returns an array (n, n_features).
    n_neighbors : int, default 15
        Neighbors of each image in the graph. More makes findings surer and the graph slower to build.
    n_jobs : int, default -1
        Number of threads; -1 uses all processors.
    random_state : int, default 0
        Seed of whatever is random. The same seed gives the same results.
    method : {"auto", "exact", "nn-descent"}, default "auto"
        How neighbors are searched; ``"auto"`` takes the faster way at this size.
    embeddings : array-like of shape (n_images, n_features), optional
        Your own vectors, in the order of ``image_ids``, or a DataFrame or a Series of vectors whose index has image ids
        or paths, in any order; then no encoder runs.

    Raises
    ------
    SourceNotFoundError
        If a named folder or file does not exist.
    SourceError
        If a folder or glob has no images, a table no path column, or a path is given twice.

    Examples
    --------
    >>> import tempfile, fastdup_nb as fd
    >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
    >>> dups = ds.duplicates()
    >>> dups.pairs.columns.tolist()
    ['image_id_a', 'image_id_b', 'similarity', 'tier']
    """

    def __init__(
        self,
        source: object,
        *,
        labels: object = None,
        split: object = None,
        cache: str | os.PathLike[str] | None = "auto",
        tags: str | os.PathLike[str] | None = "auto",
        encoder: object = "efficientnet-lite0",
        n_neighbors: int = 15,
        n_jobs: int = -1,
        random_state: int = 0,
        method: str = "auto",
        embeddings: npt.ArrayLike | None = None,
    ) -> None:
        if isinstance(source, Dataset):
            raise ParameterTypeError(
                "The 'source' parameter of Dataset is a Dataset already: ds.using(...) gives it other options, "
                "ds.where(...) is a part of it."
            )
        listing = check_source(source)
        settings = check_settings(
            os.path.abspath(os.path.expanduser(source)) if isinstance(source, (str, os.PathLike)) else None,
            listing,
            labels=labels,
            split=split,
            cache=cache,
            tags=tags,
            encoder=encoder,
            n_neighbors=n_neighbors,
            n_jobs=n_jobs,
            random_state=random_state,
            method=method,
        )
        self._start(Stages(settings, listing), embeddings)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A Dataset does not change; make another with ds.using({name}=...).")

    def using(self, **changes: object) -> Dataset:
        """Return a Dataset of the same source with other options, such as ``ds.using(n_neighbors=30)``.

        Raises
        ------
        ParameterError
            If there is no such option.
        """
        options = dict(self._stages.settings.__dict__)
        unknown = sorted(set(changes) - set(options))
        if unknown:
            raise ParameterError(f"Dataset has no option {unknown[0]!r}; it has {', '.join(options)}.")
        if "encoder" in changes:
            options["embeddings"] = None
        options |= changes
        if "source" in changes:
            return Dataset(**options)
        source, embeddings = options.pop("source"), options.pop("embeddings")
        other = object.__new__(Dataset)
        other._start(self._stages.varied(check_settings(source, self._stages.listing, **options)), embeddings)
        return other

    def _start(self, stages: Stages, embeddings: npt.ArrayLike | None) -> None:
        if embeddings is not None:
            own = check_embeddings(embeddings, stages.listing)
            stages = stages.varied(replace(stages.settings, embeddings=own))
        stages.check()
        object.__setattr__(self, "_stages", stages)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self._stages,)

    def __len__(self) -> int:
        return len(self._stages.listing)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages.listing.image_ids)

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._stages.positions

    @property
    def image_ids(self) -> list[str]:
        """Ids of all listed images, in order: paths relative to the root of the source."""
        return list(self._stages.listing.image_ids)

    @property
    def images(self) -> pd.DataFrame:
        """One row of facts per image; reads the images if they have not been read.

        Index ``image_id``. Columns: ``path``, ``label``, ``split``, ``width``, ``height`` (pixels, upright),
        ``format``, ``mode``, ``file_size`` (bytes), ``n_frames``, ``exif_time``, ``camera``; measured on the picture
        reduced to one common size: ``sharpness``, ``brightness``, ``contrast``, ``colorfulness``, ``entropy``,
        ``n_unique_colors`` (see ``fastdup_nb.images.FACTS``); ``is_broken`` and the ``reason``; then the columns of
        the source.
        """
        return self._stages.images.copy()

    @property
    def embeddings(self) -> npt.NDArray[np.float32]:
        """The vectors: float32 (n_images, n_features), L2-normalized, a row per image, NaN if broken."""
        stages = self._stages
        vectors = stages.descriptors.vectors
        whole = np.full((len(self), vectors.shape[1]), np.nan, dtype=np.float32)
        whole[stages.valid] = vectors[stages.rows]
        return whole

    @property
    def neighbors(self) -> Neighbors:
        """The nearest-neighbor graph, with its recall against exact search."""
        from .results.overview import Neighbors

        stages = self._stages
        return Neighbors(graph=stages.graph, image_ids=stages.distinct_ids, _shown=self._shown)

    def where(
        self,
        images: object = None,
        *,
        tag: str | Sequence[str] | None = None,
        without_tag: str | Sequence[str] | None = None,
        label: object = None,
        split: object = None,
    ) -> Dataset:
        """Return a Dataset of some of the images; no file is read again, and tags are shared.

        Parameters
        ----------
        images : id, ids, DataFrame or boolean Series, optional
            As for ``ds.tags.edit``; all by default. They stay in listing order.
        tag : str or list of str, optional
            Only images with this tag, or with one of these.
        without_tag : str or list of str, optional
            Only images without this tag, or without all of these.
        label, split : str or list of str, optional
            Only images with this label or split, or with one of these, as in ``ds.images``.

        Returns
        -------
        Dataset
            It may be empty; then its findings are empty too.

        Raises
        ------
        ParameterError
            If no image ever had a tag, or none has a label or split: the error names those that there are.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
        >>> _ = ds.tags.add(ds.image_ids[:3], "keep")
        >>> len(ds.where(tag="keep")), len(ds) - len(ds.where(without_tag="keep"))
        (3, 3)
        """
        stages = self._stages
        chosen = choose_images(stages, self.tags, images, tag=tag, without_tag=without_tag, label=label, split=split)
        return _restore(take_stages(stages, chosen))

    def estimate(self) -> Estimate:
        """Estimate how long the first finding will take, by reading a few of the images that are new.

        Their results are kept like any others; nothing is measured twice.
        """
        from .results.overview import Estimate

        stages = self._stages
        waiting = stages.find_waiting()
        chosen = random.Random(stages.settings.random_state).sample(waiting, min(_ESTIMATE_IMAGES, len(waiting)))  # noqa: S311
        stages.warm_encoder()
        started = time.perf_counter()
        stages.scan_some(chosen)
        seconds = time.perf_counter() - started
        return Estimate(len(self), len(waiting), len(chosen), seconds)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page with all findings, to hand on; it opens offline.

        Parameters
        ----------
        path : path
            The file to write, ending in ``.html``. A report there is replaced; another file is not. A link stays, and
            the file that it points to is written. Folders on the way that are missing are made, as for a cache.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ParameterError
            If *path* does not end in ``.html``, or names a folder or a file that is no report.
        StoreError
            If it cannot be written.
        """
        from .results.report import check_path, write_report
        from .results.summary import build_summary

        check_path(path)
        findings = self.duplicates(), self.outliers(), self.clusters(), self.quality()
        summary = build_summary(*findings, self._shown)
        return write_report(path, self._overview(), (summary, *findings), self._stages.thumbnail)

    def __repr__(self) -> str:
        from .views import render_text

        return render_text(self._overview().view())

    def _repr_html_(self) -> str:
        from .views import render_html

        return render_html(self._overview().view(), lambda _: None)

    def _overview(self) -> Overview:
        from .results.overview import Overview

        stages = self._stages
        listing = stages.listing
        kinds = Counter(os.path.splitext(image_id)[1].lower() for image_id in listing.image_ids)
        return Overview(
            root=show_path(listing.root),
            n_images=len(listing),
            kinds=dict(kinds.most_common()),
            passed_over=listing.passed_over,
            cache=stages.cache_name,
            encoder=stages.encoder_name,
            n_labels=int(stages.labels.nunique()),
            n_splits=int(stages.splits.nunique()),
            n_broken=len(listing) - len(stages.valid) if stages.is_scanned else None,
            is_linked=stages.is_linked,
        )


def _restore(stages: Stages) -> Dataset:
    dataset = object.__new__(Dataset)
    object.__setattr__(dataset, "_stages", stages)
    return dataset
