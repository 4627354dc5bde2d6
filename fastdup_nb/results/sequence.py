"""Sequences: shots, cuts, events and the rest of what happens in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._text import TEXT
from .._validation import check_choice, check_integer
from ..errors import ParameterError, ParameterTypeError
from ..findings.sampling import choose_covering
from ..views import View
from ._base import ImageResult, Result, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Deck
    from .clusters import Clusters
    from .normality import Normality
    from .novelty import Novelties

_LISTS = ("cuts", "keyframes", "still", "events", "returns", "gradual", "representatives")


@dataclass(frozen=True, eq=False, repr=False)
class Sequence(ImageResult):
    """What happens in time, as ``Dataset.sequence`` found it. Numbers of shots and scenes go over all sequences.

    ``tag(which=...)`` takes ``"cuts"`` (default: first frames of new shots), ``"keyframes"`` (one of each shot),
    ``"still"``, ``"events"``, ``"gradual"`` (all such frames), ``"returns"`` (their first frames) or
    ``"representatives"``.

    Attributes
    ----------
    frames : DataFrame
        Index ``image_id``, a row per frame, sequence by sequence in order: ``sequence``, ``position`` (from 0 on),
        ``time`` (of the order; missing where it has none), ``shot``, ``scene`` (shots that return to one another share
        one), ``change`` (distance to the frame before, 0 is the same picture and about 1 an unrelated one; at least the
        change of mean brightness, 0 to 1), ``is_cut``, ``is_gradual``, ``is_still``, ``is_event``.
    shots : DataFrame
        Index ``shot``: ``sequence``, ``start`` and ``end`` (image_id of the first and last frame), ``n_frames``,
        ``duration`` (in the unit of the order), ``representative`` (the most typical frame), ``scene``,
        ``mean_change``.
    cuts : DataFrame
        ``image_id`` (first frame of the new shot; of a gradual change the middle), ``sequence``, ``position``,
        ``time``, ``kind`` (``cut``, ``dissolve`` or ``fade``), ``start`` and ``end`` (first and last frame of the
        gradual change), ``n_gradual`` (frames it takes, 0 for a cut), ``strength`` (distance of the two scenes, larger
        is clearer) and ``shot`` (that begins).
    stills : DataFrame
        Stretches that, seen small, stand still: ``sequence``, ``start``, ``end``, ``n_frames``, ``duration``, ``shot``.
    returns : DataFrame
        Where an earlier scene is seen again after something else: ``sequence``, ``start``, ``end``, ``n_frames``,
        ``image_id`` and ``earlier`` (the two frames most alike), ``similarity`` (of these, 1 is identical),
        ``n_between`` (frames from the earlier one to the return), ``shot``, ``earlier_shot``.
    events : DataFrame
        What is there for one to three frames, after which the picture before is back: ``image_id``, ``sequence``,
        ``position``, ``time``, ``n_frames``, ``kind`` (``brighter``, ``darker``, ``other picture``), ``change``,
        ``shot``.
    order, by : str
        How frames were put in order, and what makes a sequence.
    min_still_length : int
        Frames of a still stretch, at least.
    n_left_out : int
        Images without a time, which are in no sequence.
    n_equal : int
        Images that share their time with another one; they are in the order of their names.
    streams : tuple of str
        Sequences whose pictures differ from one to the next throughout; no cut and no event is claimed in them.
    """

    frames: pd.DataFrame
    shots: pd.DataFrame
    cuts: pd.DataFrame
    stills: pd.DataFrame
    returns: pd.DataFrame
    events: pd.DataFrame
    order: str
    by: str | None
    min_still_length: int
    n_left_out: int
    n_equal: int
    streams: tuple[str, ...]
    _n_timed: int  # images with a time where, for want of others, names gave the order
    _shown: Shown
    _source: object
    _vectors: Callable[[list[str]], npt.NDArray[np.float32]]
    _clusters: Callable[[], Clusters]

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of ``frames``."""
        return self.frames.copy()

    @property
    def curve(self) -> pd.DataFrame:
        """How much changes from frame to frame: index ``image_id``; ``sequence``, ``position``, ``time``, ``change``.

        ``usual`` is the median of ``change`` over 17 frames, which tells slow movement from what is sudden.
        """
        table = self.frames[["sequence", "position", "time", "change"]].copy()
        rolled = table.groupby("sequence", sort=False)["change"].rolling(17, center=True, min_periods=1).median()
        return table.assign(usual=rolled.to_numpy() if len(table) else table["change"])

    def keyframes(self, n: int | None = None) -> list[str]:
        """Return the ids of frames that show what there is to see, in order.

        Parameters
        ----------
        n : int, optional
            How many; one of each shot by default. More are added one by one, each the frame least like all those taken
            so far (Gonzalez, 1985); fewer are taken from the shots in the same way, the longest first. All frames
            where there are not that many.

        Returns
        -------
        list of str
        """
        n = len(self.shots) if n is None else check_integer(n, "n", "Sequence.keyframes", low=0)
        n = min(n, len(self.frames))
        ids = self.frames.index
        every = np.flatnonzero(~(self.frames["is_gradual"] | self.frames["is_event"]).to_numpy(dtype=bool))
        every = np.arange(len(ids)) if len(every) < n else every
        longest = self.shots.sort_values("n_frames", ascending=False, kind="stable")["representative"]
        shots = ids.get_indexer(pd.Index(longest, dtype=TEXT))
        few = n < len(shots)
        chosen = shots[:1] if few else shots
        others = np.setdiff1d(shots if few else every, chosen)
        vectors, taken = (self._vectors(ids[places].tolist()) for places in (others, chosen))
        more, _ = choose_covering(vectors, max(0, n - len(chosen)), included=taken)
        chosen = np.append(chosen, others[more])[:n]
        return ids[sorted(chosen)].tolist()

    def transitions(self, labels: str | pd.Series = "cluster") -> pd.DataFrame:
        """Count what follows what: how often one label comes right after another one.

        Parameters
        ----------
        labels : str or Series, default "cluster"
            ``"cluster"`` takes ``ds.clusters()``, whose noise is passed over; ``"scene"``, ``"shot"``, a column of
            ``ds.images`` such as ``"label"``, or your own Series by image_id. Frames without a label are passed over.

        Returns
        -------
        DataFrame
            ``from``, ``to``, ``n`` (how often) and ``share`` (of all that leaves ``from``), most frequent first. Runs
            of one label are counted once; nothing is counted from one sequence to the next.

        Raises
        ------
        ParameterError
            If there is no such column.
        """
        from ..findings.sequence.succession import count_transitions

        codes, names = self._encode(labels, "Sequence.transitions")
        return count_transitions(codes, (self.frames["position"] == 0).to_numpy(dtype=bool), names)

    def cooccurrence(self, window: int | str | timedelta = 25, labels: str | pd.Series = "cluster") -> pd.DataFrame:
        """Count what is seen together: in how many windows of time two labels both occur.

        Parameters
        ----------
        window : int, str or timedelta, default 25
            Length of the windows in which the sequences are parted: frames, or, where frames are in order of time, a
            time such as ``"10min"``.
        labels : str or Series, default "cluster"
            As for ``transitions``.

        Returns
        -------
        DataFrame
            ``a``, ``b``, ``n`` (windows that have both), ``n_a`` and ``n_b`` (windows that have the one) and ``lift``:
            how many times more often together than by chance; 1 is chance. Highest lift first; pairs that are never
            together are left out.

        Raises
        ------
        ParameterError
            If *window* is no length, or a time where frames have none.
        """
        from ..findings.sequence.succession import count_together

        codes, names = self._encode(labels, "Sequence.cooccurrence")
        return count_together(codes, self._part_time(window), names)

    def deviations(self, model: Normality | Novelties) -> pd.DataFrame:
        """Say which frames are not like what a model of normal ones has learned.

        Parameters
        ----------
        model : Normality or Novelties
            Such as ``normal.normality()``, where *normal* is a dataset of ordinary frames; it judges as
            ``model.score(ds)`` does. To judge in another way give what it found, such as
            ``model.score(ds, control="each")``. Anything else that has a ``score(ds)`` will do, where that returns a
            DataFrame by image_id with a column ``is_novel``.

        Returns
        -------
        DataFrame
            Index ``image_id``, in the order of time: ``sequence``, ``position``, ``time``, ``shot``, all that the model
            tells (``novelty_score``, larger is stranger; ``p_value``, smaller is stranger; ``is_novel``), and
            ``stretch``: a number for each run of novel frames, -1 for the others. What the model does not tell of a
            frame is missing, and such a frame is not novel.

        Raises
        ------
        ParameterTypeError
            If *model* is no such thing, or what its ``score`` returns is no such table.
        ParameterError
            If it tells twice of one image, or of none of the frames.

        Notes
        -----
        Frames that are duplicates of one another count as one picture to the model, so an hour of one quiet scene
        teaches no more than a minute of it, and its smallest p-value may be too large to flag anything at the default
        rate; ``model`` and ``model.score(ds)`` tell that when shown.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample_frames(tempfile.mkdtemp() + "/frames"), cache=None)
        >>> first = [image_id for image_id in ds.image_ids if image_id.startswith("camera_1/")]
        >>> judged = ds.where(first).normality().score(ds, false_alarm_rate=0.2, control="each")
        >>> found = ds.sequence().deviations(judged)
        >>> found["is_novel"].groupby(found["sequence"]).any().to_dict()
        {'camera_1': False, 'camera_2': True}
        """
        score = getattr(model, "score", None)
        told = _find_table(score(self._source) if callable(score) else model)
        if told is None:
            raise ParameterTypeError(
                "The 'model' parameter of Sequence.deviations must be a model of what is normal, such as "
                "other.normality(), or what it found, such as model.score(ds): a table by image_id with a column "
                f"'is_novel'. Got {type(model).__name__} instead."
            )
        own = self.frames[["sequence", "position", "time", "shot"]]
        if len(own) and not own.index.isin(told.index).any():
            raise ParameterError(
                f"The 'model' parameter of Sequence.deviations must tell of frames of this sequence. Of {len(told):,} "
                "images that it tells of none is one; compare found.frames.index with what it was given."
            )
        found = own.join(told[[column for column in told.columns if column not in own.columns]].reindex(own.index))
        novel = found["is_novel"].astype("boolean").fillna(False).to_numpy(dtype=bool)
        first = novel & ~(np.append(False, novel[:-1])[: len(novel)] & (found["position"] > 0).to_numpy(dtype=bool))
        return found.assign(stretch=np.where(novel, np.cumsum(first) - 1, -1))

    def _encode(self, labels: str | pd.Series, caller: str) -> tuple[npt.NDArray[np.int64], list[object]]:
        values = self._look_up(labels, caller).reindex(self.frames.index)
        codes, names = pd.factorize(values.astype(object).where(values.notna(), None), use_na_sentinel=True)
        return np.asarray(codes, dtype=np.int64), list(names)

    def _look_up(self, labels: object, caller: str) -> pd.Series:
        if isinstance(labels, pd.Series):
            if not labels.index.is_unique:
                twice = labels.index[labels.index.duplicated()][0]
                raise ParameterError(
                    f"The 'labels' parameter of {caller} must have one label for each image. It has more for {twice!r}."
                )
            return labels
        if isinstance(labels, str) and labels == "cluster":
            found = self._clusters().labels
            return found.astype("Int64").where(found >= 0)
        for table in (self.frames[["scene", "shot"]], self._shown.images):
            if isinstance(labels, str) and labels in table.columns:
                return table[labels]
        raise ParameterError(
            f"The 'labels' parameter of {caller} must be 'cluster', 'scene', 'shot', a column of ds.images, or a "
            f"Series by image_id. Got {labels!r} instead."
        )

    def _part_time(self, window: object) -> npt.NDArray[np.int64]:
        """Return the number of the window of each frame."""
        table = self.frames
        if isinstance(window, (str, timedelta)):
            if not pd.api.types.is_datetime64_any_dtype(table["time"]):
                raise ParameterError(
                    "The 'window' parameter of Sequence.cooccurrence must be a number of frames where the order is no "
                    f"time. Got {window!r} instead; try ds.sequence(order='time')."
                )
            begins = table.groupby("sequence")["time"].transform("min")
            inside = ((table["time"] - begins).dt.total_seconds() // _read_length(window)).astype("int64")
        else:
            inside = table["position"] // check_integer(window, "window", "Sequence.cooccurrence", low=1)
        keys = pd.DataFrame({"sequence": table["sequence"].to_numpy(), "inside": inside.to_numpy()})
        return np.asarray(keys.groupby(["sequence", "inside"], sort=False).ngroup(), dtype=np.int64)

    def _listed(self, which: object) -> list[str]:
        chosen = check_choice("cuts" if which is None else which, "which", "Sequence.tag", _LISTS)
        table = self.frames
        flags = {"cuts": "is_cut", "still": "is_still", "events": "is_event", "gradual": "is_gradual"}
        if chosen in flags:
            return table.index[table[flags[chosen]]].tolist()
        if chosen == "keyframes":
            return self.keyframes()
        column = self.returns["start"] if chosen == "returns" else self.shots["representative"]
        return list(dict.fromkeys(column.tolist()))

    def _deck(self) -> Deck:
        from ._sequence_views import deck_of_sequence

        return deck_of_sequence(self)

    def _view(self, n_rows: int) -> View:
        from ._sequence_views import view_sequence

        return view_sequence(self, n_rows)


def _read_length(window: str | timedelta) -> float:
    """Return a length of time in seconds."""
    try:
        is_bare = isinstance(window, str) and window.strip().lstrip("+-").replace(".", "", 1).isdecimal()
        length = float("nan") if is_bare else float(pd.Timedelta(window).total_seconds())  # "10" would be nanoseconds
    except ValueError:
        length = float("nan")
    if not length > 0:
        raise ParameterError(
            "The 'window' parameter of Sequence.cooccurrence must be an int of at least 1, or a time such as '10min'. "
            f"Got {window!r} instead."
        )
    return length


def _find_table(told: object) -> pd.DataFrame | None:
    """Return the table of a result, or a table itself, where it says what is novel."""
    table = told.to_frame() if isinstance(told, Result) else told
    if not isinstance(table, pd.DataFrame) or "is_novel" not in table.columns:
        return None
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise ParameterError(
            "The 'model' parameter of Sequence.deviations must tell of each image once. "
            f"It tells of {twice!r} more than once."
        )
    return table
