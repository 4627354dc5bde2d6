"""Amounts per pixel to a PNG on a transparent ground: a palette of hues, each in several strengths.

A pixel has the color of the category that most of its points belong to, so that every color of a map is in its legend.
How many points it has is told by how opaque it is, in equal shares of the pixels (histogram equalization).
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from ._coloring import N_LEVELS, Coloring, ramp_colors
from ._raster import Floats, Ints, Window, average, count, cover, dot_radius

_FAINTEST = 0.45  # opacity of a pixel with the fewest points
_SPARSE = 150_000  # fewer points than this are drawn two pixels wider, or they could hardly be seen
_MIDDLE = 9  # level of the ramp for dots that have no color of their own


def draw(window: Window, points: Floats, coloring: Coloring, *, ratio: float = 1.0, compress_level: int = 1) -> bytes:
    """Return the points in a window as PNG.

    Parameters
    ----------
    window : Window
        In CSS pixels.
    points : float32 array (n, 2)
    coloring : Coloring
    ratio : float, default 1.0
        Pixels of the picture for each pixel of the window.
    compress_level : int, default 1
        Of the PNG: 1 is fast, 9 is small.
    """
    seen = window.find_visible(points, margin=6)
    fine = window.sized(ratio)
    radius = dot_radius(len(seen)) * ratio
    if radius:
        strength, hue = _draw_dots(fine, points[seen], coloring, seen, radius)
    else:
        seen = window.find_visible(points)
        strength, hue = _draw_counts(fine, points, coloring, seen)
    return encode(strength, hue, coloring.palette, compress_level)


def draw_mask(window: Window, points: Floats, chosen: Ints, n_visible: int, *, ratio: float = 1.0) -> bytes:
    """Return where the chosen points are as PNG: white, a little larger than the points, transparent elsewhere."""
    fine = window.sized(ratio)
    here = points[chosen]
    radius = dot_radius(n_visible)
    if radius:
        amounts, _ = cover(fine, here[window.find_visible(here, margin=8)], (radius + 2) * ratio)
        strength = np.minimum(amounts, 1)
    else:
        counts = count(fine, here[window.find_visible(here)])
        strength = (_widen(_widen(counts)) > 0).astype(np.float32)
    return encode(strength, np.zeros(strength.shape, np.uint8), np.full((1, 3), 255, np.uint8), 1)


def encode(strength: Floats, hue: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8], compress_level: int) -> bytes:
    """Return a palette PNG: index 0 is transparent, then each hue in as many opacities as 255 entries allow."""
    from PIL import Image

    n_steps = min(32, 255 // max(len(palette), 1))
    step = np.ceil(strength * n_steps).astype(np.uint8)
    index = np.where(step > 0, hue * np.uint8(n_steps) + step, 0).astype(np.uint8)
    picture = Image.fromarray(index).convert("L")
    picture.putpalette(bytes(3) + np.repeat(palette, n_steps, axis=0).tobytes())
    opacity = np.tile(np.linspace(255 / n_steps, 255, n_steps).round().astype(np.uint8), len(palette))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=compress_level, transparency=b"\0" + opacity.tobytes())
    return file.getvalue()


def draw_ramp(width: int, height: int) -> bytes:
    """Return the ramp of numbers as PNG, for a legend."""
    strength = np.ones((height, width), np.float32)
    hue = np.broadcast_to(np.linspace(0, N_LEVELS - 1e-6, width).astype(np.uint8), strength.shape)
    return encode(strength, hue, ramp_colors(N_LEVELS), 9)


def draw_swatch(color: str) -> bytes:
    """Return one pixel of a color as PNG."""
    rgb = np.frombuffer(bytes.fromhex(color.removeprefix("#")), np.uint8).reshape(1, 3)
    return encode(np.ones((1, 1), np.float32), np.zeros((1, 1), np.uint8), rgb, 9)


def _draw_dots(
    window: Window, points: Floats, coloring: Coloring, seen: Ints, radius: float
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    if coloring.codes is not None:
        hues = coloring.codes[seen]
    elif coloring.shares is not None:
        is_known = np.isfinite(coloring.shares[seen])
        points, hues = points[is_known], _levels(coloring.shares[seen][is_known])
    else:
        hues = np.full(len(seen), _MIDDLE, np.uint8)
    amounts, drawn = cover(window, points, radius, hues)
    return np.minimum(amounts, 1) * np.float32(0.9), drawn


def _draw_counts(
    window: Window, points: Floats, coloring: Coloring, seen: Ints
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    is_whole = len(seen) == len(points)
    here = points if is_whole else points[seen]
    if coloring.codes is not None:
        codes = coloring.codes if is_whole else coloring.codes[seen]
        counts = _spread(count(window, here, codes, len(coloring.entries)), len(seen))
        total, hue = counts.sum(axis=2, dtype=np.uint32), counts.argmax(axis=2).astype(np.uint8)
        return _equalize(total), hue
    total = _spread(count(window, here), len(seen))
    if coloring.shares is None:
        strength = _equalize(total)
        return np.where(total > 0, 0.6 + 0.4 * strength, 0).astype(np.float32), _levels(_rank(total))
    means = average(window, here, coloring.shares if is_whole else coloring.shares[seen])
    total = np.where(np.isfinite(means), total, 0)
    return _equalize(total), _levels(np.nan_to_num(means))


def _spread(counts: npt.NDArray[np.uint32], n_points: int) -> npt.NDArray[np.uint32]:
    return _widen(counts) if n_points < _SPARSE else counts


def _widen(counts: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Add to each pixel those above, below and beside it."""
    wide = counts.copy()
    wide[1:] += counts[:-1]
    wide[:-1] += counts[1:]
    wide[:, 1:] += counts[:, :-1]
    wide[:, :-1] += counts[:, 1:]
    return wide


def _rank(counts: npt.NDArray[np.uint32]) -> Floats:
    """Return the share of the filled pixels that have at most as many points as this one, in [0, 1]; 0 where none."""
    sizes = np.bincount(counts.ravel())
    sizes[0] = 0
    below = np.cumsum(sizes, dtype=np.float64)
    first = sizes[np.flatnonzero(sizes)[0]] if sizes.any() else 0
    share = (below - first) / max(below[-1] - first, 1)
    share[0] = 0
    return np.asarray(np.clip(share, 0, 1).astype(np.float32)[counts], np.float32)


def _equalize(counts: npt.NDArray[np.uint32]) -> Floats:
    """Return how opaque each pixel is: 0 without points, else from faint to full."""
    return np.where(counts > 0, _FAINTEST + (1 - _FAINTEST) * _rank(counts), 0).astype(np.float32)


def _levels(shares: Floats) -> npt.NDArray[np.uint8]:
    return np.minimum(shares * N_LEVELS, N_LEVELS - 1).astype(np.uint8)
