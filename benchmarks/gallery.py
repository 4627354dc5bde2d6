"""The live gallery beside an equal page of plain ipywidgets, in JupyterLab and Chromium.

    python -m benchmarks.gallery [--photos FOLDER] [--n 100000] [--repeats 7] [--turns 3]

All sides are measured in turn in one notebook in one page, each with the page to itself: what was shown before is
closed, cleared and collected first. Both sides show 24 of the same thumbnails, with five tags. The plain page is
measured twice: with the layout and style that ipywidgets makes for each control, and with one of them for all controls
of a kind. A time ends when all 24 pictures of the page are decoded and the frame that shows them has been drawn.

The many images are hard links to those pictures of which there are few, so that there are n files, names and rows of
facts, and as many different pictures as the sample or FOLDER has. "Prefetched" turns come after a second of looking,
"cold" ones go to a page far away that was not asked for before; a plain page has nothing to prefetch.

A key press ends when SQLite has committed: the browser's clock at the press is compared with the kernel's after the
commit, which is the same clock of one machine. Each press is then looked up in the file by a connection of its own.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from PIL import Image

import fastdup_nb as fd
from benchmarks._report import print_machine, print_table
from tests.lab import Notebook, open_browser, serve_lab

ROOT = Path(__file__).resolve().parents[1]
N_SMALL = 200
TARGETS = {
    "show": (5.0, "first show, plain / gallery, at least"), "turn": (3.0, "page turn, plain / gallery, at least"),
    "many": (1.5, "page turn, many / 200 images, at most"), "comms": (5, "comms opened, at most"),
    "key": (50, "key press to stored decision in ms, at most"),
}  # fmt: skip
PREPARE = f"""
import gc, sys, time
sys.path.insert(0, {str(ROOT)!r})
import pandas as pd
import fastdup_nb as fd
from benchmarks._tiles import Tiles
few = fd.Dataset("few", tags="few.sqlite")
many = fd.Dataset("many", tags="many.sqlite")
shown = {{"few": (few, few.images.index), "many": (many, many.images.index)}}
live = []
commits = []
few.tags.subscribe(lambda change: commits.append(time.time()))   # before any gallery's, so it is called first
def show(made):
    live.append(made)
    return getattr(made, "box", made)
def tiles(shares):
    return Tiles(list(few.images.index), few._shown.thumbnail, few.tags.add, shares=shares)
def forget():      # as a filter by tag does that is asked for anew: no page that is known answers it
    live[-1]._query = {{**live[-1]._query, "snapshot": live[-1]._query["snapshot"] + 1}}
def clear():
    while live:
        live.pop().close()
