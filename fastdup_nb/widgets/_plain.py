"""The gallery made of nothing but ipywidgets' own controls, for front ends that can show no others, such as Kaggle's.

The same controller answers: page, sort, filter, select, tag, keep and drop, "not duplicates", undo and redo. Tiles are
made once and filled anew for each page, and share their layouts, so that a page costs few models.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import traitlets

from ..views import render_html, render_text
from ..views._format import make_visible, shorten
from ..views._picture import make_picture
from ._base import Listeners, Selection, after_cell, close_parts, close_previous, find_name, publish_with_twin
from ._controller import HIDDEN, Controller, Pictures
from ._deck import Deck, Query
from ._gallery import describe_page

_LOG = logging.getLogger(__name__)
_SIDE = 136  # of a thumbnail, in pixels
_FRAME = (
    f"position:relative;width:{_SIDE}px;height:{_SIDE}px;display:flex;align-items:center;justify-content:center;"
    "overflow:hidden;border-radius:4px;background:rgba(128,128,128,.12)"
)
_MARK = (
    "position:absolute;left:4px;top:4px;padding:0 6px;border-radius:3px;font-size:11px;line-height:16px;"
    "font-weight:600;color:#fff;background:rgba(0,0,0,.72)"
)
_PROBLEM = "padding:4px;line-height:1.3;text-align:center;overflow-wrap:anywhere"
_CAPTION = "margin-top:4px;line-height:1.3;font-size:12px;overflow-wrap:anywhere"
_HEADING = "border-top:1px solid rgba(128,128,128,.35);padding:8px 0 4px;line-height:1.4;overflow-wrap:anywhere"


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
        self._headings: list[widgets.HTML] = []
        self._shown: list[dict[str, Any]] = []
        self._build()
        self._hider = widgets.HTML()
        above = [self._head, self._filters, self._tag_bar, self._actions, self._status]
        parts = [*above, self._grid, self._line, self._hider]
        super().__init__(children=parts)
        self._hider.value = f"<style>.fdnb-twin-{self.model_id} {{ display: none; }}</style>"  # while this one lives
        self._unsubscribe = pictures.tags.subscribe(self._tags_changed)
        self.observe(lambda _: self._take_selection(), "selection")
        self.observe(lambda _: self._show(), "page")
        self.observe(self._show_code, "code")
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
        self.__dict__.pop("_unsubscribe", bool)()  # none where making it failed
        for part in [*(tile.box for tile in self.__dict__.get("_tiles", ())), *self.__dict__.get("_headings", ())]:
            part.close()
            close_parts(part)
        close_parts(self)
        super().close()

    def _build(self) -> None:
        deck = self._controller.deck
        fit, wide, wrap = widgets.Layout(width="auto"), widgets.Layout(width="232px"), {"flex_flow": "row wrap"}
        self._tile_layouts = (
            widgets.Layout(width="144px", margin="0 4px 8px 0"),
            fit,
        )  # shared by all, so that models are few
        self._heading_layout = widgets.Layout(width="100%")  # so that a row of tiles begins on a line of its own
        self._head = widgets.HTML()
        named = {"layout": wide, "style": {"description_width": "initial"}}
        sorts = [("as found", ""), *((name, name) for name in deck.sorts)]
        self._text = widgets.Text(description="Filter", placeholder="path or label", continuous_update=False, **named)
        self._tag_filter = widgets.Dropdown(description="Tag", options=[("all tags", "")], **named)
        self._sort = widgets.Dropdown(description="Sort", options=sorts, **named)
        self._before = self._button("‹ Previous", lambda: self._turn(-1), fit)
        self._where = widgets.Label()
        self._after = self._button("Next ›", lambda: self._turn(1), fit)
        pages = widgets.HBox([self._before, self._where, self._after])
        controls = [self._text, self._tag_filter, self._sort, pages]
        self._filters = widgets.HBox(controls, layout=widgets.Layout(**wrap))
        self._grid = widgets.Box(layout=widgets.Layout(**wrap))
        self._tag_bar = widgets.HBox(layout=widgets.Layout(**wrap))
        actions = [
            ("Clear selection", self._clear),
            ("Select page", self._select_page),
            ("Undo", self._undo),
            ("Redo", self._redo),
        ]
        if deck.is_comparable:
            actions.insert(0, ("Not duplicates", self._reject))
        buttons = [self._button(name, call, fit) for name, call in actions]
        self._actions = widgets.HBox(buttons, layout=widgets.Layout(**wrap))
        self._status = widgets.HTML(layout=widgets.Layout(min_height="28px"))  # so that nothing moves when it tells
        self._line = widgets.HTML()
        for control, change in ((self._text, "text"), (self._tag_filter, "tag"), (self._sort, "sort")):
            control.observe(lambda event, name=change: self._ask(name, event["new"]), "value")

    def _button(self, text: str, call: Callable[[], object], layout: widgets.Layout) -> widgets.Button:
        button = widgets.Button(description=shorten(make_visible(text), 32), tooltip=text, layout=layout)
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
            self._tiles.append(_Tile(len(self._tiles), self._toggle, self._tile_layouts))
        for tile, content in zip(self._tiles, self._shown, strict=False):
            picture = self._controller.pictures.thumbnail(str(content["id"]))
            tile.fill(content, picture, content["id"] in self.selection)
        self._grid.children = tuple(self._lay_out(page["rows"]))
        self.page = int(page["page"])
        self._before.disabled, self._after.disabled = self.page == 0, self.page + 1 >= self._n_pages
        deck = self._controller.deck
        self._where.value = f"page {self.page + 1:,} of {self._n_pages:,}"
        title = f'<b style="font-size:16px;margin-right:12px">{escape(deck.title)}</b>'
        lines = [title + escape(deck.headline), *map(escape, (*deck.notes, str(page["note"])))]
        self._head.value = "".join(f'<div style="line-height:20px">{line}</div>' for line in lines)
        self._fill_tags()

    def _lay_out(self, rows: list[dict[str, Any]]) -> list[widgets.Widget]:
        """Return the tiles in view, those of each row below its heading."""
        boxes = iter([tile.box for tile in self._tiles])
        parts: list[widgets.Widget] = []
        for place, row in enumerate(rows):
            if row["row"] >= 0:
                if place == len(self._headings):
                    self._headings.append(widgets.HTML(layout=self._heading_layout))
                more = f"{row['n_more']:,} more" if row["n_more"] else ""
                words = [escape(make_visible(str(word))) for word in (row["badge"], row["note"], more) if word]
                title = f"<b>{escape(make_visible(str(row['title'])))}</b>"
                self._headings[place].value = f'<div style="{_HEADING}">{" · ".join([title, *words])}</div>'
                parts.append(self._headings[place])
            parts += [next(boxes) for _ in row["tiles"]]
        return parts

    def _fill_tags(self) -> None:
        counts = self._controller.counts()
        tags = [(f"{make_visible(tag)} ({n:,})", f"={tag}") for tag, n in counts.items() if tag]
        options = [("all tags", ""), (f"untagged ({counts['']:,})", "untagged"), ("any tag", "tagged"), *tags]
        if self._query.tag and self._query.tag not in {value for _, value in options}:
            options.append((f"{make_visible(self._query.tag[1:])} (0)", self._query.tag))
        with self._tag_filter.hold_trait_notifications():
            self._tag_filter.options, self._tag_filter.value = options, self._query.tag
        names = list(self._controller.tags.palette)
        if [button.tooltip for button in self._tag_bar.children] != names:
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

    def _show_code(self, _: object) -> None:
        self._line.value = f'<code style="overflow-wrap:anywhere">{escape(make_visible(self.code))}</code>'

    def _say(self, text: str) -> None:
        self._status.value = f'<span role="status">{escape(make_visible(text))}</span>'

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self._controller.tell()}"

    def _ipython_display_(self) -> None:
        view = describe_page(self._controller, Query(), 12)
        html = render_html(view, self._controller.pictures.thumbnail, max_rows=3, max_tiles=4, max_bytes=90_000)
        publish_with_twin(self, html, render_text(view, max_rows=3, max_tiles=4))


class _Tile:
    """A button that selects, with the name on it, above a picture and its caption: two models in a box."""

    def __init__(self, place: int, toggle: Callable[[int, bool], None], layouts: Sequence[widgets.Layout]) -> None:
        self._is_filling = False
        self.button = widgets.ToggleButton(layout=layouts[1])
        self.card = widgets.HTML(layout=layouts[1])  # an Image of ipywidgets has no words for those who do not see it
        self.box = widgets.VBox([self.button, self.card], layout=layouts[0])
        self.button.observe(lambda event: None if self._is_filling else toggle(place, bool(event["new"])), "value")

    def fill(self, content: dict[str, Any], picture: bytes | None, is_on: bool) -> None:
        name = make_visible(str(content["id"]))
        self.button.description = shorten(name.rpartition("/")[2] or name, 18)
        self.button.tooltip = name
        words = [*content["lines"]]
        words += [", ".join(content["tags"])] if content["tags"] else []
        words += ["not a duplicate"] if content["is_rejected"] else []
        lines = "<br>".join(escape(shorten(make_visible(word), 44)) for word in words if word)
        frame = _frame(picture, name, make_visible(str(content["mark"])), make_visible(str(content["problem"])))
        self.card.value = f'{frame}<div style="{_CAPTION}">{lines}</div>'
        self.mark(is_on)

    def mark(self, is_on: bool) -> None:
        self._is_filling = True
        self.button.value = is_on
        self.button.icon = "check" if is_on else ""
        self._is_filling = False


def _frame(picture: bytes | None, name: str, mark: str, problem: str) -> str:
    """Return a thumbnail, or why there is none, in its square, with its mark."""
    shown = make_picture(picture, _SIDE)
    told = shorten(problem or "no picture", 100)
    image = f'<small style="{_PROBLEM}" title="{escape(problem)}">{escape(told)}</small>'
    if shown is not None:
        size = f'width="{shown.width}" height="{shown.height}" style="max-width:none"'
        image = f'<img src="{shown.uri}" {size} alt="{escape(name)}">'
    return (
        f'<div style="{_FRAME}">{image}' + (f'<span style="{_MARK}">{escape(mark)}</span>' if mark else "") + "</div>"
    )
