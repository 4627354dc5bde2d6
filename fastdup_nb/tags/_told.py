"""What was decided, as tables and in words."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd

from .._text import TEXT


def tabulate(rows: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows of text, numbers and the ``time`` of each (seconds since 1970) as a table; times are in UTC."""
    frame = pd.DataFrame(list(rows), columns=list(columns))
    frame["time"] = pd.to_datetime(frame["time"].astype(float), unit="s", utc=True)
    text = [name for name in columns if name not in {"time", "n_images", "is_undone", "action_id"}]
    return frame.astype(dict.fromkeys(text, TEXT))


def tell_counts(counts: Mapping[str, int], note: str) -> str:
    """Return the number of images with each tag as text."""
    width = max((len(name) for name in counts), default=0)
    lines = [f"  {name:<{width}}  {n:,}" for name, n in counts.items()]
    return "\n".join(["Tags: " + ("images with each" if counts else "none yet"), *lines, note])


def render_counts(counts: Mapping[str, int], note: str, colors: Mapping[str, str]) -> str:
    """Return the same as HTML, each tag in its color."""
    rows = "".join(
        f'<tr><td style="border-left:4px solid {html.escape(colors.get(name, "#888888"))};text-align:left">'
        f"{html.escape(name)}</td><td>{n:,}</td></tr>"
        for name, n in counts.items()
    )
    head = "<thead><tr><th>tag</th><th>images</th></tr></thead>"
    table = f"<table>{head}<tbody>{rows}</tbody></table>" if counts else "<p>No image is tagged yet.</p>"
    return f"<div>{table}<p>{html.escape(note)}</p></div>"
