"""What a gallery says and does about what is selected, opened and written as code."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, UnknownImageError
from fastdup_nb.widgets import _opened
from fastdup_nb.widgets._base import find_name

from .test_gallery import Browser, run


@pytest.fixture
def ds(dataset, tmp_path) -> fd.Dataset:
    return dataset.using(tags=tmp_path / "tags.sqlite")


def narrow(gallery, **query) -> None:
    gallery._query = {**gallery._query, **query, "snapshot": gallery._query["snapshot"] + 1}


@pytest.mark.parametrize("backend", ["anywidget", "ipywidgets"])
def test_a_key_leaves_alone_what_is_selected_but_hidden_by_the_filter(ds, backend):
    cat, engine = "train/animal/cat.jpg", "train/vehicle/engine.jpg"
    gallery = ds.gallery(ds.image_ids, backend=backend)
    gallery.selection = [cat, engine]
    if backend == "anywidget":
        browser = Browser(gallery)
        narrow(gallery, text="engine")
        assert browser.got[-1][0] == {"kind": "selection", "ids": [], "n_selected": 2, "n_hidden": 1}
        browser.send("tag", selected=True, tag="drop")
    else:
        gallery._ask("text", "engine")
        assert "2 selected, 1 of them hidden by the filter" in gallery._status.value
        gallery._tag("drop")
    assert ds.tagged("drop") == [engine]
    assert gallery.selection == [cat, engine]


@pytest.mark.parametrize("backend", ["anywidget", "ipywidgets"])
def test_where_all_that_is_selected_is_hidden_a_key_does_nothing_and_says_so(ds, backend):
    gallery = ds.gallery(ds.image_ids, backend=backend)
    gallery.selection = ["train/animal/cat.jpg"]
    if backend == "anywidget":
        browser = Browser(gallery)
        narrow(gallery, text="engine")
        for op in ("tag", "reject"):
            [told] = browser.send(op, selected=True, tag="drop")
            assert "hidden by the filter" in told["text"]
    else:
        gallery._ask("text", "engine")
        gallery._tag("drop")
        assert "hidden by the filter" in gallery._status.value
    assert len(ds.tags.to_frame()) == 0


def test_what_is_selected_on_other_pages_is_tagged_with_the_rest(ds):
    gallery = ds.gallery(ds.image_ids, page_size=12)
    gallery.selection = [ds.image_ids[0], ds.image_ids[60]]
    Browser(gallery).send("tag", selected=True, tag="drop")
    assert ds.tagged("drop") == gallery.selection


def test_the_line_of_pandas_keeps_filter_and_order_of_what_is_selected(ds):
    gallery = ds.outliers().gallery()
    narrow(gallery, text="train", sort="path, backwards")
    shown = [gallery._controller.ids[i] for i in gallery._controller.find(gallery._asked).tiles]
    gallery.selection = [shown[3], shown[1], next(i for i in ds.image_ids if "train" not in i)]
    assert run(gallery.code, ds, gallery).index.tolist() == [shown[1], shown[3]]


@pytest.mark.parametrize("n", [3, 40])
def test_the_line_of_pandas_of_a_list_runs_with_nothing_but_the_dataset_and_the_gallery(ds, n):
    gallery = ds.gallery(ds.image_ids[:n])
    assert run(gallery.code, ds, gallery).index.tolist() == ds.image_ids[:n]
    assert ("gallery" in gallery.code) == (n > 8)


def test_a_frame_s_ids_of_other_images_are_not_read_out(ds):
    tile = Browser(ds.gallery(ds.outliers().table)).page()["rows"][0]["tiles"][0]
    assert not any("nearest id" in line for line in tile["lines"])


def test_a_gallery_is_called_what_it_is_called_in_the_notebook(monkeypatch):
    from fastdup_nb.widgets import _base

    made = object()

    shell = SimpleNamespace(user_ns={"_": made, "other": object(), "_7": made})
    monkeypatch.setattr(_base, "_find_shell", lambda: shell)
    assert find_name(made, "gallery") == "_7"
    shell.user_ns["shown"] = made
    assert find_name(made, "gallery") == "shown"
    assert find_name(object(), "gallery") == "gallery"


def test_an_unknown_id_in_the_selection_is_a_clear_error(ds):
    gallery = ds.gallery(ds.image_ids[:5])
    gallery.selection = [ds.image_ids[1], "no/such.jpg", "nor/this.jpg"]
    with pytest.raises(UnknownImageError, match=r"no/such\.jpg.*1 others"):
        gallery.selection_frame()
    gallery.selection = [ds.image_ids[30]]
    assert gallery.selection_frame().index.tolist() == [ds.image_ids[30]]


def test_a_link_ended_twice_and_listeners_taken_off_twice_are_no_error(ds):
    one, two = ds.gallery(ds.image_ids[:5]), ds.gallery(ds.image_ids[:5])
    unlink = fd.link(one, two)
    unlink()
    unlink()
    one.selection = ds.image_ids[:2]
    assert two.selection != one.selection
    for widget in (one, ds.map(method="pca")):
        end = widget.on_tag(print)
        end()
        end()


def test_an_opened_picture_says_that_its_file_has_changed(few, tmp_path):
    ds = fd.Dataset(few, cache=tmp_path / "store")
    browser = Browser(ds.gallery(ds.images))
    [picture] = browser.send("open", id="cat.jpg")
    assert picture["remarks"] == ()
    Image.new("RGB", (60, 60), "red").save(few / "cat.jpg")
    [picture] = browser.send("open", id="cat.jpg")
    assert "changed since it was read" in picture["remarks"][0]
    (few / "cat.jpg").unlink()
    [picture] = browser.send("open", id="cat.jpg")
    assert picture["problem"]


def test_a_picture_that_is_not_sent_in_full_says_how_large_it_is_shown(few, tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 255, (400, 6400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(few / "wide.jpg")
    ds = fd.Dataset(few, cache=tmp_path / "store")
    browser = Browser(ds.gallery(ds.images))
    assert browser.send("open", id="wide.jpg")[0]["remarks"] == ()
    assert "Shown at 94% of its size" in browser.send("open", id="wide.jpg", full=True)[0]["remarks"][0]
    monkeypatch.setattr(_opened, "_MAX_BYTES", 300_000)
    [picture] = browser.send("open", id="wide.jpg", full=True)
    assert "Shown at 44% of its size, not at 100 %: all of it would be" in picture["remarks"][0]
    [(_, [buffer])] = browser.got
    assert Image.open(io.BytesIO(buffer[: picture["sizes"][0]])).width == 2800
    assert browser.send("open", id="cat.jpg", full=True)[0]["remarks"] == ()


def test_the_others_of_a_group_are_dropped_from_python_as_by_the_button(ds):
    dups = ds.duplicates()
    Browser(dups.gallery()).send("drop_others", row=1)
    by_button = ds.tagged("drop")
    ds.tags.undo()
    assert list(dups.tag("drop", which=int(dups.groups.index[1])).image_ids) == by_button
    both = dups.tag("review", which=dups.groups.index[:2]).image_ids
    of_both = dups.members["group"].isin(dups.groups.index[:2])
    assert set(both) == set(dups.members.index[of_both & ~dups.members["is_kept"]])
    with pytest.raises(ParameterError, match="number of a group"):
        dups.tag("drop", which=10_000)


def test_what_is_labeled_and_skipped_by_keys_is_from_python_too(ds):
    ids = ds.image_ids[:4]
    annotator = ds.annotate(["cat", "dog"], ids)
    annotator.label(ids[:2], "cat")
    annotator.skip(ids[1:3])
    assert annotator.to_frame()["label"].dropna().to_dict() == {ids[0]: "cat"}
    assert annotator.to_frame()["is_skipped"].tolist() == [False, True, True, False]
    assert "1 labeled, 2 skipped, 1 to go" in annotator._progress["text"]
    annotator.label(pd.Index(ids), "dog")
    assert annotator.to_frame()["label"].tolist() == ["dog"] * 4
    with pytest.raises(ParameterError, match="'label' parameter of Annotator"):
        annotator.label(ids, "bird")
