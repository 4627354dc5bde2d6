"""Pictures as they lie after turning each the same way up, to find copies that were turned by 90° or mirrored.

An encoder sees a turned picture as another one, so the nearest neighbors in a large collection may not hold its copy.
The small gray picture does, once it is turned and mirrored so that it is lightest below and right of the middle, and
more so below than right.
"""

from __future__ import annotations

import numpy as np

from ._base import FloatArray, PixelArray

_FLAT = 2.5  # gray levels of contrast below which a picture shows nothing


def turn_upright(details: PixelArray) -> FloatArray:
    """Return small gray pictures as vectors that are alike however the pictures are turned by 90° or mirrored.

    Parameters
    ----------
    details : uint8 array of shape (n_pictures, side ** 2)
        Gray pictures.

    Returns
    -------
    float32 array of shape (n_pictures, n_features)
        Of length 1, or of zeros for pictures that show nothing; at half the resolution where *side* is even.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdup_nb.embeddings import turn_upright
    >>> picture = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    >>> a, b = turn_upright(np.stack([picture.ravel(), np.rot90(picture).ravel()]))
    >>> bool(np.allclose(a, b, atol=1e-6))
    True
    """
    side = round(details.shape[1] ** 0.5)
    pictures = details.reshape(-1, side, side).astype(np.float32)
    if side % 2 == 0:
        pictures = pictures.reshape(-1, side // 2, 2, side // 2, 2).mean(axis=(2, 4))
    pictures -= pictures.mean(axis=(1, 2), keepdims=True)
    down, right = np.mgrid[: pictures.shape[1], : pictures.shape[2]] - (pictures.shape[1] - 1) / 2
    falls_down, falls_right = (np.einsum("nij,ij->n", pictures, way) for way in (down, right))
    is_wide = np.abs(falls_right) > np.abs(falls_down)
    pictures[is_wide] = pictures[is_wide].swapaxes(1, 2)
    falls_down[is_wide], falls_right[is_wide] = falls_right[is_wide], falls_down[is_wide]
    pictures[falls_down < 0] = pictures[falls_down < 0, ::-1]
    pictures[falls_right < 0] = pictures[falls_right < 0, :, ::-1]
    vectors = pictures.reshape(len(pictures), -1)
    contrast = vectors.std(axis=1, keepdims=True)
    upright: FloatArray = (
        np.where(contrast >= _FLAT, vectors / np.maximum(contrast, _FLAT), 0) / vectors.shape[1] ** 0.5
    )
    return upright
