"""The live gallery in a real JupyterLab, in a real browser: what is seen, what keys do, what the kernel then knows.

Screenshots are left in ``build/screenshots``.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import fastdup_nb as fd

from .lab import Notebook, find_barriers, open_browser, serve_lab
from .test_lab import contrast

pytestmark = pytest.mark.browser

SHOTS = Path(__file__).resolve().parent.parent / "build" / "screenshots"
RESET = """
sizes = [(one, one.page_size) for one in (g, o, c, e, a, x.gallery)]
def reset():
    for name in {"b", "r", "s", "two"} & set(globals()):
        globals().pop(name).close()
    for one, size in sizes:
        one._query = {**one._query, "text": "", "tag": "", "row": -1, "sort": ""}
        one.page, one.page_size, one.thumbnail_size, one.selection = 0, size, 128, []
    p.selection, x.map.selection = [], []
    ds.tags.judge(ds.tags.pairs(), None)
    for tag in ds.tags.counts().index:
        ds.tags.remove(ds.tagged(tag), tag)
"""
# What a test that failed may have left: something open, a cell of its own, a place where another test does not look.
TIDY = """async (n_cells) => {
  const notebook = window.__nb.content, {commands} = window.jupyterapp;
  const click = (where, name) => document.querySelectorAll(where).forEach(one => one.closest('.fdnb-app')
    .querySelector(`button${name}`).click());
  click('.fdnb-viewer:not([hidden])', '[title=Escape]');
  click('.fdnb-help:not([hidden])', '[aria-label=Keys]');
  click('.fdnb-map-help:not([hidden])', '[aria-label=Help]');
  document.activeElement.blur();
  document.querySelectorAll('.fdnb-gallery').forEach(root => { root.style.width = ''; });
  while (notebook.widgets.length > n_cells) {
    notebook.activeCellIndex = notebook.widgets.length - 1;
    await commands.execute('notebook:delete-cell');
  }
  notebook.node.scrollTop = 0;
}"""
COLORS = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (color) => { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
    return `rgb(${pen.getImageData(0, 0, 1, 1).data.slice(0, 3).join(',')})`; };
  return [...document.querySelectorAll('.fdnb-gallery')].flatMap(g =>
    [...g.querySelectorAll('.fdnb-id, small, .fdnb-name, button, code')]
      .filter(n => n.offsetParent && n.textContent && !n.disabled && !n.matches('.fdnb-which'))
      .map(n => [rgb(getComputedStyle(n).color), rgb(getComputedStyle(g).backgroundColor)]));
}"""
CELLS = [
    "import fastdup_nb as fd\nds = fd.Dataset('sample', labels='folder', tags='tags.sqlite')\ndups = ds.duplicates()",
    "g = dups.gallery()\ng",
    "g",
    "o = ds.outliers().gallery(page_size=12)\no",
    "c = ds.clusters().gallery()\nc",
    "e = ds.gallery([])\ne",
    "p = ds.duplicates().gallery(backend='ipywidgets', page_size=12)\np",
    "a = ds.annotate(['photo', 'drawing'], ds.outliers().table.head(20), page_size=12)\na",
    "x = ds.explore(color='label', method='pca')\nx",
    RESET,
]
OF_IPYWIDGETS_7 = {"Cannot convert undefined or null to object"}  # where a widget is closed while it is in view
SIZE = {"width": 1280, "height": 5200}
N_GALLERIES = 7
LOADED = """() => [...document.querySelectorAll('.fdnb-grid')].every(grid => grid.ariaBusy === 'false')
  && [...document.querySelectorAll('.fdnb-gallery img')].every(i => i.complete && i.naturalWidth)"""
