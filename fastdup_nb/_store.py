"""Results kept on disk, in one SQLite file, under the hash of what made them.

Facts, thumbnails and vectors are kept by the digest of a file's content, so a renamed, moved or copied file is never
read twice for the same purpose. Every batch is one transaction (write-ahead log): a process killed in the middle
loses what was not yet handed over and nothing else, and two processes may write at once. Nothing is pickled.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from .errors import StoreError

_LOG = logging.getLogger(__name__)
_FILE_NAME = "store-1.sqlite"
_KEPT_PER_FAMILY = 4
_PATIENCE = 60.0  # seconds to wait for another process
_PART_BYTES = 1 << 28  # SQLite takes no blob above a gigabyte
#: What SQLite says of a file that something else has changed.
DAMAGE = ("malformed", "not a database", "encrypted", "no such table", "no such column", "decode to UTF-8")
_SCHEMA = """
create table if not exists files (path blob primary key, size integer, mtime_ns integer, ctime_ns integer, digest text);
create table if not exists facts (key text primary key, facts text not null);
create table if not exists thumbnails (key text primary key, jpeg blob not null);
create table if not exists vectors (key text primary key, vector blob not null, detail blob);
create table if not exists results (number integer primary key, key text unique, family text not null);
create table if not exists parts (number integer, part integer, payload blob not null, primary key (number, part));
create index if not exists results_family on results (family);
"""


def default_location(root: Path) -> Path:
    """Return the folder of what is known of the images below *root*: in ``$FASTDUP_NB_CACHE`` or the user's cache."""
    named = os.environ.get("FASTDUP_NB_CACHE")
    if named:
        base = Path(named).expanduser().absolute()
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fastdup_nb"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches" / "fastdup_nb"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastdup_nb"
    return base / sha256(os.fsencode(root)).hexdigest()[:16]


