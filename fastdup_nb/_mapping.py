"""The map of a dataset: where each image lies, kept in the store, and what it can be colored by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._progress import Waiting
from ._stages import Stages
from ._validation import check_choice
from .errors import ParameterError, ParameterTypeError
from .findings.projection import METHODS, choose_projection, place_copies, project_vectors
from .images import FACTS
from .results._base import Shown
from .views import format_count

if TYPE_CHECKING:
    from .widgets._base import TagBook
    from .widgets._map import Map

PROJECTION_VERSION = 1
Finders = Mapping[str, Callable[[], pd.Series]]


def make_map(stages: Stages, shown: Shown, *, tags: TagBook | None, color: object, method: str, found: Finders) -> Map:
    """Return the map of a dataset.

    Parameters
    ----------
    stages : Stages
    shown : Shown
    tags : TagBook or None
    color : str, Series or DataFrame
        What `Dataset.map` was given.
    method : {"auto", "umap", "pca"}
    found : mapping of str to callable
        Names of findings to color by, and what works each out.
    """
    check_choice(method, "method", "Dataset.map", METHODS)
    columns, start = _read_color(color, _Columns(stages, found), has_tags=tags is not None)
    if not isinstance(color, str):
        _check_known(columns[start], stages.listing.image_ids)
    points, note = project(stages, method)
    from .widgets._map import Map

    return Map(
        place_copies(points, stages.rows),
        stages.valid_ids,
        colors=columns,
        color=start,
        thumbnail=stages.thumbnail,
        describe=lambda image_id: "\n".join(shown.tile(image_id, label=True).lines),
        tags=tags,
        notes=(note, _tell_broken(shown.n_broken)),
    )


def project(stages: Stages, method: str) -> tuple[npt.NDArray[np.float32], str]:
    """Return the place of each distinct vector, from the store or new; and how it was made, in words."""
    vectors, seed = stages.descriptors.vectors, stages.settings.random_state
    used, note = choose_projection(method, len(vectors))
    graph = stages.graph
    family = f"map:{PROJECTION_VERSION}:{used}:{graph.n_neighbors}:{seed}"
    name = blake2b(digest_size=16)
    for array in (vectors, graph.indices, graph.distances):
        name.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    key = f"{family}:{name.hexdigest()}"
    kept = stages.store.result(key)
    if kept is not None and len(kept) == 8 * len(vectors):
        return np.frombuffer(kept, "<f4").reshape(-1, 2), note
    from .widgets._raster import warm_up

    warm_up()  # while the vectors are laid out
    with Waiting(_tell_projection(used, len(vectors))):
        points = project_vectors(vectors, graph.indices, graph.distances, method=used, random_state=seed)
    stages.store.put_result(key, points.astype("<f4").tobytes(), family=family)
    return points, note


def _tell_projection(method: str, n: int) -> str:
    """Say what a map waits for."""
    compiles = (
        " (compiled first, once in a session: about 20 s)" if method == "umap" and "umap" not in sys.modules else ""
    )
    return f"Laying out {format_count(n, ('picture', 'pictures'))} by {method.upper()}{compiles}"


class _Columns(Mapping[str, pd.Series]):
    """What a map can be colored by, each worked out when it is first asked for."""

    def __init__(self, stages: Stages, found: Finders) -> None:
        images = stages.images
        told = [name for name in ("label", "split") if images[name].notna().any()]
        facts = ["width", "height", "file_size", *(fact.name for fact in FACTS)]
        own = [name for name in stages.listing_columns if name in images.columns]
        self._finders: dict[str, Callable[[], pd.Series]] = {
            **found,
            **{name: lambda name=name: images[name] for name in dict.fromkeys([*told, *own, *facts])},  # type: ignore[misc]
        }
        self._known: dict[str, pd.Series] = {}

    def add(self, name: str, values: pd.Series) -> None:
        """Put a column of the user first."""
        self._known[name] = values
        self._finders = {name: lambda: values, **self._finders}

    def __getitem__(self, name: str) -> pd.Series:
        if name not in self._known:
            self._known[name] = self._finders[name]()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._finders)

    def __len__(self) -> int:
        return len(self._finders)


def _read_color(color: object, columns: _Columns, *, has_tags: bool) -> tuple[_Columns, str]:
    """Return the columns, the user's own among them, and the name of the one to begin with."""
    if isinstance(color, (pd.Series, pd.DataFrame)):
        values = _read_column(color)
        name = "values" if values.name is None else str(values.name)
        columns.add(name, values)
        return columns, name
    if not isinstance(color, str):
        wanted = "a str, or a Series or DataFrame of one column indexed by image_id"
        raise ParameterTypeError(f"The 'color' parameter of Dataset.map must be {wanted}. Got {type(color).__name__}.")
    if color == "auto":
        return columns, "cluster"
    if color in {"label", "split"} and color not in columns:
        option = "labels" if color == "label" else color
        raise ParameterError(
            f"The 'color' parameter of Dataset.map is {color!r}, but no image has a {color}. Give them first, such as "
            f"ds.using({option}='folder'), or color by 'cluster'."
        )
    return columns, check_choice(
        color, "color", "Dataset.map", ["auto", "density", *(["tag"] if has_tags else []), *columns]
    )


def _read_column(color: pd.Series | pd.DataFrame) -> pd.Series:
    table = (
        color if isinstance(color, pd.DataFrame) else color.to_frame(color.name if color.name is not None else "values")
    )
    if "image_id" in table.columns:
        table = table.set_index("image_id")
    if table.shape[1] != 1:
        names = ", ".join(map(str, table.columns[:5]))
        raise ParameterError(
            f"The 'color' parameter of Dataset.map must have one column. Got {table.shape[1]}: {names}; take one, "
            "as in frame['column']."
        )
    return table.iloc[:, 0]


def _check_known(values: pd.Series, image_ids: Sequence[str]) -> None:
    if len(image_ids) and not values.index.isin(image_ids).any():
        shown = ", ".join(map(repr, values.index[:3]))
        raise ParameterError(
            "The 'color' parameter of Dataset.map must be indexed by image_id, and none of its index is an image of "
            f"this dataset. Got {shown}; ds.images.index has the ids."
        )


def name_clusters(labels: pd.Series) -> pd.Series:
    """Return clusters by name, as a legend tells them."""
    names = {number: f"cluster {number}" if number >= 0 else "no cluster" for number in labels.unique()}
    return labels.map(names).rename("cluster")


def _tell_broken(n_broken: int) -> str:
    return f"{n_broken:,} broken image{'s'[: n_broken != 1]} left out" if n_broken else ""
