"""The map without a browser: what a view asks and what it is answered, how points are drawn, and what is selected."""

from __future__ import annotations

import io
import re
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.widgets import _raster, _shading
from fastdup_nb.widgets._coloring import NONE_COLOR, OTHER_COLOR, color_by, color_by_density
from fastdup_nb.widgets._lasso import find_inside, is_inside_exactly
from fastdup_nb.widgets._map import Map
from fastdup_nb.widgets._placing import TILE, choose_tiles, find_nearest
from fastdup_nb.widgets._raster import Window, fit_window

from .fake_tags import FakeTags

JPEG = b"\xff\xd8 a picture"
LOOK = {"x": 2.0, "y": 0.0, "scale": 0.01, "width": 600, "height": 400, "ratio": 1, "tiles": True}


def make_map(n=5, **options):
    points = np.column_stack([np.arange(n), np.zeros(n)]).astype(np.float32)
    options.setdefault("thumbnail", lambda _: JPEG)
    drawn = Map(points, [f"{i}.jpg" for i in range(n)], **options)
    drawn.sent = []
    drawn.send = lambda content, buffers=None: drawn.sent.append((content, list(buffers or [])))
    return drawn


def ask(drawn, kind, buffers=(), **content):
    """Say what a view says; return what it is answered."""
    drawn.sent.clear()
    drawn._handle_custom_msg({"kind": kind, "view": "v", **content}, list(buffers))
    return drawn.sent


def polygon(*corners):
    return [memoryview(np.array(corners, "<f4").tobytes())]


