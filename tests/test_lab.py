"""What a person sees: every result in a real JupyterLab, in a real browser, light and dark, whatever things are called.

Screenshots are left in ``build/screenshots``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

import fastdup_nb as fd

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


EVIL = "<img src=x onerror=window.ran=1>"
WORSE = "</text></svg></td></table></style><script>window.ran=1</script><svg onload=window.ran=1>"
# The sample and its frames, all names of files, labels, splits and cameras being markup.
NAMES = f"""import shutil
from pathlib import Path
import pandas as pd
import fastdup_nb as fd
evil, worse = {EVIL!r}, {WORSE!r}
def rename(source, folder):
    paths = sorted(path for path in source.rglob("*.*") if path.suffix in {{".jpg", ".png"}})
    for number, path in enumerate(paths):
        path.rename(folder / f"{{number}} {{evil}}{{path.suffix}}")
    return pd.DataFrame({{
        "path": [str(folder / f"{{number}} {{evil}}{{path.suffix}}") for number, path in enumerate(paths)],
        "label": [worse + path.parent.name for path in paths],
        "split": [worse + path.relative_to(source).parts[0] for path in paths],
    }})
table = rename(Path("sample"), Path("pictures"))
ds = fd.Dataset(table, labels="label", split="split", cache="cache", tags=None)
table.loc[::3, "label"] = None
some = fd.Dataset(table, labels="label", split="split", cache="cache", tags=None)
parts = [table[table["split"] == name].drop(columns="split") for name in sorted(set(table["split"]))]
train, test = [fd.Dataset(part, labels="label", cache="cache", tags=None) for part in parts]
seq = fd.Dataset(rename(Path("frames"), Path("pictures2")), cache="cache", tags=None).sequence("listing", by="split")
ids = list(ds.images.index[~ds.images["is_broken"]])
results = [
    ds.label_issues(), ds.predict_labels(which="all"), ds.leaks(), train.leaks(test),
    ds.split({{worse: 0.7, evil: 0.3}}), ds.sample(20), train.novelty(test, false_alarm_rate=0.2),
    some.next_to_label(10), seq, ds.similar(ids[:2], unlike=ids[2]),
]"""
TITLES = ["Label issues", "Predicted labels", "Leaks", "Split", "Sample", "Novelty", "Next to label", "Sequence",
          "Similar images"]  # fmt: skip
GALLERIES = """from ipywidgets import VBox
VBox([result.gallery(page_size=12) for result in results])"""
SHOWN = """() => ({
  ran: window.ran, made: document.querySelectorAll('.jp-OutputArea img[src="x"], .jp-OutputArea [onload]').length,
  text: document.querySelector('.jp-Notebook').innerText,
  marks: [...document.querySelectorAll('.fdnb .fdnb-mark')].map(mark => getComputedStyle(mark).position),
  galleries: document.querySelectorAll('.fdnb-gallery .fdnb-tile').length,
})"""
LOADED = """() => document.querySelectorAll('.fdnb-gallery').length === 10
  && [...document.querySelectorAll('.fdnb-grid')].every(grid => grid.ariaBusy === 'false')
  && [...document.querySelectorAll('.fdnb-gallery img')].every(i => i.complete && i.naturalWidth)"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch, open_browser(height=6500) as context:
        patch.delenv("PHOTOS", raising=False)
        patch.setenv("FASTDUP_NB_CACHE", str(folder / "cache"))
        with serve_lab(folder) as address:
            yield context, address, folder


@pytest.fixture(scope="module")
def first_look(lab):
    context, address, folder = lab
    shutil.copy(ROOT / "notebooks" / "01_first_look.ipynb", folder / "first.ipynb")
    notebook = Notebook(context, address, "first.ipynb").run_all()
    yield notebook
    notebook.close()


@pytest.fixture(scope="module")
def names(lab):
    """Each result of a dataset in which every name is markup, still and live."""
    context, address, folder = lab
    fd.sample(folder / "sample")
    fd.sample_frames(folder / "frames")
    for name in ("pictures", "pictures2"):
        (folder / name).mkdir()
    cells = [NAMES, *(f"results[{i}]" for i in range(10)), GALLERIES]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "names.ipynb")
    opened = Notebook(context, address, "names.ipynb", where="doc/workspaces/names/tree").run_all()
    opened.wait_for(LOADED)
    yield opened
    opened.close()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_result_shows_its_pictures_in_either_theme(first_look, theme):
    first_look.set_theme(theme)
    SHOTS.mkdir(parents=True, exist_ok=True)
    views = {view["title"]: view for view in first_look.page.evaluate(SEEN)}
    first_look.page.screenshot(path=SHOTS / f"first_look_{theme.split()[1].lower()}.png")
    assert set(views) >= {"Dataset", "Duplicates", "Outliers", "Clusters", "Quality", "Similar images", "Summary"}
    for title in ("Duplicates", "Outliers", "Clusters", "Quality", "Similar images"):
        assert len(views[title]["pictures"]) >= 5, title
        for natural, alt, shown in views[title]["pictures"]:
            assert natural > 0
            assert alt
            assert 0 < shown <= 112
    check_seen(views.values())


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_markup_in_names_of_files_labels_splits_and_cameras_is_shown_and_never_runs(names, theme):
    names.set_theme(theme)
    seen, shown = names.page.evaluate(SEEN), names.page.evaluate(SHOWN)
    names.page.screenshot(path=SHOTS / f"names_{theme.split()[1].lower()}.png", full_page=True)
    assert sorted({view["title"] for view in seen}) == sorted(TITLES)
    for view in seen:
        assert len(view["pictures"]) >= 5, view["title"]
        assert all(natural > 0 for natural, _, _ in view["pictures"]), view["title"]
    check_seen(seen)
    assert shown["ran"] is None
    assert shown["made"] == 0
    assert EVIL in shown["text"]
    assert shown["galleries"] > 60
    assert names.asked == names.problems == []


def test_a_gallery_on_the_page_leaves_the_words_of_still_views_in_their_place(names):
    assert set(names.page.evaluate(SHOWN)["marks"]) == {"static"}


def check_seen(views):
    for view in views:
        assert view["width"] <= view["room"] + 1, f"{view['title']} would scroll sideways"
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