"""
SIDES = {
    "plain": "show(tiles(shares=False))", "plain, shared": "show(tiles(shares=True))",
    "gallery": "show(few.gallery(few.images.index))", "gallery of many": "show(many.gallery(many.images.index))",
}  # fmt: skip
COUNT = """(() => {
  const count = window.__count = {};
  window.__zero = () => Object.assign(count, {opened: 0, inMessages: 0, inBytes: 0, outMessages: 0, outBytes: 0});
  window.__zero();
  const kindOf = (data) => {
    if (typeof data === 'string') return JSON.parse(data).header.msg_type;
    const view = new DataView(data.buffer ?? data);      // v1.kernel.websocket.jupyter.org
    const at = (i) => Number(view.getBigUint64(8 * i, true));
    return JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, at(2), at(3) - at(2)))).msg_type;
  };
  const note = (data, way) => {
    count[way + 'Messages']++; count[way + 'Bytes'] += data.byteLength ?? data.length;
    if (kindOf(data) === 'comm_open') count.opened++;
  };
  window.WebSocket = class extends window.WebSocket {
    constructor(...given) {
      super(...given);
      if (String(given[0]).includes('/channels')) this.addEventListener('message', (event) => note(event.data, 'in'));
    }
    send(data) { if (this.url.includes('/channels')) note(data, 'out'); return super.send(data); }
  };
  window.addEventListener('keydown', (event) => { window.__pressed = performance.timeOrigin + event.timeStamp; }, true);
  const pictures = () => [...document.querySelectorAll('.fdnb-gallery .fdnb-tile img, .widget-image')];
  const keyOf = (picture) => picture.closest('.fdnb-gallery') ? picture : picture.src;   // made anew, filled anew
  window.__drawn = async (old) => {
    const isNew = (p) => p.complete && p.naturalWidth > 0 && p.offsetParent && !old.has(keyOf(p));
    const changed = () => pictures().length >= 24 && pictures().every(isNew);
    for (const end = performance.now() + 60000; !changed();) {
      if (performance.now() > end) throw new Error('not all pictures came');
      await new Promise(requestAnimationFrame);
    }
    await Promise.all(pictures().map(p => p.decode()));
    await new Promise(requestAnimationFrame);
    await new Promise(done => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); });
  };
  window.__run = async (cell) => {
    window.__nb.content.activeCellIndex = cell; window.__nb.content.deselectAll(); window.__zero();
    const from = performance.now();
    const ran = window.jupyterapp.commands.execute('notebook:run-cell');
    await window.__drawn(new Set());
    const ms = performance.now() - from;
    await ran;
    return ms;
  };
  window.__turn = async (to) => {
    window.__zero();
    const old = new Set(pictures().map(keyOf));
    const number = document.querySelector('.fdnb-number');
    const from = performance.now();
    if (to === null) document.querySelector('.bench-next, button[aria-label="Next page"]').click();
    else { number.value = to + 1; number.dispatchEvent(new Event('change')); }
    await window.__drawn(old);
    return performance.now() - from;
  };
})();"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="pictures to show instead of the sample collection")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--turns", type=int, default=3, help="turns of each kind in each repeat")
    parser.add_argument("--presses", type=int, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n_pictures = write_images(folder, args.photos, args.n)
        os.environ["FASTDUP_NB_CACHE"] = str(folder / "cache")
        write_notebook(folder / "bench.ipynb", [PREPARE, *SIDES.values()])
        with open_browser(width=1280, height=1400) as context, serve_lab(folder) as address:
            print_machine(
                ("jupyterlab", "ipywidgets", "anywidget", "ipykernel", "playwright"), Chromium=context.browser.version,
                pictures=n_pictures, few=N_SMALL, many=f"{args.n:,}", repeats=args.repeats, turns=args.turns,
            )  # fmt: skip
            notebook = Notebook(context, address, "bench.ipynb", script=COUNT)
            run_cell(notebook, 0)
            runs = measure(notebook, args)
            presses = press_keys(notebook, folder / "few.sqlite", args.presses)
            notebook.close()
    report(runs, presses)


def write_images(folder: Path, photos: Path | None, n: int) -> int:
    """Fill the folders "few" and "many" of *folder*; return the number of different pictures."""
    source = photos or fd.sample(folder / "sample")
    (folder / "pictures").mkdir()
    made = []
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"} and len(made) < 400:
            made.append(folder / "pictures" / f"{len(made)}.jpg")
            try:
                picture = Image.open(path).convert("RGB")
            except OSError:
                made.pop()
                continue
            picture.thumbnail((320, 320))
            picture.save(made[-1], quality=90)
    for name, size in (("few", N_SMALL), ("many", n)):
        for i in range(size):
            place = folder / name / f"{i // 1000:03d}" / f"{i:06d}.jpg"
            if i % 1000 == 0:
                place.parent.mkdir(parents=True)
            os.link(made[i % len(made)], place)
    return len(made)


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def run_cell(notebook: Notebook, place: int) -> None:
    notebook.page.set_default_timeout(600_000)
    notebook.page.evaluate(
        "async (i) => { window.__nb.content.activeCellIndex = i; "
        "await window.jupyterapp.commands.execute('notebook:run-cell'); }",
        place,
    )
    notebook.raise_errors()


def measure(notebook: Notebook, args: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Return what each side took, in turn."""
    runs: dict[str, dict[str, list[float]]] = {side: {} for side in SIDES}

    def note(side: str, what: str, value: float) -> None:
        runs[side].setdefault(what, []).append(value)

    for repeat in range(args.repeats + 1):  # the first warms up
        for cell, side in enumerate(SIDES, 1):
            clear(notebook)
            took = notebook.page.evaluate("(cell) => window.__run(cell)", cell)
            notebook.page.wait_for_timeout(1000)
            counts = notebook.page.evaluate("window.__count")
            if repeat:
                note(side, "show", took)
                note(side, "comms", counts["opened"])
                note(side, "show kB", counts["inBytes"] / 1000)
            for kind, to in turns(side, repeat, args):
                if kind == "cold turn":
                    notebook.kernel_eval("forget()")
                    notebook.page.wait_for_timeout(1000)
                took = notebook.page.evaluate("(to) => window.__turn(to)", to)
                notebook.page.wait_for_timeout(1000)
                counts = notebook.page.evaluate("window.__count")
                if repeat:
                    note(side, kind, took)
                    note(side, f"{kind} kB", counts["inBytes"] / 1000)
                    note(side, f"{kind} messages", counts["inMessages"] + counts["outMessages"])
        print(f"{repeat} of {args.repeats} repeats", file=sys.stderr)
    return runs


def turns(side: str, repeat: int, args: argparse.Namespace) -> list[tuple[str, int | None]]:
    """Return kinds of page turns and where they go: None is the next page."""
    reading = [("turn", None)] * args.turns
    if side.startswith("plain"):
        return reading
    n_pages = (N_SMALL if side == "gallery" else args.n) // 24
    page, far = args.turns, []
    for _ in range(args.turns):
        page = (page + n_pages // 2 - repeat % 2) % n_pages
        far.append(page)
    return [*reading, *(("cold turn", page) for page in far)]


def clear(notebook: Notebook) -> None:
    """Close what is shown and clear all outputs, as before the first run."""
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    notebook.kernel_eval("(clear(), gc.collect())")
    notebook.page.wait_for_function("() => !document.querySelector('.fdnb-gallery, .widget-image')")
    tools = notebook.page.context.new_cdp_session(notebook.page)
    tools.send("HeapProfiler.collectGarbage")  # or the next side would pay for what this one left
    tools.detach()
    notebook.page.wait_for_timeout(500)


def press_keys(notebook: Notebook, file: Path, n: int) -> list[float]:
    """Tag one image after the other by key; return how long each decision took to be stored, in ms."""
    clear(notebook)
    page = notebook.page
    page.evaluate("() => window.__run(3)")
    page.locator(".fdnb-tile .fdnb-id").first.click()
    took = []
    for i in range(n):
        page.keyboard.press("dk"[i // 20 % 2])
        notebook.wait_for_kernel("len(commits)", i + 1)
        took.append(1000 * notebook.kernel_eval("commits[-1]") - page.evaluate("window.__pressed"))
        page.keyboard.press("ArrowRight" if i % 20 < 19 else "Home")
        page.wait_for_timeout(150)
    with sqlite3.connect(file) as other:
        stored = other.execute("select count(*) from actions").fetchone()[0]
    assert stored == n, f"{stored} of {n} decisions are in the file"
    return took


def report(runs: dict[str, dict[str, list[float]]], presses: list[float]) -> None:
    """Print medians, ratios and whether targets are reached."""
    middle = {side: {what: statistics.median(values) for what, values in run.items()} for side, run in runs.items()}

    def cell(side: str, what: str, form: str) -> str:
        return format(middle[side][what], form) if what in middle[side] else "-"

    print_table([
        {"side": side, "show ms": cell(side, "show", ".0f"), "turn ms": cell(side, "turn", ".0f"),
         "cold turn ms": cell(side, "cold turn", ".0f"), "comms": cell(side, "comms", ".0f"),
         "show kB": cell(side, "show kB", ".0f"), "turn kB": cell(side, "turn kB", ".0f"),
         "messages a turn": cell(side, "turn messages", ".0f")}
        for side in SIDES
    ])  # fmt: skip
    ours, many = middle["gallery"], middle["gallery of many"]
    for name in ("plain", "plain, shared"):
        rival = middle[name]
        judge("show", rival["show"] / ours["show"], name, spread(runs[name]["show"], runs["gallery"]["show"]))
        judge(
            "turn",
            rival["turn"] / ours["turn"],
            f"{name}, prefetched",
            spread(runs[name]["turn"], runs["gallery"]["turn"]),
        )
        judge("turn", rival["turn"] / ours["cold turn"], f"{name}, cold", "")
    judge("many", many["turn"] / ours["turn"], "prefetched", "")
    judge("many", many["cold turn"] / ours["cold turn"], "cold", "")
    judge("comms", max(runs["gallery"]["comms"]), "", "")
    judge("key", statistics.median(presses), f"{len(presses)} presses", f"{min(presses):.1f} to {max(presses):.1f}")


def spread(rival: Sequence[float], ours: Sequence[float]) -> str:
    """Return the least and the largest ratio of what was measured one after the other."""
    ratios = [a / b for a, b in zip(rival, ours, strict=True)]
    return f"{min(ratios):.1f} to {max(ratios):.1f}"


def judge(target: str, value: float, which: str, between: str) -> None:
    """Print a figure and whether its target is reached."""
    bound, text = TARGETS[target]
    compare: Callable[[float, float], bool] = (lambda a, b: a >= b) if text.endswith("least") else (lambda a, b: a <= b)
    verdict = "reached" if compare(value, bound) else "NOT REACHED"
    words = "; ".join(part for part in (which, between) if part)
    print(f"{text} {bound:g}: {value:.3g}{f' ({words})' if words else ''}, {verdict}")


if __name__ == "__main__":
    main()