def open_png(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


# --- selecting


def test_a_lasso_selects_the_images_inside_it():
    drawn = make_map()
    ask(drawn, "lasso", polygon((0.5, -1), (2.5, -1), (2.5, 1), (0.5, 1)), how="set")
    assert drawn.selection == ["1.jpg", "2.jpg"]
    assert drawn.selection_frame().index.tolist() == ["1.jpg", "2.jpg"]
    assert drawn._state["status"] == "2 selected of 5"


def test_shift_adds_alt_removes_and_ctrl_toggles():
    drawn = make_map()
    right = polygon((1.5, -1), (4.5, -1), (4.5, 1), (1.5, 1))
    ask(drawn, "lasso", polygon((-1, -1), (0.5, -1), (0.5, 1), (-1, 1)), how="set")
    ask(drawn, "lasso", right, how="add")
    assert drawn.selection == ["0.jpg", "2.jpg", "3.jpg", "4.jpg"]
    ask(drawn, "click", position=3, how="remove")
    assert drawn.selection == ["0.jpg", "2.jpg", "4.jpg"]
    ask(drawn, "lasso", right, how="toggle")
    assert drawn.selection == ["0.jpg", "3.jpg"]
    ask(drawn, "clear")
    assert drawn.selection == []


def test_a_selection_from_python_is_counted_and_what_is_not_on_the_map_is_told():
    drawn = make_map()
    drawn.selection = ["3.jpg", "broken.jpg"]
    assert drawn._state["status"] == "1 selected of 5 (1 more are not on the map)"
    assert drawn.selection == ["3.jpg", "broken.jpg"]
    assert len(ask(drawn, "picture", id=1, **LOOK)[0][1]) == 2, "a picture, and a mask of what is selected"


def test_linked_maps_have_one_selection():
    one, two = make_map(), make_map()
    unlink = fd.link(one, two)
    ask(two, "click", position=4, how="set")
    assert one.selection == ["4.jpg"]
    assert one._state["n_selected"] == 1
    unlink()
    ask(two, "clear")
    assert one.selection == ["4.jpg"]


def test_selecting_in_one_thread_and_reading_in_another_neither_fails_nor_stands_still():
    one, two = make_map(200), make_map(200)
    fd.link(one, two)
    failed = []

    def work(drawn, position):
        for step in range(40):
            ask(drawn, "click", position=(position + step) % 200, how="toggle")
            failed.extend(content for content, _ in drawn.sent if content["kind"] == "error")

    threads = [threading.Thread(target=work, args=(drawn, i), daemon=True) for i, drawn in enumerate((one, two))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert failed == []


def test_a_line_of_the_legend_selects_its_images():
    label = pd.Series(["b", "a", "b", None, "b"], index=[f"{i}.jpg" for i in range(5)])
    drawn = make_map(colors={"label": label}, color="label")
    assert [entry["name"] for entry in drawn._state["legend"]["entries"]] == ["b", "a", "no label"]
    ask(drawn, "entry", entry=0, how="set")
    assert drawn.selection == ["0.jpg", "2.jpg", "4.jpg"]
    assert drawn.selection_frame()["label"].tolist() == ["b", "b", "b"]


# --- tags


def test_a_tag_is_put_on_the_selection_and_taken_off_when_all_have_it():
    tags = FakeTags()
    drawn = make_map(tags=tags)
    heard = []
    end = drawn.on_tag(lambda change: heard.append((change.image_ids, change.text)))
    drawn.selection = ["1.jpg", "2.jpg"]
    tags.edit(["1.jpg"], add=["drop"])
    ask(drawn, "tag", tag="drop")
    assert tags.tagged("drop") == ["1.jpg", "2.jpg"]
    ask(drawn, "tag", tag="drop")
    assert tags.tagged("drop") == []
    both = ("1.jpg", "2.jpg")
    assert heard == [(both, "2 images: +['drop'] -['keep']"), (both, "2 images: +[] -['drop']")]
    end()
    ask(drawn, "undo")
    assert tags.tagged("drop") == ["1.jpg", "2.jpg"]
    assert drawn._state["message"].startswith("undone: 2 images")
    ask(drawn, "redo")
    assert tags.tagged("drop") == []
    assert len(heard) == 2


def test_colors_follow_the_tags():
    tags = FakeTags()
    drawn = make_map(tags=tags, color="tag")
    assert [e["name"] for e in drawn._state["legend"]["entries"]] == ["no tag"]
    tags.edit(["1.jpg", "2.jpg"], add=["keep", "drop"])
    entries = drawn._state["legend"]["entries"]
    assert [(e["name"], e["color"], e["count"]) for e in entries] == [
        ("keep", "#009E73", 2), ("no tag", NONE_COLOR, 3)
    ]  # fmt: skip
    drawn.close()
    assert tags.callbacks == []


def test_without_tags_there_are_no_buttons_and_nothing_to_undo():
    drawn = make_map()
    assert drawn._state["has_tags"] is False
    assert "tag" not in drawn.choices
    ask(drawn, "undo")
    ask(drawn, "tag", tag="drop")
    assert drawn.sent == []


def test_tagging_nothing_says_so():
    drawn = make_map(tags=FakeTags())
    ask(drawn, "tag", tag="drop")
    assert drawn._state["message"] == "Select images first, then tag them."


# --- what a view asks


def test_a_picture_is_answered_to_the_view_that_asked_with_pictures_that_fit():
    drawn = make_map()
    ((content, buffers),) = ask(drawn, "picture", id=7, **LOOK)
    assert (content["kind"], content["view"], content["id"], content["n_visible"]) == ("picture", "v", 7, 5)
    assert open_png(buffers[0]).shape == (400, 600, 4)
    assert [tile[0] for tile in content["tiles"]] == [0, 1, 2, 3, 4]
    ((content, buffers),) = ask(drawn, "tiles", positions=[0, 4])
    assert content["positions"] == [0, 4]
    assert buffers == [JPEG, JPEG]


def test_a_fine_screen_gets_a_fine_picture_and_a_huge_one_no_more_than_fits():
    drawn = make_map()
    assert open_png(ask(drawn, "picture", id=1, **{**LOOK, "ratio": 2})[0][1][0]).shape == (800, 1200, 4)
    huge = open_png(ask(drawn, "picture", id=1, **{**LOOK, "width": 4000, "height": 4000, "ratio": 3})[0][1][0])
    assert huge.shape[0] * huge.shape[1] <= 1_610_000


def test_the_image_under_the_pointer_is_named_and_described():
    tags = FakeTags()
    tags.edit(["3.jpg"], add=["keep"])
    drawn = make_map(describe=lambda image_id: f"facts of {image_id}", tags=tags)
    ((content, buffers),) = ask(drawn, "pick", id=1, x=3.01, y=0.0, reach=0.1)
    assert (content["position"], content["image_id"]) == (3, "3.jpg")
    assert content["text"] == "facts of 3.jpg\ntagged keep"
    assert buffers == [JPEG]
    ((content, _),) = ask(drawn, "pick", id=2, x=3.5, y=0.0, reach=0.1)
    assert content["position"] is None


def test_what_goes_wrong_in_the_kernel_is_told_in_the_view():
    def fail(_):
        raise OSError("the disk is gone")

    drawn = make_map(thumbnail=fail)
    ((content, _),) = ask(drawn, "tiles", positions=[0])
    assert (content["kind"], content["text"]) == ("error", "OSError: the disk is gone")


@pytest.mark.parametrize("message", [["tag"], "tag", None, {"kind": "tag", "tag": None}, {"kind": "tag", "tag": True}])
def test_what_no_map_would_send_is_refused_and_told_once(message):
    drawn = make_map(tags=FakeTags())
    ask(drawn, "click", position=0, how="set")
    drawn.sent.clear()
    drawn._handle_custom_msg(message, [])
    assert [content["kind"] for content, _ in drawn.sent] == ["error"]


def test_the_synced_state_is_small_and_has_nothing_per_image():
    n = 20_000
    drawn = Map(np.random.default_rng(0).random((n, 2)), [f"{i}.jpg" for i in range(n)])
    before = len(repr(drawn._state))
    drawn.selection = [f"{i}.jpg" for i in range(n)]
    assert len(repr(drawn._state)) < before + 50 < 2000
    assert "selection" not in drawn.get_state()


def test_the_color_is_changed_by_the_view_and_by_python_and_a_wrong_one_is_told():
    drawn = make_map(colors={"score": pd.Series([1.0, 2, 3, 4, np.nan], index=[f"{i}.jpg" for i in range(5)])})
    ask(drawn, "color", color="score")
    assert drawn.color == "score"
    assert drawn._state["legend"]["kind"] == "number"
    with pytest.raises(ParameterError, match="one of 'density', 'score'"):
        drawn.color = "label"


def test_points_and_ids_of_different_number_are_told():
    with pytest.raises(ParameterError, match=r"a row for each of the 1 image_ids\. Got 2"):
        Map(np.zeros((2, 2)), ["a.jpg"])


# --- how points are drawn


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40_000, 2)).astype(np.float32)
    return points, rng.integers(0, 5, 40_000).astype(np.uint8), rng.random(40_000).astype(np.float32)


