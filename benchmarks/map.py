"""The map of a million points, in the kernel: first picture, zoom step and lasso, by datashader and by NumPy.

``python -m benchmarks.map [--n 1000000 --categories 10 --width 900 --height 600 --repeats 7]``

Each side is a process of its own. *first picture* is what a view waits for after ``Map(...)`` is there, in a process
that has drawn nothing: "not warmed" has datashader imported and compiled by that call, "warmed" had ``warm_up()`` begun
before and waited for, and "numpy" is what is drawn until it is ready; "as it comes" is what a user has: ``Map(...)``
begins to compile in a thread a moment later, and NumPy draws meanwhile. The other times are medians. *lasso* is from a
polygon to ``selection``, *lasso seen* adds the picture with its mask.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from . import _report

PACKAGES = ("numpy", "pandas", "datashader", "numba", "pillow", "anywidget", "ipywidgets")
SIDES = ("as it comes", "numpy", "datashader warmed", "datashader not warmed")


def make_points(n: int, n_categories: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 points (n, 2) in clouds, and the cloud of each."""
    rng = np.random.default_rng(seed)
    cloud = rng.integers(0, n_categories, n)
    centers = rng.normal(size=(n_categories, 2)) * 3
    return (rng.normal(size=(n, 2)) * 0.5 + centers[cloud]).astype(np.float32), cloud


def run_child(side: str, *, n: int, n_categories: int, width: int, height: int, repeats: int) -> None:
    from fastdup_nb.widgets import _raster

    waited = time.perf_counter()
    if side == "datashader warmed":
        assert _raster.wait_until_warm()
    waited = time.perf_counter() - waited
    if side == "datashader not warmed":
        _raster.warm_up, _raster.is_warm = (lambda **_: None), (lambda: True)
    if side == "numpy":
        _raster.is_warm = lambda: False
        _raster.warm_up = lambda **_: None
    from fastdup_nb.widgets import _map

    _map.warm_up = _raster.warm_up
    points, cloud = make_points(n, n_categories)
    ids = [f"images/{i:07d}.jpg" for i in range(n)]
    label = pd.Series(pd.Categorical.from_codes(cloud, [f"cloud {i}" for i in range(n_categories)]), index=ids)
    facts: dict[str, Any] = {"compile": waited * 1000}
    started = time.perf_counter()
    drawn = _map.Map(points, ids, colors={"label": label})
    facts["make"] = (time.perf_counter() - started) * 1000
    drawn.send = lambda *_: None
    facts |= measure(drawn, width, height, repeats)
    _report.hand_back(**facts)


def measure(drawn: Any, width: int, height: int, repeats: int) -> dict[str, float]:
    """Return milliseconds; what a view sends goes in by the door that its messages come through."""
    x, y, across, along = drawn._state["home"]
    scale = max(across / (width - 72), along / (height - 72))

    def ask(kind: str, buffers: tuple[Any, ...] = (), **content: object) -> None:
        drawn._handle_custom_msg({"kind": kind, "view": "v", "id": 1, **content}, list(buffers))

    def look(zoom: float = 1.0) -> None:
        ask("picture", x=x, y=y, scale=scale / zoom, width=width, height=height, ratio=1, tiles=True)

    turn = np.linspace(0, 2 * np.pi, 200)
    outline = np.column_stack([x + np.cos(turn) * across / 4, y + np.sin(turn) * along / 4]).astype("<f4")

    def lasso() -> None:
        ask("lasso", (memoryview(outline.tobytes()),), how="set")

    def lasso_seen() -> None:
        lasso()
        look()

    times = {"first picture": clock(look), "again": clock(look, repeats), "zoom step": clock(lambda: look(4), repeats)}
    drawn.color = "label"
    times |= {"first by category": clock(look), "by category": clock(look, repeats)}
    times["zoom by category"] = clock(lambda: look(4), repeats)
    times["first lasso"] = clock(lasso)
    drawn.selection = []
    times |= {"lasso": clock(lasso, repeats), "lasso seen": clock(lasso_seen, repeats)}
    return times | {"selected": len(drawn.selection)}


def clock(call: Callable[[], None], repeats: int = 1) -> float:
    """Return the median of milliseconds."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("n", 1_000_000), ("categories", 10), ("width", 900), ("height", 600), ("repeats", 7)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--json", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        run_child(given.side, **json.loads(given.json))
        return
    _report.print_machine(PACKAGES, points=given.n, categories=given.categories, width=given.width, height=given.height)
    options = {
        "n": given.n, "n_categories": given.categories, "width": given.width, "height": given.height,
        "repeats": given.repeats,
    }  # fmt: skip
    sides = {side: _report.run_side("benchmarks.map", side, options) for side in SIDES}
    names = [name for name in sides[SIDES[0]] if name not in {"wall_s", "processor_s", "peak_mb", "added_mb"}]
    _report.print_table([
        {"ms": name, **{side: f"{facts.get(name, float('nan')):,.0f}" for side, facts in sides.items()}}
        for name in names
    ])  # fmt: skip


if __name__ == "__main__":
    main()
