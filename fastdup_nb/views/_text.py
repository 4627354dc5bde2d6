"""A view as plain text: for the terminal, for logs, and for readers that show no HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from .._validation import check_integer
from ._chart import tell_chart, tell_marks
from ._format import format_cell, format_count, has_numbers, make_visible, measure_width, shorten
from ._model import Chart, Row, Table, Tile, View

_SEPARATOR = " · "
_MAX_TABLE_ROWS = 20
_TITLE_WIDTH = 120


def render_text(view: View, *, max_rows: int = 8, max_tiles: int = 5, width: int = 88) -> str:
    """Return *view* as lines of plain text.

    Parameters
    ----------
    view : View
        What to show.
    max_rows : int, default 8
        Rows to show at most; the others are counted.
    max_tiles : int, default 5
        Pictures of a row to show at most; the others are counted.
    width : int, default 88
        Columns of the text; no line is longer. At least 40.

    Returns
    -------
    str
        Lines joined by newlines, without one at the end.
    """
    check_integer(max_rows, "max_rows", "render_text", low=0)
    check_integer(max_tiles, "max_tiles", "render_text", low=1)
    check_integer(width, "width", "render_text", low=40)
    blocks = [
        _wrap(shorten(make_visible(view.title), _TITLE_WIDTH), width) + _wrap(view.headline, width),
        _fact_lines(view, width),
        *(_chart_lines(chart, width) for chart in view.charts),
        [f"and {format_count(view.n_more_charts, ('more curve', 'more curves'))}"] if view.n_more_charts else [],
        *_row_blocks(view, max_rows, max_tiles, width),
        _table_lines(view.table, width),
        [line for note in view.notes for line in _wrap(note, width)],
        _call_lines(view, width),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in blocks if lines)


def _fact_lines(view: View, width: int) -> list[str]:
    cells = [(fact.name, format_cell(fact.value), fact.meaning) for fact in view.facts]
    if not cells:
        return []
    label_width = min(28, max(measure_width(make_visible(label)) for label, _, _ in cells))
    value_width = min(width - label_width - 4, max(measure_width(make_visible(value)) for _, value, _ in cells))
    lines = []
    for label, value, meaning in cells:
        start = f"  {_fit(label, label_width)}  {_fit(value, value_width, is_right=True)}"
        lines += _hang(start + "  ", meaning, width)
    return lines


def _chart_lines(chart: Chart, width: int) -> list[str]:
    return [
        *_wrap(f"{shorten(make_visible(chart.title), _TITLE_WIDTH)}, by {chart.x_name}", width),
        *(line for told in tell_chart(chart, width - 2) for line in _hang("  ", told, width)),
        *(_hang("  ", tell_marks(chart), width) if chart.marks else []),
    ]


def _row_blocks(view: View, max_rows: int, max_tiles: int, width: int) -> list[list[str]]:
    if not view.rows and not view.n_more:
        return [_wrap(view.empty, width)] if view.empty != view.headline else []
    blocks = [_wrap(view.rows_title, width)]
    blocks += [_row_lines(row, max_tiles, width) for row in view.rows[:max_rows]]
    n_more = view.n_more + len(view.rows[max_rows:])
    return [*blocks, [f"and {format_count(n_more)} more {view.noun[n_more != 1]}"] if n_more else []]


def _row_lines(row: Row, max_tiles: int, width: int) -> list[str]:
    words = (row.title, f"[{row.badge.text}]" if row.badge else "", row.note)
    lines = _hang("", _SEPARATOR.join(filter(None, words)), width)
    tiles = row.tiles[:max_tiles]
    mark_width = max((measure_width(make_visible(_mark(row, i))) for i in range(len(tiles))), default=0)
    name_width = min(width // 2, max((measure_width(make_visible(tile.image_id)) for tile in tiles), default=0))
    for position, tile in enumerate(tiles):
        mark = _fit(_mark(row, position), min(mark_width, 16))
        start = f"  {mark}  " if mark_width else "  "
        lines += _hang(start + _fit(tile.image_id, name_width) + "  ", _tile_words(tile), width)
    n_more = row.n_more + len(row.tiles[max_tiles:])
    return [*lines, f"  and {format_count(n_more)} more"] if n_more else lines


def _mark(row: Row, position: int) -> str:
    arrow = f"→ {row.arrow}" if row.arrow and position == 1 else ""
    return " ".join(filter(None, (arrow, row.tiles[position].mark)))


def _tile_words(tile: Tile) -> str:
    badge = (f"[{tile.badge.text}]",) if tile.badge else ()
    return _SEPARATOR.join((*badge, *([tile.problem] if tile.problem else []), *tile.lines))


def _table_lines(table: Table | None, width: int) -> list[str]:
    if table is None:
        return []
    shown = [list(map(format_cell, cells)) for cells in table.rows[:_MAX_TABLE_ROWS]]
    is_number = [has_numbers(row[column] for row in table.rows) for column in range(len(table.columns))]
    lines = [*_wrap(table.caption, width), *_align([list(table.columns), *shown], is_number, width)]
    n_more = table.n_more + len(table.rows) - len(shown)
    return [*lines, f"  and {format_count(n_more)} more"] if n_more else lines


def _align(rows: Sequence[Sequence[str]], is_number: Sequence[bool], width: int) -> list[str]:
    """Return the rows as lines of equally wide columns; the widest ones give way where the line is too long."""
    widths = [max(measure_width(make_visible(cell)) for cell in column) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * len(widths) > width and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    lines = ["  " + "  ".join(map(_fit, cells, widths, is_number)) for cells in rows]
    return [shorten(line.rstrip(), width) for line in lines]


def _call_lines(view: View, width: int) -> list[str]:
    if not view.next_calls:
        return []
    code_width = min(width // 2, max(measure_width(make_visible(code)) for code, _ in view.next_calls))
    lines = ["Next"]
    for code, what in view.next_calls:
        if measure_width(make_visible(code)) > code_width:
            lines += [*_wrap(f"  {make_visible(code)}", width), *_hang(" " * (code_width + 4), what, width)]
        else:
            lines += _hang(f"  {_fit(code, code_width)}  ", what, width)
    return lines


def _fit(text: str, width: int, is_right: bool = False) -> str:
    """Return *text* cut or padded to *width* columns."""
    cut = shorten(make_visible(text), width)
    padding = " " * (width - measure_width(cut))
    return padding + cut if is_right else cut + padding


def _wrap(text: str, width: int) -> list[str]:
    return _hang("", text, width) if text else []


def _hang(start: str, text: str, width: int) -> list[str]:
    """Return *start* and *text* in lines of *width* columns, the later ones beginning where the text began."""
    room = max(16, width - measure_width(start))
    indent = " " * min(measure_width(start), width - room)
    lines = list(_split(make_visible(text), room)) or [""]
    if measure_width(start) + room > width:
        return [start.rstrip(), *(indent + line for line in lines if line)]
    return [start + lines[0], *(indent + line for line in lines[1:])]


def _split(text: str, room: int) -> Iterable[str]:
    """Wrap by words, counting a wide character as two."""
    for line in textwrap.wrap(text, room, break_on_hyphens=False):
        yield from textwrap.wrap(line, room // 2, break_on_hyphens=False) if measure_width(line) > room else [line]
