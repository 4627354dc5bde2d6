"""Labeling: a gallery in which a key gives an image its one label and goes on to the next."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pandas as pd

from .._validation import check_choice
from ..views import format_count
from ._controller import Pictures
from ._deck import Deck, Query
from ._gallery import Gallery

SKIPPED = "skipped"
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999", "#332288", "#882255")
_KEYS = "1234567890"
_PACE_ACTIONS = 20
_PAUSE = 60.0  # seconds without an action that are no work


class Annotator(Gallery):
    """A gallery for labeling, as ``Dataset.annotate`` makes it.

    A digit gives its label to the image in focus, or to all that are selected, and goes on to the next; ``s`` skips,
    ``u`` undoes. Labels are tags of the dataset, of which an image has at most one of those asked for; so they outlive
    the kernel, and labeling comes back where it was left.

    Attributes
    ----------
    labels : list of str
        The labels that can be given.
    """

    _about = MappingProxyType({"is_queue": True})

    def __init__(self, deck: Deck, pictures: Pictures, labels: Sequence[str], *, page_size: int = 24) -> None:
        self.labels = list(labels)
        self._times: deque[tuple[float, int]] = deque(maxlen=_PACE_ACTIONS)
        super().__init__(replace(deck, title="Labeling"), pictures, page_size=page_size)

    def label(self, images: object, label: str) -> object:
        """Give images a label in place of any other, as its key does.

        Parameters
        ----------
        images : id, ids, DataFrame or boolean Series
            As ``ds.tags.edit`` takes them.
        label : str
            One of ``labels``.

        Returns
        -------
        Change
            What really changed.
        """
        check_choice(label, "label", "Annotator.label", self.labels)
        return self._give(images, label)

    def skip(self, images: object) -> object:
        """Skip images, as ``s`` does: they count as seen, and have none of the labels."""
        return self._give(images, SKIPPED)

    def to_frame(self) -> pd.DataFrame:
        """Return the labels given so far.

        Returns
        -------
        DataFrame
            Index ``image_id``, in the order of the queue: ``label``, missing where none was given, and ``is_skipped``.
        """
        ids = list(dict.fromkeys(self._controller.ids))
        tags = self._controller.tags.of(ids)
        labels = [next((label for label in self.labels if label in tags[image_id]), None) for image_id in ids]
        skipped = [SKIPPED in tags[image_id] for image_id in ids]
        index = pd.Index(ids, name="image_id", dtype=object)
        return pd.DataFrame({"label": pd.Series(labels, index=index, dtype=object), "is_skipped": skipped}, index=index)

    def __repr__(self) -> str:
        return f"{super().__repr__()}, {self._progress['text']}"

    def _find_start(self) -> int:
        self._controller.counts()
        done = self._done()
        return next((i for i, image_id in enumerate(self._controller.ids) if image_id not in done), 0)

    def _done(self) -> set[str]:
        """Return the images that have a label or were skipped, of those counted last."""
        wanted = {*self.labels, SKIPPED}
        return {image_id for image_id, tags in self._controller.tags_of.items() if not wanted.isdisjoint(tags)}

    def _do_tag(self, message: Mapping[str, Any]) -> None:
        """Give a label in place of any other; the same one again changes nothing."""
        tag = check_choice(message["tag"], "tag", "the gallery", [*self.labels, SKIPPED])
        ids = self._addressed(message)
        if ids:
            self._times.append((time.monotonic(), len(ids)))
            self._decided(self._give(ids, tag))

    def _give(self, images: object, tag: str) -> object:
        others = [name for name in (*self.labels, SKIPPED) if name != tag]
        return self._controller.tags.edit(images, add=[tag], remove=others)

    def _find_state(self, query: Query) -> dict[str, Any]:
        palette = [{"name": label, "color": _COLORS[i % len(_COLORS)], "key": _KEYS[i] if i < len(_KEYS) else ""}
                   for i, label in enumerate(self.labels)]  # fmt: skip
        palette.append({"name": SKIPPED, "color": "#777777", "key": "s"})
        state = super()._find_state(query)  # counts the tags
        return {**state, "_palette": palette, "_progress": self._tell_progress()}

    def _tell_progress(self) -> dict[str, Any]:
        n, n_done = self._controller.n_images, len(self._done())
        n_skipped = self._controller.counts().get(SKIPPED, 0)
        text = f"{n_done - n_skipped:,} labeled, {n_skipped:,} skipped, {n - n_done:,} to go"
        pace = self._pace()
        if pace and n > n_done:
            minutes = (n - n_done) / pace
            left = format_count(round(minutes), ("minute", "minutes")) if minutes >= 1 else "under a minute"
            text += f" · {pace:.0f} a minute, {left} left"
        return {"n_images": n, "n_done": n_done, "text": text}

    def _pace(self) -> float:
        """Images a minute over the last actions, pauses left out."""
        steps = list(self._times)
        spans = [min(b[0] - a[0], _PAUSE) for a, b in pairwise(steps)]
        return 60 * sum(n for _, n in steps[1:]) / sum(spans) if len(steps) >= 3 and sum(spans) > 0 else 0.0
