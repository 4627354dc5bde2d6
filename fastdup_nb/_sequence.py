"""What happens in time: the part of ``Dataset`` that knows an order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._facade import Facade
from ._stages import Stages
from ._text import TEXT
from ._validation import check_integer
from .errors import ParameterTypeError

if TYPE_CHECKING:
    from .findings.sequence.order import Order
    from .findings.sequence.tables import Part
    from .results.sequence import Sequence

_CALLER = "Dataset.sequence"


class Sequences(Facade):
    """What happens in time: the part of ``Dataset`` that knows an order."""

    def sequence(self, order: str = "auto", *, by: str | None = "folder", min_still_length: int = 10) -> Sequence:
        """Read the images as frames in order: shots and cuts, still stretches, returns, sudden events.

        For frames of videos, time-lapse and surveillance pictures, bursts of a camera. Where pictures differ from one
        to the next throughout, as in a folder of photographs, that is said, and no cut is claimed.

        Parameters
        ----------
        order : str, default "auto"
            ``"time"`` is EXIF time; images without one are left out and counted, equal times are put in the order of
            names. ``"name"`` sorts by names and the numbers in them, ``frame_2`` before ``frame_10``. ``"listing"``
            keeps the order of the source. ``"frame time"`` goes by the time at the end of names such as
            ``film.mp4@12.5``. Else a column of ``ds.images`` with numbers, times or text. ``"auto"`` takes frame time
            where all names have one, time where every image has one and most differ, else names.
        by : str or None, default "folder"
            What belongs to one sequence: the images of a ``"folder"``, of a ``"camera"`` (by EXIF), or with the same
            value in another column of ``ds.images``; None takes all as one.
        min_still_length : int, default 10
            Frames that a still stretch has at least; 2 or more.

        Returns
        -------
        Sequence
            With ``shots``, ``cuts``, ``stills``, ``returns``, ``events`` and ``curve``; ``transitions()``,
            ``cooccurrence()``, ``keyframes()`` and ``deviations()``. Broken images are left out and counted.

        Raises
        ------
        ParameterError
            If there is no such column, it has gaps or cannot be sorted, or no image tells its time.

        Notes
        -----
        The distance of two frames is 0 for the same picture and about 1 for unrelated ones: the cosine distance of the
        encoder's vectors, smaller where small gray pictures of the same pass agree. A cut must stand out from the steps
        around it, and what was before must stay away for four frames. A dissolve is known by its frames, which lie
        between two pictures; a fade by the blank frames in its middle. What is gone again after at most three frames is
        an event. With your own vectors there are no gray pictures: dissolves are then not told from movement and none
        is claimed, and fades and flashes are seen by vectors alone. Cuts are found by a contrast like that of Foote
        (2000), dissolves by the models of Hampapur, Jain and Weymouth (1995) and Alattar (1993).
        ``docs/sequences.md`` tells more, with what was measured.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample_frames(tempfile.mkdtemp() + "/frames"), cache=None)
        >>> found = ds.sequence(order="name")
        >>> found.cuts["kind"].value_counts().to_dict()
        {'cut': 5, 'dissolve': 1, 'fade': 1}
        """
        from .findings.sequence.order import key_name, order_frames, tell_sequences
        from .findings.sequence.tables import build_tables
        from .results.sequence import Sequence

        least_length = check_integer(min_still_length, "min_still_length", _CALLER, low=2)
        _check_word(order, "order", "'auto', 'time', 'name', 'listing', 'frame time' or a column of ds.images")
        if by is not None:
            _check_word(by, "by", "None, 'folder', 'camera' or a column of ds.images")
        stages = self._stages
        images = stages.images.loc[stages.valid_ids]
        placed = order_frames(images, order, _CALLER)
        names = tell_sequences(images, by, _CALLER)
        parts = [_read_part(stages, placed, names, name, least_length) for name in sorted(names.unique(), key=key_name)]
        return Sequence(
            **build_tables([part for part in parts if part.image_ids]),
            order=placed.name,
            by=by,
            min_still_length=least_length,
            n_left_out=placed.n_left_out,
            n_equal=placed.n_equal,
            streams=tuple(part.name for part in parts if part.timeline.is_stream),
            _n_timed=_count_timed(images) if order == "auto" and placed.name == "name" else 0,
            _shown=self._shown,
            _source=self,
            _vectors=partial(_take_vectors, stages),
            _clusters=self.clusters,
        )


def _read_part(stages: Stages, placed: Order, names: pd.Series, name: str, least_length: int) -> Part:
    """Return what happens in the sequence of this name."""
    from .findings.sequence.frames import COPY, SCENE
    from .findings.sequence.tables import Part
    from .findings.sequence.timeline import Frames, read_timeline

    places = np.flatnonzero((names == name).to_numpy() & (placed.rank >= 0))
    places = places[np.argsort(placed.rank[places], kind="stable")]
    descriptors, presets = stages.descriptors, stages.presets
    has_pictures = descriptors.details is not None  # whose distance has bounds of its own; else it is the plain cosine
    frames = Frames(descriptors.vectors, descriptors.details, stages.rows[places])
    return Part(
        name=name,
        image_ids=names.index[places].tolist(),
        times=None if placed.times is None else placed.times.iloc[places],
        timeline=read_timeline(
            frames,
            least=COPY if has_pictures else 1 - presets["strict"],
            alike=SCENE if has_pictures else 1 - presets["default"],
            min_still_length=least_length,
        ),
    )


def _count_timed(images: pd.DataFrame) -> int:
    """Return how many images have an EXIF time; 0 where all have one, which then do not differ enough."""
    is_timed = images["exif_time"].notna()
    return 0 if is_timed.all() else int(is_timed.sum())


def _take_vectors(stages: Stages, image_ids: list[str]) -> np.ndarray:
    places = pd.Index(stages.valid_ids, dtype=TEXT).get_indexer(pd.Index(image_ids, dtype=TEXT))
    return np.asarray(stages.descriptors.vectors[stages.rows[places]])


def _check_word(value: object, name: str, wanted: str) -> None:
    if not isinstance(value, str):
        raise ParameterTypeError(f"The {name!r} parameter of {_CALLER} must be {wanted}. Got {value!r} instead.")
