"""The gallery's rival: the page that one would build of plain ipywidgets, an Image and five Buttons a tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

TAGS = ("keep", "drop", "review", "blurry", "wrong")


class Tiles:
    """Pages of tiles; a turn fills the same tiles anew.

    Parameters
    ----------
    image_ids : sequence of str
        What is paged through.
    thumbnail : callable
        Takes an image id, returns a JPEG.
    tag : callable
        Takes an image id and a tag.
    shares : bool
        Whether all controls of a kind share one layout and one style; otherwise each has its own, as ipywidgets makes
        them.
    """

    def __init__(
        self,
        image_ids: Sequence[str],
        thumbnail: Callable[[str], bytes],
        tag: Callable[[str, str], object],
        *,
        shares: bool,
        page_size: int = 24,
    ) -> None:
        self.image_ids, self._thumbnail, self._tag, self._size = image_ids, thumbnail, tag, page_size
        self.page = 0
        self._made: dict[str, Any] = {}
        self._shares = shares
        before = widgets.Button(description="Previous")
        after = widgets.Button(description="Next")
        before.on_click(lambda _: self.turn(self.page - 1))
        after.on_click(lambda _: self.turn(self.page + 1))
        after.add_class("bench-next")
        self._tiles = [self._make_tile(place) for place in range(page_size)]
        grid = widgets.Box([box for box, _, _ in self._tiles], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([widgets.HBox([before, after]), grid])
        self.turn(0)

    def turn(self, page: int) -> None:
        """Show a page."""
        self.page = page
        for (_, picture, caption), image_id in zip(self._tiles, self.shown(), strict=False):
            picture.value = self._thumbnail(image_id)
            caption.value = image_id

    def shown(self) -> Sequence[str]:
        """Return the ids of the page."""
        return self.image_ids[self.page * self._size : (self.page + 1) * self._size]

    def close(self) -> None:
        """Close every control, as far as they are known."""
        for box, *_ in self._tiles:
            for control in [*box.children, *box.children[-1].children, box]:
                control.close()
        self.box.close()

    def _make_tile(self, place: int) -> tuple[widgets.VBox, widgets.Image, widgets.Label]:
        picture = widgets.Image(format="jpeg", layout=self._layout("picture", width="128px", height="128px"))
        caption = widgets.Label(layout=self._layout("caption", width="150px"), **self._style(widgets.Label))
        buttons = [self._make_button(tag, place) for tag in TAGS]
        row = widgets.HBox(buttons, layout=self._layout("row", width="160px"))
        box = widgets.VBox([picture, caption, row], layout=self._layout("tile", width="165px", margin="2px"))
        return box, picture, caption

    def _make_button(self, tag: str, place: int) -> widgets.Button:
        layout = self._layout("button", width="30px", padding="0")
        button = widgets.Button(description=tag[:1], tooltip=tag, layout=layout, **self._style(widgets.Button))
        button.on_click(lambda _, tag=tag, place=place: self._tag(self.shown()[place], tag))
        return button

    def _layout(self, name: str, **values: str) -> widgets.Layout:
        if not self._shares:
            return widgets.Layout(**values)
        if name not in self._made:
            self._made[name] = widgets.Layout(**values)
        return self._made[name]

    def _style(self, kind: type) -> dict[str, Any]:
        if not self._shares:
            return {}
        if kind.__name__ not in self._made:
            self._made[kind.__name__] = kind().style
        return {"style": self._made[kind.__name__]}
