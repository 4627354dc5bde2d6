"""``Map``: a collection in two dimensions, to look at, to select in and to tag.

The browser holds a canvas and nothing of the collection: it says which part it looks at and gets a picture of it. One
request is under way at a time, and while it is, the last picture is moved and scaled. Pictures go as binary messages;
the one synced trait holds words and numbers. Handlers may run in several threads: what they read is replaced whole and
never changed, and no lock is held while others are called.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import numpy.typing as npt
import pandas as pd
import traitlets

from .._text import check_name
from .._validation import check_choice, check_integer
from ..errors import ParameterError
from ._base import Listeners, Selection, close_parts, close_previous, exclude, publish_with_twin, read_module
from ._coloring import Coloring, color_by, color_by_density
from ._lasso import find_inside
from ._legend import render_twin
from ._placing import choose_tiles, find_nearest, place_names
from ._raster import Ints, dot_radius, fit_window, read_window, warm_up
from ._shading import draw, draw_mask

if TYPE_CHECKING:
    from ._base import TagBook

_LOG = logging.getLogger(__name__)
_TWIN_BYTES = 100_000
_MOST_TILES = 48  # asked for in one message


class Map(anywidget.AnyWidget):
    """A live map of images; ``Dataset.map`` makes one.

    Parameters
    ----------
    points : float32 array (n, 2)
        Place of each image.
    image_ids : sequence of str (n,)
    colors : mapping of str to Series, optional
        Columns to color by, each indexed by image_id. ``"density"`` is always there, ``"tag"`` where there are *tags*.
    color : str, default "density"
        The one to begin with.
    thumbnail : callable, optional
        Takes an image id and returns a small JPEG, or None.
    describe : callable, optional
        Takes an image id and returns facts about it as text.
    tags : TagBook, optional
        Where tags are kept; without, there are no buttons for them.
    title : str, default "Map"
    notes : sequence of str, optional
        Stand below the map, such as how it was projected.

    Attributes
    ----------
    selection : list of str
        Ids of the selected images; set it, observe it, link it with ``fd.link``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.widgets._map import Map
    >>> map = Map(np.eye(2, dtype=np.float32), ["a.jpg", "b.jpg"])
    >>> map.selection = ["b.jpg"]
    >>> map.selection_frame()["y"].tolist()
    [1.0]
    """

    _esm = read_module("common.js", "map_canvas.js", "map_parts.js", "map.js")
    _css = read_module("common.css", "map.css")
    _twin = ""  # the model that has the static twin, where it is not this one
    _state = traitlets.Dict().tag(sync=True)
    """Words and numbers that all views show; never a picture, and nothing per image."""
    selection = Selection()
    """Ids of the selected images, in Python only."""

    def __init__(
        self,
        points: np.ndarray,
        image_ids: Sequence[str],
        *,
        colors: Mapping[str, pd.Series] | None = None,
        color: str = "density",
        thumbnail: Callable[[str], bytes | None] | None = None,
        describe: Callable[[str], str] | None = None,
        tags: TagBook | None = None,
        title: str = "Map",
        notes: Sequence[str] = (),
    ) -> None:
        warm_up(delay=1.5)  # the first picture goes first
        self._points = np.asfortranarray(np.reshape(points, (-1, 2)), np.float32)  # x and y are read apart
        self._index = pd.Index(list(image_ids), name="image_id", dtype=object)
        if len(self._points) != len(self._index):
            raise ParameterError(
                "The 'points' parameter of Map must have a row for each of the "
                f"{len(self._index):,} image_ids. Got {len(self._points):,} instead."
            )
        self._columns = colors if colors is not None else {}
        self._thumbnail, self._describe, self._tags = thumbnail, describe, tags
        self._title, self._notes = title, [note for note in notes if note]
        self._lock = threading.RLock()
        self._chosen: tuple[list[str], Ints] = ([], np.empty(0, np.int64))
        self._listeners = Listeners()
        self._message, self._version = "", 0
        self._color = check_choice(color, "color", "Map", self.choices)
        super().__init__()
        self._recolor()
        whole = fit_window(self._points, 900, 520)
        extent = np.ptp(self._points, axis=0).tolist() if len(self._points) else [1.0, 1.0]
        self._home = [whole.x, whole.y, *extent]
        self.on_msg(self._on_message)
        self.observe(self._on_selection, "selection")
        close_previous(self)
        self._forget = tags.subscribe(self._on_tags_changed) if tags is not None else lambda: None
        self._tell()

    @property
    def choices(self) -> list[str]:
        """What it can be colored by."""
        return ["density", *(["tag"] if self._tags is not None else []), *self._columns]

    @property
    def color(self) -> str:
        """What it is colored by, one of ``choices``."""
        return self._color

    @color.setter
    def color(self, name: str) -> None:
        self._color = check_choice(name, "color", "Map", self.choices)
        self._message = f"colored by {name}"
        self._recolor()
        self._tell()

    def selection_frame(self) -> pd.DataFrame:
        """Return the selected images that are on the map: index image_id, ``x``, ``y`` and what they are colored by."""
        chosen = self._chosen[1]
        index = self._index[chosen]
        places = dict(zip("xy", self._points[chosen].T, strict=True))
        columns = {self.color: self._columns[self.color].reindex(index)} if self.color in self._columns else {}
        return pd.DataFrame({**places, **columns}, index=index)

    def on_tag(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Call *callback* with each change of tags made on this map; return the function that ends it.

        The change has ``text``, in words, and ``image_ids``. It may come in another thread than the cells'.
        """
        return self._listeners.add(callback)

    def to_png(self, width: int = 900, height: int = 600) -> bytes:
        """Return a picture of the whole map, without legend, on a transparent ground.

        >>> import numpy as np
        >>> Map(np.eye(2), ["a.jpg", "b.jpg"]).to_png(120, 80)[1:4]
        b'PNG'
        """
        width = check_integer(width, "width", "Map.to_png", low=16, high=8000)
        height = check_integer(height, "height", "Map.to_png", low=16, high=8000)
        return draw(fit_window(self._points, width, height), self._points, self._coloring, compress_level=9)

    def close(self) -> None:
        """End it: views go, and tags are listened to no more."""
        self.__dict__.pop("_forget", bool)()
        close_parts(self)
        super().close()

    def __repr__(self) -> str:
        n = len(self._index)
        return f"{self._title}: {n:,} image{'s'[: n != 1]}, colored by {self.color}, {self._told_selection()}"

    def _ipython_display_(self, **_: object) -> None:
        publish_with_twin(self, self._render_twin(), repr(self))

    def _render_twin(self) -> str:
        for width in (720, 600, 480, 360):
            height = width * 2 // 3
            picture = self.to_png(width, height)
            if len(picture) <= _TWIN_BYTES:
                break
        return render_twin(picture, width, height, title=self._told_title(), coloring=self._coloring, notes=self._notes)

    # --- what all views show

    def _recolor(self) -> None:
        self._coloring: Coloring = self._make_coloring()
        self._names = place_names(self._points, self._coloring)

    def _make_coloring(self) -> Coloring:
        if self._color == "density":
            return color_by_density(len(self._index))
        if self._color == "tag" and "tag" not in self._columns and self._tags is not None:
            return self._color_by_tag(self._tags)
        return color_by(self._color, self._columns[self._color], self._index)

    def _color_by_tag(self, tags: TagBook) -> Coloring:
        """Color by tag; an image with several has the color of the first in the palette."""
        names = pd.Series(index=self._index, dtype=object)
        for tag in reversed(list(tags.palette)):
            names[self._index.isin(tags.tagged(tag))] = tag
        colors = {tag: style.color for tag, style in tags.palette.items()}
        return color_by("tag", names, self._index, colors)

    def _tell(self) -> None:
        """Tell all views how things stand; they then ask for a new picture."""
        styles = self._tags.palette.items() if self._tags is not None else ()
        with self._lock:
            self._version += 1
            self._state = {
                "twin": self._twin or self.model_id,
                "version": self._version,
                "title": self._told_title(),
                "notes": self._notes,
                "n": len(self._index),
                "n_selected": len(self._chosen[1]),
                "status": self._told_selection(),
                "message": self._message,
                "color": self._color,
                "choices": self.choices,
                "legend": self._coloring.tell_legend(self._names),
                "has_tags": self._tags is not None,
                "tags": [{"name": tag, "color": style.color, "key": style.key} for tag, style in styles],
                "home": self._home,
            }  # fmt: skip

    def _told_title(self) -> str:
        n = len(self._index)
        return f"{self._title} of {n:,} image{'s'[: n != 1]}"

    def _told_selection(self) -> str:
        ids, positions = self._chosen
        beyond = len(ids) - len(positions)
        more = f" ({beyond:,} more are not on the map)" if beyond > 0 else ""
        return f"{len(positions):,} selected of {len(self._index):,}{more}"

    # --- what changes

    def _on_selection(self, _: object) -> None:
        ids = self.selection
        with self._lock:
            if self._chosen[0] != ids:
                positions = self._index.get_indexer(pd.Index(ids, dtype=object)) if ids else np.empty(0, np.int64)
                self._chosen = ids, np.flatnonzero(self._mark(positions[positions >= 0]))
            self._message = ""
        self._tell()

    def _on_tags_changed(self, _: object) -> None:
        if self._color == "tag":
            self._recolor()
        self._tell()

    def _choose(self, found: Ints, how: object) -> None:
        with self._lock:
            before, these = self._mark(self._chosen[1]), self._mark(found)
            marks = {"add": before | these, "remove": before & ~these, "toggle": before ^ these}.get(str(how), these)
            chosen = np.flatnonzero(marks)
            self._chosen = self._index[chosen].tolist(), chosen
            ids = self._chosen[0]
        self.selection = ids

    def _mark(self, positions: Ints) -> npt.NDArray[np.bool_]:
        marks = np.zeros(len(self._index), dtype=bool)
        marks[positions] = True
        return marks

    def _apply_tag(self, tag: str) -> None:
        tags, ids = self._tags, list(self._chosen[0])
        if tags is None or not ids:
            self._say("Select images first, then tag them.")
            return
        is_on = set(ids) <= set(tags.tagged(tag))
        how = {"remove": [tag]} if is_on else {"add": [tag], "remove": exclude(tag)}
        change = tags.edit(ids, **how)
        self._say(str(getattr(change, "text", "")))
        self._listeners.tell(change)

    def _step(self, kind: str) -> None:
        if self._tags is None:
            return
        action = self._tags.undo() if kind == "undo" else self._tags.redo()
        done = {"undo": "undone", "redo": "redone"}[kind]
        self._say(f"Nothing to {kind}." if action is None else f"{done}: {getattr(action, 'text', '')}")

    def _say(self, message: str) -> None:
        self._message = message
        self._tell()

    # --- what a view asks

    def _on_message(self, _: object, message: object, buffers: Sequence[bytes]) -> None:
        content = message if isinstance(message, Mapping) else {}
        try:
            if not content:
                raise ParameterError(f"The map was sent what it does not know: {str(message)[:200]}")
            self._answer(content, buffers)
        except Exception as error:
            _LOG.debug("A map could not answer %r", content.get("kind"), exc_info=True)
            self.send({"kind": "error", "text": f"{type(error).__name__}: {error}", "id": content.get("id")})

    def _answer(self, content: Mapping[str, object], buffers: Sequence[bytes]) -> None:
        kind = content.get("kind")
        if kind == "picture":
            self._send_picture(content)
        elif kind == "tiles":
            self._send_tiles(content)
        elif kind == "pick":
            self._send_facts(content)
        elif kind == "lasso":
            polygon = np.frombuffer(bytes(buffers[0]), "<f4").reshape(-1, 2)
            self._choose(find_inside(self._points, polygon), content.get("how"))
        elif kind == "entry":
            codes = self._coloring.codes
            found = np.flatnonzero(codes == content["entry"]) if codes is not None else np.empty(0, np.int64)
            self._choose(found, content.get("how"))
        elif kind == "click":
            found = np.array([int(content["position"])], np.int64)  # type: ignore[call-overload]
            self._choose(found[(found >= 0) & (found < len(self._index))], content.get("how"))
        elif kind == "clear":
            self.selection = []
        elif kind == "color":
            self.color = str(content["color"])
        elif kind == "tag":
            self._apply_tag(check_name(content["tag"], "tag", "the map"))
        elif kind in {"undo", "redo"}:
            self._step(str(kind))

    def _send_picture(self, content: Mapping[str, object]) -> None:
        window, ratio = read_window(content)
        chosen, version = self._chosen[1], self._version
        seen = window.find_visible(self._points, margin=6)
        buffers = [draw(window, self._points, self._coloring, ratio=ratio)]
        if len(chosen):
            buffers.append(draw_mask(window, self._points, chosen, len(seen), ratio=ratio))
        shown = choose_tiles(window, self._points, seen) if content.get("tiles") and self._thumbnail else seen[:0]
        is_on = np.isin(shown, chosen)
        answer = {
            **{name: content.get(name) for name in ("view", "id", "x", "y", "scale", "width", "height")},
            "kind": "picture", "version": version, "n_visible": len(seen), "radius": dot_radius(len(seen)),
            "tiles": [
                [int(i), *map(float, self._points[i]), self._coloring.find_hue(i), bool(on)]
                for i, on in zip(shown, is_on, strict=True)
            ],
        }  # fmt: skip
        self.send(answer, buffers)

    def _send_tiles(self, content: Mapping[str, object]) -> None:
        asked = [int(i) for i in list(content["positions"])[:_MOST_TILES]]  # type: ignore[call-overload]
        pictures = [self._picture_of(i) or b"" for i in asked]
        self.send({"kind": "tiles", "view": content.get("view"), "positions": asked}, pictures)

    def _send_facts(self, content: Mapping[str, object]) -> None:
        position = content.get("position")
        if position is None:
            x, y, reach = (float(content[name]) for name in ("x", "y", "reach"))  # type: ignore[arg-type]
            position = find_nearest(self._points, x, y, reach)
        answer = {"kind": "facts", "view": content.get("view"), "id": content.get("id"), "position": position}
        if position is None:
            self.send(answer)
            return
        place = int(position)  # type: ignore[call-overload]
        image_id = self._index[place]
        told = [self._describe(image_id) if self._describe else "", self._told_tags(image_id)]
        answer |= {"image_id": image_id, "text": "\n".join(filter(None, told)), "hue": self._coloring.find_hue(place)}
        answer |= dict(zip(("x", "y"), map(float, self._points[place]), strict=True), group=self._coloring.tell(place))
        self.send(answer, [self._picture_of(place) or b""])

    def _told_tags(self, image_id: str) -> str:
        tags = self._tags.of([image_id]).get(image_id, ()) if self._tags is not None else ()
        return f"tagged {', '.join(tags)}" if tags else ""

    def _picture_of(self, position: int) -> bytes | None:
        is_there = self._thumbnail is not None and 0 <= position < len(self._index)
        return self._thumbnail(self._index[position]) if is_there and self._thumbnail else None