class Store:
    """Facts, thumbnails, vectors and results by key; in a file, or in memory where *folder* is None."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._db = _connect(folder)

    @classmethod
    def open(cls, cache: str | Path | None, root: Path) -> Store:
        """Open the store that *cache* names: "auto", a folder, or None to keep nothing."""
        if cache is None:
            return cls(None)
        if cache != "auto":
            return cls(Path(cache))
        try:
            return cls(default_location(root))
        except (StoreError, RuntimeError) as error:  # RuntimeError: no home
            _LOG.warning("Working without a cache: %s", error)
            return cls(None)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and one transaction, alone among all processes: all of it is kept, or nothing."""
        with self._lock:
            try:
                self._db.execute("begin immediate")
                with self._db:
                    yield self._db
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def known_files(self, folder: Path) -> dict[bytes, tuple[int, int, int, str]]:
        """Return path -> (size, mtime_ns, ctime_ns, digest) of the files seen before below *folder*."""
        prefix = os.fsencode(folder)
        rows = self._rows("select path, size, mtime_ns, ctime_ns, digest from files where substr(path, 1, ?) = ?",
                          (len(prefix), prefix))  # fmt: skip
        return {row[0]: row[1:] for row in rows}

    def put_batch(
        self,
        *,
        files: Sequence[tuple[bytes, int, int, int, str]],
        facts: Mapping[str, Mapping[str, object]],
        thumbnails: Mapping[str, bytes],
        vectors: Mapping[str, tuple[bytes, bytes | None]],
    ) -> None:
        """Keep what one batch found out, whole."""
        with self.transaction() as db:
            db.executemany("insert or replace into facts values (?, ?)", ((k, json.dumps(v)) for k, v in facts.items()))
            db.executemany("insert or replace into thumbnails values (?, ?)", thumbnails.items())
            db.executemany("insert or replace into vectors values (?, ?, ?)", ((k, *v) for k, v in vectors.items()))
            db.executemany("insert or replace into files values (?, ?, ?, ?, ?)", files)

    def facts(self, keys: Sequence[str]) -> dict[str, dict[str, object]]:
        """Return key -> facts of those that are known."""
        rows = self._by_key("select key, facts from facts", keys)
        try:
            return {key: _parse(text) for key, text in rows}
        except (ValueError, TypeError) as error:
            raise self.damaged() from error

    def damaged(self) -> StoreError:
        """Return the error for rows that nothing of ours has written."""
        return self._explained(sqlite3.DatabaseError("malformed"))

    def has_facts(self, keys: Sequence[str]) -> set[str]:
        """Return the keys whose facts are known."""
        return {row[0] for row in self._by_key("select key from facts", keys)}

    def has_vectors(self, keys: Sequence[str]) -> set[str]:
        """Return the keys whose vectors are known."""
        return {row[0] for row in self._by_key("select key from vectors", keys)}

    def vectors(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes, bytes | None]]:
        """Yield (key, vector, detail) of those that are known, in no order."""
        for key, vector, detail in self._by_key("select key, vector, detail from vectors", keys):
            yield key, self._bytes(vector), None if detail is None else self._bytes(detail)

    def thumbnail(self, key: str) -> bytes | None:
        """Return a thumbnail as JPEG bytes, or None."""
        rows = self._rows("select jpeg from thumbnails where key = ?", (key,))
        return self._bytes(rows[0][0]) if rows else None

    def result(self, key: str) -> bytes | None:
        """Return a result that was kept, or None."""
        return self._payload("select number from results where key = ?", key)

    def latest(self, family: str) -> bytes | None:
        """Return the newest result of a family, or None."""
        return self._payload("select number from results where family = ? order by number desc limit 1", family)

    def put_result(self, key: str, payload: bytes, *, family: str) -> None:
        """Keep a result, and only the newest few of its family."""
        old = (
            "select number from results where key = ? or (family = ? and number not in "
            "(select number from results where family = ? order by number desc limit ?))"
        )
        with self.transaction() as db:
            gone = db.execute(old, (key, family, family, _KEPT_PER_FAMILY - 1)).fetchall()
            db.executemany("delete from results where number = ?", gone)
            db.executemany("delete from parts where number = ?", gone)
            number = db.execute("insert into results (key, family) values (?, ?)", (key, family)).lastrowid
            db.execute("delete from parts where number = ?", (number,))  # of a result that something else took away
            pieces = (payload[i : i + _PART_BYTES] for i in range(0, len(payload), _PART_BYTES))
            db.executemany("insert into parts values (?, ?, ?)", ((number, i, piece) for i, piece in enumerate(pieces)))

    def _payload(self, query: str, name: str) -> bytes | None:
        found = self._rows(query, (name,))
        if not found:
            return None
        rows = self._rows("select payload from parts where number = ? order by part", found[0])
        return b"".join(self._bytes(row[0]) for row in rows)

    def _bytes(self, value: object) -> bytes:
        if not isinstance(value, bytes):
            raise self.damaged()
        return value

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def _by_key(self, query: str, keys: Sequence[str]) -> Iterator[tuple]:  # type: ignore[type-arg]
        for some in _chunks(keys, 900):
            marks = ",".join("?" * len(some))
            yield from self._rows(f"{query} where key in ({marks})", tuple(some))

    def _explained(self, error: sqlite3.Error) -> StoreError:
        return _explain(error, self.folder)


def _parse(text: str) -> dict[str, object]:
    facts = json.loads(text)
    if not isinstance(facts, dict) or not facts:
        raise ValueError(f"these are no facts: {text[:40]}")
    return facts


def _chunks(keys: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def open_database(name: str) -> sqlite3.Connection:
    """Open an SQLite file, or ":memory:", with a write-ahead log; another process may open it at the same moment.

    To change to a write-ahead log takes the file alone, and SQLite does not wait for that as it waits for other locks.
    """
    db = sqlite3.connect(name, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                db.close()
                raise
            time.sleep(0.01)
    db.execute("pragma synchronous = normal")
    return db


def _connect(folder: Path | None) -> sqlite3.Connection:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        name = ":memory:" if folder is None else str(folder / _FILE_NAME)
        db = open_database(name)
        db.executescript(_SCHEMA)
        db.execute("insert or replace into results values (0, '', 'opened')")  # a read-only place shows here
    except (OSError, sqlite3.Error) as error:
        raise _explain(error, folder) from error
    return db


def _explain(error: Exception, folder: Path | None) -> StoreError:
    text = str(error)
    if "full" in text:
        advice = "the disk is full. Free some space and run again: what was done is kept"
    elif isinstance(error, sqlite3.DatabaseError) and any(word in text for word in DAMAGE):
        advice = f"the file {_FILE_NAME} in it is damaged. Delete it; only computed results are lost"
    else:
        advice = f"{text}. Choose a folder that can be written with cache='folder', or keep nothing with cache=None"
    return StoreError(f"The store in {str(folder)!r} cannot be used: {advice}.")
