"""All findings on one page."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import ParameterError, ParameterTypeError, StoreError
from ..views import render_report
from ._base import Result
from .overview import Overview

_ROWS = 100
_START, _MARK = b"<!doctype html>", b'<meta name="generator" content="fastdup_nb">'


def check_path(path: object) -> Path:
    """Return the file that a report at *path* is written to, behind all links, or raise where it cannot be."""
    wanted = "The 'path' parameter of Dataset.report must"
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise ParameterTypeError(f"{wanted} be a path that ends in .html. Got {path!r} instead.")
    name = os.path.expanduser(path)
    if Path(name).suffix.lower() not in {".html", ".htm"} or "\0" in name:
        raise ParameterError(f"{wanted} end in .html. Got {name!r} instead.")
    with _told_of(name):
        target = Path(os.path.realpath(name))
        if target.is_dir():
            raise ParameterError(f"{wanted} name a file; {name!r} is a folder.")
        if _is_taken(target) and not _is_report(target):
            raise ParameterError(f"{name!r} exists and is no report of ours; it is left as it is. Choose another name.")
        _check_folder(target.parent)
    return target


def write_report(
    path: str | os.PathLike[str],
    overview: Overview,
    findings: Sequence[Result],
    thumbnail: Callable[[str], bytes | None],
) -> Path:
    """Write the page to *path*, whole or not at all; return the path."""
    target = check_path(path)
    sections = [finding._view(_ROWS) for finding in findings]
    title = f"What is in {Path(overview.root).name or overview.root}"
    page = render_report(title, sections, thumbnail, created=time.strftime("%Y-%m-%d %H:%M"), max_rows=_ROWS)
    with _told_of(os.fspath(path)):
        _replace(target, page)
    return Path(os.path.expanduser(path))


def _replace(target: Path, page: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_text(page, encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _is_taken(path: Path) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        start = file.read(2048)
    return start.lstrip().lower().startswith(_START) and _MARK in start


def _check_folder(folder: Path) -> None:
    """Raise if *folder* is no folder that can be written to or made."""
    there = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
    if not there.is_dir():
        raise NotADirectoryError(f"{str(there)!r} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder {str(there)!r} may not be written to")


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Make every failure of the file system speak of the path that the user gave."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"The report {name!r} cannot be written: {error.strerror or error}.") from error
