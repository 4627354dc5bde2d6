"""The gallery made of nothing but ipywidgets' own controls, for front ends that can show no others, such as Kaggle's.

The same controller answers: page, sort, filter, select, tag, keep and drop, "not duplicates", undo and redo. Tiles are
made once and filled anew for each page, and share their layouts, so that a page costs few models.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import traitlets

from ..views import render_html, render_text
from ..views._format import make_visible, shorten
from ._base import Listeners, Selection, after_cell, close_previous, find_name, publish_with_twin
from ._controller import HIDDEN, Controller, Pictures
from ._deck import Deck, Query
from ._gallery import describe_page

_LOG = logging.getLogger(__name__)
_EMPTY = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class PlainGallery(widgets.VBox):  # type: ignore[misc]
    """A gallery of ipywidgets' own controls; its Python side is that of ``Gallery``.

    Attributes
    ----------
    selection : list of str
        Ids of the selected images; set it to select from Python, observe it to hear of changes.
    page : int
        The page in view, from 0.
    code : str
        One line of pandas that makes what is shown or selected, where ``ds`` is the dataset.
    """

    selection = Selection()
    page = traitlets.Int(0)
    code = traitlets.Unicode("")

    def __init__(self, deck: Deck, pictures: Pictures, *, page_size: int = 24) -> None:
        self._controller = Controller(deck, pictures)
        self._query = Query()
        self._listeners = Listeners()
        self._page_size = min(page_size, 24)
        self._tiles: list[_Tile] = []
        self._shown: list[dict[str, Any]] = []
        self._build()
        self._hider = widgets.HTML()
        parts = [self._head, self._filters, self._grid, self._tag_bar, self._actions, self._status, self._hider]
        super().__init__(children=parts)
        self._hider.value = f"<style>.fdnb-twin-{self.model_id} {{ display: none; }}</style>"  # while this one lives
        self._unsubscribe = pictures.tags.subscribe(self._tags_changed)
        self.observe(lambda _: self._take_selection(), "selection")
        self.observe(lambda _: self._show(), "page")
        self._show()
        close_previous(self)
        after_cell(self._renew_code)

    @property
    def table(self) -> pd.DataFrame:
        """A copy of the table behind the gallery: a row per tile, in the order in which it was given."""
        return self._controller.deck.table.copy()

    def selection_frame(self) -> pd.DataFrame:
        """Return the selected rows of the table behind the gallery; facts of the images where some are not in it."""
        return self._controller.selection_frame()

    def on_tag(self, callback: Callable[[object], None]) -> Callable[[], None]:
        """Call *callback* with each change of tags made in this gallery; return the function that ends it."""
        return self._listeners.add(callback)

    def close(self) -> None:
        """End the gallery and its controls."""
        self._unsubscribe()
        for tile in self._tiles:
            tile.close()
        for part in self.children:
            part.close()
        super().close()

    def _build(self) -> None:
        deck = self._controller.deck
        small, wide = widgets.Layout(width="150px"), widgets.Layout(width="220px")
        self._tile_layout = widgets.Layout(width="150px", margin="0 4px 8px 0")
        self._picture_layout = widgets.Layout(width="128px", height="128px", object_fit="contain")
        self._head = widgets.HTML()
        self._text = widgets.Text(placeholder="Filter by path or label", continuous_update=False, layout=wide)
        self._tag_filter = widgets.Dropdown(options=[("all tags", "")], layout=small)
        self._sort = widgets.Dropdown(options=[("as found", ""), *((name, name) for name in deck.sorts)], layout=wide)
        self._before = self._button("‹ Previous", lambda: self._turn(-1), small)
        self._after = self._button("Next ›", lambda: self._turn(1), small)
        self._filters = widgets.HBox([self._text, self._tag_filter, self._sort, self._before, self._after])
        self._filters.layout.flex_flow = "row wrap"
        self._grid = widgets.Box(layout=widgets.Layout(flex_flow="row wrap"))
        self._tag_bar = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        actions = [
            ("Clear selection", self._clear),
            ("Select page", self._select_page),
            ("Undo", self._undo),
            ("Redo", self._redo),
        ]
        if deck.is_comparable:
            actions.insert(0, ("Not duplicates", self._reject))
        self._actions = widgets.HBox([self._button(name, call, small) for name, call in actions])
        self._status = widgets.HTML()
        for control, change in ((self._text, "text"), (self._tag_filter, "tag"), (self._sort, "sort")):
            control.observe(lambda event, name=change: self._ask(name, event["new"]), "value")

    def _button(self, text: str, call: Callable[[], object], layout: widgets.Layout) -> widgets.Button:
        button = widgets.Button(description=text, layout=layout)
        button.on_click(lambda _: self._guarded(call))
        return button

    def _guarded(self, call: Callable[[], object]) -> None:
        try:
            with self._controller.lock:
                call()
        except Exception as error:  # whatever it is, the person in front of the gallery must see it
            _LOG.exception("The gallery could not do what was asked")
            self._say(f"{type(error).__name__}: {error}")

    def _ask(self, name: str, value: str) -> None:
        if getattr(self._query, name) == value:
            return
        self._query = Query(**{**self._query.__dict__, name: value, "snapshot": self._query.snapshot + 1})
        with self.hold_trait_notifications():
            self.page = 0
        self._guarded(self._show)
        if self.selection:
            self._tell_selected()

    def _turn(self, step: int) -> None:
        self.page = min(max(self.page + step, 0), self._n_pages - 1)

    def _show(self) -> None:
        page = self._controller.page(self._query, self.page, self._page_size)
        self._n_pages = int(page["n_pages"])
        self._shown = [{**tile, "row": row} for row in page["rows"] for tile in row["tiles"]]
        while len(self._tiles) < len(self._shown):
            self._tiles.append(_Tile(len(self._tiles), self._toggle, self._tile_layout, self._picture_layout))
        for tile, content in zip(self._tiles, self._shown, strict=False):
            picture = self._controller.pictures.thumbnail(str(content["id"])) or _EMPTY
            tile.fill(content, picture, content["id"] in self.selection)
        self._grid.children = tuple(tile.box for tile in self._tiles[: len(self._shown)])
        self.page = int(page["page"])
        self._before.disabled, self._after.disabled = self.page == 0, self.page + 1 >= self._n_pages
        deck = self._controller.deck
        where = f"page {self.page + 1:,} of {self._n_pages:,}"
        self._head.value = (
            f"<b>{escape(deck.title)}</b> {escape(deck.headline)} <i>{escape(str(page['note']))}, {where}</i>"
        )
        self._fill_tags()

    def _fill_tags(self) -> None:
        counts = self._controller.counts()
        tags = [(f"{tag} ({n:,})", f"={tag}") for tag, n in counts.items() if tag]
        options = [("all tags", ""), (f"untagged ({counts['']:,})", "untagged"), ("any tag", "tagged"), *tags]
        if self._query.tag and self._query.tag not in {value for _, value in options}:
            options.append((f"{self._query.tag[1:]} (0)", self._query.tag))
        with self._tag_filter.hold_trait_notifications():
            self._tag_filter.options, self._tag_filter.value = options, self._query.tag
        names = list(self._controller.tags.palette)
        if [button.description for button in self._tag_bar.children] != names:
            layout = widgets.Layout(width="auto")
            self._tag_bar.children = tuple(self._button(name, partial(self._tag, name), layout) for name in names)
        self._renew_code()

    def _toggle(self, place: int, is_on: bool) -> None:
        image_id = str(self._shown[place]["id"])
        self._guarded(lambda: self._select([image_id], "add" if is_on else "remove"))

    def _select(self, image_ids: list[str], mode: str) -> None:
        self.selection = self._controller.select(image_ids, mode)[:]

    def _clear(self) -> None:
        self._select([], "set")

    def _select_page(self) -> None:
        self._select([str(tile["id"]) for tile in self._shown], "add")

    def _tag(self, tag: str) -> None:
        chosen = self._controller.in_view(self.selection, self._query)
        if not chosen:
            self._say(HIDDEN if self.selection else "Select images first.")
            return
        self._decided(self._controller.tag(chosen, tag), "")

    def _reject(self) -> None:
        chosen = set(self.selection)
        items = [int(tile["i"]) for tile in self._shown if tile["id"] in chosen]
        self._decided(self._controller.reject(items) if items else None, "Select images of this page first.")

    def _undo(self) -> None:
        self._decided(self._controller.tags.undo(), "There is nothing to undo.")

    def _redo(self) -> None:
        self._decided(self._controller.tags.redo(), "There is nothing to redo.")

    def _decided(self, change: object, otherwise: str) -> None:
        if change is None:
            self._say(otherwise)
            return
        self._listeners.tell(change)

    def _tags_changed(self, change: Any) -> None:
        with self._controller.lock:
            self._show()
            self._say(change.text)

    def _take_selection(self) -> None:
        self._controller.selection = self.selection[:]
        chosen = set(self.selection)
        for tile, content in zip(self._tiles, self._shown, strict=False):
            tile.mark(content["id"] in chosen)
        self._tell_selected()
        self._renew_code()

    def _tell_selected(self) -> None:
        n, n_hidden = self._controller.tell_selection(self._query).values()
        self._say(f"{n:,} selected" + (f", {n_hidden:,} of them hidden by the filter" if n_hidden else ""))

    def _renew_code(self) -> None:
        self._controller.called = find_name(self, "gallery")
        self.code = self._controller.code(self._query)

    def _say(self, text: str) -> None:
        self._status.value = f"<span>{escape(make_visible(text))}</span>"

    def _ipython_display_(self) -> None:
        view = describe_page(self._controller, Query(), 12)
        html = render_html(view, self._controller.pictures.thumbnail, max_rows=3, max_tiles=4, max_bytes=90_000)
        publish_with_twin(self, html, render_text(view, max_rows=3, max_tiles=4))


class _Tile:
    """A picture, a button that selects it and a caption: three models in a box."""

    def __init__(
        self, place: int, toggle: Callable[[int, bool], None], layout: widgets.Layout, picture: widgets.Layout
    ) -> None:
        self._is_filling = False
        self.picture = widgets.Image(format="jpeg", layout=picture)
        self.button = widgets.ToggleButton(layout=widgets.Layout(width="auto"))
        self.caption = widgets.HTML()
        self.box = widgets.VBox([self.picture, self.button, self.caption], layout=layout)
        self.button.observe(lambda event: None if self._is_filling else toggle(place, bool(event["new"])), "value")

    def fill(self, content: dict[str, Any], picture: bytes, is_on: bool) -> None:
        self.picture.value = picture
        self.button.description = shorten(make_visible(str(content["id"])), 18)
        self.button.tooltip = make_visible(str(content["id"]))
        row = content["row"]
        words = [str(row.get("title", ""))] if content is not None and row["row"] >= 0 else []
        words += [*([f"[{content['mark']}]"] if content["mark"] else []), *content["lines"]]
        words += [", ".join(content["tags"])] if content["tags"] else []
        words += ["not a duplicate"] if content["is_rejected"] else []
        lines = "<br>".join(escape(make_visible(word)) for word in words if word)
        self.caption.value = f'<div style="line-height:1.3;font-size:12px">{lines}</div>'
        self.mark(is_on)

    def close(self) -> None:
        """End its controls."""
        for part in (self.picture, self.button, self.caption, self.box):
            part.close()

    def mark(self, is_on: bool) -> None:
        self._is_filling = True
        self.button.value = is_on
        self.button.icon = "check" if is_on else ""
        self._is_filling = False
