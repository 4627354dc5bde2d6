"""The SQLite file of a journal: its tables, its opening, and what goes wrong with it in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .._magic import begins_like_image
from .._store import DAMAGE, open_database
from ..errors import StoreError

_APPLICATION = 0x66646E62  # "fdnb": whose file it is
_VERSION = 1
_TABLES = (
    "create table if not exists actions (id integer primary key, time real not null, root text not null, "
    "session text not null, kind text not null, words text not null, n_images integer not null, target integer)",
    "create table if not exists changes (id integer primary key, action integer not null, kind text not null, "
    "item integer not null, name text not null, old text, new text)",
    "create index if not exists changes_action on changes (action)",
    "create table if not exists places (id integer primary key, item integer not null, digest text not null, "
    "root text not null, image_id text not null)",
    "create table if not exists palette (name text primary key, color text not null, key text not null)",
)
#: Okabe and Ito's colors, told apart with any color vision.
DEFAULT_PALETTE = (
    ("keep", "#009e73", "1"), ("drop", "#d55e00", "2"), ("review", "#0072b2", "3"), ("wrong label", "#cc79a7", "4"),
)  # fmt: skip


def open_file(path: Path | None) -> sqlite3.Connection:
    """Open the file of a journal, or one in memory where *path* is None; make it where it is not there.

    A decision that was acknowledged survives the loss of power: every commit waits for the disk.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        db = open_database(":memory:" if path is None else str(path))
    except (OSError, sqlite3.Error) as error:
        raise explain(error, path) from error
    try:
        db.execute("pragma synchronous = full")
        if db.execute("pragma user_version").fetchone()[0] != _VERSION:
            _prepare(db, path)
        _check_owner(db, path)
    except sqlite3.Error as error:
        db.close()
        raise explain(error, path) from error
    except StoreError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path | None) -> None:
    """Make the tables in one transaction, where no other process has."""
    db.execute("begin immediate")
    try:
        version = db.execute("pragma user_version").fetchone()[0]
        if version == 0:
            if db.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise _not_ours(path)
            for table in _TABLES:
                db.execute(table)
            db.executemany("insert into palette values (?, ?, ?)", DEFAULT_PALETTE)
            db.execute(f"pragma application_id = {_APPLICATION}")
            db.execute(f"pragma user_version = {_VERSION}")
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


def _check_owner(db: sqlite3.Connection, path: Path | None) -> None:
    if db.execute("pragma application_id").fetchone()[0] != _APPLICATION:
        raise _not_ours(path)
    version = db.execute("pragma user_version").fetchone()[0]
    if version != _VERSION:
        raise StoreError(
            f"The tags in {str(path)!r} were written by a newer fastdup_nb (format {version}). Update this one, or go "
            "on in another file with tags='other.sqlite'."
        )


def _not_ours(path: Path | None) -> StoreError:
    return StoreError(f"{str(path)!r} holds other data than tags. Name another file with tags='other.sqlite'.")


def identify(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from any other that is put in its place, None where there is none."""
    try:
        status = None if path is None else path.stat()
    except OSError:
        return None
    return None if status is None else (status.st_dev, status.st_ino)


def explain_gone(path: Path) -> StoreError:
    """Return what to do where the file was taken away while it was open: what is written into it then is lost."""
    return StoreError(
        f"The tags in {str(path)!r} were removed or replaced since this session opened them, so nothing can be decided "
        "here any more. Put the file back, or make the Dataset anew to go on with what is there now; "
        "ds.tags.to_frame() still tells what was decided."
    )


def explain(error: Exception, path: Path | None) -> StoreError:
    """Return what is wrong with the file and what to do; there are decisions in it, so never to delete it."""
    text = str(error)
    if "full" in text:
        advice = "the disk is full. Free some space and do it again: what was decided before is kept"
    elif path is not None and path.is_dir():
        advice = f"it is a folder. Name a file, for example tags={str(path / 'tags.sqlite')!r}"
    elif path is not None and begins_like_image(str(path)):
        advice = "it is a picture. Name a file of its own for them with tags='other.sqlite'"
    elif any(word in text for word in DAMAGE):
        advice = (
            "it is damaged. Keep it, for there are decisions in it, and put a copy from a backup in its place; or go "
            "on in another file with tags='other.sqlite'"
        )
    elif "locked" in text or "busy" in text:
        advice = "another process has held it for a minute. Do it again when that is done"
    else:
        advice = (
            f"{text}. Make it writable, or copy it to a folder that can be written and name the copy with "
            "tags='copy.sqlite'; tags=None keeps decisions in memory only"
        )
    return StoreError(f"The tags in {str(path)!r} cannot be used: {advice}.")
