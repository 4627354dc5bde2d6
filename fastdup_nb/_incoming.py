"""Vectors that are to be judged: images without pictures, named by their row numbers."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._decisions import Listed
from ._stages import Stages
from ._text import TEXT
from ._threads import Once
from .errors import ImageError, ParameterError
from .results._base import Shown
from .results.normality import Incoming
from .sources import Listing
from .tags import Journal, Places, Tags


def is_vectors(other: object) -> TypeGuard[npt.NDArray[np.floating]]:
    """Return whether *other* is vectors; raise where it is an array of something else, which is no list of paths."""
    if not isinstance(other, np.ndarray) or other.dtype.kind in "OUT":
        return False
    if other.ndim != 2 or other.dtype.kind != "f":
        raise ParameterError(
            "An array to be judged must hold a vector in each row: floats of shape (n_images, n_features), as "
            f"ds.embeddings does. Got {other.dtype} of shape {other.shape} instead. A picture is given by its path."
        )
    return True


class _Rows:
    """Rows of vectors in the place of images, without pictures; their tags last as long as they do."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.ids = ids

    def __reduce__(self) -> tuple[object, ...]:
        return _Rows, (self.ids,)

    @Once
    def tags(self) -> Tags:
        """The decisions about them."""
        listing, positions = Listing(Path(os.sep), self.ids, self.ids), {name: i for i, name in enumerate(self.ids)}
        journal = Journal(None)
        listed = Listed(listing, positions, lambda: self.ids, lambda: [None] * len(self.ids), lambda: True)
        return Tags(journal, Places(journal, listed))

    def thumbnail(self, _: str) -> None:
        """Return that there is none."""

    def picture(self, image_id: str, _: int) -> tuple[bytes, bool]:
        """Raise that there is none."""
        raise ImageError(f"Row {image_id} was given as a vector, so there is no picture")

    def neighbors(self, _: str, __: int) -> list[tuple[str, float]]:
        """Return that none are known."""
        return []


def take_vectors(vectors: npt.NDArray[np.floating], stages: Stages, reference: Shown) -> Incoming:
    """Return vectors as images that cannot be shown, named by their row numbers."""
    wanted = stages.descriptors.vectors.shape[1] if len(stages.descriptors) else vectors.shape[1]
    if vectors.shape[1] != wanted or not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        got = f"{vectors.shape[1]:,}" if vectors.shape[1] != wanted else "NaN (broken images?), infinity or only zeros"
        raise ParameterError(
            f"Vectors to be judged must hold {wanted:,} finite numbers each, as ds.embeddings does. Got {got}."
        )
    ids = tuple(str(i) for i in range(len(vectors)))
    facts = reference.images.iloc[:0].loc[:, :"reason"]
    facts = pd.DataFrame(index=pd.Index(ids, name="image_id", dtype=TEXT), columns=facts.columns)
    facts["is_broken"], facts["path"] = False, list(ids)
    facts = facts.astype({name: dtype for name, dtype in reference.images.dtypes.items() if name in facts})
    rows = _Rows(ids)
    shown = Shown(facts, rows.thumbnail, rows.picture, rows.neighbors, partial(getattr, rows, "tags"))
    return Incoming(ids, vectors.astype(np.float32), [None] * len(ids), shown, 0)
