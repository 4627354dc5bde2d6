"""The history of decisions: a file to which rows are only added, and its state in memory.

Every action is one transaction: a row in ``actions``, and a row in ``changes`` for each value that really changed. The
state is the last row of each value. Undo and redo are actions of their own. A transaction begins by taking over what
other processes wrote, so what is decided is decided on what is there.

Decisions belong to *items*. An item is one copy of one content; ``places`` tells where it was seen, last row last.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import NoneType
from typing import NamedTuple

from ._change import Change
from ._file import DEFAULT_PALETTE, explain, explain_gone, identify, open_file

_LOG = logging.getLogger(__name__)
_LATEST = 9e9  # seconds since 1970 that pandas can tell


class Action(NamedTuple):
    """One row of the history; *target* is the action that an undo or a redo is about."""

    id: int
    time: float
    root: str
    session: str
    kind: str
    words: str
    n_images: int
    target: int | None


class Row(NamedTuple):
    """One change of one value: a tag or the new label of an item, or the verdict on a pair of contents (item 0)."""

    kind: str
    item: int
    name: str
    old: str | None
    new: str | None


class Place(NamedTuple):
    """Where an item was seen."""

    root: str
    image_id: str


_MALFORMED = sqlite3.DatabaseError("malformed row")
_ACTIONS = set(product((int,), (float,), (str,), (str,), (str,), (str,), (int,), (int, NoneType)))
_PLACES = {(int, str, str, str)}
_CHANGES = set(product((int,), (str,), (int,), (str,), (str, NoneType), (str, NoneType)))


def _check_row(row: Iterable[object], kinds: Collection[tuple[object, ...]]) -> None:
    """Raise where the values of a row are of other types than this package writes."""
    if tuple(map(type, row)) not in kinds:
        raise _MALFORMED


def _is_told(kind: str, _item: int, name: str, _old: str | None, new: str | None) -> bool:
    """Return whether a change of a pair names two contents, and one of a label an old label and a new one."""
    if kind == "pair":
        return len(name.split()) == 2
    if kind != "label" or new is None:
        return True
    try:
        told = json.loads(new)
    except ValueError:
        return False
    return isinstance(told, list) and [type(value) for value in told] in ([str, str], [NoneType, str])


class Journal:
    """Decisions in a file, or in memory where *path* is None. All methods may be called from any thread."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.session = uuid.uuid4().hex
        self.actions: dict[int, Action] = {}
        self.digest_of: dict[int, str] = {}
        self.places: dict[int, list[Place]] = {}
        self.items_of: dict[str, list[int]] = {}
        self.touched: list[str] = []  # digests of the rows of places, in order
        self.state: dict[tuple[str, int, str], tuple[str, float]] = {}
        self.tags_of: dict[int, dict[str, float]] = {}
        self.items_with: dict[str, dict[int, None]] = {}
        self.tagged: list[int] = []  # items of the changes of tags, in order
        self.verdicts: dict[str, tuple[str, float]] = {}
        self.n_judged = 0  # changes of verdicts
        self.heard: list[tuple[Action, Row]] = []  # what other sessions changed since the file was opened
        self.palette: dict[str, tuple[str, str]] = {name: (color, key) for name, color, key in DEFAULT_PALETTE}
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which one it is, should another come in its place
        self._process = os.getpid()
        self._began: int | None = None
        self._last = {"actions": 0, "changes": 0, "places": 0}
        self._version = -1
        self._is_loaded = False
        self._callbacks: dict[int, Callable[[Change], object]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever decided; what other processes decided counts."""
        self.refresh()
        return not self.actions

    def refresh(self) -> bool:
        """Take over what other processes wrote; return whether there was something."""
        with self.lock:
            if self._is_gone:
                return False
            if self._db is None and (self.path is None or not self.path.exists()):
                if self._began is None:
                    self._began, self._is_loaded = 0, True  # nothing was decided yet: whatever comes is heard
                return False
            with self._explained():
                return self._load(self._opened())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and one transaction, alone among all processes, on the newest state: all or nothing."""
        with self.lock, self._explained():
            db = self._opened()
            if self.path is not None and self._is_gone:
                raise explain_gone(self.path)
            db.execute("begin immediate")
            try:
                self._load(db)
                yield db
                self._version = -1  # what is written here is taken over below, or by whoever reads next
                db.execute("commit")
            except BaseException:
                if db.in_transaction:
                    db.execute("rollback")
                raise
            self._load(db)

    def append(
        self,
        db: sqlite3.Connection,
        kind: str,
        words: str,
        rows: Sequence[Row],
        *,
        root: str,
        n_images: int,
        target: int | None = None,
    ) -> int:
        """Add an action with its changes to the open transaction; return its number."""
        values = (time.time(), root, self.session, kind, words, n_images, target)
        action = db.execute("insert into actions values (null, ?, ?, ?, ?, ?, ?, ?)", values).lastrowid
        db.executemany("insert into changes values (null, ?, ?, ?, ?, ?, ?)", ((action, *row) for row in rows))
        return int(action or 0)

    def place(self, db: sqlite3.Connection, rows: Iterable[tuple[int, str, Place]]) -> None:
        """Add places of items, (item, digest, place), to the open transaction."""
        db.executemany("insert into places values (null, ?, ?, ?, ?)", ((i, digest, *at) for i, digest, at in rows))

    def value(self, kind: str, item: int, name: str) -> str | None:
        """Return the value that holds now, or None."""
        found = self.state.get((kind, item, name))
        return None if found is None else found[0]

    def rows_of(self, action: int) -> list[Row]:
        """Return the changes of an action."""
        with self.lock, self._explained():
            query = "select kind, item, name, old, new from changes where action = ? order by id"
            return [Row(*row) for row in self._opened().execute(query, (action,))]

    def stacks(self, root: str) -> tuple[list[int], list[int]]:
        """Return the actions that can be undone and redone here, the next one last.

        They are those of this session and those made below *root* before it began; never those that another live
        session made since.
        """
        done: list[int] = []
        undone: list[int] = []
        for action in self.actions.values():
            is_own = action.session == self.session or (action.id <= (self._began or 0) and action.root == root)
            if action.target is None:
                if is_own:
                    done.append(action.id)
                    undone.clear()
                continue
            source, other = (done, undone) if action.kind == "undo" else (undone, done)
            if action.target in source:
                source.remove(action.target)
                if is_own:
                    other.append(action.target)
        return done, undone

    def undone(self) -> set[int]:
        """Return the actions that are taken back."""
        found: set[int] = set()
        for action in self.actions.values():
            if action.target is not None:
                (found.add if action.kind == "undo" else found.discard)(action.target)
        return found

    def subscribe(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Call back with each change made from now on, until the returned function is called."""
        with self.lock:
            key = max(self._callbacks, default=0) + 1
            self._callbacks[key] = callback
        return lambda: self._callbacks.pop(key, None) and None

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody is to be told of changes."""
        return bool(self._callbacks)

    def announce(self, change: Change) -> None:
        """Tell everybody of a change; what goes wrong with one of them is logged and does not stop the others."""
        with self.lock:
            callbacks = list(self._callbacks.values())
        for callback in callbacks:
            try:
                callback(change)
            except Exception:
                _LOG.exception("A subscriber to the tags failed on %r", change.text)

    @property
    def _is_gone(self) -> bool:
        """Whether the file was taken away or replaced since it was opened."""
        return self._db is not None and identify(self.path) != self._file

    def _opened(self) -> sqlite3.Connection:
        if self.path is not None and self._process != os.getpid():
            self._db, self._process, self._version = None, os.getpid(), -1  # a connection does not survive a fork
        if self._db is None:
            db = open_file(self.path)
            if self._began is None:
                self._began = db.execute("select max(id) from actions").fetchone()[0] or 0
            self._db, self._file = db, identify(self.path)
        return self._db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _load(self, db: sqlite3.Connection) -> bool:
        """Take over the rows that are new, as they were at one moment."""
        version = db.execute("pragma data_version").fetchone()[0]
        if version == self._version:
            return False
        inside = db.in_transaction
        if not inside:
            db.execute("begin")
        try:
            n_before = sum(self._last.values())
            self._load_rows(db)
        finally:
            if not inside:
                db.execute("commit")
        self._version = version
        return sum(self._last.values()) > n_before

    def _load_rows(self, db: sqlite3.Connection) -> None:
        for row in db.execute("select * from actions where id > ? order by id", (self._last["actions"],)):
            _check_row(row, _ACTIONS)
            if not abs(row[1]) < _LATEST:
                raise _MALFORMED
            self.actions[row[0]] = Action(*row)
            self._last["actions"] = row[0]
        for number, item, digest, *place in db.execute(
            "select * from places where id > ? order by id", (self._last["places"],)
        ):
            _check_row((item, digest, *place), _PLACES)
            self._add_place(item, digest, Place(*place))
            self._last["places"] = number
        is_later = self._is_loaded
        for number, action, *row in db.execute(
            "select * from changes where id > ? order by id", (self._last["changes"],)
        ):
            _check_row((action, *row), _CHANGES)
            if action not in self.actions or not _is_told(*row):
                raise _MALFORMED
            self._apply(Row(*row), self.actions[action].time)
            if is_later and self.actions[action].session != self.session:
                self.heard.append((self.actions[action], Row(*row)))
            self._last["changes"] = number
        self._is_loaded = True
        self.palette = {row[0]: row[1:] for row in db.execute("select * from palette order by rowid")}

    def _add_place(self, item: int, digest: str, place: Place) -> None:
        if item not in self.digest_of:
            self.digest_of[item] = digest
            self.items_of.setdefault(digest, []).append(item)
        self.places.setdefault(item, []).append(place)
        self.touched.append(digest)

    def _apply(self, row: Row, moment: float) -> None:
        key = (row.kind, row.item, row.name)
        if row.new is None:
            self.state.pop(key, None)
        else:
            self.state[key] = (row.new, moment)
        if row.kind == "tag":
            self.tagged.append(row.item)
        if row.kind == "pair":
            self.n_judged += 1
            self.verdicts.pop(row.name, None)
            self.verdicts.update({} if row.new is None else {row.name: (row.new, moment)})
        elif row.kind == "tag" and row.new is not None:
            self.tags_of.setdefault(row.item, {})[row.name] = moment
            self.items_with.setdefault(row.name, {})[row.item] = None
        elif row.kind == "tag":
            self.tags_of.get(row.item, {}).pop(row.name, None)
            self.items_with.get(row.name, {}).pop(row.item, None)
