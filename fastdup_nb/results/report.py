"""All findings on one page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import ParameterError
from ..views import render_report
from ._base import Result
from .overview import Overview

_ROWS = 100
_MARK = b"<!doctype html>"


def write_report(
    path: Path, overview: Overview, findings: Sequence[Result], thumbnail: Callable[[str], bytes | None]
) -> Path:
    """Write the page to *path*, whole or not at all; return the path."""
    _check_path(path)
    sections = [finding._view(_ROWS) for finding in findings]
    title = f"What is in {Path(overview.root).name or overview.root}"
    page = render_report(title, sections, thumbnail, created=time.strftime("%Y-%m-%d %H:%M"), max_rows=_ROWS)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_path(path: Path) -> None:
    if path.suffix.lower() not in {".html", ".htm"}:
        raise ParameterError(f"The 'path' parameter of Dataset.report must end in .html. Got {str(path)!r} instead.")
    if path.is_dir():
        raise ParameterError(f"The 'path' parameter of Dataset.report must name a file; {str(path)!r} is a folder.")
    if not path.exists():
        return
    with open(path, "rb") as file:
        start = file.read(2048)
    if not start.lstrip().lower().startswith(_MARK) or b"fdnb" not in start:
        raise ParameterError(
            f"{str(path)!r} exists and is no report of ours; it is left as it is. Choose another name."
        )
