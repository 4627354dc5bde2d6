"""The one pass over the files: each is read once and decoded once, for its digest, facts, thumbnail and vector.

Every worker takes a few files through all steps, so pictures never wait in memory and all processors are busy with
either decoding or encoding. What a batch found goes into the store at once, by content digest: files with the same
content are decoded once, and a run that is stopped goes on where it was.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from ._progress import Progress
from ._store import Store
from ._threads import count_processors
from .embeddings import Descriptors, Encoder
from .errors import ImageError, ParameterError, StoreError
from .images import (
    WORKING_SIDE,
    Decoded,
    decode_image,
    hash_jpeg,
    hash_pixels,
    measure_image,
    reduce_image,
    render_thumbnail,
)
from .sources import Listing, Stamp, read_bytes, read_stamp

BATCH_SIZE = 16
#: Raised when facts or thumbnails are made in another way: those in the store are then made anew.
FACTS_VERSION = 3
THUMBNAIL_SIZE = 160
#: Pictures encoded at once: few, for what a model holds in memory meanwhile should fit the processor's cache.
ENCODED_AT_ONCE = 4

Facts = dict[str, object]
_Float = TypeVar("_Float", np.float32, np.float64)


@dataclass(frozen=True)
class Scan:
    """What is known of each listed image after the pass.

    Attributes
    ----------
    digests : list of str or None
        SHA-256 of each file, None where it could not be read.
    facts : list of dict
        Facts of each image; ``is_broken`` and ``reason`` for all.
    """

    digests: list[str | None]
    facts: list[Facts]


@dataclass
class _Batch:
    """What one worker found out about a few files."""

    files: list[tuple[int, str, Stamp]] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    thumbnails: dict[str, bytes] = field(default_factory=dict)
    prepared: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
    vectors: dict[str, tuple[bytes, bytes | None]] = field(default_factory=dict)
    n_done: int = 0


def facts_key(digest: str, encoder: Encoder | None) -> str:
    """Return what facts and thumbnails of a content are kept under: they depend on the size it was decoded at."""
    return f"{FACTS_VERSION}-{decoded_size(encoder)}:{digest}"


def vector_key(digest: str, encoder_key: str) -> str:
    """Return what the vector of a content is kept under."""
    return f"{encoder_key}:{digest}"


def scan_images(listing: Listing, store: Store, encoder: Encoder | None, *, n_jobs: int) -> Scan:
    """Return what is known of each image of *listing*, reading only files that are new or changed.

    Without *encoder* no vectors are made.
    """
    run = _Run(listing, store, encoder, n_jobs)
    run.find_known()
    if run.waiting:
        run.read()
    return run.result()


def find_waiting(listing: Listing, store: Store, encoder: Encoder | None) -> list[int]:
    """Return the positions of the images that a scan would read."""
    run = _Run(listing, store, encoder, 1)
    run.find_known()
    return run.waiting


def load_descriptors(store: Store, digests: Sequence[str], encoder: Encoder) -> Descriptors:
    """Return the kept vectors of *digests*, a row each; of a model of ours it is known how long they are."""
    model = getattr(encoder, "model", None)
    rows: dict[str, list[int]] = {}
    for row, digest in enumerate(digests):
        rows.setdefault(vector_key(digest, encoder.key), []).append(row)
    vectors: npt.NDArray[np.float32] | None = None
    details: npt.NDArray[np.uint8] | None = None
    for key, vector, detail in store.vectors(list(rows)):
        if len(vector) % np.dtype(np.float16).itemsize:
            raise store.damaged()
        value = np.frombuffer(vector, dtype=np.float16)
        if vectors is None:
            if model and (len(value), detail and len(detail)) != (model.n_features, model.n_details):
                raise store.damaged()
            vectors = np.empty((len(digests), len(value)), dtype=np.float32)
            details = None if detail is None else np.empty((len(digests), len(detail)), dtype=np.uint8)
        if len(value) != vectors.shape[1]:
            advice = "" if store.folder is None else f" Give it another key, or delete {str(store.folder)!r}."
            raise StoreError(
                f"The encoder gave vectors of {vectors.shape[1]} and of {len(value)} numbers; all must have one "
                f"length.{advice}"
            )
        vectors[rows[key]] = value
        if not np.isfinite(value).all() or (None if detail is None else len(detail)) != (
            None if details is None else details.shape[1]
        ):
            raise store.damaged()
        if details is not None and detail is not None:
            details[rows[key]] = np.frombuffer(detail, dtype=np.uint8)
    if vectors is None:
        return Descriptors(np.empty((0, 1), dtype=np.float32))
    return Descriptors(_normalized(vectors), details)


def encode_bytes(data: bytes, encoder: Encoder) -> Descriptors:
    """Return the descriptors of one file's content, exactly as the pass makes and keeps them."""
    with quiet_pillow():
        return encode_picture(_reduced(decode_image(data, at_least=decoded_size(encoder)), encoder), encoder)


