"""A collection in two dimensions: images that are alike lie near each other.

UMAP lays the neighbor graph out that was built for the findings: it searches no neighbors of its own. It starts from
the two principal components, which settles the large distances and makes the picture the same every time. Where UMAP
is not installed, or there are too few images for it, the principal components are the map.
"""

from __future__ import annotations

import importlib.util
import warnings
from types import ModuleType

import numpy as np
import numpy.typing as npt

from .._optional import import_optional
from .._validation import check_choice, check_integer
from ..errors import ParameterError

__all__ = ["METHODS", "choose_projection", "place_copies", "project_vectors"]

METHODS = ("auto", "umap", "pca")
_FEWEST_FOR_UMAP = 16  # fewer have no neighborhoods that could be laid out
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_COPY_STEP = 1 / 1000  # of the extent of the map, between copies

Points = npt.NDArray[np.float32]


def choose_projection(method: str, n_samples: int) -> tuple[str, str]:
    """Return how *method* projects so many vectors, and in words why not by UMAP.

    Parameters
    ----------
    method : {"auto", "umap", "pca"}
        ``"auto"`` takes UMAP where it is installed.
    n_samples : int
        Number of distinct vectors; fewer than 16 are always projected by PCA.

    Returns
    -------
    method : {"umap", "pca"}
    note : str
        Such as ``"PCA; pip install 'fastdup-nb[map]' for UMAP"``, to be shown with the map.

    Raises
    ------
    MissingExtraError
        For ``"umap"`` where it is not installed.

    Examples
    --------
    >>> from fastdup_nb.findings.projection import choose_projection
    >>> choose_projection("pca", 1000)
    ('pca', 'PCA')
    >>> choose_projection("auto", 5)
    ('pca', 'PCA: too few images for UMAP')
    """
    check_choice(method, "method", "choose_projection", METHODS)
    if method == "pca":
        return "pca", "PCA"
    if method == "umap":
        _find_umap()
    if n_samples < _FEWEST_FOR_UMAP:
        return "pca", "PCA: too few images for UMAP"
    if method == "umap" or importlib.util.find_spec("umap") is not None:
        return "umap", "UMAP"
    return "pca", "PCA; pip install 'fastdup-nb[map]' for UMAP"


def project_vectors(
    vectors: npt.NDArray[np.float32],
    indices: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float32],
    *,
    method: str = "auto",
    random_state: int = 0,
) -> Points:
    """Lay vectors out in two dimensions.

    Parameters
    ----------
    vectors : float32 array (n_samples, n_features)
        L2-normalized, one row per distinct picture.
    indices : int32 array (n_samples, n_neighbors)
        Row numbers of each row's nearest neighbors, nearest first, never itself; -1 where there is none.
    distances : float32 array (n_samples, n_neighbors)
        1 - cosine similarity to them; inf where there is none.
    method : {"auto", "umap", "pca"}, default "auto"
        UMAP keeps neighbors together and is what shows groups; PCA keeps the largest differences and is done in a
        moment. ``"auto"`` takes UMAP where it is installed and there are enough images (see `choose_projection`).
    random_state : int, default 0
        Seed; the same seed, vectors and graph give the same map. UMAP uses one processor for that.

    Returns
    -------
    float32 array (n_samples, 2)
        Only nearness means something; the axes have no meaning and no unit.

    Raises
    ------
    MissingExtraError
        For ``"umap"`` where it is not installed.

    References
    ----------
    L. McInnes, J. Healy, J. Melville: UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction,
    arXiv:1802.03426; by way of umap-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.projection import project_vectors
    >>> vectors = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], dtype=np.float32)
    >>> nobody = np.empty((3, 0))
    >>> project_vectors(vectors, nobody.astype(np.int32), nobody.astype(np.float32), method="pca").shape
    (3, 2)
    """
    check_choice(method, "method", "project_vectors", METHODS)
    random_state = check_integer(random_state, "random_state", "project_vectors", low=0, high=2**32 - 1)
    if not len(vectors) == len(indices) == len(distances):
        raise ParameterError(
            "The 'indices' and 'distances' parameters of project_vectors must have a row for each of the "
            f"{len(vectors)} vectors. Got {len(indices)} and {len(distances)} instead."
        )
    used, _ = choose_projection(method, len(vectors))
    flat = _project_pca(vectors, random_state)
    if used == "pca" or not (indices >= 0).any():
        return flat
    return _project_umap(vectors, *_with_itself(indices, distances), start=flat, random_state=random_state)


