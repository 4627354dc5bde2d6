"""The saved twin of a map: its picture, and its legend as a table that is right without styles and scripts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from ._coloring import Coloring, Entry
from ._shading import draw_ramp, draw_swatch


def render_twin(
    picture: bytes, width: int, height: int, *, title: str, coloring: Coloring, notes: Sequence[str]
) -> str:
    """Return a picture of a map with its legend as HTML.

    Parameters
    ----------
    picture : bytes
        PNG.
    width, height : int
        On the page, in pixels.
    title : str
        Stands above, and is the picture's alternative text.
    coloring : Coloring
    notes : sequence of str
        Stand below.
    """
    alt = f"{title}, colored by {coloring.title}"
    rows = [f"<b>{escape(title)}</b>", _image(picture, width, height, alt), render_legend(coloring)]
    rows += [f"<small>{escape(note)}</small>" for note in notes if note]
    return "\n".join(f"<div>{row}</div>" for row in rows)


def render_legend(coloring: Coloring) -> str:
    """Return the legend as an HTML table: a swatch, a name and a count for each category, or a ramp with its ends."""
    if coloring.kind == "category":
        head = f"<tr><th></th><th align='left'>{escape(coloring.title)}</th><th align='right'>images</th></tr>"
        return f"<table>{head}{''.join(map(_row, coloring.entries))}</table>"
    ramp = _image(draw_ramp(160, 12), 160, 12, "color scale")
    cells = (escape(coloring.title), escape(coloring.low), ramp, escape(coloring.high))
    return f"<table><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


def _row(entry: Entry) -> str:
    swatch = _image(draw_swatch(entry.color), 14, 14, "")
    return f"<tr><td>{swatch}</td><td align='left'>{escape(entry.name)}</td><td align='right'>{entry.count:,}</td></tr>"


def _image(data: bytes, width: int, height: int, alt: str) -> str:
    uri = base64.b64encode(data).decode("ascii")
    return f'<img src="data:image/png;base64,{uri}" width="{width}" height="{height}" alt="{escape(alt)}">'
