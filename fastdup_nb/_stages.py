"""What a dataset knows, stage by stage: each is worked out when first asked for, kept in the store, and never twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._decisions import Listed, open_journal
from ._given import Settings, check_directions, check_length, tell
from ._linking import link_turned, link_vectors, merge_equal
from ._pixels import hash_in_full, number_pictures
from ._scan import Scan, facts_key, find_waiting, load_descriptors, scan_images
from ._scores import PairScores
from ._store import Store, default_location
from ._table import tabulate_images
from ._text import show_path
from ._threads import Once, count_processors
from .embeddings import GENERIC_PRESETS, Descriptors, Encoder, load_encoder, presets_for
from .errors import UnknownImageError
from .graph import NeighborGraph, uses_nn_descent, warm_up
from .images import decode_image, render_thumbnail
from .sources import Listing, list_images, read_bytes
from .tags import Journal, Places, Tags

if TYPE_CHECKING:
    from .findings.verdicts import Verdicts

_JOURNALS = threading.Lock()


class Stages:
    """The lazy stages of one dataset; no two threads work out the same one."""

    def __init__(
        self,
        settings: Settings,
        listing: Listing | None = None,
        store: Store | None = None,
        *,
        whole: Stages | None = None,
        journals: dict[str, Journal] | None = None,
    ) -> None:
        self.settings = settings
        self.whole = whole or self  # a part knows the whole, among which moved files are found again
        if listing is not None:
            self.__dict__["listing"] = listing
        if store is not None:
            self.__dict__["store"] = store
        self._journals = {} if journals is None else journals  # shared by all that keep decisions at one place

    def __reduce__(self) -> tuple[object, ...]:
        whole = None if self.whole is self else self.whole
        return _restore, (self.settings, self.listing, whole)  # what was worked out is found in the store again

    @property
    def is_scanned(self) -> bool:
        """Whether the images have been read in this session."""
        return "scan" in self.__dict__

    @property
    def is_linked(self) -> bool:
        """Whether the graph is there."""
        return "graph" in self.__dict__

    @Once
    def listing(self) -> Listing:
        """What the source lists."""
        return list_images(self.settings.source)

    @Once
    def encoder(self) -> Encoder | None:
        """The encoder, or None where the user brought vectors."""
        return None if self.settings.embeddings is not None else load_encoder(self.settings.encoder)  # type: ignore[arg-type]

    @Once
    def store(self) -> Store:
        """Where results are kept."""
        return Store.open(self.settings.cache if self._is_repeatable else None, self.listing.root)

    @property
    def journal(self) -> Journal:
        """Where decisions are kept; variations and parts of a dataset share it."""
        with _JOURNALS:
            if "" not in self._journals:
                self._journals[""] = open_journal(self.settings, self.listing.root)
            return self._journals[""]

    @Once
    def tags(self) -> Tags:
        """The decisions about the images."""
        if self.whole is self:
            return Tags(self.journal, Places(self.journal, self._listed))
        shared = self.whole.journal is self.journal
        places = self.whole.tags.places if shared else Places(self.journal, self.whole._listed)
        return Tags(self.journal, places, self.listing.image_ids)

    @property
    def _listed(self) -> Listed:
        return Listed(
            self.listing,
            self.positions,
            digests=lambda: self.scan.digests,
            labels=lambda: list(self.labels),
            has_digests=lambda: self.is_scanned,
        )

    @Once
    def scan(self) -> Scan:
        """Facts, digests and, in the store, vectors and thumbnails of all images."""
        if uses_nn_descent(len(self.listing), self._n_features, method=self.settings.method):
            warm_up()  # compiles while the images are read
        return scan_images(self.listing, self.store, self.encoder, n_jobs=self.settings.n_jobs)

    @Once
    def images(self) -> pd.DataFrame:
        """One row per image."""
        told = {"label": self.settings.labels, "split": self.settings.split}
        return tabulate_images(self.scan.facts, self.listing, {"label": self.labels, "split": self.splits}, told)

    @Once
    def labels(self) -> pd.Series:
        """The label of each image, missing where there is none."""
        return tell(self.settings.labels, "label", self.listing)

    @Once
    def splits(self) -> pd.Series:
        """The split of each image, missing where there is none."""
        return tell(self.settings.split, "split", self.listing)

    @Once
    def valid(self) -> npt.NDArray[np.int64]:
        """Positions of the images that are not broken."""
        broken = np.array([facts["is_broken"] for facts in self.scan.facts], dtype=bool)
        return np.flatnonzero(~broken)

    @Once
    def valid_ids(self) -> list[str]:
        """Ids of the images that are not broken."""
        return [self.listing.image_ids[i] for i in self.valid]

    @Once
    def descriptors(self) -> Descriptors:
        """Descriptors of the distinct vectors, in the order in which they first occur."""
        return self._distinct[0]

    @Once
    def rows(self) -> npt.NDArray[np.int64]:
        """For each valid image, the row of its distinct vector."""
        return self._distinct[1]

    @Once
    def files(self) -> npt.NDArray[np.int64]:
        """For each valid image, a number of its content, the same for copies of a file."""
        numbers: dict[str | None, int] = {}
        return np.array([numbers.setdefault(self.scan.digests[i], len(numbers)) for i in self.valid], dtype=np.int64)

    @Once
    def firsts(self) -> npt.NDArray[np.int64]:
        """For each distinct vector, the first valid image that has it, as a position among the valid ones."""
        return np.unique(self.rows, return_index=True)[1]

    @Once
    def distinct_ids(self) -> list[str]:
        """For each distinct vector, the first image that has it."""
        return [self.valid_ids[i] for i in self.firsts]

    @Once
    def graph(self) -> NeighborGraph:
        """Nearest neighbors of the distinct vectors; found in the store, brought up to date, or built."""
        s = self.settings
        return link_vectors(
            self.descriptors.vectors, self.store, self.encoder_key, n_neighbors=s.n_neighbors, method=s.method,
            random_state=s.random_state, n_jobs=count_processors(s.n_jobs),
        )  # fmt: skip

    @Once
    def turned(self) -> npt.NDArray[np.int32]:
        """For each distinct vector those that may be copies of it, turned; -1 where there are no more."""
        s = self.settings
        return link_turned(
            self.descriptors, self.store, self.encoder_key, method=s.method, random_state=s.random_state,
            n_jobs=count_processors(s.n_jobs),
        )  # fmt: skip

    @Once
    def score(self) -> PairScores:
        """The similarity of pairs of distinct vectors, which each pair has once."""
        n_jobs = count_processors(self.settings.n_jobs)
        return PairScores(self.descriptors, self.store, self.encoder_key, n_jobs=n_jobs)

    @property
    def verdicts(self) -> Verdicts | None:
        """What was judged of pairs of these images, or None; asks anew each time, and reads no image for that."""
        from .findings.verdicts import number_verdicts

        judged = self.tags.verdicts()
        if not judged:
            return None
        file_of = {self.scan.digests[i]: int(file) for i, file in zip(self.valid, self.files, strict=True)}
        return number_verdicts({pair: verdict for pair, (verdict, _) in judged.items()}, file_of)

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
        return None if digest is None else self.store.thumbnail(facts_key(digest, self.encoder))

    def picture(self, image_id: str, size: int) -> tuple[bytes, bool]:
        """Return an image as a JPEG of at most *size* pixels on its long side, and whether it changed since the pass.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        data = read_bytes(self.listing.paths[self.position(image_id)])
        has_changed = sha256(data).hexdigest() != self.digest_of(image_id)
        return render_thumbnail(decode_image(data, at_least=size).image, size=size), has_changed

    def neighbors_of(self, image_id: str, n_neighbors: int) -> list[tuple[str, float]]:
        """Return the nearest other images with their cosine similarity; none before the graph has been built."""
        place = self.positions.get(image_id)
        if not self.is_linked or place is None or not self.valid_places[place] + 1:
            return []
        row = self.rows[self.valid_places[place]]
        near = zip(self.graph.indices[row].tolist(), self.graph.distances[row].tolist(), strict=True)
        return [(self.distinct_ids[i], 1 - distance) for i, distance in near if i >= 0][:n_neighbors]

    @Once
    def valid_places(self) -> npt.NDArray[np.int64]:
        """For each listed image its place among the valid ones, -1 if broken."""
        places = np.full(len(self.listing), -1, dtype=np.int64)
        places[self.valid] = np.arange(len(self.valid))
        return places

    def pixel_ids(self, unsure: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return a number for each valid image, the same for the same decoded picture.

        JPEGs count as the same picture where their compressed data are the same. Those among *unsure*, positions of
        valid images, are decoded once more, in full, and remembered.
        """
        return number_pictures(self.pixel_names(unsure))

    def pixel_names(self, unsure: Sequence[int]) -> list[str]:
        """Return the same as names, which are alike in all datasets."""
        names = [str(self._facts(i)["pixel_hash"]) for i in range(len(self.valid))]
        places = {names[i]: self.valid[i] for i in unsure}
        files = {name: (self.listing.paths[place], self.scan.digests[place]) for name, place in places.items()}
        full = hash_in_full(files, self.store)
        return [full.get(name, name) for name in names]

    def varied(self, settings: Settings) -> Stages:
        """Return the stages of the same images with other settings; store and scan are shared where equal."""
        before = self.settings
        same = "store" in self.__dict__ and settings.cache == before.cache and self._is_repeatable
        same_tags = (settings.tags, settings.cache) == (before.tags, before.cache)
        other = Stages(
            settings,
            self.__dict__.get("listing"),
            self.store if same else None,
            whole=None if self.whole is self else self.whole,
            journals=self._journals if same_tags else None,
        )
        same_vectors = settings.encoder is before.encoder and settings.embeddings is before.embeddings
        if same and same_vectors and self.is_scanned:
            other.__dict__["scan"] = self.scan
        return other

    def part(self, settings: Settings, chosen: Sequence[int]) -> Stages:
        """Return the stages of some of the images: what was read of them, the same store, the same decisions."""
        part = Stages(settings, self.listing.take(chosen), self.store, whole=self.whole, journals=self._journals)
        if self.is_scanned:
            digests, facts = self.scan.digests, self.scan.facts
            part.__dict__["scan"] = Scan([digests[i] for i in chosen], [facts[i] for i in chosen])
        return part

    def check(self) -> None:
        """Raise what is wrong with the encoder, the labels or the split, before any image is read."""
        _ = self.encoder
        for option in ("labels", "split"):
            if not isinstance(getattr(self.settings, option), (str, type(None))):
                check_length(getattr(self.settings, option), option, self.listing)

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
    def presets(self) -> dict[str, float]:
        """Bounds on the similarity of duplicates, calibrated for the encoder where it is ours."""
        return dict(GENERIC_PRESETS) if self.encoder is None else presets_for(self.encoder)

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
            return "memory only" if self.store.folder is None else show_path(self.store.folder)
        if self.settings.cache is None:
            return "memory only"
        if not self._is_repeatable:
            return "memory only, as the encoder has no name; give it key='...'"
        auto = self.settings.cache == "auto"
        return show_path(default_location(self.listing.root) if auto else Path(self.settings.cache))

    @property
    def listing_columns(self) -> list[str]:
        """Names of the columns the source brings; a folder has none, and is not listed for that."""
        columns = getattr(self.__dict__.get("listing"), "columns", None)
        return [] if columns is None else [str(column) for column in columns]

    @property
    def _is_repeatable(self) -> bool:
        """Whether the encoder can be known again in another session."""
        return bool(getattr(self.encoder, "is_identified", True))

    @property
    def encoder_key(self) -> str:
        """What tells the encoder from others."""
        return "own" if self.encoder is None else self.encoder.key

    @property
    def _n_features(self) -> int:
        own = self.settings.embeddings
        return own.shape[1] if own is not None else getattr(self.encoder, "n_features", 512)

    @Once
    def ids_by_path(self) -> dict[str, str]:
        """The id of the image at each path."""
        return dict(zip(self.listing.paths, self.listing.image_ids, strict=True))

    @Once
    def positions(self) -> dict[str, int]:
        """The place of each image in the listing."""
        return {image_id: i for i, image_id in enumerate(self.listing.image_ids)}

    def _facts(self, i: int) -> dict[str, object]:
        return self.scan.facts[int(self.valid[i])]

    @Once
    def _distinct(self) -> tuple[Descriptors, npt.NDArray[np.int64]]:
        if self.settings.embeddings is not None:
            return merge_equal(Descriptors(check_directions(self.settings.embeddings[self.valid], self.valid_ids)))
        digests = [self.scan.digests[i] or "" for i in self.valid]
        contents: dict[str, int] = {}
        of_image = np.array([contents.setdefault(digest, len(contents)) for digest in digests], dtype=np.int64)
        kept = load_descriptors(self.store, list(contents), self.encoder)  # type: ignore[arg-type]
        loaded, of_content = merge_equal(kept)
        return loaded, of_content[of_image] if len(of_image) else of_image


def _restore(settings: Settings, listing: Listing, whole: Stages | None) -> Stages:
    return Stages(settings, listing, whole=whole)