def test_datashader_and_numpy_count_the_same(many):
    points, codes, values = many
    window = fit_window(points, 300, 200)
    columns, rows = _raster._pixels(window, points)
    plain = _raster.count_by_numpy(300, 200, columns, rows)
    assert plain.sum() == 40_000
    assert np.array_equal(plain, _raster.count_by_datashader(300, 200, columns, rows))
    by_code = _raster.count_by_numpy(300, 200, columns, rows, codes=codes, n_codes=5)
    assert np.array_equal(by_code.sum(axis=2), plain)
    assert np.array_equal(by_code, _raster.count_by_datashader(300, 200, columns, rows, codes=codes, n_codes=5))
    means = _raster.average_by_numpy(300, 200, columns, rows, values)
    assert np.allclose(means, _raster.average_by_datashader(300, 200, columns, rows, values), equal_nan=True)


def test_datashader_is_used_once_it_is_compiled_and_the_picture_is_the_same(many, monkeypatch):
    points, codes, _ = many
    ids = pd.Index([str(i) for i in range(len(points))])
    coloring = color_by("label", pd.Series(codes, index=ids).map(str), ids)
    window = fit_window(points, 300, 200)
    monkeypatch.setattr(_raster, "is_warm", lambda: False)
    by_numpy = _shading.draw(window, points, coloring)
    assert _raster.wait_until_warm(1800)
    used = []
    original = _raster.count_by_datashader
    monkeypatch.setattr(_raster, "is_warm", lambda: True)
    monkeypatch.setattr(_raster, "count_by_datashader", lambda *a, **k: used.append(1) or original(*a, **k))
    assert _shading.draw(window, points, coloring) == by_numpy
    assert used == [1]