def encode_picture(picture: Image.Image, encoder: Encoder) -> Descriptors:
    """Return the descriptors of a decoded picture that is no larger than need be."""
    made = check_encoded(encoder.encode(encoder.prepare(picture)[None]), 1)
    vectors = made.vectors.astype(np.float16).astype(np.float32)
    return Descriptors(_normalized(vectors), made.details)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Hold back Pillow's warnings of odd files: what is odd is told in the table, not on the screen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def check_encoded(made: Descriptors, n_pictures: int) -> Descriptors:
    """Return what an encoder made, normalized to length 1, or raise."""
    vectors = np.asarray(made.vectors, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != n_pictures or not np.isfinite(vectors).all():
        raise ParameterError(
            f"The encoder must return one row of finite numbers for each picture. Got shape {vectors.shape} for "
            f"{n_pictures} pictures" + ("." if np.isfinite(vectors).all() else ", with NaN or infinity.")
        )
    return Descriptors(_normalized(vectors).astype(np.float32), made.details)


def _reduced(decoded: Decoded, encoder: Encoder | None) -> Image.Image:
    """Return the picture at the size in which a JPEG of it comes out of the decoder."""
    return decoded.image if decoded.is_reduced else reduce_image(decoded.image, at_least=decoded_size(encoder))


def _name_pixels(decoded: Decoded, data: bytes) -> str:
    """Return a name for the decoded picture, the same for the same one; a JPEG is named by its compressed data."""
    return f"{hash_jpeg(data)}-{decoded.orientation}" if decoded.format == "JPEG" else hash_pixels(decoded.image)


def decoded_size(encoder: Encoder | None) -> int:
    """Return the pixels that both sides of a picture must keep when it is reduced."""
    return max(WORKING_SIDE, encoder.input_size if encoder is not None else 0)


def _normalized(vectors: npt.NDArray[_Float]) -> npt.NDArray[_Float]:
    vectors = vectors / np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0), np.finfo(np.float32).tiny)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    scaled: npt.NDArray[_Float] = (vectors / np.where(lengths > 0, lengths, 1)).astype(vectors.dtype)
    return scaled


