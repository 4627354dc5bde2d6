"""Whose manifest it is: a seal over the root that it names, made with a key that only this user has.

A manifest may come from a stranger, in an archive with pictures, and name any folder as its root. So the root is taken
from it only where the seal is ours; otherwise the user has to name it.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from .._store import default_location

_KEY_NAME, _KEY_BYTES = "manifest.key", 32


def make_seal(root: Path) -> str:
    """Return the seal of a root; "" where there is no place for a key."""
    key = _read_key() or _make_key()
    return hmac.digest(key, os.fsencode(root), "sha256").hex() if key else ""


def is_sealed(root: Path, seal: object) -> bool:
    """Whether a seal was made here, by this user, for this root."""
    key = _read_key()
    if key is None or not isinstance(seal, str):
        return False
    return hmac.compare_digest(hmac.digest(key, os.fsencode(root), "sha256").hex().encode(), seal.encode())


def _find_key() -> Path:
    return default_location(Path()).parent / _KEY_NAME


def _read_key() -> bytes | None:
    try:
        key = _find_key().read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home
        return None
    return key if len(key) == _KEY_BYTES else None


def _make_key() -> bytes | None:
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        _find_key().parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(_find_key(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    except FileExistsError:  # another process was faster
        return _read_key()
    except (OSError, RuntimeError):
        return None
    return key
