"""A map and a gallery side by side: what is selected on one is what the other shows."""

from __future__ import annotations

from typing import Any

import ipywidgets

from ..views import render_html, render_text
from ._base import close_parts, close_previous, publish_with_twin
from ._deck import Query
from ._gallery import Gallery, describe_page
from ._map import Map


class Explorer(ipywidgets.HBox):  # type: ignore[misc]
    """A map and a gallery with one selection, as ``Dataset.explore`` makes it.

    Attributes
    ----------
    map : Map
    gallery : Gallery
        Shows what is selected on the map, or all images where nothing is.
    """

    def __init__(self, chart: Map, gallery: Gallery) -> None:
        self.map, self.gallery = chart, gallery
        gallery.thumbnail_size = 96
        gallery._explorer = self
        half = {"flex": "1 1 480px", "min_width": "0"}
        for widget in (chart, gallery):
            for name, value in half.items():
                setattr(widget.layout, name, value)
        layout = ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="8px")
        super().__init__(children=[chart, gallery], layout=layout)
        chart._twin = self.model_id
        chart._tell()
        chart.observe(self._show_selected, "selection")
        gallery.observe(self._mark_selected, "selection")
        close_previous(self)

    @property
    def selection(self) -> list[str]:
        """Ids of the selected images."""
        return list(self.gallery.selection)

    def close(self) -> None:
        """End both widgets and their link."""
        if self.comm is None:
            return  # it is closed already
        self.map.unobserve(self._show_selected, "selection")
        self.gallery.unobserve(self._mark_selected, "selection")
        close_parts(self)
        super().close()

    def _show_selected(self, change: dict[str, Any]) -> None:
        """Show in the gallery what was selected on the map, and nothing else; all where nothing is."""
        if change["new"] == self.gallery.selection:
            return  # it was selected in the gallery, which stays as it is
        self.gallery.selection = change["new"]
        query = self.gallery._query
        tag = "selected" if change["new"] else ""
        self.gallery.page = 0
        self.gallery._query = {**query, "tag": tag, "row": -1, "snapshot": query["snapshot"] + 1}

    def _mark_selected(self, change: dict[str, Any]) -> None:
        self.map.selection = change["new"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.map}"

    def _ipython_display_(self) -> None:
        view = describe_page(self.gallery._controller, Query(), 12)
        pictures = self.gallery._controller.pictures
        html = render_html(view, pictures.thumbnail, max_rows=3, max_tiles=4, max_bytes=90_000)
        publish_with_twin(self, self.map._render_twin() + html, render_text(view, max_rows=3, max_tiles=4))
