"""Several views as one HTML page to hand on: no request to anywhere, no script, readable for years."""

from __future__ import annotations

from collections.abc import Sequence

from .._validation import check_integer
from ._html import describe, draw_rows, load_environment, read_style
from ._model import Thumbnail, View

_MAX_TABLE_ROWS = 1000
_ROWS_PER_CHUNK = 10  # a browser lays out a chunk when it comes into sight


def render_report(
    title: str,
    sections: Sequence[View],
    thumbnail: Thumbnail,
    *,
    created: str,
    max_rows: int = 100,
    max_tiles: int = 6,
    thumbnail_size: int = 112,
    max_bytes: int = 14_000_000,
) -> str:
    """Return a complete HTML page with a list of contents and a section for each view.

    Parameters
    ----------
    title : str
        Title of the page.
    sections : sequence of View
        What to show, in this order. Their next calls are left out: who reads a report has no session.
    thumbnail : callable
        Takes an image id and returns the bytes of a small JPEG or PNG file, or None; asked for the shown pictures only.
    created : str
        Day, and time if wanted, as it shall be read.
    max_rows : int, default 100
        Rows of a section to show at most; the others are counted.
    max_tiles : int, default 6
        Pictures of a row to show at most; the others are counted.
    thumbnail_size : int, default 112
        Longer side of a picture on the page, in pixels.
    max_bytes : int, default 14,000,000
        Bytes that the rows of all sections may take together; what a section leaves over goes to the later ones.

    Returns
    -------
    str
        The page, safe to encode as UTF-8.
    """
    check_integer(max_rows, "max_rows", "render_report", low=0)
    check_integer(max_tiles, "max_tiles", "render_report", low=1)
    check_integer(thumbnail_size, "thumbnail_size", "render_report", low=16, high=512)
    check_integer(max_bytes, "max_bytes", "render_report", low=0)
    described = []
    for n_done, view in enumerate(sections):
        share = max_bytes // (len(sections) - n_done)
        rows = draw_rows(view.rows[:max_rows], thumbnail, max_tiles=max_tiles, size=thumbnail_size, max_bytes=share)
        max_bytes -= sum(len(row.encode()) for row in rows)
        described.append(describe(view, _split_chunks(rows), thumbnail, max_table_rows=_MAX_TABLE_ROWS))
    template = load_environment().get_template("report.html.jinja")
    css = read_style("view.css") + read_style("report.css")
    return template.render(title=title, created=created, sections=described, size=thumbnail_size, css=css)


def _split_chunks(rows: Sequence[str]) -> list[Sequence[str]]:
    return [rows[start : start + _ROWS_PER_CHUNK] for start in range(0, len(rows), _ROWS_PER_CHUNK)]
