"""What results say: in plain words, truthful for none, one and many, and at once when something is wrong."""

from __future__ import annotations

import html
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, StoreError
from fastdup_nb.findings import clusters, duplicates, outliers, quality
from fastdup_nb.results import report as report_module
from fastdup_nb.results.overview import Estimate

REPORT = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="fastdup_nb">'
)


@pytest.fixture
def pictures(few):
    """Return a dataset of the first *n* of six photographs, in memory."""
    return lambda n, **options: fd.Dataset(sorted(few.iterdir())[:n], cache=None, **options)


def headline(result):
    return result._view(8).headline


# --- words


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, {"duplicates": "There is no image to look at."} | dict.fromkeys(
            ["outliers", "clusters", "quality", "summary", "neighbors"], "There is no image to look at.")),
        (1, {
            "duplicates": "1 image compared at similarity 0.950 or more: no duplicates.",
            "outliers": "An image alone cannot stand out.",
            "clusters": "No cluster in 1 image.",
            "quality": "No problem in 1 image.",
            "summary": "What is in 1 image.",
            "neighbors": "1 distinct image and no neighbor.",
        }),
        (2, {
            "duplicates": "2 images compared at similarity 0.950 or more: no duplicates.",
            "outliers": "None of 2 images stands out beyond doubt; the strangest come first.",
            "clusters": "No cluster in 2 images.",
            "quality": "No problem in 2 images.",
            "summary": "What is in 2 images.",
            "neighbors": "1 nearest neighbor of each of 2 distinct images.",
        }),
        (3, {"neighbors": "2 nearest neighbors of each of 3 distinct images."}),
    ],
)  # fmt: skip
def test_headlines_are_plain_sentences_for_few_images(pictures, n, words):
    ds = pictures(n)
    results = {
        "duplicates": ds.duplicates(0.95), "outliers": ds.outliers(), "clusters": ds.clusters(),
        "quality": ds.quality(), "summary": ds.summary(), "neighbors": ds.neighbors,
    }  # fmt: skip
    assert {name: headline(results[name]) for name in words} == words


NEW = {
    "label_issues": lambda ds: ds.label_issues(),
    "predict_labels": lambda ds: ds.predict_labels(which="all"),
    "leaks": lambda ds: ds.leaks(),
    "split": lambda ds: ds.split(),
    "sample": lambda ds: ds.sample(2),
    "novelty": lambda ds: ds.where(ds.image_ids[1::2]).novelty(ds.where(ds.image_ids[::2])),
    "next_to_label": lambda ds: ds.next_to_label(2),
    "sequence": lambda ds: ds.sequence(order="name"),
}


@pytest.mark.parametrize("n", [0, 1, 2, 6])
@pytest.mark.parametrize("name", NEW)
def test_every_finding_says_the_same_as_text_and_as_html_for_few_images(pictures, name, n):
    ds = pictures(n, labels=list("ababab")[:n], split=list("xyxyxy")[:n])
    result = NEW[name](ds)
    said = headline(result)
    assert said.endswith(".")
    assert said in " ".join(repr(result).split())
    assert html.escape(said, quote=False) in html.unescape(result._repr_html_()).replace("\n", " ")
    assert ("There is no image to look at." in repr(result)) == (n == 0)
    assert isinstance(result.to_frame(), pd.DataFrame)


