"""The live gallery in Notebook 7 and in Voila, in a real browser."""

from __future__ import annotations

import re

import pytest

import fastdup_nb as fd

from .lab import Notebook, open_browser, serve_lab, watch
from .test_lab_gallery import LOADED, write_notebook

pytestmark = pytest.mark.browser

CELLS = [
    "import fastdup_nb as fd\nds = fd.Dataset('few', tags='tags.sqlite')\ng = ds.gallery(ds.images.index)\ng",
    "kept = 1",
]
SHOWN = f"() => document.querySelectorAll('.fdnb-tile img').length === 6 && ({LOADED})()"
ICONS = re.compile(r"https://cdn\.jsdelivr\.net/npm/@fortawesome/fontawesome-free@(\^|%5E)[0-9.]+/css/[\w.-]+\.css")
OF_NOTEBOOK_7 = {"Cannot read properties of undefined (reading 'schema')"}  # while it loads its own settings


@pytest.fixture
def folder(few, monkeypatch):
    """A folder with a notebook that shows a gallery of six images."""
    monkeypatch.setenv("FASTDUP_NB_CACHE", str(few.parent / "cache"))
    write_notebook(few.parent / "live.ipynb", CELLS)
    return few.parent


def test_notebook_7_shows_the_gallery_and_keeps_its_own_shortcuts_from_it(folder):
    with open_browser() as context, serve_lab(folder, "notebook") as address:
        notebook = Notebook(context, address, "live.ipynb", where="notebooks").run_all()
        page = notebook.page
        notebook.wait_for(SHOWN)
        ids = notebook.kernel_eval("ds.images.index.tolist()")
        assert page.locator(".fdnb-tile img:visible").count() == len(ids) == 6
        assert page.locator(".fdnb-twin:visible").count() == 0
        page.locator(".fdnb-tile .fdnb-id").first.click()
        page.keyboard.press("x")
        page.keyboard.press("d")
        notebook.wait_for_kernel("ds.tagged('drop')", ids[:1])
        page.keyboard.press("ArrowRight")
        page.keyboard.press("x")
        page.keyboard.press("k")
        notebook.wait_for_kernel("ds.tagged('keep')", ids[1:2])
        assert page.evaluate("() => window.__nb.content.widgets.length") == len(CELLS)
        assert notebook.asked == []
        assert [problem for problem in notebook.problems if problem not in OF_NOTEBOOK_7] == []
        notebook.close()


def test_voila_shows_the_gallery_without_its_twin_and_a_key_tags(folder):
    with open_browser() as context, serve_lab(folder, "voila") as address:
        page = context.new_page()
        asked, problems = watch(page, address)
        page.goto(f"{address}/voila/render/live.ipynb", wait_until="domcontentloaded")
        page.wait_for_function(SHOWN)
        assert page.locator(".fdnb-tile img:visible").count() == 6
        assert page.locator(".fdnb-twin").count() == 1
        assert page.locator(".fdnb-twin:visible").count() == 0
        first = page.locator(".fdnb-tile")
        name = first.nth(0).get_attribute("aria-label").split(",")[0]
        first.nth(0).locator(".fdnb-id").click()
        page.keyboard.press("d")
        page.wait_for_function("() => document.querySelector('.fdnb-status').textContent.includes('drop')")
        ds = fd.Dataset(folder / "few", tags=folder / "tags.sqlite")
        assert ds.tagged("drop") == [name]
        assert [address for address in asked if not ICONS.match(address)] == []
        assert problems == []