def place_copies(points: Points, rows: npt.NDArray[np.int64]) -> Points:
    """Give every image a place: exact copies lie around the first of them, each a thousandth of the map from the next.

    So they can be told apart when one zooms in, and lie on one spot when one does not.

    Parameters
    ----------
    points : float32 array (n_distinct, 2)
        Places of the distinct pictures.
    rows : int array (n_images,)
        The row of each image's picture.

    Returns
    -------
    float32 array (n_images, 2)
        The first image of each picture has its place exactly; the others are on a spiral around it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.findings.projection import place_copies
    >>> places = place_copies(np.array([[0, 0], [1, 1]], dtype=np.float32), np.array([0, 1, 0]))
    >>> places[:2].tolist(), bool(0 < abs(places[2]).max() < 0.01)
    ([[0.0, 0.0], [1.0, 1.0]], True)
    """
    placed = points[rows]
    if len(points) == len(rows):
        return placed
    turn = _number_within(rows)
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    radius = _COPY_STEP * extent * np.sqrt(turn)
    around = np.column_stack([np.cos(turn * _GOLDEN_ANGLE), np.sin(turn * _GOLDEN_ANGLE)])
    return np.asarray(placed + radius[:, None] * around, dtype=np.float32)


def _number_within(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each entry how many equal ones come before it."""
    order = np.argsort(rows, kind="stable")
    sizes = np.bincount(rows)
    number = np.empty(len(rows), np.int64)
    number[order] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return number


def _project_pca(vectors: npt.NDArray[np.float32], random_state: int) -> Points:
    from sklearn.decomposition import PCA

    flat = np.zeros((len(vectors), 2), dtype=np.float32)
    n_components = min(2, *vectors.shape)
    if len(vectors) < 2 or n_components < 1:
        return flat
    with np.errstate(invalid="ignore", divide="ignore"):  # of vectors that are all the same
        found = PCA(n_components, random_state=random_state).fit_transform(vectors)
    flat[:, :n_components] = np.nan_to_num(found)
    return flat


def _with_itself(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the graph as UMAP wants it: each row's first neighbor is itself, and none is missing.

    Where a neighbor is missing the row itself stands again, at the distance of its farthest: UMAP gives it no weight.
    """
    rows = np.arange(len(indices), dtype=np.int32)[:, None]
    is_there = indices >= 0
    used = max(1, int(is_there.any(axis=0).sum()))
    is_there, near, far = is_there[:, :used], indices[:, :used], distances[:, :used]
    farthest = np.where(is_there, far, 0).max(axis=1, keepdims=True)
    near, far = np.where(is_there, near, rows), np.where(is_there, far, farthest)
    return np.hstack([rows, near]), np.hstack([np.zeros_like(far[:, :1]), far]).astype(np.float32)


def _project_umap(
    vectors: npt.NDArray[np.float32],
    indices: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float32],
    *,
    start: Points,
    random_state: int,
) -> Points:
    umap = _find_umap()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nothing new can be placed later, and that one processor is used
        model = umap.UMAP(
            n_neighbors=indices.shape[1],
            init=start * (10 / max(float(np.abs(start).max()), 1e-9)),
            random_state=random_state,
            n_jobs=1,
            precomputed_knn=(indices, distances, None),
        )
        return np.asarray(model.fit_transform(vectors), dtype=np.float32)


def _find_umap() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its parts that need Tensorflow are not there
        return import_optional("umap", extra="map", purpose="A map by UMAP")
