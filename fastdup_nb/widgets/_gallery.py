"""The live gallery: one model, one ES module, pictures sent by the page as bytes and never as synced state."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import anywidget
import pandas as pd
import traitlets

from .._text import check_name
from ..errors import FastdupError, ParameterError
from ..views import Row, Tile, View, render_html, render_text
from ._base import (
    Listeners,
    Selection,
    after_cell,
    close_parts,
    close_previous,
    find_name,
    publish_with_twin,
    read_module,
)
from ._controller import HIDDEN, Controller, Pictures
from ._deck import Deck, Query
from ._messages import read_message, read_query
from ._opened import open_picture

_LOG = logging.getLogger(__name__)
_MESSAGE_BYTES = 700_000
_MOST_IN_ROW = 12  # sent, of which as many are drawn as have room
PAGE_SIZES, MAX_PAGE_SIZE = (12, 24, 48, 96), 96


class Gallery(anywidget.AnyWidget):
    """A gallery in the notebook: page, sort, filter, select, open, compare, tag, undo, by mouse and keyboard.

    It is made by ``.gallery()`` of a result or by ``ds.gallery(...)``; the last expression of a cell shows it. Shown
    twice, its views stay in step. ``?`` in the gallery lists its keys.

    Attributes
    ----------
    selection : list of str
        Ids of the selected images, in order of selection; set it to select from Python. ``gallery.observe(function,
        "selection")`` tells of each change.
    page : int
        The page in view, from 0.
    page_size : int
        Images on a page, 1 to 96.
    code : str
        One line of pandas that makes what is shown or selected, where ``ds`` is the dataset.
    """

    _esm = read_module("common.js", "hub.js", "viewer.js", "grid.js", "gallery.js")
    _css = read_module("common.css", "gallery.css")

    _explorer: object = None  # what it is a part of, where that is what has a name
    _about: Mapping[str, object] = MappingProxyType({})

    selection = Selection()
    page = traitlets.Int(0).tag(sync=True)
    page_size = traitlets.Int(24, min=1, max=MAX_PAGE_SIZE).tag(sync=True)
    thumbnail_size = traitlets.Int(128, min=64, max=320).tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
    _query = traitlets.Dict().tag(sync=True)
    _info = traitlets.Dict().tag(sync=True)
    _palette: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    _counts = traitlets.Dict().tag(sync=True)
    _progress = traitlets.Dict().tag(sync=True)
    _is_sent = traitlets.Bool(False).tag(sync=True)
    _uid = traitlets.Unicode("").tag(sync=True)

    def __init__(self, deck: Deck, pictures: Pictures, *, page_size: int = 24, **options: object) -> None:
        self._controller = Controller(deck, pictures)
        self._served: deque[list[str]] = deque(maxlen=24)
        self._n_verdicts = self._controller.count_verdicts()
        self._listeners = Listeners()
        uid = uuid.uuid4().hex  # the front end begins with the state that the model is opened with
        start = self._find_start()
        page = start // page_size if deck.rows is None else 0
        info = {**_tell_info(deck), **self._about, "start": start % page_size}
        state = {"_query": _as_dict(Query()), "_info": info, "_uid": uid, **self._find_state(Query())}
        super().__init__(model_id=uid, page=page, page_size=page_size, _is_sent=True, **state, **options)
        self.on_msg(self._receive)
        self._unsubscribe = pictures.tags.subscribe(self._tags_changed)
        self.observe(self._take_selection, "selection")
        self.observe(lambda _: self._take_selection(None) if self.selection else self._renew_code(), "_query")
        close_previous(self)
        self._send_first()
        after_cell(self._renew_code)

    @property
    def table(self) -> pd.DataFrame:
        """A copy of the table behind the gallery: a row per tile, in the order in which it was given."""
        return self._controller.deck.table.copy()

    def selection_frame(self) -> pd.DataFrame:
        """Return the selected rows of the table behind the gallery; facts of the images where some are not in it.

        Raises
        ------
        UnknownImageError
            If an image is selected that the dataset does not have.
        """
        return self._controller.selection_frame()

    def on_tag(self, callback: Callable[[object], None]) -> Callable[[], None]:
        """Call *callback* with each change of tags made in this gallery; return the function that ends it.

        The change has ``text``, in words, and ``image_ids``. It may come in another thread than the cells'.
        """
        return self._listeners.add(callback)

    @traitlets.validate("page")
    def _clip_page(self, proposal: Mapping[str, Any]) -> int:
        """Return a page that may be there; which one is the last, a query tells."""
        return min(max(int(proposal["value"]), 0), max(len(self._controller.ids) - 1, 0))

    @traitlets.validate("_query")
    def _check_query(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._controller.check_row(read_query(proposal["value"]).row)
        except ParameterError as error:
            raise traitlets.TraitError(str(error)) from error  # on any other error traitlets would keep the value
        return dict(proposal["value"])

    def close(self) -> None:
        """End the gallery: its views go, and it no longer hears of changes."""
        self.__dict__.pop("_unsubscribe", bool)()  # none where making it failed
        close_parts(self)
        super().close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self._controller.tell()}"

    def _ipython_display_(self) -> None:
        view = describe_page(self._controller, Query(), 12)
        html = render_html(view, self._controller.pictures.thumbnail, max_rows=3, max_tiles=4, max_bytes=90_000)
        publish_with_twin(self, html, render_text(view, max_rows=3, max_tiles=4))

    def _receive(self, _widget: object, message: object, _buffers: object) -> None:
        told = message if isinstance(message, Mapping) else {}
        addressed: list[str] = []
        try:
            with self._controller.lock:
                asked = read_message(message)
                addressed = self._ids(asked) if asked["op"] == "tag" else []
                getattr(self, f"_do_{asked['op']}")(asked)
        except Exception as error:  # whatever it is, the person in front of the gallery must see it
            if not isinstance(error, FastdupError):
                _LOG.exception("The gallery could not do %r", told.get("op"))
            self._tell_error(error)
        finally:
            if "n" in told:
                self._acknowledge(told["n"], addressed)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over the state that a front end tells; what cannot be is told there."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError as error:
            self._tell_error(error)

    def _tell_error(self, error: Exception) -> None:
        self.send({"kind": "error", "text": f"{type(error).__name__}: {error}"[:2000]})

    def _acknowledge(self, number: object, addressed: Sequence[str]) -> None:
        """Tell that a deed is done, or was not possible, and how things stand: it may be drawn otherwise."""
        with self._controller.lock:
            shown = {image_id for page in self._served for image_id in page}
            touched = self._controller.tags.of([image_id for image_id in addressed if image_id in shown])
            tags = {image_id: list(tags) for image_id, tags in touched.items()}
            selected = [image_id for image_id in self.selection if image_id in shown]
            state = {"tags": tags, "selected": selected, **self._controller.tell_selection(self._asked)}
            self.send({"kind": "done", "n": number, **state})

    def _find_start(self) -> int:
        """Return the position of the image to begin with."""
        return 0

    def _send_first(self) -> None:
        """Send the page in view before it is asked for, so that it is there as soon as its view."""
        page = {"query": self._query, "page": self.page, "size": self.page_size}
        self._receive(self, {"op": "page", "key": "first", **page}, [])
        self._is_sent = False  # a front end that comes later has to ask

    @property
    def _asked(self) -> Query:
        return Query(**self._query)

    def _do_page(self, message: Mapping[str, Any]) -> None:
        query = read_query(message["query"])
        size = min(max(message["size"], 1), MAX_PAGE_SIZE)
        page = self._controller.page(query, message["page"], size, _MOST_IN_ROW)
        self._served.append(list(page["images"]))
        self._send_pictures({"kind": "page", "key": message["key"], **page}, self._served[-1])

    def _send_pictures(self, content: dict[str, Any], image_ids: Sequence[str]) -> None:
        """Send a message with the thumbnails of some images, and further ones with those that are too much for it."""
        batch: list[bytes] = []
        start = size = 0
        for i, image_id in enumerate(image_ids):
            data = self._controller.pictures.thumbnail(image_id) or b""
            if batch and size + len(data) > _MESSAGE_BYTES:
                self._send_batch(content, image_ids[start:i], batch)
                content = {"kind": "more", "key": content["key"]}
                batch, start, size = [], i, 0
            batch.append(data)
            size += len(data)
        self._send_batch(content, image_ids[start:], batch)

    def _send_batch(self, content: dict[str, Any], image_ids: Sequence[str], batch: list[bytes]) -> None:
        pictures = [[image_id, len(data)] for image_id, data in zip(image_ids, batch, strict=True)]
        self.send({**content, "pictures": pictures}, [b"".join(batch)])

    def _do_open(self, message: Mapping[str, Any]) -> None:
        image_id = message["id"]
        is_full = bool(message.get("full"))
        data = open_picture(self._controller.pictures, image_id, is_full=is_full)
        about = self._controller.describe(image_id)
        near = [other["id"] for other in about["neighbors"]]
        self._served.append([image_id, *near])
        thumbnails = [self._controller.pictures.thumbnail(other) or b"" for other in near]
        self.send(
            {"kind": "picture", "full": is_full, **about, "problem": data.problem, "remarks": data.remarks,
             "sizes": [len(data.jpeg), *map(len, thumbnails)]},
            [b"".join([data.jpeg, *thumbnails])],
        )  # fmt: skip

    def _do_select(self, message: Mapping[str, Any]) -> None:
        self.selection = self._controller.select(self._ids(message), message["mode"])[:]

    def _do_tag(self, message: Mapping[str, Any]) -> None:
        ids = self._addressed(message)
        if ids:
            tag = check_name(message["tag"], "tag", "the gallery")
            self._decided(self._controller.tag(ids, tag, on=message.get("on")))

    def _do_drop_others(self, message: Mapping[str, Any]) -> None:
        self._decided(self._controller.drop_others(message["row"]))

    def _do_reject(self, message: Mapping[str, Any]) -> None:
        if self._addressed(message):
            self._decided(self._controller.reject(self._positions(message)))

    def _do_undo(self, _message: Mapping[str, Any]) -> None:
        self._decided(self._controller.tags.undo(), "There is nothing to undo.")

    def _do_redo(self, _message: Mapping[str, Any]) -> None:
        self._decided(self._controller.tags.redo(), "There is nothing to redo.")

    def _addressed(self, message: Mapping[str, Any]) -> list[str]:
        """Return the images that a key is for; say so where all that are selected are hidden."""
        ids = self._ids(message)
        if not ids and message.get("selected"):
            self.send({"kind": "status", "text": HIDDEN})
        return ids

    def _ids(self, message: Mapping[str, Any]) -> list[str]:
        if message.get("selected"):
            return self._controller.in_view(self.selection, self._asked)
        if "row" in message:
            return self._controller.row_ids(message["row"])
        if "ids" in message:
            return self._controller.check_known(message["ids"])
        return self._controller.name(message["items"])

    def _positions(self, message: Mapping[str, Any]) -> list[int]:
        if not message.get("selected"):
            return self._controller.check_places(message["items"])
        chosen = set(self._ids(message))
        return [i for i, image_id in enumerate(self._controller.ids) if image_id in chosen]

    def _decided(self, change: object, otherwise: str = "") -> None:
        if change is None:
            self.send({"kind": "status", "text": otherwise})
            return
        if not getattr(change, "is_empty", False):
            self._listeners.tell(change)

    def _tags_changed(self, change: Any) -> None:
        with self._controller.lock:
            shown = {image_id for page in self._served for image_id in page}
            touched = [image_id for image_id in change.image_ids if image_id in shown]
            tags = {image_id: list(tags) for image_id, tags in self._controller.tags.of(touched).items()}
            self._refresh()
            n_verdicts = self._controller.count_verdicts()
            again, self._n_verdicts = n_verdicts != self._n_verdicts, n_verdicts
            self.send({"kind": "tags", "tags": tags, "text": change.text, "again": again})

    def _take_selection(self, _change: object) -> None:
        self._controller.selection = self.selection[:]
        shown = {image_id for page in self._served for image_id in page}
        visible = [image_id for image_id in self.selection if image_id in shown]
        self.send({"kind": "selection", "ids": visible, **self._controller.tell_selection(self._asked)})
        self._renew_code()

    def _refresh(self) -> None:
        with self.hold_sync():
            for name, value in self._find_state(self._asked).items():
                setattr(self, name, value)

    def _find_state(self, query: Query) -> dict[str, Any]:
        palette = self._controller.tags.palette
        return {
            "_palette": [{"name": name, "color": style.color, "key": style.key} for name, style in palette.items()],
            "_counts": self._controller.counts(), "code": self._controller.code(query),
        }  # fmt: skip

    def _find_name(self) -> str:
        return (
            find_name(self, "gallery") if self._explorer is None else f"{find_name(self._explorer, 'explorer')}.gallery"
        )

    def _renew_code(self) -> None:
        self._controller.called = self._find_name()
        self.code = self._controller.code(self._asked)


def describe_page(controller: Controller, query: Query, size: int) -> View:
    """Return the first page of a gallery as a static view."""
    page = controller.page(query, 0, size)
    rows = [_static_row(row, i) for i, row in enumerate(_cut(page["rows"]))]
    deck = controller.deck
    return View(
        title=deck.title, headline=deck.headline, rows=tuple(rows), empty=deck.empty,
        notes=(*deck.notes, str(page["note"]), "Run the cell to page, select and tag."),
    )  # fmt: skip


def _cut(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Single tiles in rows of four."""
    if rows and rows[0]["row"] == -1:
        tiles = rows[0]["tiles"]
        return [{"title": "", "tiles": tiles[i : i + 4]} for i in range(0, len(tiles), 4)]
    return rows


def _static_row(row: dict[str, Any], place: int) -> Row:
    tiles = []
    for tile in row["tiles"]:
        lines = [*tile["lines"], *([tile["beside_line"]] if tile["beside_line"] else [])]
        tags = [", ".join(tile["tags"])] if tile["tags"] else []
        tiles.append(Tile(tile["id"], lines=(*lines, *tags), mark=tile["mark"], problem=tile["problem"]))
    title = str(row["title"]) or f"{place * 4 + 1:,} to {place * 4 + len(tiles):,}"
    n_more = int(row.get("n_more", 0))
    return Row(title=title, tiles=tuple(tiles), note=str(row.get("note", "")), n_more=n_more)


def _as_dict(query: Query) -> dict[str, Any]:
    return dict(query.__dict__)


def _tell_info(deck: Deck) -> dict[str, Any]:
    return {
        "title": deck.title, "headline": deck.headline, "notes": list(deck.notes), "has_rows": deck.rows is not None,
        "sorts": list(deck.sorts), "is_comparable": deck.is_comparable, "page_sizes": list(PAGE_SIZES),
        "row_noun": list(deck.row_noun),
    }  # fmt: skip