class _Run:
    """The state of one pass; only the calling thread writes to the store."""

    def __init__(self, listing: Listing, store: Store, encoder: Encoder | None, n_jobs: int) -> None:
        self.listing, self.store, self.encoder = listing, store, encoder
        self.n_workers = count_processors(n_jobs)
        self.digests: list[str | None] = [None] * len(listing)
        self.unreadable: dict[int, str] = {}
        self.waiting: list[int] = []
        self._done: set[str] = set()  # digests whose facts and vectors are in the store, or in a worker's hands
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def find_known(self) -> None:
        """Compare the stamps of all files with those seen before."""
        seen = self.store.known_files(self.listing.root)
        for row, path in enumerate(self.listing.paths):
            known = seen.get(os.fsencode(path))
            if known is not None and read_stamp(path) == known[:3]:
                self.digests[row] = known[3]
        self._done = self._complete({known[3] for known in seen.values()})  # also of files that moved since
        self.waiting = [row for row, digest in enumerate(self.digests) if digest is None or digest not in self._done]

    def _complete(self, digests: set[str]) -> set[str]:
        kept = self.store.has_facts([facts_key(digest, self.encoder) for digest in digests])
        known = {digest for digest in digests if facts_key(digest, self.encoder) in kept}
        if self.encoder is None:
            return known
        encoded = self.store.has_vectors([vector_key(digest, self.encoder.key) for digest in known])
        whole = {digest for digest in known if vector_key(digest, self.encoder.key) in encoded}
        others = self.store.facts([facts_key(digest, self.encoder) for digest in known - whole])
        return whole | {digest for digest in known - whole if others[facts_key(digest, self.encoder)]["is_broken"]}

    def read(self) -> None:
        """Take every waiting file through all steps; each batch is kept as it comes in."""
        pool = ThreadPoolExecutor(self.n_workers, thread_name_prefix="fastdup_nb")
        batches = self._batches()
        pending: set[Future[_Batch]] = set()
        with Progress(len(self.waiting), "Reading") as progress, quiet_pillow():
            try:
                for rows in batches:
                    pending.add(pool.submit(self._read_batch, rows))
                    if len(pending) > 2 * self.n_workers:
                        pending = self._collect(pending, progress)
                while pending:
                    pending = self._collect(pending, progress)
            finally:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def result(self) -> Scan:
        keys = {facts_key(digest, self.encoder) for digest in self.digests if digest is not None}
        facts = self.store.facts(list(keys))
        rows: list[Facts] = []
        for row, digest in enumerate(self.digests):
            if digest is None:
                rows.append({"is_broken": True, "reason": self.unreadable[row]})
            else:
                rows.append(facts[facts_key(digest, self.encoder)])
        return Scan(self.digests, rows)

    def _batches(self) -> Iterator[list[int]]:
        # A killed run loses what the workers have in hand, and perhaps one that waits to be kept: BATCH_SIZE files.
        size = max(ENCODED_AT_ONCE, BATCH_SIZE // (self.n_workers + 1) // ENCODED_AT_ONCE * ENCODED_AT_ONCE)
        return (self.waiting[start : start + size] for start in range(0, len(self.waiting), size))

    def _collect(self, pending: set[Future[_Batch]], progress: Progress) -> set[Future[_Batch]]:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            batch = future.result()
            self._keep(batch)
            progress.advance(batch.n_done)
        return pending

    def _keep(self, batch: _Batch) -> None:
        self.unreadable.update(batch.unreadable)
        for row, digest, _ in batch.files:
            self.digests[row] = digest
        self.store.put_batch(
            files=[(os.fsencode(self.listing.paths[row]), *stamp, digest) for row, digest, stamp in batch.files],
            facts={facts_key(digest, self.encoder): facts for digest, facts in batch.facts.items()},
            thumbnails={facts_key(digest, self.encoder): jpeg for digest, jpeg in batch.thumbnails.items()},
            vectors=batch.vectors,
        )

    def _read_batch(self, rows: list[int]) -> _Batch:
        batch = _Batch()
        for row in rows:
            if self._stop.is_set():
                return batch
            self._read_file(row, batch)
            batch.n_done += 1
            if len(batch.prepared) == ENCODED_AT_ONCE:
                self._encode(batch)
        self._encode(batch)
        return batch

    def _encode(self, batch: _Batch) -> None:
        if not batch.prepared or self.encoder is None:
            return
        made = check_encoded(self.encoder.encode(np.stack(list(batch.prepared.values()))), len(batch.prepared))
        for i, digest in enumerate(batch.prepared):
            detail = None if made.details is None else made.details[i].tobytes()
            batch.vectors[vector_key(digest, self.encoder.key)] = (made.vectors[i].astype(np.float16).tobytes(), detail)
        batch.prepared.clear()

    def _read_file(self, row: int, batch: _Batch) -> None:
        path = self.listing.paths[row]
        stamp = read_stamp(path)
        try:
            data = read_bytes(path)
        except ImageError as error:
            batch.unreadable[row] = str(error)
            return
        digest = sha256(data).hexdigest()
        batch.files.append((row, digest, stamp or Stamp(-1, -1, -1)))
        with self._lock:
            if digest in self._done:
                return
            self._done.add(digest)
        self._read_picture(data, digest, batch)

    def _read_picture(self, data: bytes, digest: str, batch: _Batch) -> None:
        try:
            decoded = decode_image(data, at_least=decoded_size(self.encoder))
        except ImageError as error:
            batch.facts[digest] = {"is_broken": True, "reason": str(error), "file_size": len(data)}
            return
        picture = _reduced(decoded, self.encoder)
        batch.facts[digest] = {
            "is_broken": False,
            "reason": None,
            "width": decoded.width,
            "height": decoded.height,
            "format": decoded.format,
            "mode": decoded.mode,
            "file_size": len(data),
            "n_frames": decoded.n_frames,
            "exif_time": decoded.exif_time,
            "camera": decoded.camera,
            "pixel_hash": _name_pixels(decoded, data),
            **measure_image(picture),
        }
        batch.thumbnails[digest] = render_thumbnail(picture, size=THUMBNAIL_SIZE)
        if self.encoder is not None:
            batch.prepared[digest] = self.encoder.prepare(picture)
