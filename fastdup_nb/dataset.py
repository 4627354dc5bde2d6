"""``Dataset``: the front door. It joins the stages and holds no algorithm."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._query import read_query
from ._stages import Settings, Stages, check_embeddings
from ._validation import check_choice, check_integer, check_number
from .embeddings import GENERIC_PRESETS, PRESETS, score_pairs
from .errors import ParameterError, ParameterTypeError
from .findings.clusters import default_min_cluster_size, find_clusters, label_clusters
from .findings.duplicates import TEXT, Copies, find_duplicates
from .findings.keeping import KEEP_RULES, find_unsure_pixels, rank_images
from .findings.outliers import find_outliers
from .findings.quality import QUALITY_BOUNDS, find_quality_issues
from .graph import METHODS, search
from .results import Clusters, Duplicates, Estimate, Neighbors, Outliers, Overview, Quality, Shown, Similar, Summary
from .results.summary import build_summary
from .sources import check_source
from .views import render_html, render_text

if TYPE_CHECKING:
    from PIL import Image

_ESTIMATE_IMAGES = 48


class Dataset:
    """A collection of images, looked at lazily.

    Making one opens nothing. The first call that needs it reads every image once, on all processors, for everything:
    digest, facts, thumbnail and vector; then links each to its nearest neighbors. What was found is kept on disk, so
    the next call, and the next session, reads only files that are new or changed.

    Parameters
    ----------
    source : path, glob, list of paths, or DataFrame
        A folder (with all folders below it); a glob such as ``"photos/**/*.jpg"``; a list of paths; a DataFrame, CSV
        or Parquet file with a path column (``path``, ``image_path``, ``filename``, ...), whose other columns stay with
        the images. In folders and globs, images are known by their suffix, in any case, or have none; hidden files are
        passed over. Every image gets an id: its path relative to the root of the source, with ``/``.
    labels : "folder", str or sequence, optional
        ``"folder"`` takes the folder an image lies in; another str names a column; a sequence gives one label per
        listed image. A column named ``label`` is taken by itself.
    split : "folder", str or sequence, optional
        The same for splits; ``"folder"`` takes the topmost folder. A column named ``split`` is taken by itself.
    cache : "auto", path or None, default "auto"
        Folder in which results are kept. ``"auto"`` is a folder of this source in the user's cache, or below
        ``$FASTDUP_NB_CACHE``; None keeps nothing. Nothing is ever written beside the images.
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
        Your own vectors, in the order of ``image_ids``; then no encoder runs.

    Raises
    ------
    SourceNotFoundError
        If a named folder or file does not exist.
    SourceError
        If a source has no images, a table no path column, or a path is given twice.

    Examples
    --------
    >>> import tempfile, fastdup_nb as fd
    >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
    >>> dups = ds.duplicates()
    >>> dups.pairs.columns.tolist()
    ['image_id_a', 'image_id_b', 'similarity', 'tier']
    """

    _stages: Stages
    _options: dict[str, object]

    def __init__(
        self,
        source: object,
        *,
        labels: object = None,
        split: object = None,
        cache: str | os.PathLike[str] | None = "auto",
        encoder: object = "efficientnet-lite0",
        n_neighbors: int = 15,
        n_jobs: int = -1,
        random_state: int = 0,
        method: str = "auto",
        embeddings: npt.ArrayLike | None = None,
    ) -> None:
        listing = check_source(source)
        if cache is not None and not isinstance(cache, (str, os.PathLike)):
            raise ParameterTypeError(
                f"The 'cache' parameter of Dataset must be 'auto', a folder or None. Got {cache!r} instead."
            )
        if n_jobs != -1:
            check_integer(n_jobs, "n_jobs", "Dataset", low=1)
        settings = Settings(
            source=source,
            labels=labels,
            split=split,
            cache=cache,
            encoder=encoder,
            n_neighbors=check_integer(n_neighbors, "n_neighbors", "Dataset", low=1, high=1000),
            n_jobs=n_jobs,
            random_state=check_integer(random_state, "random_state", "Dataset", low=0, high=2**32 - 1),
            method=check_choice(method, "method", "Dataset", METHODS),
            embeddings=None,
        )
        stages = Stages(settings, listing)
        if embeddings is not None:
            stages = stages.with_embeddings(check_embeddings(embeddings, len(stages.listing)))
        stages.check()
        object.__setattr__(self, "_stages", stages)
        object.__setattr__(self, "_options", {**settings.__dict__, "embeddings": embeddings})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A Dataset does not change; make another with ds.using({name}=...).")

    def using(self, **changes: object) -> Dataset:
        """Return a Dataset of the same source with other options, such as ``ds.using(n_neighbors=30)``.

        Raises
        ------
        ParameterError
            If there is no such option.
        """
        unknown = sorted(set(changes) - set(self._options))
        if unknown:
            raise ParameterError(f"Dataset has no option {unknown[0]!r}; it has {', '.join(self._options)}.")
        return Dataset(**{**self._options, **changes})  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self._stages.listing)

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
        stages = self._stages
        return Neighbors(graph=stages.graph, image_ids=stages.distinct_ids, _shown=self._shown)

    def duplicates(self, min_similarity: float | str | None = None, *, keep: str = "first") -> Duplicates:
        """Find images that show the same picture: same file, same pixels, or nearly.

        Parameters
        ----------
        min_similarity : float in [0, 1] or {"strict", "default", "loose"}, optional
            Bound of the tier ``near``; larger is stricter, 1 leaves identical ones. The default is calibrated to at
            most one false pair in a thousand photographs. For your own vectors, where nothing can be calibrated, the
            presets are plain cosine similarities.
        keep : {"first", "largest", "sharpest", "oldest"}, default "first"
            Which image of a group stays: the first listed, the one with most pixels, the sharpest, or the oldest by
            EXIF time (else by file time).

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
        least = self._least_similarity(min_similarity)
        check_choice(keep, "keep", "Dataset.duplicates", KEEP_RULES)
        stages = self._stages
        copies = Copies(
            image_ids=stages.valid_ids,
            rows=stages.rows,
            files=stages.files,
            pixels=stages.pixel_ids(find_unsure_pixels(stages.valid_facts, stages.rows, stages.graph)),
            rank=rank_images(stages.images.loc[stages.valid_ids], keep),
        )
        descriptors = stages.descriptors
        found = find_duplicates(
            copies,
            stages.graph.indices,
            lambda a, b: score_pairs(descriptors.take(a), descriptors.take(b)),
            min_similarity=least,
        )
        return Duplicates(
            pairs=found.pairs,
            groups=found.groups,
            members=found.members,
            min_similarity=least,
            keep=keep,
            n_images=len(stages.valid),
            n_pairs=found.n_pairs,
            _shown=self._shown,
        )

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
        stages = self._stages
        size = default_min_cluster_size(len(stages.descriptors))
        if min_cluster_size is not None:
            size = check_integer(min_cluster_size, "min_cluster_size", "Dataset.clusters", low=2)
        vectors, seed = stages.descriptors.vectors, stages.settings.random_state
        labels = label_clusters(
            vectors, stages.graph.indices, stages.graph.distances, min_cluster_size=size, random_state=seed
        )
        given = stages.labels.iloc[stages.valid]
        members, clusters = find_clusters(
            stages.valid_ids,
            vectors[stages.rows],
            labels[stages.rows],
            given_labels=given.tolist() if given.notna().any() else None,
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
        """
        table = find_quality_issues(self._stages.images, bounds=bounds)
        return Quality(table=table, bounds={**QUALITY_BOUNDS, **(bounds or {})}, _shown=self._shown)

    def similar(
        self,
        query: str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.uint8],
        n_neighbors: int = 10,
    ) -> Similar:
        """Find the images nearest to a picture, by exact search.

        Parameters
        ----------
        query : image id, path, bytes, PIL image, or array
            An id of this dataset, any file, the bytes of one, a picture, or uint8 pixels (height, width[, 3]). A float
            array of n_features numbers is taken as a vector.
        n_neighbors : int, default 10
            How many images to return, the query itself included where it is in the dataset; it comes first.

        Returns
        -------
        Similar
            Ids with their similarity: the cosine of the vectors, 1 is identical.

        Raises
        ------
        ImageError
            If the query is no picture.
        UnknownImageError
            If it is a str that is neither an id of this dataset nor an existing file.
        """
        n_neighbors = check_integer(n_neighbors, "n_neighbors", "Dataset.similar", low=1)
        stages = self._stages
        vector, name = read_query(query, stages)
        vectors = stages.descriptors.vectors
        rows, distances = search(vectors, vector[None], n_neighbors=min(n_neighbors, max(len(vectors), 1)))
        near = pd.Series(1 - distances[0], index=rows[0])
        similarity = pd.Series(near.reindex(stages.rows).to_numpy(), index=pd.Index(stages.valid_ids, dtype=TEXT))
        similarity = similarity.dropna().astype(np.float32)
        is_other = np.asarray(similarity.index != name)
        order = np.lexsort((is_other, -similarity.to_numpy()))
        table = similarity.iloc[order].head(n_neighbors).rename("similarity").rename_axis("image_id").to_frame()
        return Similar(table=table, query=name, _shown=self._shown)

    def summary(self) -> Summary:
        """Return every count with its meaning: pairs, images in a pair, groups and removable images are different."""
        return build_summary(self.duplicates(), self.outliers(), self.clusters(), self.quality(), self._shown)

    def estimate(self) -> Estimate:
        """Estimate how long the first finding will take, by reading a few of the images that are new.

        Their results are kept like any others; nothing is measured twice.
        """
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
            The file to write, ending in ``.html``. A report there is replaced; another file is not.

        Returns
        -------
        Path
            The file written.
        """
        from .results.report import write_report

        findings = self.summary(), self.duplicates(), self.outliers(), self.clusters(), self.quality()
        return write_report(Path(path), self._overview(), findings, self._stages.thumbnail)

    def __repr__(self) -> str:
        return render_text(self._overview().view())

    def _repr_html_(self) -> str:
        return render_html(self._overview().view(), lambda _: None)

    @property
    def _shown(self) -> Shown:
        return Shown(self._stages.images, self._stages.thumbnail)

    def _least_similarity(self, wanted: float | str | None) -> float:
        presets = PRESETS if self._stages.encoder_is_calibrated else GENERIC_PRESETS
        if wanted is None or isinstance(wanted, str):
            name = check_choice(wanted or "default", "min_similarity", "Dataset.duplicates", tuple(presets))
            return presets[name]
        return check_number(wanted, "min_similarity", "Dataset.duplicates", low=0, high=1)

    def _overview(self) -> Overview:
        stages = self._stages
        listing = stages.listing
        kinds = Counter(os.path.splitext(image_id)[1].lower() for image_id in listing.image_ids)
        return Overview(
            root=str(listing.root),
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
