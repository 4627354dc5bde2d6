"""What a person decides and looks at: the half of ``Dataset`` with tags, galleries, the map and plans of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ._facade import Facade
from ._subset import check_used

if TYPE_CHECKING:
    from .export import Plan
    from .tags import Change, Tags
    from .widgets._annotator import Annotator
    from .widgets._explore import Explorer
    from .widgets._gallery import Gallery
    from .widgets._map import Map
    from .widgets._plain import PlainGallery


class Review(Facade):
    """The methods of ``Dataset`` that show and decide; its findings are the other half."""

    @property
    def tags(self) -> Tags:
        """What was decided about the images: ``ds.tags.add(ids, "drop")``, ``.undo()``, ``.to_frame()``."""
        return self._stages.tags

    def tagged(self, tag: str) -> list[str]:
        """Return the ids of the images with a tag, in listing order.

        Raises
        ------
        ParameterError
            If no image ever had the tag and it is not in ``ds.tags.palette``.
        """
        tags = self.tags
        return tags.tagged(*check_used([tag], tags, "Dataset.tagged"))

    def relabel(self, images: object, label: str | Mapping[str, str] | None) -> Change:
        """Decide on another label for images; None takes the decision back. See ``ds.tags.labels()`` and ``ds.plan``.

        A mapping of image_id to label gives each of them its own. Labels of the source, and so ``ds.images``, stay as
        they are, and files, too; the decision is kept apart from tags. To go on with decided labels in place of the
        others, make the Dataset in which they count everywhere:

        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> _ = ds.relabel("train/animal/cat.jpg", "cat")
        >>> ds = ds.using(labels=ds.tags.labels()["new_label"].combine_first(ds.images["label"]))
        >>> ds.where(label="cat").image_ids
        ['train/animal/cat.jpg']
        """
        return self.tags.relabel(images, label)

    def map(self, color: str | pd.Series | pd.DataFrame = "auto", method: str = "auto") -> Map:
        """Lay the collection out in two dimensions, as a live widget: images that are alike lie near each other.

        Drag to move, zoom with the wheel once the map has the focus; thumbnails appear where they fit. Select with
        lasso and box, by keyboard see ``?``. What is selected is ``map.selection``, which ``fd.link`` joins with that
        of other widgets.

        Parameters
        ----------
        color : str, Series or DataFrame, default "auto"
            ``"density"``, ``"cluster"``, ``"label"``, ``"split"``, ``"tag"``, ``"outlier_score"``, any column of
            ``ds.images``; or your own column: a Series, or a DataFrame of one column, indexed by image_id. Numbers are
            colored by a ramp, all else by category. ``"auto"`` is ``"cluster"``. It can be changed on the map.
        method : {"auto", "umap", "pca"}, default "auto"
            UMAP shows groups and takes a while the first time; it comes with ``pip install 'fastdup-nb[map]'``.
            PCA is done in a moment. ``"auto"`` takes UMAP where it is installed; the map says which it is.

        Returns
        -------
        Map
            Shows itself as the last expression of a cell. Broken images are not on it; exact copies lie side by side.

        Raises
        ------
        ParameterError
            If there is no such column, or *color* has other ids than this dataset.
        MissingExtraError
            For ``method="umap"`` where it is not installed.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), labels="folder", cache=None)
        >>> ds.map(color="label", method="pca")  # doctest: +ELLIPSIS
        Map: ... images, colored by label, 0 selected of ...
        """
        from ._mapping import make_map, name_clusters

        found = {
            "cluster": lambda: name_clusters(self.clusters().labels),
            "outlier_score": lambda: self.outliers().to_frame()["outlier_score"],
        }
        return make_map(self._stages, self._shown, tags=self.tags, color=color, method=method, found=found)

    def explore(self, color: str | pd.Series | pd.DataFrame = "auto", method: str = "auto") -> Explorer:
        """Show the map and a gallery side by side: the gallery shows what is selected on the map.

        Parameters
        ----------
        color, method
            As in ``map``.

        Returns
        -------
        Explorer
            Shows itself as the last expression of a cell; has ``.map``, ``.gallery`` and ``.selection``.
        """
        from .widgets._explore import Explorer
        from .widgets._gallery import Gallery

        chart = self.map(color, method)
        gallery = self.gallery(self._stages.valid_ids, page_size=12, backend="anywidget")
        assert isinstance(gallery, Gallery)  # noqa: S101 - for the type checker
        return Explorer(chart, gallery)

    def gallery(self, images: object, *, page_size: int = 24, backend: str = "auto") -> Gallery | PlainGallery:
        """Return a live gallery of any images.

        Parameters
        ----------
        images : DataFrame, or list, Index or Series of image ids
            A frame with image ids as its index or in a column ``image_id``, or with pairs in ``image_id_a`` and
            ``image_id_b``, filtered and sorted with pandas as you like: its order is kept and its columns are shown. A
            column ``group`` or ``cluster`` without gaps makes rows. Of booleans, as in ``ds.images["width"] > 400``,
            the images where they are True: a Series indexed by image_id, or a list or array with one for each image.
        page_size, backend
            As in the ``gallery`` method of every result.

        Returns
        -------
        Gallery or PlainGallery

        Raises
        ------
        UnknownImageError
            If an id is not one of this dataset.
        ParameterError
            If a frame holds no image ids.
        """
        from .results.decks import deck_of_anything

        shown = self._shown
        return shown.open_gallery(deck_of_anything(images, shown), page_size=page_size, backend=backend)

    def annotate(self, labels: Sequence[str], queue: object = None, *, page_size: int = 24) -> Annotator:
        """Label images by keys, in the notebook.

        Parameters
        ----------
        labels : sequence of str
            What can be given, an image one of them; the first ten have the keys 1 to 9 and 0.
        queue : DataFrame, or list, Index or Series of image ids, optional
            Which images in which order, as ``gallery`` takes them: ``ds.outliers().table`` for the strangest first, any
            frame sorted by how unsure something is, ``ds.clusters().clusters["medoid"]`` for one of each cluster,
            ``ds.clusters().members`` for clusters in rows that can be labeled whole. By default all images that can be
            read.
        page_size : int, default 24
            Images on a page; 1 shows one at a time.

        Returns
        -------
        Annotator
            A widget. ``.to_frame()`` gives the labels; they are tags, too: ``ds.tagged("cat")``.

        Raises
        ------
        ParameterError
            If there is no label, or one is given twice.
        """
        from .results.decks import deck_of_anything
        from .widgets._open import open_annotator

        shown = self._shown
        images = self._stages.valid_ids if queue is None else queue
        return open_annotator(deck_of_anything(images, shown), shown, labels, page_size=page_size)

    def plan(
        self,
        drop: object = "drop",
        *,
        move_to: str | os.PathLike[str],
        relabel: bool | Mapping[str, str] | pd.Series | pd.DataFrame = False,
    ) -> Plan:
        """Plan what happens to files: dropped ones go to a folder, relabeled ones to the folder of their label.

        Nothing is touched before ``plan.apply()``, and nothing is ever deleted; ``plan.undo()`` puts files back.

        Parameters
        ----------
        drop : tag, list of tags, ids, DataFrame, boolean Series or None, default "drop"
            The images whose files are moved to ``move_to/<image_id>``.
        move_to : path
            A folder outside of the collection; the manifest of what was moved is written there.
        relabel : bool, mapping, Series or DataFrame, default False
            Which images are moved into the folder beside their own that is named as their new label: True for all
            that were decided on with ``ds.relabel``; or image_id to label, as a mapping or Series, or a DataFrame with
            a column ``new_label``, such as some rows of ``ds.tags.labels()``. It needs ``labels="folder"``. An image
            that is dropped is not moved twice.

        Returns
        -------
        Plan
            A row per file; ``apply()``, ``undo()``, and in a later session ``fd.load_plan(move_to)``.
        """
        from ._planning import build_plan

        return build_plan(self._stages, drop, move_to, relabel)
