"""What a dataset knows, stage by stage: each is worked out when first asked for, kept in the store, and never twice."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b, sha256
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._scan import Scan, count_processors, facts_key, find_waiting, load_descriptors, scan_images
from ._store import Store, default_location
from .embeddings import Descriptors, Encoder, load_encoder
from .errors import ImageError, ParameterError, ParameterTypeError, UnknownImageError
from .findings.duplicates import TEXT
from .graph import NeighborGraph, build_graph, update_graph, uses_nn_descent, warm_up
from .images import FACTS, decode_image, hash_pixels
from .sources import Listing, list_images, read_bytes

GRAPH_VERSION = 1
#: The columns of ``Dataset.images``, with their dtypes; what FACTS mean stands with them.
_COLUMNS = MappingProxyType({
    "path": TEXT, "label": TEXT, "split": TEXT, "width": "Int64", "height": "Int64", "format": TEXT, "mode": TEXT,
    "file_size": "Int64", "n_frames": "Int64", "exif_time": "datetime64[s]", "camera": TEXT,
    **{fact.name: "Int64" if fact.dtype.startswith("int") else fact.dtype for fact in FACTS},
    "is_broken": "bool", "reason": TEXT,
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Settings:
    """What a dataset was made with; checked before."""

    source: object
    labels: object
    split: object
    cache: str | os.PathLike[str] | None
    encoder: object
    n_neighbors: int
    n_jobs: int
    random_state: int
    method: str
    embeddings: npt.NDArray[np.float32] | None


class Stages:
    """The lazy stages of one dataset. A lock makes sure that two threads do not work out the same one."""

    def __init__(self, settings: Settings, listing: Listing | None = None) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._listing = listing
        self._full_hashes: dict[str, str] = {}

    @property
    def is_scanned(self) -> bool:
        """Whether the images have been read in this session."""
        return "scan" in self.__dict__

    @property
    def is_linked(self) -> bool:
        """Whether the graph is there."""
        return "graph" in self.__dict__

    @property
    def listing(self) -> Listing:
        """What the source lists."""
        with self._lock:
            if self._listing is None:
                self._listing = list_images(self.settings.source)
            return self._listing

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, or None where the user brought vectors."""
        return None if self.settings.embeddings is not None else load_encoder(self.settings.encoder)

    @cached_property
    def store(self) -> Store:
        """Where results are kept."""
        with self._lock:
            return Store.open(self.settings.cache if self._is_repeatable else None, self.listing.root)

    @cached_property
    def scan(self) -> Scan:
        """Facts, digests and, in the store, vectors and thumbnails of all images."""
        with self._lock:
            if "scan" in self.__dict__:
                return self.__dict__["scan"]  # type: ignore[no-any-return]
            if uses_nn_descent(len(self.listing), self._n_features, method=self.settings.method):
                warm_up()  # compiles while the images are read
            return scan_images(self.listing, self.store, self.encoder, n_jobs=self.settings.n_jobs)

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row per image."""
        index = pd.Index(self.listing.image_ids, name="image_id", dtype=TEXT)
        facts = pd.DataFrame(self.scan.facts, index=index, columns=list(_COLUMNS))
        facts["path"] = [_printable(path) for path in self.listing.paths]
        facts["label"], facts["split"] = self.labels, self.splits
        facts["exif_time"] = pd.to_datetime(facts["exif_time"])
        return _with_columns(facts.astype(dict(_COLUMNS)), self.listing.columns)

    @cached_property
    def labels(self) -> pd.Series:
        """The label of each image, missing where there is none."""
        return self._told("labels", "label", lambda image_id: image_id.rpartition("/")[0].rpartition("/")[2])

    @cached_property
    def splits(self) -> pd.Series:
        """The split of each image, missing where there is none."""
        return self._told("split", "split", lambda image_id: image_id.partition("/")[0] if "/" in image_id else "")

    @cached_property
    def valid(self) -> npt.NDArray[np.int64]:
        """Positions of the images that are not broken."""
        broken = np.array([facts["is_broken"] for facts in self.scan.facts], dtype=bool)
        return np.flatnonzero(~broken)

    @cached_property
    def valid_ids(self) -> list[str]:
        """Ids of the images that are not broken."""
        return [self.listing.image_ids[i] for i in self.valid]

    @cached_property
    def descriptors(self) -> Descriptors:
        """Descriptors of the distinct vectors, in the order in which they first occur."""
        return self._distinct[0]

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """For each valid image, the row of its distinct vector."""
        return self._distinct[1]

    @cached_property
    def files(self) -> npt.NDArray[np.int64]:
        """For each valid image, a number of its content, the same for copies of a file."""
        numbers: dict[str | None, int] = {}
        return np.array([numbers.setdefault(self.scan.digests[i], len(numbers)) for i in self.valid], dtype=np.int64)

    @cached_property
    def firsts(self) -> npt.NDArray[np.int64]:
        """For each distinct vector, the first valid image that has it, as a position among the valid ones."""
        return np.unique(self.rows, return_index=True)[1]

    @cached_property
    def distinct_ids(self) -> list[str]:
        """For each distinct vector, the first image that has it."""
        return [self.valid_ids[i] for i in self.firsts]

    @cached_property
    def graph(self) -> NeighborGraph:
        """Nearest neighbors of the distinct vectors; found in the store, brought up to date, or built."""
        with self._lock:
            if "graph" in self.__dict__:
                return self.__dict__["graph"]  # type: ignore[no-any-return]
            return self._find_graph()

    def digest_of(self, image_id: str) -> str | None:
        """Return the content digest of an image."""
        return self.scan.digests[self.position(image_id)]

    def position(self, image_id: str) -> int:
        """Return the place of an image in the listing."""
        try:
            return self.positions[image_id]
        except (KeyError, TypeError):
            raise UnknownImageError(
                f"There is no image {image_id!r} in this dataset of {len(self.listing):,}; ids are paths relative to "
                f"{str(self.listing.root)!r}, see ds.images.index."
            ) from None

    def thumbnail(self, image_id: str) -> bytes | None:
        """Return a small JPEG of an image, or None where there is no picture."""
        digest = self.digest_of(image_id)
        return None if digest is None else self.store.thumbnail(facts_key(digest))

    def pixel_ids(self, unsure: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return a number for each valid image, the same for the same decoded picture.

        JPEGs count as the same picture where their compressed data are the same. Those among *unsure*, positions of
        valid images, are decoded once more, in full, and remembered.
        """
        self._hash_in_full(unsure)
        names: dict[str, int] = {}
        return np.array(
            [names.setdefault(self._pixels_of(i), len(names)) for i in range(len(self.valid))], dtype=np.int64
        )

    def with_embeddings(self, embeddings: npt.NDArray[np.float32]) -> Stages:
        """Return the stages of the same images with the user's own vectors."""
        return Stages(replace(self.settings, embeddings=embeddings), self.listing)

    def check(self) -> None:
        """Raise what is wrong with the encoder, the labels or the split, before any image is read."""
        _ = self.encoder
        for option in ("labels", "split"):
            self._check_told(option)

    def find_waiting(self) -> list[int]:
        """Return the positions of the images that are new or changed."""
        return find_waiting(self.listing, self.store, self.encoder)

    def scan_some(self, positions: Sequence[int]) -> None:
        """Read some of the images and keep what is found."""
        scan_images(self.listing.take(positions), self.store, self.encoder, n_jobs=self.settings.n_jobs)

    def warm_encoder(self) -> None:
        """Load the model, so that a measurement does not count it."""
        if self.encoder is not None:
            self.encoder.encode(np.zeros((1, self.encoder.input_size, self.encoder.input_size, 3), dtype=np.uint8))

    @property
    def valid_facts(self) -> list[dict[str, object]]:
        """Facts of the images that are not broken."""
        return [self.scan.facts[i] for i in self.valid]

    @property
    def encoder_is_calibrated(self) -> bool:
        """Whether similarities are those that the presets were calibrated for."""
        return isinstance(self.settings.encoder, str) and self.settings.embeddings is None

    @property
    def encoder_name(self) -> str:
        """The encoder, in words."""
        if self.settings.embeddings is not None:
            return f"none: your own vectors of {self.settings.embeddings.shape[1]:,} numbers"
        named = self.settings.encoder
        return named if isinstance(named, str) else type(named).__name__

    @property
    def cache_name(self) -> str:
        """Where results are kept, in words, without opening it."""
        if "store" in self.__dict__:
            return "memory only" if self.store.folder is None else str(self.store.folder)
        if self.settings.cache is None:
            return "memory only"
        if not self._is_repeatable:
            return "memory only, as the encoder has no name; give it key='...'"
        return str(default_location(self.listing.root)) if self.settings.cache == "auto" else str(self.settings.cache)

    def _check_told(self, option: str) -> None:
        told, columns = getattr(self.settings, option), self.listing_columns
        if told is None or (isinstance(told, str) and told == "folder"):
            return
        if isinstance(told, str):
            if told not in columns:
                has = f"the columns {', '.join(map(repr, columns))}" if columns else "no columns"
                raise ParameterError(
                    f"The {option!r} parameter of Dataset must be 'folder', a column of the source or a sequence. "
                    f"Got {told!r}, but the source has {has}."
                )
            return
        if not isinstance(told, Sized) or not isinstance(told, Iterable):
            raise ParameterTypeError(
                f"The {option!r} parameter of Dataset must be 'folder', a column of the source or a sequence. Got "
                f"{type(told).__name__} instead."
            )
        if len(told) != len(self.listing):
            raise ParameterError(
                f"The {option!r} parameter of Dataset must have one entry for each of the {len(self.listing):,} listed "
                f"images. Got {len(told):,}."
            )

    @property
    def listing_columns(self) -> list[str]:
        """Names of the columns the source brings; a folder has none, and is not listed for that."""
        columns = self._listing.columns if self._listing is not None else None
        return [] if columns is None else [str(column) for column in columns]

    @property
    def _is_repeatable(self) -> bool:
        """Whether the encoder can be known again in another session."""
        return bool(getattr(self.encoder, "is_identified", True))

    @property
    def _encoder_key(self) -> str:
        return "own" if self.encoder is None else self.encoder.key

    @property
    def _n_features(self) -> int:
        own = self.settings.embeddings
        return own.shape[1] if own is not None else getattr(self.encoder, "n_features", 512)

    @cached_property
    def ids_by_path(self) -> dict[str, str]:
        """The id of the image at each path."""
        return dict(zip(self.listing.paths, self.listing.image_ids, strict=True))

    @cached_property
    def positions(self) -> dict[str, int]:
        """The place of each image in the listing."""
        return {image_id: i for i, image_id in enumerate(self.listing.image_ids)}

    def _told(self, option: str, column: str, of_folder: Callable[[str], str]) -> pd.Series:
        """Return what the user told about each image: by folder, by a column, or one by one."""
        told = getattr(self.settings, option)
        ids, columns = self.listing.image_ids, self.listing.columns
        if told is None and columns is not None and column in columns:
            told = column
        if told is None:
            values: Sequence[Any] = [None] * len(ids)
        elif not isinstance(told, str):
            values = list(told)
        elif told == "folder":
            values = [of_folder(image_id) or None for image_id in ids]
        else:
            values = [] if columns is None else columns[told].tolist()
        given = pd.Series(values, index=pd.Index(ids, dtype=TEXT), dtype=object)
        return given.where(given.isna(), given.astype(str)).astype(TEXT)

    def _facts(self, i: int) -> dict[str, object]:
        return self.scan.facts[int(self.valid[i])]

    def _pixels_of(self, i: int) -> str:
        name = str(self._facts(i)["pixel_hash"])
        return self._full_hashes.get(name, name)

    def _hash_in_full(self, positions: Sequence[int]) -> None:
        """Find out the hash of all pixels of some images, which stands for their names from now on."""
        named = {str(self._facts(i)["pixel_hash"]): self.valid[i] for i in positions}
        named = {name: place for name, place in named.items() if name not in self._full_hashes}
        known = self.store.facts([f"pixels:{name}" for name in named])
        for key, facts in known.items():
            self._full_hashes[key.removeprefix("pixels:")] = str(facts["hash"])
        unknown = [name for name in named if f"pixels:{name}" not in known]
        if unknown:
            found = {name: self._hash_file(named[name]) or name for name in unknown}
            self._full_hashes.update(found)
            hashes = {f"pixels:{name}": {"hash": full} for name, full in found.items()}
            self.store.put_batch(files=[], facts=hashes, thumbnails={}, vectors={})

    def _hash_file(self, place: int) -> str | None:
        try:
            data = read_bytes(self.listing.paths[place])
            if sha256(data).hexdigest() != self.scan.digests[place]:
                return None  # it has changed since the pass
            return hash_pixels(decode_image(data).image)
        except ImageError:
            return None

    @cached_property
    def _distinct(self) -> tuple[Descriptors, npt.NDArray[np.int64]]:
        if self.settings.embeddings is not None:
            whole = Descriptors(_unit_rows(self.settings.embeddings[self.valid]))
            return _merge_equal(whole)
        digests = [self.scan.digests[i] or "" for i in self.valid]
        contents: dict[str, int] = {}
        of_image = np.array([contents.setdefault(digest, len(contents)) for digest in digests], dtype=np.int64)
        loaded, of_content = _merge_equal(load_descriptors(self.store, list(contents), self._encoder_key))
        return loaded, of_content[of_image] if len(of_image) else of_image

    def _find_graph(self) -> NeighborGraph:
        vectors, s = self.descriptors.vectors, self.settings
        names = _row_names(vectors)
        family = f"graph:{GRAPH_VERSION}:{self._encoder_key}:{s.n_neighbors}:{s.method}:{s.random_state}"
        key = f"{family}:{blake2b(names.tobytes(), digest_size=16).hexdigest()}"
        kept = self.store.result(key)
        if kept is not None:
            return _unpack_graph(kept)[0]
        older = self.store.latest(family)
        n_jobs = count_processors(s.n_jobs)
        options = {"method": s.method, "random_state": s.random_state, "n_jobs": n_jobs}
        if older is not None:
            graph, old_names = _unpack_graph(older)
            graph = update_graph(graph, vectors, kept=_match(old_names, names), **options)  # type: ignore[arg-type]
        else:
            graph = build_graph(vectors, n_neighbors=s.n_neighbors, **options)  # type: ignore[arg-type]
        self.store.put_result(key, _pack_graph(graph, names), family=family)
        return graph