FRAMES = """async () => {
  for (let i = 0; i < 4; i++) await new Promise(drawn => requestAnimationFrame(drawn));
}"""
OPENED = """() => [...document.querySelectorAll('.fdnb-viewer:not([hidden]) .fdnb-frame img')]
  .filter(i => i.complete && i.naturalWidth > 200).length === 2"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    fd.sample(folder / "sample")
    write_notebook(folder / "live.ipynb", CELLS)
    with pytest.MonkeyPatch.context() as patch, open_browser(**SIZE) as context:
        patch.setenv("FASTDUP_NB_CACHE", str(folder / "cache"))
        with serve_lab(folder) as address:
            notebook = Notebook(context, address, "live.ipynb").run_all()
            wait_for_galleries(notebook)
            yield notebook
            notebook.close()


def write_notebook(path: Path, cells: list[str]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = kernel
    nbformat.write(notebook, path)


@pytest.fixture
def page(lab):
    """The page as it was in the beginning, whatever an earlier test has left."""
    lab.page.set_viewport_size(SIZE)
    lab.page.emulate_media(reduced_motion="no-preference")
    lab.ask(TIDY, len(CELLS))
    lab.kernel_eval("reset()")
    wait_for_galleries(lab)
    return lab.page


def wait_for_galleries(lab, n=N_GALLERIES):
    """Wait until so many galleries are there with all pictures, and the map and the plain gallery.

    They may be more: of a page that is loaded slowly JupyterLab shows some outputs twice.
    """
    lab.wait_for(
        f"""() => document.querySelectorAll('.fdnb-gallery').length >= {n} && ({LOADED})()
          && document.querySelector('.fdnb-map')?.dataset.drawn
          && [...document.querySelectorAll('.widget-html img')].filter(i => i.complete).length >= 12"""
    )


def gallery(page, place=0):
    return page.locator(".fdnb-gallery").nth(place)


def tile(page, place, which=0):
    return gallery(page, which).locator(".fdnb-tile").nth(place)


def focus(page, place, which=0):
    tile(page, place, which).locator(".fdnb-id").click()


def open_beside(lab, page):
    """Open the second picture beside the one that stays, and wait for both."""
    focus(page, 1)
    page.keyboard.press("Enter")
    lab.wait_for(OPENED)


def test_the_tiles_are_there_and_the_static_twin_is_hidden(lab, page):
    assert gallery(page).locator(".fdnb-tile img").count() >= 15
    assert page.locator(".fdnb-twin:visible").count() == 0
    assert page.locator(".fdnb-twin img").count() >= 12
    assert page.locator(".fdnb-twin:not(:has(.jupyter-widgets))").count() >= 5


def test_keys_move_select_tag_and_undo_and_the_kernel_knows(lab, page):
    ids = lab.kernel_eval("g._controller.ids[:3]")
    focus(page, 0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    lab.wait_for_kernel("ds.tagged('drop')", [ids[1]])
    page.keyboard.press("k")
    lab.wait_for_kernel("(ds.tagged('drop'), ds.tagged('keep'))", ([], [ids[1]]))
    page.keyboard.press("u")
    lab.wait_for_kernel("(ds.tagged('drop'), ds.tagged('keep'))", ([ids[1]], []))
    page.keyboard.press("Shift+U")
    lab.wait_for_kernel("ds.tagged('keep')", [ids[1]])
    page.keyboard.press("Backspace")
    lab.wait_for_kernel("ds.tagged('keep')", [])
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    lab.wait_for_kernel("g.selection", ids[1:3])
    page.keyboard.press("3")
    lab.wait_for_kernel("sorted(ds.tagged('review'))", sorted(ids[1:3]))
    assert tile(page, 1).get_attribute("aria-selected") == "true"
    assert "review" in tile(page, 2).get_attribute("aria-label")
    page.keyboard.press("Escape")
    lab.wait_for_kernel("g.selection", [])
    page.keyboard.press("Control+a")
    lab.wait_for_kernel("len(g.selection)", gallery(page).locator(".fdnb-tile").count())


def test_keys_pressed_faster_than_they_are_answered_leave_tiles_as_the_kernel_has_them(lab, page):
    focus(page, 1)
    for _ in range(4):
        page.keyboard.press("d")
        page.keyboard.press("ArrowRight")
    lab.wait_for_kernel("len(ds.tagged('drop'))", 4)
    page.evaluate(
        """() => { for (let i = 0; i < 3; i++)
          document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'u', bubbles: true})); }"""
    )
    lab.wait_for_kernel("ds.tagged('drop')", lab.kernel_eval("g._controller.ids[1:2]"))
    lab.wait_for("() => document.querySelector('.fdnb-gallery').querySelectorAll('.fdnb-dropped').length === 1")
    assert "drop" in tile(page, 1).locator(".fdnb-chips").inner_text()


def test_that_the_kernel_is_busy_is_said_until_it_has_answered(lab, page):
    error = gallery(page).locator(".fdnb-error")
    lab.kernel_eval("exec('import os, threading, time')")
    free = Path(lab.kernel_eval("os.path.abspath('free')"))
    lab.kernel_eval(
        "exec('def hold():\\n with g._controller.lock:\\n  while not os.path.exists(\"free\"): time.sleep(0.05)')"
    )
    focus(page, 0)
    lab.kernel_eval("threading.Thread(target=hold).start()")
    gallery(page).get_by_label("Sort", exact=True).select_option("tier")
    error.filter(has_text="The kernel is busy").wait_for()
    focus(page, 0)
    page.keyboard.press("u")
    free.touch()
    error.wait_for(state="hidden")
    lab.wait_for(LOADED)


def test_pages_turn_by_key_and_button_and_views_stay_in_step(lab, page):
    before = tile(page, 0).get_attribute("aria-label")
    focus(page, 0)
    page.keyboard.press("PageDown")
    lab.wait_for_kernel("g.page", 1)
    lab.wait_for(LOADED)
    assert tile(page, 0).get_attribute("aria-label") != before
    assert tile(page, 0, 1).get_attribute("aria-label") == tile(page, 0).get_attribute("aria-label")
    assert page.evaluate("document.activeElement.className") == "fdnb-tile"
    gallery(page, 1).get_by_label("Previous page").click()
    lab.wait_for_kernel("g.page", 0)
    lab.wait_for(LOADED)
    assert tile(page, 0).get_attribute("aria-label") == before


def test_filters_and_sorts_answer_and_an_empty_answer_says_so(lab, page):
    search = gallery(page).get_by_label("Filter by path or label")
    search.fill("pagoda")
    lab.wait_for_kernel("g._query['text']", "pagoda")
    lab.wait_for("() => document.querySelector('.fdnb-count').textContent.includes('in 1 group')")
    search.fill("nothing is called so")
    lab.wait_for("() => document.querySelector('.fdnb-gallery .fdnb-empty')?.textContent.includes('Nothing matches')")
    search.fill("")
    lab.wait_for_kernel("g._query['text']", "")
    lab.wait_for(LOADED)
    gallery(page).get_by_label("Sort", exact=True).select_option("least similar first")
    lab.wait_for(LOADED)
    lab.wait_for_kernel("g._query['sort']", "least similar first")
    least = lab.kernel_eval("str(dups.groups['min_similarity'].idxmin())")
    assert f"Group {least}:" in gallery(page).locator(".fdnb-row-words b").first.inner_text()


def test_a_picture_opens_beside_the_one_that_stays_and_closes(lab, page):
    open_beside(lab, page)
    viewer = gallery(page).locator(".fdnb-viewer")
    assert "Stays" in viewer.inner_text()
    SHOTS.mkdir(parents=True, exist_ok=True)
    gallery(page).screenshot(path=SHOTS / "gallery_compare_light.png")
    zoom = viewer.get_by_role("button", name="100 %")
    assert zoom.is_enabled()
    page.keyboard.press("m")
    assert viewer.locator(".fdnb-subtract").count() == 1
    assert zoom.is_disabled()
    page.keyboard.press("m")
    assert viewer.locator(".fdnb-top").count() == 1
    page.keyboard.press("c")
    lab.wait_for("() => document.querySelectorAll('.fdnb-viewer:not([hidden]) .fdnb-near img').length >= 3")
    gallery(page).screenshot(path=SHOTS / "gallery_open_light.png")
    page.keyboard.press("d")
    lab.wait_for_kernel("ds.tagged('drop')", lab.kernel_eval("g._controller.ids[1:2]"))
    page.keyboard.press("Escape")
    assert viewer.is_hidden()
    assert page.evaluate("document.activeElement.dataset.place") == "1"


def test_a_cluster_opens_to_page_through_all_its_members(lab, page):
    size = lab.kernel_eval("int(c._controller.deck.rows['size'].iloc[0])")
    clusters = gallery(page, 3)
    clusters.locator(".fdnb-row-tools button").first.click()
    lab.wait_for_kernel("c._query['row']", 0)
    lab.wait_for(LOADED)
    assert clusters.locator(".fdnb-count").inner_text() == f"Cluster 0: {size} images"
    clusters.locator(".fdnb-back").click()
    lab.wait_for_kernel("c._query['row']", -1)
    lab.wait_for(LOADED)


def test_notebook_shortcuts_rest_while_the_gallery_has_the_focus_and_work_when_it_has_not(lab, page):
    n_cells = page.evaluate("() => window.__nb.content.widgets.length")
    focus(page, 0)
    for key in ("x", "a", "b", "m", "y"):
        page.keyboard.press(key)
    assert page.evaluate("() => window.__nb.content.widgets.length") == n_cells
    page.evaluate("() => { const n = window.__nb.content; n.activeCellIndex = 0; n.mode = 'command'; n.node.focus(); }")
    page.keyboard.press("b")
    lab.wait_for("(n) => window.__nb.content.widgets.length === n + 1", arg=n_cells)
    lab.ask("() => window.jupyterapp.commands.execute('notebook:delete-cell')")
    lab.wait_for("(n) => window.__nb.content.widgets.length === n", arg=n_cells)


def test_what_is_no_duplicate_is_marked_and_remembered(lab, page):
    focus(page, 1)
    page.keyboard.press("n")
    lab.wait_for_kernel("len(ds.tags.pairs())", 1)
    lab.wait_for("() => document.querySelector('.fdnb-tile[data-place=\"1\"]').textContent.includes('not a duplicate')")
    page.keyboard.press("u")
    lab.wait_for_kernel("len(ds.tags.pairs())", 0)


def test_a_digit_labels_and_goes_on_over_the_end_of_the_page(lab, page):
    ids = lab.kernel_eval("a._controller.ids[:13]")
    focus(page, 0, 5)
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("s")
    lab.wait_for_kernel("a.to_frame()['label'].dropna().to_dict()", {ids[0]: "photo", ids[1]: "drawing"})
    lab.wait_for_kernel("ds.tagged('skipped')", ids[2:3])
    page.keyboard.press("u")
    lab.wait_for_kernel("ds.tagged('skipped')", [])
    gallery(page, 5).locator(".fdnb-progress", has_text="2 labeled, 0 skipped, 18 to go").wait_for()
    focus(page, 11, 5)
    page.keyboard.press("1")
    lab.wait_for_kernel("a.page", 1)
    lab.wait_for("() => document.activeElement?.dataset?.place === '0'")
    page.keyboard.press("2")
    lab.wait_for_kernel(
        "ds.tagged('drawing')", lab.kernel_eval(f"[i for i in ds.image_ids if i in {[ids[1], ids[12]]!r}]")
    )
    lab.kernel_eval("setattr(a, 'page', 0)")


def test_what_is_selected_on_the_map_is_what_its_gallery_shows(lab, page):
    lab.kernel_eval("setattr(x.map, 'selection', x.gallery._controller.ids[5:8])")
    lab.wait_for("() => [...document.querySelectorAll('.fdnb-gallery')].at(-1).textContent.includes('3 images')")
    focus(page, 1, 6)
    page.keyboard.press("d")
    lab.wait_for_kernel("ds.tagged('drop')", lab.kernel_eval("[i for i in ds.image_ids if i in x.map.selection]"))
    lab.kernel_eval("setattr(x.map, 'selection', [])")


def test_one_tile_alone_is_in_the_order_of_tabs_also_after_pictures_were_paged_through(lab, page):
    focus(page, 0)
    for key in ("Enter", "ArrowRight", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    stops = gallery(page).locator('.fdnb-tile[tabindex="0"]')
    assert stops.count() == 1
    assert stops.get_attribute("data-place") == "2"


def test_tab_leaves_the_gallery(lab, page):
    focus(page, 1)
    for _ in range(40):
        page.keyboard.press("Tab")
        if not page.evaluate("() => document.querySelector('.fdnb-gallery').contains(document.activeElement)"):
            return
    pytest.fail("forty times Tab, and still in the gallery")


def test_the_plain_gallery_reviews_too(lab, page):
    plain = page.locator(".jp-OutputArea .widget-html img").first
    assert plain.is_visible()
    page.locator(".jp-OutputArea .widget-toggle-button").nth(1).click()
    lab.wait_for_kernel("p.selection", lab.kernel_eval("p._controller.ids[1:2]"))
    page.locator(".jp-OutputArea .widget-button", has_text="drop").last.click()
    lab.wait_for_kernel("ds.tagged('drop')", lab.kernel_eval("p.selection"))


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_either_theme(lab, page, theme):
    lab.set_theme(theme)
    focus(page, 1)
    page.keyboard.press("Space")
    page.keyboard.press("d")
    page.keyboard.press("ArrowRight")
    lab.wait_for_kernel("ds.tagged('drop') == g.selection == g._controller.ids[1:2]", True)
    name = theme.split()[1].lower()
    SHOTS.mkdir(parents=True, exist_ok=True)
    for place, view in enumerate(["duplicates", "", "outliers", "clusters", "empty"]):
        if view:
            gallery(page, place).screenshot(path=SHOTS / f"gallery_{view}_{name}.png")
    page.screenshot(path=SHOTS / f"gallery_page_{name}.png")
    colors = page.evaluate(COLORS)
    assert len(colors) > 100
    assert min(contrast(color, ground) for color, ground in colors) >= 4.5
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.fdnb-gallery')].map(g => g.scrollWidth - g.clientWidth)"
    )
    assert max(wide) <= 0


def test_each_image_has_a_name_and_roles_fit(lab, page):
    assert page.locator(".fdnb-gallery img:not([alt])").count() == 0
    assert gallery(page).get_by_role("grid").count() == 1
    assert gallery(page).locator('.fdnb-tile[tabindex="0"]').count() == 1
    assert gallery(page).get_by_role("row").count() >= 3
    assert gallery(page).get_by_role("status").count() == 1
    assert gallery(page).get_by_role("rowheader").count() == gallery(page).get_by_role("row").count()
    assert page.locator('.fdnb-app[role="region"]').count() == 0  # landmarks have to be few, and named each
    assert page.locator(".fdnb-grid:not([role])[aria-label]").count() == 0
    scrolled = (
        page.locator("code")
        .filter(has_not_text="import")
        .evaluate_all("codes => codes.filter(c => c.closest('.fdnb-code') && c.tabIndex !== 0).length")
    )
    assert scrolled == 0


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_barrier_in_any_view(lab, page, theme):
    lab.set_theme(theme)
    plain = ".jp-OutputArea-output:has(.widget-toggle-button)"
    assert find_barriers(page, ".fdnb-gallery", ".fdnb-map", plain) == []
    focus(page, 1)
    for key in ("Space", "d", "?"):
        page.keyboard.press(key)
    assert find_barriers(page, ".fdnb-gallery") == []
    page.keyboard.press("?")
    page.keyboard.press("Enter")
    lab.wait_for(OPENED)
    assert find_barriers(page, ".fdnb-gallery") == []
    page.keyboard.press("m")
    assert find_barriers(page, ".fdnb-gallery") == []
    page.keyboard.press("c")
    lab.wait_for("() => document.querySelectorAll('.fdnb-viewer:not([hidden]) .fdnb-near img').length >= 3")
    assert find_barriers(page, ".fdnb-gallery") == []
    page.keyboard.press("Escape")


def test_pages_and_thumbnails_take_the_size_that_is_chosen(lab, page):
    outliers = gallery(page, 2)
    before = tile(page, 0, 2).locator("img").first.bounding_box()["width"]
    outliers.get_by_label("Images on a page").select_option("24")
    outliers.get_by_role("button", name="L", exact=True).click()
    lab.wait_for_kernel("(o.page_size, o.thumbnail_size)", (24, 176))
    lab.wait_for("() => document.querySelectorAll('.fdnb-gallery')[2].querySelectorAll('.fdnb-tile').length === 24")
    assert tile(page, 0, 2).locator("img").first.bounding_box()["width"] > before
    lab.kernel_eval("setattr(o, 'page_size', 12), setattr(o, 'thumbnail_size', 128)")
    lab.wait_for(LOADED)


def test_nothing_blinks_by_itself_where_motion_is_not_wanted(lab, page):
    page.emulate_media(reduced_motion="reduce")
    open_beside(lab, page)
    gallery(page).get_by_role("button", name="Blink").click()
    word = gallery(page).locator(".fdnb-which")
    page.wait_for_timeout(1500)
    assert word.inner_text() == "other"
    page.keyboard.press("Space")
    assert word.inner_text() == "stays"
    gallery(page).get_by_role("button", name="Side by side").click()


def test_in_a_narrow_cell_a_picture_opens_large_and_nothing_is_cut_off(lab, page):
    page.set_viewport_size({**SIZE, "width": 560})
    open_beside(lab, page)
    lab.wait_for(
        """() => {
          const frames = [...document.querySelector('.fdnb-gallery').querySelectorAll('.fdnb-frame')];
          return frames.length > 1 && frames.every(frame => frame.getBoundingClientRect().height >= 200);
        }""",
    )
    page.keyboard.press("c")
    lab.wait_for("() => document.querySelectorAll('.fdnb-viewer:not([hidden]) .fdnb-near img').length >= 3")
    lab.wait_for("() => document.querySelector('.fdnb-viewer:not([hidden]) .fdnb-frame img')?.width > 200")
    page.keyboard.press("Escape")
    words = gallery(page).locator(".fdnb-row-words").first.bounding_box()
    assert tile(page, 0).bounding_box()["y"] - words["y"] - words["height"] < 24
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.fdnb-gallery')].map(g => g.scrollWidth - g.clientWidth)"
    )
    assert max(wide) <= 0


def test_one_picture_at_a_time_is_labeled_at_its_full_size(lab, page):
    lab.run("b = ds.annotate(['photo', 'drawing'], ds.image_ids[:9], page_size=1)\nb")
    ids = lab.kernel_eval("b._controller.ids[:3]")
    one = gallery(page, 7)
    lab.wait_for("() => document.querySelector('.fdnb-viewer:not([hidden]) img')?.naturalWidth > 200")
    assert one.locator(".fdnb-viewer .fdnb-frame img").bounding_box()["width"] > 200
    assert one.get_by_label("Images on a page").input_value() == "1"
    one.locator(".fdnb-viewer-bar b").click()
    for key, n in (("1", 1), ("2", 2)):
        page.keyboard.press(key)
        lab.wait_for_kernel("b.page", n)
        name = ids[n].rpartition("/")[2]
        lab.wait_for(
            "(name) => [...document.querySelectorAll('.fdnb-viewer-bar b')].some(b => b.textContent === name)", arg=name
        )
    lab.wait_for_kernel("b.to_frame()['label'].dropna().to_dict()", {ids[0]: "photo", ids[1]: "drawing"})


def test_labels_stand_above_the_images_and_both_are_in_view_on_a_small_screen(lab, page):
    lab.run("b = ds.annotate(['photo', 'drawing'], ds.image_ids[:24])\nb")
    page.wait_for_function(LOADED)
    page.set_viewport_size({"width": 1000, "height": 800})
    one = gallery(page, 7)
    one.locator(".fdnb-tile").first.focus()
    for i in range(20):
        page.keyboard.press("1")
        page.wait_for_function("(place) => document.activeElement?.dataset.place === place", arg=str(i + 1))
    labels = one.get_by_role("toolbar", name="Labels").bounding_box()
    focused = one.locator(".fdnb-tile:focus").bounding_box()
    shown = page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.bounding_box()
    assert shown["y"] <= labels["y"]
    assert labels["y"] + labels["height"] <= focused["y"]
    assert focused["y"] + focused["height"] <= shown["y"] + shown["height"]
    assert one.get_by_role("button", name="drawing").locator("kbd").inner_text() == "2"
    page.set_viewport_size({"width": 1280, "height": 5200})
    lab.kernel_eval("b.close()")


def test_a_long_name_is_cut_in_the_middle_and_told_in_full(lab, page):
    cat = "sample/train/animal/cat.jpg"
    names = ["IMG_20260101_120000_0042.jpg", "תמונה_ארוכה_מהחופשה_האחרונה_0042.jpg", f"{'日本語' * 9}.jpg", "a.jpg"]
    lab.run(
        "import os, shutil\nos.makedirs('long', exist_ok=True)\n"
        f"for name in {names!r}: shutil.copy({cat!r}, f'long/{{name}}')\n"
        "l = fd.Dataset('long', cache=None, tags=None).gallery(sorted(os.listdir('long')))\nl"
    )
    page.wait_for_function(LOADED)
    one = gallery(page, 7)
    for name in names:
        cell = one.locator(f'.fdnb-tile:has(.fdnb-id[title="{name}"])')
        assert cell.get_attribute("aria-label").startswith(name)
        caption = cell.locator(".fdnb-id")
        assert caption.text_content() == name
        begin, end = caption.bounding_box(), caption.locator("span").last.bounding_box()
        assert begin["x"] <= end["x"]
        assert end["x"] + end["width"] <= begin["x"] + begin["width"] + 1
        cut = caption.locator("span").evaluate_all("spans => spans.map(s => s.scrollWidth > s.clientWidth)")
        assert cut == ([False] if name == "a.jpg" else [True, False])
    direction = one.locator(".fdnb-id").evaluate_all("n => n.map(n => getComputedStyle(n).direction)")
    assert sorted(direction) == ["ltr", "ltr", "ltr", "rtl"]
    lab.kernel_eval("l.close()")


def test_typing_a_filter_over_an_open_picture_tags_nothing(lab, page):
    focus(page, 1)
    page.keyboard.press("Enter")
    gallery(page).get_by_label("Filter by path or label").click()
    for key in "kd":
        page.keyboard.press(key)
        page.wait_for_timeout(400)
    lab.wait_for_kernel("g._query['text']", "kd")
    assert lab.kernel_eval("[ds.tagged('keep'), ds.tagged('drop')]") == [[], []]


def test_the_picture_that_stays_opens_alone_and_others_beside_it(lab, page):
    focus(page, 0)
    page.keyboard.press("Enter")
    assert gallery(page).locator(".fdnb-single").count() == 1
    page.keyboard.press("ArrowRight")
    assert gallery(page).locator(".fdnb-viewer-bar b").inner_text() != ""
    page.keyboard.press("c")
    stays = gallery(page).locator(".fdnb-version").first.inner_text()
    assert str(lab.kernel_eval("str(dups.groups['representative'].iloc[0])")) in stays
    page.keyboard.press("Escape")


def test_a_selection_made_in_python_is_what_a_key_tags(lab, page):
    ids = lab.kernel_eval("[g._controller.ids[1], g._controller.ids[60]]")
    lab.kernel_eval(f"setattr(g, 'selection', {ids!r})")
    lab.wait_for(
        "() => document.querySelector('.fdnb-selected').textContent.includes('2 selected (1 not on this page)')"
    )
    focus(page, 3)
    page.keyboard.press("d")
    lab.wait_for_kernel("set(ds.tagged('drop'))", set(ids))


def test_a_range_shrinks_again_and_leaves_what_was_selected_before(lab, page):
    ids = lab.kernel_eval("o._controller.ids[:8]")
    focus(page, 2, 2)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    lab.wait_for_kernel("set(o.selection)", {ids[2], *ids[4:8]})
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    lab.wait_for_kernel("set(o.selection)", {ids[2], *ids[4:6]})
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    lab.wait_for_kernel("set(o.selection)", set(ids[2:5]))
    page.keyboard.press("Shift+ArrowRight")
    lab.wait_for_kernel("set(o.selection)", set(ids[2:5]))
    tile(page, 6, 2).locator(".fdnb-id").click(modifiers=["Shift"])
    lab.wait_for_kernel("set(o.selection)", {ids[2], *ids[4:7]})
    page.keyboard.press("Escape")
    lab.wait_for_kernel("o.selection", [])


def test_what_the_filter_hides_of_the_selection_is_told_and_no_key_reaches_it(lab, page):
    ids = lab.kernel_eval("[i for i in o._controller.ids if 'cat' in i or 'engine' in i]")
    engines = [i for i in ids if "engine" in i]
    lab.kernel_eval(f"setattr(o, 'selection', {ids!r})")
    gallery(page, 2).get_by_label("Filter by path or label").fill("engine")
    hidden = f"{len(ids) - len(engines)} hidden by the filter"
    lab.wait_for("(words) => document.querySelectorAll('.fdnb-selected')[2].textContent.includes(words)", arg=hidden)
    focus(page, 0, 2)
    page.keyboard.press("d")
    lab.wait_for_kernel("sorted(ds.tagged('drop'))", sorted(engines))
    gallery(page, 2).get_by_label("Filter by path or label").fill("")
    lab.wait_for_kernel("o._query['text']", "")
    lab.kernel_eval("setattr(o, 'selection', [])")


def test_a_tag_is_pressed_where_the_image_has_it_and_another_session_s_tag_is_seen(lab, page):
    first = lab.kernel_eval("o._controller.ids[0]")
    focus(page, 0, 2)
    drop = gallery(page, 2).locator('[data-tag="drop"]')
    assert drop.get_attribute("aria-pressed") == "false"
    lab.kernel_eval(f"fd.Dataset('sample', labels='folder', tags='tags.sqlite').tags.add({first!r}, 'drop').text")
    lab.wait_for(
        "() => document.querySelectorAll('.fdnb-gallery')[2].querySelector('[data-tag=drop]').ariaPressed === 'true'"
    )
    assert "tags: drop" in tile(page, 0, 2).get_attribute("aria-label")
    assert "in another session" in gallery(page, 2).locator(".fdnb-status").inner_text()


def test_aria_tells_the_place_of_rows_and_tiles_over_all_pages(lab, page):
    lab.kernel_eval("setattr(o, 'page', 1)")
    lab.wait_for("() => document.querySelectorAll('.fdnb-grid')[2].querySelector('[aria-rowindex=\"2\"]')")
    grid = gallery(page, 2).locator(".fdnb-grid")
    n_pages = lab.kernel_eval("-(-len(o._controller.ids) // 12)")
    assert [grid.get_attribute(f"aria-{name}") for name in ("rowcount", "colcount")] == [str(n_pages), "12"]
    assert tile(page, 3, 2).get_attribute("aria-colindex") == "4"
    lab.kernel_eval("setattr(o, 'page', 0)")
    rows = gallery(page).locator(".fdnb-group")
    assert rows.first.get_attribute("aria-rowindex") == "1"
    assert rows.first.locator(".fdnb-tile").first.get_attribute("aria-colindex") == "2"


def test_a_gallery_that_has_a_name_tells_code_with_it(lab, page):
    assert lab.kernel_eval("e.code") == "e.table"
    lab.kernel_eval("setattr(x.map, 'selection', x.gallery._controller.ids[:9])")
    lab.wait_for_kernel("eval(x.gallery.code.split('; ')[0].removeprefix('t = ')).equals(x.gallery.table)", True)
    lab.kernel_eval("setattr(x.map, 'selection', [])")


def test_undo_and_redo_stay_together_at_the_end_of_a_narrow_foot(lab, page):
    boxes = [gallery(page, 6).get_by_role("button", name=name).bounding_box() for name in ("Undo", "Redo")]
    assert boxes[0]["y"] == boxes[1]["y"]
    search = gallery(page).get_by_label("Filter by path or label")
    assert search.evaluate(
        "box => box.clientWidth - 24 >= new OffscreenCanvas(1, 1).getContext('2d').measureText(box.placeholder).width"
    )


def test_rows_are_opened_and_reviewed_by_keys(lab, page):
    focus(page, 0)
    page.keyboard.press("Shift+D")
    others = lab.kernel_eval(
        "[i for i in ds.image_ids if i in set(dups.members.query('group == 0 and not is_kept').index)]"
    )
    lab.wait_for_kernel("ds.tagged('drop')", others)
    page.keyboard.press("o")
    lab.wait_for_kernel("g._query['row']", 0)
    lab.wait_for(LOADED)
    assert page.evaluate("() => document.querySelector('.fdnb-gallery').contains(document.activeElement)")


def test_of_two_views_one_goes_and_the_other_lives_on_without_its_twin(lab, page):
    lab.run("two = ds.outliers().gallery(page_size=12)\ntwo")
    lab.run("two")
    wait_for_galleries(lab, N_GALLERIES + 2)
    views = page.locator(".fdnb-gallery[aria-label=Outliers]")
    n = views.count()
    lab.ask("() => window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    lab.wait_for("n => document.querySelectorAll('.fdnb-gallery[aria-label=Outliers]').length === n", arg=n - 1)
    assert page.locator(".fdnb-twin:visible").count() == 0
    views.last.locator(".fdnb-id").first.click()
    page.keyboard.press("PageDown")
    lab.wait_for_kernel("two.page", 1)
    lab.kernel_eval("two.close()")
    lab.wait_for("() => [...document.querySelectorAll('.fdnb-twin')].some(t => t.offsetParent)")


def test_the_lines_of_a_group_share_its_tiles_evenly_at_any_width(lab, page):
    lines = """() => {
      const rows = [...document.querySelector('.fdnb-gallery').querySelectorAll('.fdnb-group')].map(group => {
        const tops = [...group.querySelectorAll('.fdnb-tile')].map(tile => tile.offsetTop);
        return [...new Set(tops)].map(top => tops.filter(one => one === top).length);
      });
      return rows;
    }"""
    root = gallery(page)
    seen = set()
    for width in (1150, 950, 800, 600, 420):
        root.evaluate("(root, width) => { root.style.width = `${width}px`; }", width)
        page.evaluate(FRAMES)  # each view is told of its width by the next of them
        for counts in page.evaluate(lines):
            assert max(counts) - min(counts) <= len(counts) - 1, (width, counts)
            assert len(counts) == 1 or sum(counts) == 5 or min(counts) > 1, (width, counts)
            seen.add(len(counts))
        assert root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert len(seen) > 1


def test_labeling_waits_where_it_goes_on_without_taking_the_focus(lab, page):
    ids = lab.kernel_eval("a._controller.ids[:3]")
    for image_id in ids[:2]:
        lab.kernel_eval(f"ds.tags.add({image_id!r}, 'photo') and None")
    lab.run("b = ds.annotate(['photo', 'drawing'], ds.outliers().table.head(20), page_size=12)\nb")
    last = page.locator(".fdnb-gallery").last
    lab.wait_for(
        "() => [...document.querySelectorAll('.fdnb-gallery')].at(-1).querySelector('.fdnb-grid').ariaBusy === 'false'"
    )
    assert last.locator(".fdnb-tile[tabindex='0']").evaluate_all("all => all.map(one => one.dataset.place)") == ["2"]
    assert last.locator(".fdnb-tag[aria-pressed='true']").count() == 0
    assert not last.evaluate("root => root.contains(document.activeElement)")
    last.locator(".fdnb-tile[tabindex='0']").focus()
    page.keyboard.press("2")
    lab.wait_for_kernel(f"ds.tags.of([{ids[2]!r}])[{ids[2]!r}]", ("drawing",))


@pytest.mark.parametrize("width", [440, 660, 860, 1150])
def test_nothing_moves_when_something_is_selected_and_tagged(lab, page, width):
    gallery(page).evaluate("(root, width) => { root.style.width = `${width}px`; }", width)
    focus(page, 2)
    places = """(root) => {
      const parts = [root, ...root.querySelectorAll('.fdnb-tag, .fdnb-grid')];
      const [top, ...boxes] = parts.map(part => part.getBoundingClientRect());
      return boxes.map(box => [box.x - top.x, box.y - top.y]);
    }"""
    before = gallery(page).evaluate(places)
    page.keyboard.press(" ")
    lab.wait_for("() => document.querySelector('.fdnb-selected').textContent === '1 selected'")
    page.keyboard.press("3")
    lab.wait_for("() => document.querySelector('.fdnb-status').textContent.includes('review')")
    assert gallery(page).evaluate(places) == before
    assert gallery(page).evaluate("(root) => root.scrollWidth <= root.clientWidth")


def test_where_there_is_room_more_of_a_row_stands_side_by_side(lab, page):
    rows = """() => [...document.querySelectorAll('.fdnb-gallery')[3].querySelectorAll('.fdnb-group')].map(group => {
      const tiles = [...group.querySelectorAll('.fdnb-tile')];
      return [tiles.length, new Set(tiles.map(tile => tile.offsetTop)).size, group.querySelector('button').textContent];
    })"""
    size = lab.kernel_eval("int(c._controller.deck.rows['size'].iloc[0])")
    assert page.evaluate(rows)[0] == [6, 1, f"Open all {size}"]
    focus(page, 3, 3)
    page.set_viewport_size({**SIZE, "width": 1700})
    lab.wait_for(f"() => ({rows})()[0][0] > 8")
    assert page.evaluate(rows)[0][1:] == [1, f"Open all {size}"]
    assert page.evaluate("() => document.activeElement.dataset.place") == "3"
    n = page.evaluate("() => document.activeElement.closest('.fdnb-grid').querySelectorAll('.fdnb-tile').length")
    page.keyboard.press("Control+a")
    lab.wait_for_kernel("len(c.selection)", n)
    page.set_viewport_size({**SIZE, "width": 700})
    lab.wait_for(f"() => ({rows})()[0][0] === 6")


@pytest.mark.parametrize(("which", "last", "height"), [(0, 15, 700), (0, 15, 1000), (2, 11, 700)])
def test_what_is_opened_far_below_is_in_view_with_its_tags(lab, page, which, last, height):
    page.set_viewport_size({"width": 1200, "height": height})
    tile(page, last, which).locator(".fdnb-pic").first.click()
    lab.wait_for("() => document.querySelector('.fdnb-viewer:not([hidden]) .fdnb-frame img')?.naturalWidth > 200")
    shown = page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.bounding_box()
    tags = gallery(page, which).get_by_role("toolbar", name="Tags").bounding_box()
    frame = gallery(page, which).locator(".fdnb-frame").first.bounding_box()
    assert shown["y"] <= tags["y"] + 1
    assert tags["y"] + tags["height"] < frame["y"]
    assert frame["y"] + frame["height"] <= shown["y"] + shown["height"]
    assert frame["height"] > 230


def test_escape_closes_the_help_first_wherever_the_focus_is(lab, page):
    for open_help in (
        lambda: page.keyboard.press("?"),
        lambda: gallery(page).get_by_role("button", name="Keys").click(),
    ):
        focus(page, 1)
        page.keyboard.press("Enter")
        open_help()
        assert gallery(page).locator(".fdnb-help").is_visible()
        page.keyboard.press("Escape")
        assert not gallery(page).locator(".fdnb-help").is_visible()
        assert gallery(page).locator(".fdnb-viewer").is_visible()
        gallery(page).get_by_role("button", name="Close").click()
    chart = page.locator(".fdnb-map").first
    chart.get_by_role("button", name="Help").click()
    assert chart.locator(".fdnb-map-help").is_visible()
    page.keyboard.press("Escape")
    assert not chart.locator(".fdnb-map-help").is_visible()


def test_a_page_is_asked_for_while_its_number_is_typed(lab, page):
    number = gallery(page).get_by_label("Page", exact=True)
    number.fill("6")
    lab.wait_for_kernel("any(page and g._controller.ids.index(page[0]) > 40 for page in g._served)", True)
    assert lab.kernel_eval("g.page") == 0
    number.press("Enter")
    lab.wait_for_kernel("g.page", 5)
    lab.wait_for(LOADED)


def test_no_tag_looks_like_another_and_none_is_markup(lab, page):
    name = lab.kernel_eval("g._controller.ids[0]")
    evil = ["\u202epeek", "<img src=x onerror=window.ran=1>", "a'\"` onclick=window.ran=1 🐈\u200d⬛ דג"]
    lab.kernel_eval(f"ds.tags.add({name!r}, {evil!r}).text")
    lab.wait_for("() => document.querySelectorAll('.fdnb-gallery')[0].querySelectorAll('.fdnb-chip').length === 3")
    chips = tile(page, 0).locator(".fdnb-chip").all_inner_texts()
    assert [chip.strip() for chip in chips] == ["\\u202epeek", *evil[1:]]
    assert "\u202e" not in page.locator(".jp-Notebook").inner_text()
    assert page.evaluate("() => [window.ran, document.querySelectorAll('img[src=x]').length]") == [None, 0]
    lab.kernel_eval(f"ds.tags.remove({name!r}, {evil!r}).text")


def test_run_again_a_cell_leaves_nothing_of_its_galleries_behind(lab, page):
    lab.run("r = ds.explore(color='label', method='pca')\nr")
    wait_for_galleries(lab, N_GALLERIES + 1)
    lab.kernel_eval("exec('import ipywidgets.widgets.widget as w')")
    models = "len(getattr(w, '_instances', w.Widget.widgets))"
    parts = "() => ['style', '.fdnb-app'].map(which => document.querySelectorAll(which).length)"
    n_models = lab.kernel_eval(models)
    before = page.evaluate(parts)
    for _ in range(5):
        lab.ask("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    lab.wait_for_kernel(models, n_models)
    wait_for_galleries(lab, N_GALLERIES + 1)
    lab.wait_for(f"before => JSON.stringify(({parts})()) === JSON.stringify(before)", before)


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong_in_the_page(lab):
    assert lab.asked == []
    assert [problem for problem in lab.problems if problem not in OF_IPYWIDGETS_7] == []


def test_the_saved_notebook_is_light_and_shows_pictures_again_when_the_gallery_goes(lab, page):
    lab.run("s = ds.outliers().gallery(page_size=12)\ns")
    wait_for_galleries(lab, N_GALLERIES + 1)
    assert page.locator(".fdnb-twin:visible").count() == 0
    lab.kernel_eval("s.close()")
    lab.wait_for("() => [...document.querySelectorAll('.fdnb-twin')].some(t => t.offsetParent !== null)")
    size = page.evaluate("() => JSON.stringify(window.__nb.content.widgets.at(-1).outputArea.model.toJSON()).length")
    assert 20_000 < size < 300_000


def test_a_page_loaded_again_has_its_gallery_alive_while_the_kernel_is(lab, page):
    lab.reload()
    wait_for_galleries(lab)
    assert gallery(page).locator(".fdnb-tile img:visible").count() >= 15
    focus(page, 1)
    page.keyboard.press("k")
    lab.wait_for_kernel("ds.tagged('keep')", lab.kernel_eval("g._controller.ids[1:2]"))


def test_after_the_kernel_is_gone_a_key_says_that_nothing_is_stored(lab, page):
    focus(page, 1)
    lab.ask("() => window.__nb.sessionContext.session.kernel.restart()")
    page.keyboard.press("d")
    lab.wait_for("() => /not stored/.test(document.querySelector('.fdnb-error').textContent)")
    assert gallery(page).locator(".fdnb-error").is_visible()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    lab.wait_for("() => /run the cell/.test(document.querySelector('.fdnb-error').textContent)")
    assert page.locator(".fdnb-twin:visible").count() == 0
    lab.run_all()
    wait_for_galleries(lab)
    assert page.locator(".fdnb-error:visible").count() == page.locator(".fdnb-twin:visible").count() == 0
    focus(page, 2)
    page.keyboard.press("k")
    lab.wait_for_kernel("ds.tagged('keep') == g._controller.ids[2:3]", True)
