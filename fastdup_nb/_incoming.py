"""Vectors that are to be judged: images without pictures, named by their row numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._decisions import Listed
from ._stages import Stages
from ._text import TEXT
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


def _no_picture(image_id: str, _: int) -> tuple[bytes, bool]:
    raise ImageError(f"Row {image_id} was given as a vector, so there is no picture")


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
    listing = Listing(Path(os.sep), ids, ids)
    listed = Listed(
        listing, {name: i for i, name in enumerate(ids)}, lambda: ids, lambda: [None] * len(ids), lambda: True
    )
    journal = Journal(None)
    tags = Tags(journal, Places(journal, listed))
    shown = Shown(facts, lambda _: None, _no_picture, lambda _, __: [], lambda: tags)
    return Incoming(ids, vectors.astype(np.float32), [None] * len(ids), shown, 0)
