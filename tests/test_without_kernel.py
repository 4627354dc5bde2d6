"""A saved notebook with a gallery in it, made into a web page and opened without a kernel and without a network."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from .lab import PATIENCE, Notebook, open_browser, serve_lab
from .test_lab_gallery import write_notebook

pytestmark = pytest.mark.browser

CELLS = ["import fastdup_nb as fd\nds = fd.Dataset('sample', labels='folder', tags=None)\nds.duplicates().gallery()"]
SEEN = """() => [...document.querySelectorAll('.fdnb-twin img')].map(picture => {
  const box = picture.getBoundingClientRect();
  return [picture.checkVisibility(), picture.complete, picture.naturalWidth, box.width, box.height, picture.alt];
})"""


def execute(sample_folder, tmp_path, monkeypatch, *, keeps_state):
    """Return the notebook, run without a browser, and its file."""
    monkeypatch.setenv("FASTDUP_NB_CACHE", str(sample_folder.parent / "cache without kernel"))  # read once for all
    (tmp_path / "sample").symlink_to(sample_folder)
    path = tmp_path / "kept.ipynb"
    write_notebook(path, CELLS)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, store_widget_state=keeps_state, startup_timeout=PATIENCE, iopub_timeout=PATIENCE,
        resources={"metadata": {"path": str(tmp_path)}},
    )  # fmt: skip
    client.execute()
    nbformat.write(notebook, path)
    return notebook, path


@pytest.mark.parametrize("keeps_state", [True, False])
def test_the_static_pictures_are_seen_whether_the_state_of_widgets_is_kept_or_not(
    keeps_state, sample_folder, tmp_path, monkeypatch
):
    notebook, path = execute(sample_folder, tmp_path, monkeypatch, keeps_state=keeps_state)
    assert ("widgets" in notebook.metadata) == keeps_state
    assert 30_000 < path.stat().st_size < 300_000
    page, _ = HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "kept.html").write_text(page, encoding="utf-8")
    with open_browser() as context:
        tab = context.new_page()
        tab.goto((tmp_path / "kept.html").as_uri(), wait_until="domcontentloaded")
        tab.wait_for_function("() => [...document.querySelectorAll('.fdnb-twin img')].every(i => i.complete)")
        seen = tab.evaluate(SEEN)
    assert len(seen) >= 6
    for is_visible, is_complete, natural, width, height, alt in seen:
        assert is_visible
        assert is_complete
        assert min(natural, width, height) > 10
        assert alt


def test_opened_again_and_trusted_the_gallery_asks_for_a_run_and_its_pictures_are_seen(
    sample_folder, tmp_path, monkeypatch
):
    execute(sample_folder, tmp_path, monkeypatch, keeps_state=True)
    with open_browser() as context, serve_lab(tmp_path) as address:
        notebook = Notebook(context, address, "kept.ipynb")
        notebook.page.evaluate("() => { for (const cell of window.__nb.content.widgets) cell.model.trusted = true; }")
        notebook.page.wait_for_selector(".fdnb-gallery .fdnb-error:visible")
        assert "run the cell" in notebook.page.locator(".fdnb-error").inner_text()
        assert notebook.page.locator(".fdnb-twin img:visible").count() >= 6
        notebook.close()
