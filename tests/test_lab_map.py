"""What a person does with a map, in a real JupyterLab, in a real browser: look, zoom, hover, select, tag.

Screenshots are left in ``build/screenshots``.
"""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest

from .lab import PATIENCE, Notebook, open_browser, serve_lab

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "screenshots"
HANDLERS = "small._msg_callbacks.callbacks"
ANSWER = f"{HANDLERS}.extend(globals().pop('kept', []))"
SIZE = {"width": 1200, "height": 2800}
BIG = """
import sys
sys.path.insert(0, {root!r})
import numpy as np, pandas as pd
import fastdup_nb as fd
from fastdup_nb.widgets._map import Map
from tests.fake_tags import FakeTags
rng = np.random.default_rng(0)
label = rng.integers(0, 12, 60_000)
points = (rng.normal(size=(60_000, 2)) * 0.3 + rng.normal(size=(12, 2))[label] * 2).astype(np.float32)
ids = [f"folder/{{i}}.jpg" for i in range(60_000)]
colors = {{"label": pd.Series(label, index=ids).map(lambda i: f"a rather long name of a category, number {{i}}"),
          "score": pd.Series(rng.random(60_000), index=ids)}}
big = Map(points, ids, colors=colors, color="label", notes=["PCA; pip install 'fastdup-nb[map]' for UMAP"])
big
"""
SMALL = """
ds = fd.Dataset({folder!r}, labels="folder", cache=None)
tags = FakeTags()
from fastdup_nb._mapping import make_map, name_clusters
found = {{"cluster": lambda: name_clusters(ds.clusters().labels)}}
small = make_map(ds._stages, ds._shown, tags=tags, color="label", method="pca", found=found)
small
"""
DRAWN = """() => {
  const maps = [...document.querySelectorAll('.fdnb-map')];
  return maps.length >= 4 && [0, 1, 3].every(number => maps[number].dataset.drawn);
}"""
ODD = """
import tempfile
Map(np.empty((0, 2)), [])
"""
ONE = """
jpeg = ds._stages.thumbnail(ds.image_ids[0])
Map(np.zeros((1, 2)), ["<img src=x onerror=alert(1)>/" + "long-name-" * 12 + ".jpg"], thumbnail=lambda _: jpeg,
    describe=lambda _: "<script>alert(2)</script>", tags=tags, title="<i>Map</i>")
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, sample_folder):
    folder = tmp_path_factory.mktemp("lab")
    sources = [BIG.format(root=str(ROOT)), SMALL.format(folder=str(sample_folder)), ODD, ONE]
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "map.ipynb")
    with open_browser(**SIZE) as context, serve_lab(folder) as address:
        opened = Notebook(context, address, "map.ipynb").run_all()
        opened.wait_for(DRAWN)
        yield opened
        opened.close()


def find_map(notebook, number):
    found = notebook.page.locator(".fdnb-map").nth(number)
    found.locator("canvas").wait_for()
    return found


def wait_for_picture(notebook, number):
    """Wait until the map shows how things stand in the kernel."""
    name = ("big", "small")[number]
    version = notebook.kernel_eval(f"{name}._version")
    notebook.wait_for(
        "([number, version]) => document.querySelectorAll('.fdnb-map')[number].dataset.drawn == version",
        [number, version],
    )


def wait_for_kernel(notebook, expression):
    notebook.wait_for_kernel(f"bool({expression})", True)


@pytest.fixture(autouse=True)
def _nothing_of_an_earlier_test(notebook):
    """Whatever an earlier test has left: the size of the page, and on the maps what is selected, in view and open."""
    notebook.page.set_viewport_size(SIZE)
    notebook.page.mouse.move(1, 1)
    notebook.kernel_eval(ANSWER)
    for number, name in enumerate(("big", "small")):
        shown = find_map(notebook, number)
        if shown.locator(".fdnb-map-help").is_visible():
            shown.get_by_role("button", name="Help").click()
        shown.get_by_role("button", name="Pan").click()
        shown.get_by_role("button", name="Fit").click()
        notebook.kernel_eval(f"setattr({name}, 'selection', [])")
        wait_for_picture(notebook, number)


def test_a_map_shows_its_points_in_the_colors_of_its_legend(notebook):
    shown = find_map(notebook, 0)
    wait_for_picture(notebook, 0)
    assert shown.locator(".fdnb-map-entry").count() == 8, "seven categories and the others"
    assert "5 others" in shown.locator(".fdnb-map-legend").inner_text()
    assert shown.locator(".fdnb-map-status").inner_text() == "0 selected of 60,000"
    notebook.wait_for(
        """() => { const canvas = document.querySelector('.fdnb-map canvas');
           const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
           let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0;
           return n > 0.02 * data.length / 4 && n < 0.9 * data.length / 4; }"""
    )
    assert notebook.page.locator(".fdnb-twin:visible").count() == 0, "the live map hides its twin"


def test_a_lasso_selects_in_the_kernel_and_escape_clears(notebook):
    shown = find_map(notebook, 0)
    shown.get_by_role("button", name="Lasso").click()
    box = shown.locator("canvas").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = notebook.page.mouse
    mouse.move(middle[0] - 150, middle[1] - 120)
    mouse.down()
    for dx, dy in ((150, -120), (150, 120), (-150, 120), (-150, -110)):
        mouse.move(middle[0] + dx, middle[1] + dy, steps=8)
    mouse.up()
    wait_for_kernel(notebook, "len(big.selection) > 0")
    wait_for_picture(notebook, 0)
    n = notebook.kernel_eval("len(big.selection)")
    assert 1000 < n < 60_000
    wanted = "set(big.selection) == set(np.array(ids)[big._index.get_indexer(big.selection_frame().index)])"
    assert notebook.kernel_eval(wanted)
    shown.get_by_text(f"{n:,} selected of 60,000").wait_for()
    SHOTS.mkdir(parents=True, exist_ok=True)
    shown.screenshot(path=SHOTS / "map_lasso.png")
    notebook.page.keyboard.press("Escape")
    wait_for_kernel(notebook, "big.selection == []")
    shown.get_by_text("0 selected of 60,000").wait_for()


def test_the_wheel_zooms_a_map_that_has_the_focus(notebook):
    shown = find_map(notebook, 1)
    canvas = shown.locator("canvas")
    canvas.focus()
    box = canvas.bounding_box()
    notebook.page.mouse.move(box["x"] + 300, box["y"] + 200)
    hear(notebook)
    notebook.page.keyboard.press("ArrowLeft")
    wait_for_kernel(notebook, "seen")
    notebook.page.mouse.wheel(0, -600)
    wait_for_kernel(notebook, "seen[-1][0] < 0.9 * seen[0][0]")


def hear(notebook):
    """Keep in the kernel's `seen` scale, width and height of each picture that the small map asks for from here on."""
    notebook.kernel_eval(
        "globals().update(seen=[]) or globals().setdefault('is_heard', False) or globals().update(is_heard=True) or "
        "small.on_msg(lambda _, content, __: content['kind'] == 'picture' and "
        "seen.append([content['scale'], content['width'], content['height']]))"
    )


