"""Draw every view as a person sees it, in a real JupyterLab: light and dark, full and empty; and the README's pictures.

python -m tools.screenshots          # what `make screenshots` does; needs the extra `dev` and a Chromium

Screenshots are written to build/screenshots, the README's pictures to docs.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
from PIL import Image

import fastdup_nb as fd
from tests.lab import Notebook, open_browser, serve_lab

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "screenshots"
CELLS = [
    "import fastdup_nb as fd\nds = fd.Dataset('sample', labels='folder', tags='tags.sqlite')",
    "duplicates = ds.duplicates().gallery()\nduplicates",
    "outliers = ds.outliers().gallery(page_size=12)\noutliers",
    "clusters = ds.clusters().gallery()\nclusters",
    "quality = ds.quality().gallery()\nquality",
    "similar = ds.similar('train/animal/cat.jpg').gallery()\nsimilar",
    "annotate = ds.annotate(['photo', 'drawing', 'text'], ds.outliers().table.head(24), page_size=12)\nannotate",
    "empty = ds.gallery([])\nempty",
    "long = fd.Dataset('long', tags=None)\nlong_names = long.gallery(long.images)\nlong_names",
    "chart = ds.map(color='label')\nchart",
    "explorer = ds.explore(color='label')\nexplorer",
    "plain = ds.duplicates().gallery(backend='ipywidgets', page_size=12)\nplain",
]
STILL = [
    "import fastdup_nb as fd\nds = fd.Dataset('sample', labels='folder', split='folder', tags=None)\n"
    "train, test = (fd.Dataset(f'sample/{name}', labels='folder', tags=None) for name in ('train', 'test'))\n"
    "results = {'label_issues': ds.label_issues(), 'predictions': ds.predict_labels(which='all'),\n"
    "    'leaks': ds.leaks(),\n"
    "    'leaks_of_two': train.leaks(test), 'split': ds.split(), 'sample': ds.sample(20),\n"
    "    'novelty': train.novelty(test, false_alarm_rate=0.1), 'normality': train.normality(),\n"
    "    'next_to_label': fd.Dataset('sample', tags=None).next_to_label(10),\n"
    "    'sequence': fd.Dataset('frames', tags=None).sequence(), 'no_film': ds.sequence(by=None),\n"
    "    'several': ds.similar(ds.image_ids[:2], unlike=ds.image_ids[9]), 'no_leak': ds.split().dataset.leaks()}",
]
RESULTS = ("label_issues", "predictions", "leaks", "leaks_of_two", "split", "sample", "novelty", "normality",
           "next_to_label", "sequence", "no_film", "several", "no_leak")  # fmt: skip
LIVE = tuple(name for name in RESULTS if name != "normality")  # it lists no images to page through
NAMES = ("duplicates", "outliers", "clusters", "quality", "similar", "annotate", "empty", "long_names")
LOADED = """() => [...document.querySelectorAll('.fdnb-grid')].every(grid => grid.ariaBusy === 'false')
  && [...document.querySelectorAll('.fdnb-gallery img')].every(i => i.complete && i.naturalWidth)"""


def main() -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, open_browser(width=1200, height=9500) as context:
        folder = Path(name)
        os.environ["FASTDUP_NB_CACHE"] = str(folder / "cache")
        fd.sample(folder / "sample")
        fd.sample_frames(folder / "frames")
        write_notebooks(folder)
        with serve_lab(folder) as address:
            draw_first_look(Notebook(context, address, "first.ipynb").run_all(), folder)
            draw_live(Notebook(context, address, "live.ipynb").run_all())
            draw_results(Notebook(context, address, "results.ipynb").run_all())
    print(f"{SHOTS.relative_to(ROOT)}: {len(list(SHOTS.glob('*.png')))} screenshots")


def write_notebooks(folder: Path) -> None:
    shutil.copy(ROOT / "notebooks" / "01_first_look.ipynb", folder / "first.ipynb")
    (folder / "long").mkdir()
    cat = (folder / "sample" / "train" / "animal" / "cat.jpg").read_bytes()
    for named in ("a" * 180 + ".jpg", "<b>bold & \"quoted\" 'name'.jpg", "日本語の写真 ünïcödé 🐈.jpg"):
        (folder / "long" / named).write_bytes(cat)
    still = [f"results[{name!r}]" for name in RESULTS] + [f"results[{name!r}].gallery(page_size=12)" for name in LIVE]
    for name, cells in (("live", CELLS), ("results", STILL + still)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{name}.ipynb")


def draw_live(notebook: Notebook) -> None:
    """Draw each gallery in both themes, opened, compared and with its help; and docs/gallery.png."""
    page = notebook.page
    page.wait_for_function(LOADED)
    for theme in ("Light", "Dark"):
        notebook.set_theme(f"JupyterLab {theme}")
        ending = f"{theme.lower()}.png"
        for place, view in enumerate(NAMES):
            page.locator(".fdnb-gallery").nth(place).screenshot(path=SHOTS / f"{view}_{ending}")
        page.wait_for_timeout(1500)  # thumbnails are laid on the map when it rests
        page.locator(".fdnb-map").first.screenshot(path=SHOTS / f"map_{ending}")
        explorer = page.locator(".jp-OutputArea-output:has(.fdnb-map):has(.fdnb-gallery)").last
        explorer.screenshot(path=SHOTS / f"explore_{ending}")
        page.locator(".jp-OutputArea-output:has(.widget-toggle-button)").last.screenshot(path=SHOTS / f"plain_{ending}")
        gallery = page.locator(".fdnb-gallery").first
        gallery.locator(".fdnb-tile .fdnb-id").nth(1).click()
        for key in ("d", "ArrowRight", "k", "ArrowRight", "Space", "Shift+ArrowRight"):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        gallery.screenshot(path=SHOTS / f"tagged_{ending}")
        if theme == "Light":
            save_small(SHOTS / f"tagged_{ending}", ROOT / "docs" / "gallery.png", Image.Quantize.FASTOCTREE)
            save_small(SHOTS / f"map_{ending}", ROOT / "docs" / "map.png", Image.Quantize.FASTOCTREE)
        page.keyboard.press("?")
        gallery.screenshot(path=SHOTS / f"help_{ending}")
        page.keyboard.press("?")
        page.keyboard.press("Enter")
        for view, key in (("compare", "m"), ("difference", "c"), ("opened", "Escape")):
            page.wait_for_timeout(700)
            gallery.screenshot(path=SHOTS / f"{view}_{ending}")
            page.keyboard.press(key)
        for key in ("Escape", "u", "u"):
            page.keyboard.press(key)
    notebook.close()


def draw_results(notebook: Notebook) -> None:
    """Draw what is found of labels, leaks, samples, novelty and time, still and live; and docs/sequence.png."""
    page = notebook.page
    page.wait_for_function(LOADED)
    for theme in ("Light", "Dark"):
        notebook.set_theme(f"JupyterLab {theme}")
        ending = f"{theme.lower()}.png"
        for place, name in enumerate(RESULTS):
            page.locator(".jp-OutputArea .fdnb").nth(place).screenshot(path=SHOTS / f"still_{name}_{ending}")
        for place, name in enumerate(LIVE):
            page.locator(".fdnb-gallery").nth(place).screenshot(path=SHOTS / f"live_{name}_{ending}")
    view = page.locator(".jp-OutputArea .fdnb").nth(RESULTS.index("sequence"))
    top, end = view.bounding_box(), view.locator(".fdnb-chart").last.bounding_box()
    notebook.close()
    with Image.open(SHOTS / "still_sequence_light.png") as picture:
        bottom = round(end["y"] + end["height"] - top["y"])
        picture.crop((0, 0, picture.width, bottom + 8)).save(SHOTS / "sequence.png")
    save_small(SHOTS / "sequence.png", ROOT / "docs" / "sequence.png")


def draw_first_look(notebook: Notebook, folder: Path) -> None:
    pieces = []
    for title, height in (("Duplicates", 620), ("Outliers", 412), ("Clusters", 384)):
        view = notebook.page.locator(".jp-OutputArea .fdnb").filter(has_text=re.compile(f"^\\s*{title}")).first
        view.screenshot(path=folder / "view.png")
        picture = Image.open(folder / "view.png").convert("RGB")
        pieces.append(picture.crop((0, 0, picture.width, min(height, picture.height))))
    notebook.close()
    page = Image.new("RGB", (max(p.width for p in pieces) + 32, sum(p.height + 16 for p in pieces) + 16), "white")
    top = 16
    for piece in pieces:
        page.paste(piece, (16, top))
        top += piece.height + 16
    page.save(folder / "page.png")
    save_small(folder / "page.png", ROOT / "docs" / "first_look.png")


def save_small(source: Path, target: Path, method: Image.Quantize = Image.Quantize.MEDIANCUT) -> None:
    """Save with 256 colors; the median cut keeps light grays, the octree small spots of color."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(256, method).save(target, optimize=True)
        size = f"{picture.width} x {picture.height}"
    print(f"{target.relative_to(ROOT)}: {size}, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
