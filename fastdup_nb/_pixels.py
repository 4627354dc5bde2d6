"""Which images have exactly the same pixels: names of pictures from the pass, made sure by decoding in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from ._store import Store
from .errors import ImageError
from .images import decode_image, hash_pixels
from .sources import read_bytes


def hash_in_full(unsure: Mapping[str, tuple[str, str | None]], store: Store) -> dict[str, str]:
    """Return the hash of all pixels of the pictures named in *unsure*; each is decoded once, and remembered.

    Parameters
    ----------
    unsure : mapping of str to (str, str or None)
        For each name a file that holds the picture, and the digest it had.
    store : Store
        Where hashes are kept.

    Returns
    -------
    dict of str to str
        By name; the name itself where the file has changed since, or cannot be read any more.
    """
    known = store.facts([f"pixels:{name}" for name in unsure])
    hashes = {key.removeprefix("pixels:"): str(facts["hash"]) for key, facts in known.items()}
    found = {name: _hash_file(*at) or name for name, at in unsure.items() if name not in hashes}
    if found:
        kept = {f"pixels:{name}": {"hash": full} for name, full in found.items()}
        store.put_batch(files=[], facts=kept, thumbnails={}, vectors={})
    return hashes | found


def number_pictures(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a number for each name, the same where the name is the same."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _hash_file(path: str, digest: str | None) -> str | None:
    try:
        data = read_bytes(path)
        return hash_pixels(decode_image(data).image) if sha256(data).hexdigest() == digest else None
    except ImageError:
        return None