def test_every_color_of_a_picture_is_in_its_legend(many):
    points, codes, _ = many
    ids = pd.Index([str(i) for i in range(len(points))])
    coloring = color_by("label", pd.Series(codes, index=ids).map(str), ids)
    pixels = open_png(_shading.draw(fit_window(points, 300, 200), points, coloring)).reshape(-1, 4)
    drawn = {tuple(int(part) for part in color) for color in pixels[pixels[:, 3] > 0][:, :3]}
    assert drawn == {tuple(map(int, color)) for color in coloring.palette}
    assert (pixels[:, 3] == 0).any(), "the ground is transparent"


def test_a_single_point_is_a_dot_that_can_be_seen():
    points = np.zeros((1, 2), np.float32)
    pixels = open_png(_shading.draw(fit_window(points, 200, 100), points, color_by_density(1)))
    assert 40 < (pixels[:, :, 3] > 100).sum() < 120
    assert pixels[50, 100, 3] > 200


def test_no_point_is_an_empty_picture():
    empty = np.empty((0, 2), np.float32)
    assert (open_png(_shading.draw(fit_window(empty, 60, 40), empty, color_by_density(0)))[:, :, 3] == 0).all()


def test_the_mask_covers_what_is_selected_and_nothing_far_from_it(many):
    points, _, _ = many
    window = fit_window(points, 300, 200)
    chosen = np.flatnonzero(points[:, 0] > 0)
    mask = open_png(_shading.draw_mask(window, points, chosen, len(points)))[:, :, 3]
    columns, rows = _raster._pixels(window, points[chosen])
    assert (mask[rows.astype(int), columns.astype(int)] > 0).all()
    middle = int(window.place(np.zeros((1, 2), np.float32))[0][0])
    assert (mask[:, : middle - 4] == 0).all()


def test_pictures_that_are_chosen_do_not_overlap_and_stay_when_the_map_is_moved():
    rng = np.random.default_rng(0)
    points = (rng.random((150, 2)) * 600).astype(np.float32)
    window = Window(300, 200, 1.0, 600, 400)
    chosen = choose_tiles(window, points, window.find_visible(points))
    apart = np.abs(points[chosen][:, None] - points[chosen][None]).max(axis=2)
    assert apart[~np.eye(len(chosen), dtype=bool)].min() >= TILE
    assert len(chosen) > 15
    assert chosen[0] == window.find_visible(points)[0]
    crowd = np.zeros((5000, 2), np.float32)
    assert len(choose_tiles(Window(0, 0, 1.0, 600, 400), crowd, np.arange(5000))) == 0


def test_the_nearest_point_is_found_within_reach():
    points = np.array([[0, 0], [1, 0], [1.2, 0]], np.float32)
    assert find_nearest(points, 1.11, 0, 0.5) == 2
    assert find_nearest(points, 5, 5, 0.5) is None