FOUND = NEW | {
    "duplicates": lambda ds: ds.duplicates(),
    "similar": lambda ds: ds.similar(ds.embeddings[0], n_neighbors=3),
    "summary": lambda ds: ds.summary(),
    "neighbors": lambda ds: ds.neighbors,
    "normality": lambda ds: ds.normality(),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_result_is_as_long_as_its_main_table_and_neither_true_nor_false(pictures, name):
    result = FOUND[name](pictures(6, labels=list("ababab"), split=list("xyxyxy")))
    assert len(result) == len(result.to_frame())
    with pytest.raises(ParameterError, match=rf"Whether {type(result).__name__} is true .* len\(result\)"):
        bool(result)


@pytest.mark.parametrize("name", NEW)
def test_a_frame_given_out_can_be_changed_and_changes_nothing(pictures, name):
    result = NEW[name](pictures(6, labels=list("ababab"), split=list("xyxyxy")))
    before, frame = result.to_frame(), result.to_frame()
    frame["mine"] = 1
    for column in before:
        frame[column] = None
    pd.testing.assert_frame_equal(result.to_frame(), before)


@pytest.mark.parametrize("name", NEW)
def test_names_of_labels_splits_and_files_are_no_markup(few, name):
    nasty = "<script>alert(1)</script>"
    for i, path in enumerate(sorted(few.iterdir())):
        path.rename(few / f"<img src=x onerror=alert({i})>.jpg")
    ds = fd.Dataset(few, cache=None, labels=[nasty, "b"] * 3, split=["b", nasty] * 3)
    page = NEW[name](ds)._repr_html_()
    assert nasty not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("name", NEW)
def test_the_same_call_gives_the_same(pictures, name):
    ds = pictures(6, labels=list("ababab"), split=list("xyxyxy"))
    pd.testing.assert_frame_equal(NEW[name](ds).to_frame(), NEW[name](ds).to_frame())


def test_one_of_a_kind_is_told_in_the_singular(few):
    Image.new("RGB", (300, 200)).save(few / "black.png")
    two = fd.Dataset([few / "black.png", few / "cat.jpg"], cache=None)
    assert headline(two.quality()) == "1 of 2 images has a problem."
    assert headline(two.outliers(contamination=0.5)) == "1 of 2 images stands out."
    vectors = np.ones((7, 7)) + np.eye(7) * 0.01
    alike = fd.Dataset(few, embeddings=vectors, cache=None)
    assert headline(alike.clusters()) == "1 cluster holds 7 of 7 images."
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    dups = fd.Dataset([few / "cat2.jpg", few / "cat.jpg"], cache=None).duplicates(0.95)
    assert headline(dups) == "2 images compared at similarity 0.950 or more: 1 image could go, and one would stay."


def test_neighbors_are_as_many_as_there_can_be(pictures):
    assert headline(pictures(6).neighbors) == "5 nearest neighbors of each of 6 distinct images."
    neighbors = pictures(6, n_neighbors=1).neighbors
    assert headline(neighbors) == "1 nearest neighbor of each of 6 distinct images."
    assert neighbors._view(8).facts[1].value == 1


def test_an_image_in_a_pair_but_in_no_group_is_told(pictures):
    angles = np.radians([0, 20, 40])
    ds = pictures(3, embeddings=np.column_stack([np.cos(angles), np.sin(angles)]))
    dups = ds.duplicates(float(np.cos(np.radians(25))))
    assert (dups.n_pairs, dups.n_images_in_pairs, len(dups.members)) == (2, 3, 2)
    assert "1 image is in a pair but in no group" in repr(dups)
    assert "1 image is in a pair but in no group" in dups._repr_html_()
    assert "but in no group" not in repr(ds.duplicates(0.999))


def test_links_are_told_where_they_could_go(few):
    (few / "dog.jpg").symlink_to(few / "cat.jpg")
    (few / "grass2.jpg").write_bytes((few / "grass.jpg").read_bytes())
    dups = fd.Dataset(few, cache=None).duplicates()
    assert any("1 is a link" in note for note in dups._view(8).notes)
    (few / "dog.jpg").unlink()
    assert not any("link" in note for note in fd.Dataset(few, cache=None).duplicates()._view(8).notes)


def test_tiers_add_up_to_the_pairs_where_not_all_are_listed(few, monkeypatch):
    for i in range(8):
        (few / f"copy{i}.jpg").write_bytes((few / "cat.jpg").read_bytes())
    monkeypatch.setattr("fastdup_nb.findings.duplicates.MAX_LISTED_PAIRS", 5)
    monkeypatch.setattr("fastdup_nb.findings.duplicates.MAX_LISTED_COPIES", 3)
    ds = fd.Dataset(few, cache=None)
    summary, dups = ds.summary(), ds.duplicates()
    assert len(dups.pairs) < summary["pairs"] == dups.n_pairs == 36
    assert summary["pairs, identical file"] == 36
    assert summary["images in a pair"] == 9
    assert "36 identical file" in repr(dups)


@pytest.mark.parametrize("n_neighbors", [1, 5, 7, 40, 43])
def test_all_similar_images_are_shown_in_rows_of_five_or_counted(dataset, n_neighbors):
    similar = dataset.similar("train/animal/cat.jpg", n_neighbors=n_neighbors)
    view = similar._view(8)
    shown = [tile.image_id for row in view.rows for tile in row.tiles]
    assert shown == similar.table.index[:40].tolist()
    assert [len(row.tiles) for row in view.rows[:-1]] == [5] * (len(view.rows) - 1)
    assert view.rows[0].title == ("1" if n_neighbors == 1 else "1 to 5")
    assert len(view.rows) + view.n_more == -(-n_neighbors // 5)
    text = repr(similar)
    assert all(os.path.basename(image_id)[-8:] in text for image_id in shown)
    assert ("and 1 more row of images" in text) == (n_neighbors == 43)


# --- estimate


@pytest.mark.parametrize(
    ("estimate", "says"),
    [
        (Estimate(0, 0, 0, 0.0), "Nothing to read: there is no image."),
        (Estimate(1, 0, 0, 0.0), "Nothing to read: the image is known."),
        (Estimate(2, 0, 0, 0.0), "Nothing to read: all 2 images are known."),
        (Estimate(2, 1, 1, 0.5), "Nothing left to read: the last images were read for the estimate."),
        (Estimate(50, 49, 48, 0.5), "About 0.0 s for 1 image still to read"),
        (Estimate(9048, 9048, 48, 1.0), "About 3 min for 9,000 images still to read"),
    ],
)
def test_an_estimate_says_the_same_as_text_and_as_html(estimate, says):
    assert repr(estimate).splitlines()[0] == says
    assert says in estimate._repr_html_()
    assert ("images/s measured on" in repr(estimate)) == ("images/s measured on" in estimate._repr_html_())


# --- tables


def test_empty_tables_have_the_types_of_full_ones(few):
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    full, empty = fd.Dataset(few, cache=None), fd.Dataset([], cache=None)

    def tables(ds):
        dups, clusters = ds.duplicates(), ds.clusters(min_cluster_size=2)
        return [dups.pairs, dups.groups, dups.members, ds.outliers().table, clusters.members, clusters.clusters,
                ds.quality().table, ds.neighbors.to_frame(), ds.summary().table, ds.leaks().pairs, ds.split().table,
                ds.sample(2).table, ds.label_issues().table, ds.label_issues().classes, ds.predict_labels().table,
                NEW["novelty"](ds).to_frame(), ds.next_to_label(2).to_frame(),
                ds.sequence(order="name").to_frame()]  # fmt: skip

    for some, none in zip(tables(full), tables(empty), strict=True):
        pd.testing.assert_series_equal(some.dtypes, none.dtypes)
        assert (some.index.name, some.index.dtype) == (none.index.name, none.index.dtype)


def test_clusters_have_columns_of_labels_exactly_where_there_are_labels(pictures):
    assert "label_mix" in pictures(2, labels=["a", "b"]).clusters().clusters
    assert "label_mix" not in pictures(2).clusters().clusters


# --- wrong parameters


@pytest.mark.parametrize(
    ("method", "value", "error", "says"),
    [
        *(("outliers", value, error, "The 'contamination' parameter of Dataset.outliers must be 'auto' or a float in "
           f"(0, 0.5]. Got {value!r} instead.")
          for value, error in [(0, ParameterError), (0.6, ParameterError), ("x", ParameterError), ("", ParameterError),
                               (float("nan"), ParameterError), (None, ParameterTypeError), (True, ParameterTypeError),
                               ([0.1], ParameterTypeError)]),
        ("quality", {"dork": 0.5}, ParameterError, "The 'bounds' parameter of Dataset.quality must have keys among "
         "'dark', 'bright', 'blurry', 'low_information', 'odd_aspect_ratio', 'odd_size', 'grayscale'. "
         "Got 'dork' instead."),
        ("quality", {"dark": 2}, ParameterError,
         "The \"bounds['dark']\" parameter of Dataset.quality must be a float in [0, 1]. Got 2 instead."),
        ("quality", {"dark": "x"}, ParameterTypeError,
         "The \"bounds['dark']\" parameter of Dataset.quality must be a float in [0, 1]. Got 'x' instead."),
        ("quality", 0.5, ParameterTypeError,
         "The 'bounds' parameter of Dataset.quality must be a mapping of issue to float. Got 0.5 instead."),
        ("clusters", 1, ParameterError,
         "The 'min_cluster_size' parameter of Dataset.clusters must be an int of at least 2. Got 1 instead."),
        ("clusters", 0, ParameterError,
         "The 'min_cluster_size' parameter of Dataset.clusters must be an int of at least 2. Got 0 instead."),
        *(("duplicates", value, error, "The 'min_similarity' parameter of Dataset.duplicates must be a float in [0, 1] "
           f"or one of 'strict', 'default', 'loose'. Got {value!r} instead.")
          for value, error in [(5, ParameterError), ("", ParameterError), (True, ParameterTypeError)]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_of_the_method_called_and_before_any_image_is_read(  # noqa: PLR0917
    few, reads, method, value, error, says
):
    ds = fd.Dataset(few, cache=None)
    with pytest.raises(error) as raised:
        getattr(ds, method)(value)
    assert str(raised.value) == says
    assert reads == []


def test_duplicates_take_the_rule_by_position(dataset):
    assert dataset.duplicates("loose", "largest").keep == "largest"


# --- report


def test_a_report_finds_everything_once(few, tmp_path, monkeypatch):
    found = []
    for module, name in (
        (duplicates, "find_duplicates"),
        (outliers, "find_outliers"),
        (clusters, "label_clusters"),
        (quality, "find_quality_issues"),
    ):
        original = getattr(module, name)
        counted = lambda *a, _name=name, _original=original, **k: (found.append(_name), _original(*a, **k))[1]  # noqa: E731
        monkeypatch.setattr(module, name, counted)
    fd.Dataset(few, cache=None).report(tmp_path / "report.html")
    assert sorted(found) == ["find_duplicates", "find_outliers", "find_quality_issues", "label_clusters"]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("foreign.html", ParameterError, "is no report of ours"),
        ("late.html", ParameterError, "is no report of ours"),
        ("empty.html", ParameterError, "is no report of ours"),
        ("link.html", ParameterError, "link.html' exists and is no report of ours"),
        ("loop.html", ParameterError, "is no report of ours"),
        ("pipe.html", ParameterError, "is no report of ours"),
        ("folder.html", ParameterError, "is a folder"),
        ("report.pdf", ParameterError, "end in .html"),
        (".html", ParameterError, "end in .html"),
        ("a\0.html", ParameterError, "end in .html"),
        ("foreign.html/report.html", StoreError, "foreign.html/report.html' cannot be written"),
        ("x" * 251 + ".html", StoreError, "xx.html' cannot be written"),
    ],
)
def test_a_path_that_cannot_be_is_said_before_any_image_is_read(few, reads, tmp_path, name, error, says):  # noqa: PLR0917
    pages = tmp_path / "pages"
    (pages / "folder.html").mkdir(parents=True)
    (pages / "foreign.html").write_bytes(b"<!doctype html><p class=fdnb>fastdup_nb")
    (pages / "late.html").write_bytes(b"<!doctype html>" + b" " * 3000 + REPORT)
    (pages / "empty.html").touch()
    (pages / "link.html").symlink_to("foreign.html")
    (pages / "loop.html").symlink_to("loop.html")
    os.mkfifo(pages / "pipe.html")
    before = sorted((path.name, path.is_symlink()) for path in pages.iterdir())
    with pytest.raises(error, match=says):
        fd.Dataset(few, cache=None).report(f"{pages}/{name}")
    assert sorted((path.name, path.is_symlink()) for path in pages.iterdir()) == before
    assert b"fdnb" in (pages / "foreign.html").read_bytes()
    assert reads == []


@pytest.mark.parametrize("path", [None, 5, b"report.html", ["report.html"]])
def test_a_path_of_another_type_is_an_error(few, reads, path):
    with pytest.raises(ParameterTypeError, match=r"'path' parameter of Dataset.report .* Got "):
        fd.Dataset(few, cache=None).report(path)
    assert reads == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_report_goes_through_a_link_to_its_target(few, tmp_path, is_there):
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    if is_there:
        target.write_bytes(REPORT)
    link.symlink_to(target)
    assert fd.Dataset(few, cache=None).report(link) == link
    assert link.is_symlink()
    assert target.read_bytes().startswith(REPORT)
    assert len(target.read_bytes()) > 10 * len(REPORT)


def test_a_name_as_long_as_the_file_system_takes_is_written(few, tmp_path):
    path = tmp_path / ("x" * 250 + ".html")
    assert fd.Dataset(few, cache=None).report(path).is_file()
    assert [*tmp_path.glob("*.html")] == [path]


@pytest.mark.parametrize("failing", ["access", "replace"])
def test_a_folder_that_cannot_be_written_to_is_told_by_the_path_given(few, tmp_path, monkeypatch, failing):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/hidden/1234.part")

    (tmp_path / "there").mkdir()
    monkeypatch.setattr(report_module.os, failing, refuse if failing == "replace" else lambda *_: False)
    with pytest.raises(StoreError, match=r"there/report.html' cannot be written") as raised:
        fd.Dataset(few, cache=None).report(tmp_path / "there" / "report.html")
    assert ".part" not in str(raised.value)
    assert [*(tmp_path / "there").iterdir()] == []