def test_hovering_shows_the_picture_its_name_and_facts(notebook):
    shown = find_map(notebook, 1)
    show_dots(notebook, shown)
    tip = shown.locator(".fdnb-map-tip")
    until = time.monotonic() + PATIENCE
    while not tip.is_visible() and time.monotonic() < until:  # the map may still be moving
        target = point_on_page(notebook, shown, "small._points[5]")
        notebook.page.mouse.move(target[0] - 40, target[1])
        notebook.page.mouse.move(*target, steps=4)
        notebook.page.wait_for_timeout(500)
    assert tip.locator(".fdnb-map-tip-name").inner_text() in notebook.kernel_eval("ds.image_ids")
    assert " × " in tip.locator(".fdnb-map-tip-text").inner_text()
    assert tip.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 0
    shown.screenshot(path=SHOTS / "map_hover.png")


def show_dots(notebook, shown):
    """Let the small map show everything, and no thumbnails."""
    hear(notebook)
    if shown.get_by_role("button", name="Thumbnails").get_attribute("aria-pressed") == "true":
        shown.get_by_role("button", name="Thumbnails").click()
    shown.get_by_role("button", name="Fit").click()
    wait_for_kernel(notebook, "seen")


def point_on_page(notebook, shown, expression):
    """Return where a place of the small map is on the page, when it shows everything."""
    box = shown.locator("canvas").bounding_box()
    x, y = notebook.kernel_eval(f"[float(v) for v in {expression}]")
    left, right, low, high = notebook.kernel_eval(
        "[float(v) for v in (*small._points[:, 0][[small._points[:, 0].argmin(), small._points[:, 0].argmax()]], "
        "small._points[:, 1].min(), small._points[:, 1].max())]"
    )
    scale = max((right - left) / (box["width"] - 72), (high - low) / (box["height"] - 72))
    return (
        box["x"] + box["width"] / 2 + (x - (left + right) / 2) / scale,
        box["y"] + box["height"] / 2 - (y - (low + high) / 2) / scale,
    )


def test_a_digit_tags_what_is_selected_and_u_takes_it_back(notebook):
    shown = find_map(notebook, 1)
    canvas = shown.locator("canvas")
    show_dots(notebook, shown)
    canvas.focus()
    notebook.page.keyboard.press("b")
    box = canvas.bounding_box()
    drag(notebook, box["x"] + 4, box["y"] + 4, box["x"] + box["width"] / 2, box["y"] + box["height"] - 4)
    wait_for_kernel(notebook, "len(small.selection) > 0")
    n = notebook.kernel_eval("len(small.selection)")
    shown.get_by_text(f"{n:,} selected of").wait_for()
    notebook.page.keyboard.press("2")
    wait_for_kernel(notebook, "sorted(tags.tagged('drop')) == sorted(small.selection)")
    shown.get_by_text(f"{n:,} images: +['drop']").wait_for()
    notebook.page.keyboard.press("u")
    wait_for_kernel(notebook, "tags.tagged('drop') == []")
    notebook.page.keyboard.press("Shift+U")
    wait_for_kernel(notebook, f"len(tags.tagged('drop')) == {n}")
    cells = notebook.page.evaluate("() => window.__nb.content.widgets.length")
    for key in ("x", "a", "d", "d", "b"):
        notebook.page.keyboard.press(key)
    assert notebook.page.evaluate("() => window.__nb.content.widgets.length") == cells, "no key is a shortcut of Lab"


