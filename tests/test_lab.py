"""What a person sees: the first notebook in a real JupyterLab, in a real browser, light and dark.

Screenshots are left in ``build/screenshots``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .lab import Notebook, open_browser, serve_lab

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "build" / "screenshots"
SEEN = """() => {
  const ground = (node) => { const color = getComputedStyle(node).backgroundColor;
    return color !== 'rgba(0, 0, 0, 0)' || !node.parentElement ? color : ground(node.parentElement); };
  return [...document.querySelectorAll('.jp-OutputArea .fdnb')].map(view => ({
    pictures: [...view.querySelectorAll('img')].map(i => [i.naturalWidth, i.alt, i.getBoundingClientRect().width]),
    title: view.innerText.split('\\n')[0], width: view.scrollWidth, room: view.clientWidth,
    color: getComputedStyle(view).color, ground: ground(view),
  }));
}"""


@pytest.fixture(scope="module")
def first_look(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / "01_first_look.ipynb", folder / "first.ipynb")
    with pytest.MonkeyPatch.context() as patch, open_browser(height=6500) as context:
        patch.delenv("PHOTOS", raising=False)
        patch.setenv("FASTDUP_NB_CACHE", str(folder / "cache"))
        with serve_lab(folder) as address:
            notebook = Notebook(context, address, "first.ipynb").run_all()
            yield notebook
            notebook.close()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_result_shows_its_pictures_in_either_theme(first_look, theme):
    first_look.set_theme(theme)
    views = {view["title"]: view for view in first_look.page.evaluate(SEEN)}
    SHOTS.mkdir(parents=True, exist_ok=True)
    first_look.page.screenshot(path=SHOTS / f"first_look_{theme.split()[1].lower()}.png")
    assert set(views) >= {"Dataset", "Duplicates", "Outliers", "Clusters", "Quality", "Similar images", "Summary"}
    for title in ("Duplicates", "Outliers", "Clusters", "Quality", "Similar images"):
        assert len(views[title]["pictures"]) >= 5, title
        for natural, alt, shown in views[title]["pictures"]:
            assert natural > 0
            assert alt
            assert 0 < shown <= 112
    for view in views.values():
        assert view["width"] <= view["room"] + 1, "it would scroll sideways"
        assert contrast(view["color"], view["ground"]) >= 7


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong_in_the_page(first_look):
    assert first_look.asked == []
    assert first_look.problems == []


def contrast(color: str, ground: str) -> float:
    """Contrast ratio of two CSS colors, as WCAG 2 defines it."""
    light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