# --- lasso


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9, width=32), st.floats(-9, 9, width=32)), min_size=3, max_size=12))
def test_a_lasso_of_any_shape_holds_what_the_exact_rule_says(corners):
    points = np.random.default_rng(1).uniform(-10, 10, (2000, 2)).astype(np.float32)
    outline = np.array(corners, float)
    assert find_inside(points, outline).tolist() == np.flatnonzero(is_inside_exactly(points, outline)).tolist()


@pytest.mark.parametrize("outline", [[], [[0, 0], [1, 1]], [[0, 0], [2, 0], [1, 0]], [[0, 0], [np.nan, 0], [1, 1]]])
def test_a_lasso_that_holds_nothing_selects_nothing(outline):
    assert len(find_inside(np.zeros((3, 2), np.float32), np.array(outline, float))) == 0


# --- colors


def test_many_categories_are_the_largest_seven_and_the_others():
    names = [f"label {i}" for i in range(10) for _ in range(10 - i)]
    ids = pd.Index([str(i) for i in range(len(names))])
    coloring = color_by("label", pd.Series(names, index=ids), ids)
    assert [entry.name for entry in coloring.entries] == [*(f"label {i}" for i in range(7)), "3 others"]
    assert coloring.entries[-1].color == OTHER_COLOR
    assert sum(entry.count for entry in coloring.entries) == len(names)
    assert np.bincount(coloring.codes).tolist() == [entry.count for entry in coloring.entries]
    assert len({entry.color for entry in coloring.entries}) == 8


@pytest.mark.parametrize(
    ("values", "kind", "names"),
    [
        ([True, False, True], "category", ["True", "False"]),
        (["x", "no cluster", "x"], "category", ["x", "no cluster"]),
        ([None, None, None], "category", ["no column"]),
        ([1, 2, 3], "number", []),
        ([1.5, np.nan, np.inf], "number", []),
        (pd.to_datetime(["2020-01-01", None, "2021-06-01"]), "number", []),
        (pd.array([1, None, 3], "Int64"), "number", []),
        (pd.Categorical(["a", "b", "a"]), "category", ["a", "b"]),
    ],
)
def test_a_column_of_any_kind_can_be_shown(values, kind, names):
    ids = pd.Index(["0", "1", "2"])
    coloring = color_by("column", pd.Series(values, index=ids), ids)
    assert coloring.kind == kind
    assert [entry.name for entry in coloring.entries] == names
    points = np.eye(3, 2, dtype=np.float32)
    assert open_png(_shading.draw(fit_window(points, 80, 60), points, coloring)).any()


def test_the_ends_of_a_ramp_say_when_values_go_beyond():
    ids = pd.Index([str(i) for i in range(1000)])
    values = pd.Series(np.r_[np.linspace(0, 1, 999), 500.0], index=ids)
    coloring = color_by("score", values, ids)
    assert coloring.high.startswith("≥ ")
    assert coloring.shares.max() == 1


# --- the twin, and what Python gets


def test_the_twin_is_a_picture_with_its_size_and_a_legend_in_words_escaped(many):
    points, codes, _ = many
    ids = [str(i) for i in range(len(points))]
    label = pd.Series(codes, index=ids).map(lambda code: f"<b>{code}</b>")
    drawn = Map(points, ids, colors={"label": label}, color="label", title="<i>Mine</i>", notes=["a & b"])
    html = drawn._render_twin()
    assert len(html) < 150_000
    assert re.search(r'<img src="data:image/png;base64,[^"]+" width="\d+" height="\d+" alt="&lt;i&gt;Mine', html)
    assert "<b>0</b>" not in html
    assert "&lt;b&gt;0&lt;/b&gt;" in html
    assert f"{(codes == 0).sum():,}" in html
    assert "a &amp; b" in html
    assert "<script" not in html


def test_a_map_shows_its_twin_and_then_itself(monkeypatch):
    published = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda *told: published.append(told))
    drawn = make_map()
    drawn._ipython_display_()
    assert f"fdnb-twin-{drawn.model_id}" in published[0][0]["text/html"]
    assert published[1][0]["application/vnd.jupyter.widget-view+json"]["model_id"] == drawn.model_id
    assert published[0][0]["text/plain"] == "Map: 5 images, colored by density, 0 selected of 5"
    assert drawn._state["twin"] == drawn.model_id