def drag(notebook, x0, y0, x1, y1):
    mouse = notebook.page.mouse
    mouse.move(x0, y0)
    mouse.down()
    mouse.move(x1, y1, steps=6)
    mouse.up()


def test_a_map_that_shows_everything_still_does_when_its_cell_becomes_narrow(notebook):
    shown = find_map(notebook, 1)
    shown.get_by_role("button", name="Fit").click()
    hear(notebook)
    notebook.page.set_viewport_size({**SIZE, "width": 560})
    wait_for_kernel(notebook, "any(width < 500 for _, width, _ in seen)")
    spans = "np.ptp(small._points, axis=0)"
    wait_for_kernel(notebook, f"all({spans} <= seen[-1][0] * np.array([seen[-1][1] - 70, seen[-1][2] - 70]))")
    notebook.page.set_viewport_size(SIZE)
    wait_for_kernel(notebook, "seen[-1][1] > 500")


def test_a_selection_made_in_python_is_seen_on_the_map(notebook):
    notebook.kernel_eval("setattr(small, 'selection', list(small._index[:3]))")
    find_map(notebook, 1).get_by_text("3 selected of").wait_for()
    wait_for_picture(notebook, 1)


def test_names_are_shown_as_text_and_nothing_runs(notebook):
    shown = find_map(notebook, 3)
    shown.scroll_into_view_if_needed()
    box = shown.locator("canvas").bounding_box()
    notebook.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1, steps=3)
    shown.locator(".fdnb-map-tip").wait_for()
    assert shown.locator(".fdnb-map-tip-name").inner_text().startswith("<img src=x onerror=alert(1)>")
    assert shown.locator(".fdnb-map-tip-text").inner_text() == "<script>alert(2)</script>"
    assert shown.locator(".fdnb-map-title").inner_text() == "<i>Map</i> of 1 image"
    shown.screenshot(path=SHOTS / "map_one.png")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_maps_are_seen_in_either_theme(notebook, theme):
    name = theme.split()[1].lower()
    notebook.set_theme(theme)
    notebook.kernel_eval("setattr(small, 'selection', [])")
    shown = find_map(notebook, 1)
    if shown.get_by_role("button", name="Thumbnails").get_attribute("aria-pressed") == "false":
        shown.get_by_role("button", name="Thumbnails").click()
    wait_for_picture(notebook, 1)
    notebook.wait_for("() => document.querySelectorAll('.fdnb-map')[1].dataset.tiles > 10")
    SHOTS.mkdir(parents=True, exist_ok=True)
    for number, what in enumerate(("big", "small", "empty")):
        find_map(notebook, number).screenshot(path=SHOTS / f"map_{what}_{name}.png")
    assert find_map(notebook, 2).get_by_text("There is no image to lay out.").is_visible()


def test_a_map_says_that_no_kernel_answers_until_one_does(notebook):
    notebook.kernel_eval(f"globals().update(kept={HANDLERS}[:]) or {HANDLERS}.clear()")
    shown = find_map(notebook, 1)
    banner = shown.locator(".fdnb-map-banner")
    assert banner.is_hidden()
    shown.get_by_role("button", name="Zoom in").click()
    banner.wait_for(state="visible")
    assert "No answer from the kernel" in banner.inner_text()
    notebook.kernel_eval(ANSWER)
    shown.get_by_role("button", name="Fit").click()
    banner.wait_for(state="hidden")


def test_a_map_that_was_never_drawn_leaves_its_still_picture_in_view_until_it_is(notebook):
    handlers = "late._msg_callbacks.callbacks"
    notebook.run(f"late = Map(np.eye(2), ['a.jpg', 'b.jpg'])\nheld = {handlers}[:]\n{handlers}.clear()\nlate")
    twin = notebook.page.locator(".fdnb-twin:has(img)").last
    twin.wait_for(state="visible")
    shown = notebook.page.locator(".fdnb-map").last
    assert shown.locator(".fdnb-map-banner").is_visible()
    notebook.kernel_eval(f"{handlers}.extend(held)")
    shown.get_by_role("button", name="Fit").click()
    twin.wait_for(state="hidden")


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong_in_the_page(notebook):
    assert notebook.asked == []
    assert notebook.problems == []
    notebook.wait_for("() => [...document.querySelectorAll('.fdnb-map-banner')].every(banner => banner.hidden)")