def _printable(path: str) -> str:
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _with_columns(facts: pd.DataFrame, columns: pd.DataFrame | None) -> pd.DataFrame:
    """Join the columns the user brought; those with a name of ours get ``_given``."""
    if columns is None:
        return facts
    own = columns.drop(columns=[c for c in ("label", "split") if c in columns and facts[c].notna().any()])
    own = own.rename(columns={c: f"{c}_given" for c in own if c in facts})
    return facts.join(own.set_axis(facts.index, axis=0))


def _unit_rows(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _row_names(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    """Return a 16-byte name for each row, the same for the same vector."""
    named = b"".join(blake2b(row.tobytes(), digest_size=16).digest() for row in vectors)
    return np.frombuffer(named, dtype="V16")


def _merge_equal(descriptors: Descriptors) -> tuple[Descriptors, npt.NDArray[np.int64]]:
    """Return descriptors without repeated vectors, in order of first occurrence, and the row of each."""
    if len(descriptors) == 0:
        return descriptors, np.empty(0, dtype=np.int64)
    names: dict[bytes, int] = {}
    rows = np.array([names.setdefault(bytes(n), len(names)) for n in _row_names(descriptors.vectors)], dtype=np.int64)
    if len(names) == len(rows):
        return descriptors, rows
    return descriptors.take(np.unique(rows, return_index=True)[1]), rows


def _match(old: npt.NDArray[np.void], new: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Return for each new row its place among the old ones, or -1."""
    places = {bytes(name): i for i, name in enumerate(old)}
    return np.array([places.get(bytes(name), -1) for name in new], dtype=np.int64)


def _pack_graph(graph: NeighborGraph, names: npt.NDArray[np.void]) -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        indices=graph.indices,
        distances=graph.distances,
        names=np.frombuffer(names.tobytes(), dtype=np.uint8),
        facts=np.array([graph.metric, graph.method, repr(graph.recall), str(graph.recall_sample)]),
    )
    return file.getvalue()


def _unpack_graph(payload: bytes) -> tuple[NeighborGraph, npt.NDArray[np.void]]:
    with np.load(io.BytesIO(payload), allow_pickle=False) as kept:
        metric, method, recall, sample = (str(value) for value in kept["facts"])
        graph = NeighborGraph(
            kept["indices"],
            kept["distances"],
            metric=metric,
            method=method,
            recall=None if recall == "None" else float(recall),
            recall_sample=int(sample),
        )
        return graph, np.frombuffer(kept["names"].tobytes(), dtype="V16")


def check_embeddings(embeddings: object, n_images: int) -> npt.NDArray[np.float32]:
    """Return a user's own vectors as float32 (n_images, n_features), or raise."""
    try:
        array = np.asarray(embeddings, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"The 'embeddings' parameter of Dataset must be an array of numbers: {error}") from error
    if array.ndim != 2 or len(array) != n_images or array.shape[1] == 0:
        raise ParameterError(
            f"The 'embeddings' parameter of Dataset must have a row for each of the {n_images:,} listed images, in the "
            f"order of ds.image_ids. Got shape {array.shape} instead."
        )
    if not np.isfinite(array).all():
        raise ParameterError("The 'embeddings' parameter of Dataset must be finite; it holds NaN or infinity.")
    return array