def test_a_picture_of_the_map_has_the_size_that_was_asked_for():
    assert open_png(make_map().to_png(320, 200)).shape == (200, 320, 4)
    with pytest.raises(ParameterError, match=r"'width' parameter of Map\.to_png"):
        make_map().to_png(0, 10)


# --- of a dataset


def test_the_map_of_a_dataset_has_every_image_that_is_not_broken(dataset):
    drawn = dataset.map(color="label", method="pca")
    images = dataset.images
    assert drawn._index.tolist() == images.index[~images["is_broken"]].tolist()
    assert drawn.choices[:5] == ["density", "tag", "cluster", "outlier_score", "label"]
    assert "sharpness" in drawn.choices
    assert drawn._state["notes"] == ["PCA", f"{int(images['is_broken'].sum())} broken images left out"]
    assert ask_facts(drawn)["text"]


def ask_facts(drawn):
    sent = []
    drawn.send = lambda content, buffers=None: sent.append(content)
    drawn._handle_custom_msg({"kind": "pick", "view": "v", "id": 1, "position": 0}, [])
    return sent[0]


def test_the_colors_of_a_dataset_agree_with_its_findings(dataset):
    drawn = dataset.map(method="pca")
    clusters = dataset.clusters()
    assert drawn.color == "cluster"
    counts = {entry["name"]: entry["count"] for entry in drawn._state["legend"]["entries"]}
    assert counts["cluster 0"] == clusters.clusters.loc[0, "size"]
    drawn.color = "outlier_score"
    drawn.selection = drawn._index[:3].tolist()
    expected = dataset.outliers().to_frame()["outlier_score"]
    assert drawn.selection_frame()["outlier_score"].tolist() == expected.loc[drawn.selection].tolist()


def test_a_column_of_ones_own_colors_the_map(dataset):
    ids = dataset.image_ids
    series = pd.Series(np.arange(len(ids)), index=ids, name="rank")
    assert dataset.map(color=series, method="pca").color == "rank"
    frame = pd.DataFrame({"image_id": ids, "kind": ["a"] * len(ids)})
    drawn = dataset.map(color=frame, method="pca")
    assert drawn._state["legend"]["entries"][0]["name"] == "a"


@pytest.mark.parametrize(
    ("color", "error", "message"),
    [
        (
            "colour",
            ParameterError,
            "'color' parameter of Dataset.map must be one of 'auto', 'density', 'tag', 'cluster'",
        ),
        (5, ParameterTypeError, "a Series or DataFrame of one column"),
        (pd.Series([1], index=["nowhere.jpg"]), ParameterError, "none of its index is an image"),
        (pd.DataFrame({"a": [1], "b": [2]}), ParameterError, "must have one column. Got 2: a, b"),
    ],
)
def test_a_wrong_color_is_told(dataset, color, error, message):
    with pytest.raises(error, match=message):
        dataset.map(color=color, method="pca")


@pytest.mark.parametrize(("color", "option"), [("label", "labels"), ("split", "split")])
def test_a_color_by_labels_or_splits_that_are_not_there_says_so(few, color, option):
    with pytest.raises(ParameterError, match=rf"no image has a {color}\..*ds\.using\({option}='folder'\)"):
        fd.Dataset(few, cache=None).map(color=color, method="pca")


def test_a_wrong_method_is_told(dataset):
    with pytest.raises(ParameterError, match=r"'method' parameter of Dataset\.map"):
        dataset.map(method="tsne")


def test_a_dataset_of_broken_images_has_an_empty_map(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    drawn = fd.Dataset(tmp_path, cache=None).map()
    assert drawn._state["n"] == 0
    assert "0 images" in drawn._render_twin()
