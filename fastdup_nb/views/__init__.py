"""Descriptions of what to show, drawn as HTML for notebooks, as plain text and as one page to hand on."""

from ._chart import thin_out
from ._format import format_bytes, format_count, format_dimension, format_similarity
from ._html import render_html
from ._model import Badge, Cell, Chart, Fact, Line, Marks, Row, Table, Thumbnail, Tile, Tone, View
from ._report import render_report
from ._text import render_text

__all__ = [
    "Badge",
    "Cell",
    "Chart",
    "Fact",
    "Line",
    "Marks",
    "Row",
    "Table",
    "Thumbnail",
    "Tile",
    "Tone",
    "View",
    "format_bytes",
    "format_count",
    "format_dimension",
    "format_similarity",
    "render_html",
    "render_report",
    "render_text",
    "thin_out",
]
