"""A view as HTML for a notebook's output: a table that needs neither style sheet nor script to be understood.

GitHub and nbviewer drop style sheets and ``style`` attributes, so layout rests on plain tables and on the ``width``,
``height`` and ``alt`` of pictures. The style sheet, whose every rule begins with ``.fdnb``, takes its colors from the
host's theme and lets text inherit the color around it: there is no theme to guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from .._validation import check_integer
from ._chart import draw_chart
from ._format import format_cell, format_count, has_numbers, make_visible, shorten
from ._model import Chart, Row, Table, Thumbnail, Tile, View
from ._picture import Picture, make_picture

if TYPE_CHECKING:
    from jinja2 import Environment

_MAX_TABLE_ROWS = 20
_NAME_WIDTH = 34
_PIECE = re.compile(r"[^/_\- ]{0,13}[/_\- ]+|[^/_\- ]{1,13}")


@dataclass(frozen=True)
class _DrawnTile:
    tile: Tile
    picture: Picture | None


def render_html(
    view: View,
    thumbnail: Thumbnail,
    *,
    max_rows: int = 8,
    max_tiles: int = 5,
    thumbnail_size: int = 96,
    max_bytes: int = 200_000,
) -> str:
    """Return *view* as HTML for the output of a notebook cell.

    Parameters
    ----------
    view : View
        What to show; every text in it is escaped.
    thumbnail : callable
        Takes an image id and returns the bytes of a small JPEG or PNG file, or None; asked for the shown pictures only.
    max_rows : int, default 8
        Rows to show at most; the others are counted.
    max_tiles : int, default 5
        Pictures of a row to show at most; the others are counted.
    thumbnail_size : int, default 96
        Longer side of a picture on the page, in pixels.
    max_bytes : int, default 200,000
        Bytes that rows of pictures may take; rows beyond are counted instead.

    Returns
    -------
    str
        One ``<div>`` without script, without links to anywhere, safe to encode as UTF-8.
    """
    check_integer(max_rows, "max_rows", "render_html", low=0)
    check_integer(max_tiles, "max_tiles", "render_html", low=1)
    check_integer(thumbnail_size, "thumbnail_size", "render_html", low=16, high=512)
    check_integer(max_bytes, "max_bytes", "render_html", low=0)
    rows = draw_rows(view.rows[:max_rows], thumbnail, max_tiles=max_tiles, size=thumbnail_size, max_bytes=max_bytes)
    template = load_environment().get_template("view.html.jinja")
    return template.render(
        css=read_style("view.css"),
        size=thumbnail_size,
        **describe(view, [rows], thumbnail, max_table_rows=_MAX_TABLE_ROWS),
    )


def draw_rows(rows: Sequence[Row], thumbnail: Thumbnail, *, max_tiles: int, size: int, max_bytes: int) -> list[str]:
    """Return the HTML of the first rows, as many as fit in *max_bytes*; the first one is cut until it fits."""
    drawn: list[str] = []
    for row in rows:
        html = _draw_row(row, thumbnail, max_tiles=max_tiles, size=size)
        while not drawn and len(html) > max_bytes and max_tiles > 0:
            max_tiles //= 2
            html = _draw_row(row, thumbnail, max_tiles=max_tiles, size=size)
        max_bytes -= len(html.encode())
        if max_bytes < 0 and drawn:
            break
        drawn.append(html)
    return drawn


def _draw_row(row: Row, thumbnail: Thumbnail, *, max_tiles: int, size: int) -> str:
    tiles = [_DrawnTile(tile, make_picture(thumbnail(tile.image_id), size)) for tile in row.tiles[:max_tiles]]
    n_more = row.n_more + len(row.tiles) - len(tiles)
    template = load_environment().get_template("row.html.jinja")
    return template.render(row=row, tiles=tiles, n_more=n_more, size=size)


def describe(
    view: View, chunks: Sequence[Sequence[str]], thumbnail: Thumbnail, *, max_table_rows: int
) -> dict[str, object]:
    """Return what the templates of a view need: the view, its drawn rows and what is not shown of it."""
    n_rows = sum(map(len, chunks))
    table = view.table or Table((), ())
    columns = range(len(table.columns))
    return {
        "view": view,
        "charts": [_draw_chart(chart, thumbnail) for chart in view.charts],
        "chunks": [chunk for chunk in chunks if chunk],
        "n_more": view.n_more + len(view.rows) - n_rows,
        "table_rows": table.rows[:max_table_rows],
        "table_align": ["right" if has_numbers(row[i] for row in table.rows) else "left" for i in columns],
        "n_more_table": table.n_more + len(table.rows[max_table_rows:]),
    }


def _draw_chart(chart: Chart, thumbnail: Thumbnail) -> str:
    template = load_environment().get_template("chart.html.jinja")
    return template.render(chart=chart, drawn=draw_chart(chart, thumbnail))


@cache
def load_environment() -> Environment:
    """Return the templates; whatever they write is made visible and escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fastdup_nb.views"),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"cell": format_cell, "count": format_count, "short": _shorten, "pieces": _split_pieces}
    return environment


@cache
def read_style(name: str) -> str:
    """Return a style sheet of this package."""
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    """Make every text visible, NumPy's too; what is HTML already is left as it is."""
    return make_visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _shorten(text: str, width: int = _NAME_WIDTH) -> str:
    return shorten(make_visible(text), width)


def _split_pieces(text: str) -> list[str]:
    """Return a shortened text in pieces between which a line may break: after a separator, or where a word is long."""
    return _PIECE.findall(_shorten(text))
