"""The front door: lazy, frozen, and clear about what is wrong."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fastdup_nb as fd
from fastdup_nb.errors import ImageError, ParameterError, ParameterTypeError, SourceError, StoreError, UnknownImageError

FIRST_COLUMNS = [
    "path", "label", "split", "width", "height", "format", "mode", "file_size", "n_frames", "exif_time", "camera",
]  # fmt: skip


def test_looking_reads_nothing_and_starts_no_model(sample_folder, tmp_path, reads):
    code = f"""
import sys, fastdup_nb as fd
ds = fd.Dataset({str(sample_folder)!r}, labels="folder", cache={str(tmp_path / "store")!r})
repr(ds), ds._repr_html_(), len(ds), ds.image_ids
print([m for m in ("onnxruntime", "numba", "pynndescent", "sklearn", "datashader") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "store").exists()
    ds = fd.Dataset(sample_folder, labels="folder")
    repr(ds), ds._repr_html_(), len(ds), ds.image_ids
    assert reads == []


def test_a_dataset_does_not_change_and_using_makes_another(dataset):
    with pytest.raises(AttributeError, match=r"ds.using\(n_neighbors=...\)"):
        dataset.n_neighbors = 3
    other = dataset.using(n_neighbors=3)
    assert other.neighbors.graph.n_neighbors == 3
    assert dataset.neighbors.graph.n_neighbors == 15
    with pytest.raises(ParameterError, match="has no option 'neighbours'"):
        dataset.using(neighbours=3)


def test_a_dataset_has_the_ids_of_its_images_as_a_dict_has_its_keys(few, reads):
    ds = fd.Dataset(few, cache=None)
    assert list(ds) == ds.image_ids
    assert "cat.jpg" in ds
    assert str(few / "cat.jpg") not in ds
    part = ds.where([image_id for image_id in ds if image_id > "d"])
    assert "cat.jpg" not in part
    assert len(ds.where(part)) == len(part) == 4
    assert not fd.Dataset([], cache=None)
    with pytest.raises(ParameterTypeError, match=r"a Dataset already: ds.using\(...\)"):
        fd.Dataset(ds)
    assert reads == []


def test_images_has_a_row_of_facts_for_every_image(dataset, truth):
    images = dataset.images
    assert images.index.name == "image_id"
    assert images.columns[: len(FIRST_COLUMNS)].tolist() == FIRST_COLUMNS
    assert images.columns[-2:].tolist() == ["is_broken", "reason"]
    assert set(images.index) == set(truth)
    broken = {image_id for image_id, row in truth.items() if row["kind"] == "broken"}
    assert set(images.index[images["is_broken"]]) == broken
    assert images.loc[sorted(broken), "reason"].str.len().min() > 3
    assert images.loc[~images["is_broken"], "reason"].isna().all()
    assert images["exif_time"].notna().any()
    assert images["camera"].notna().any()
    assert images["width"].dtype == "Int64"
    assert images.loc["train/animal/cat.jpg", ["label", "split"]].tolist() == ["animal", "train"]


def test_images_is_a_copy_and_can_be_written(dataset, tmp_path):
    images = dataset.images
    images["label"] = "changed"
    assert "changed" not in set(dataset.images["label"])
    dataset.images.to_parquet(tmp_path / "images.parquet")
    back = pd.read_parquet(tmp_path / "images.parquet")
    assert back.index.tolist() == dataset.images.index.tolist()


def test_labels_and_splits_of_a_csv_file_are_as_written(sample_folder, tmp_path):
    names = sorted(str(path) for path in sample_folder.rglob("*.jpg"))[:4]
    rows = [f"{name},{told}" for name, told in zip(names, ["007,None,1", "012,NA,2", "nan,null,", ",,4"], strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["path,label,split,code", *rows]))
    ds = fd.Dataset(tmp_path / "table.csv", cache=None)
    assert ds.images["label"].fillna("-").tolist() == ["007", "012", "nan", "-"]
    assert ds.images["split"].fillna("-").tolist() == ["None", "NA", "null", "-"]
    assert ds.images["code"].fillna(0).tolist() == [1, 2, 0, 4]
    assert ds.where(label="007").image_ids == ds.image_ids[:1]
    assert ds.using(labels="code", split="label").images["label"].fillna("-").tolist() == ["1", "2", "-", "4"]
    assert ds.using(split="label").images["split"].fillna("-").tolist() == ["007", "012", "nan", "-"]


def test_columns_of_a_table_stay_with_the_images(sample_folder, tmp_path):
    names = ["train/animal/cat.jpg", "test/people/astronaut.jpg"]
    table = pd.DataFrame({"image_path": names, "label": ["cat", None], "width": [1, 2], "note": ["x", "y"]})
    table.to_csv(sample_folder.parent / "table.csv", index=False)
    table["image_path"] = [str(sample_folder / name) for name in names]
    images = fd.Dataset(table, cache=None).images
    assert images["label"].iloc[0] == "cat"
    assert pd.isna(images["label"].iloc[1])
    assert images["note"].tolist() == ["x", "y"]
    assert images["width_given"].tolist() == [1, 2]
    assert images["width"].tolist() == [451, 340]
    assert fd.Dataset(table, labels="note", cache=None).images["label"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"labels": "species"}, ParameterError, "must be 'folder', a column of the source.*no columns"),
        (
            {"labels": ["a", "b"]},
            ParameterError,
            "one entry for each of the 6 listed images. Got 2. Give a Series or dict",
        ),
        ({"split": 5}, ParameterTypeError, "Got int"),
        ({"cache": 5}, ParameterTypeError, "'auto', a folder or None"),
        ({"n_neighbors": 0}, ParameterError, "at least 1|in \\[1"),
        ({"n_neighbors": "ten"}, ParameterTypeError, "Got 'ten'"),
        ({"n_jobs": 0}, ParameterError, "n_jobs"),
        ({"random_state": -1}, ParameterError, "random_state"),
        ({"method": "fast"}, ParameterError, "one of 'auto', 'exact', 'nn-descent'"),
        ({"encoder": "resnet"}, ParameterError, "efficientnet-lite0"),
        ({"encoder": 5}, ParameterTypeError, "encoder"),
        ({"embeddings": np.zeros((2, 4))}, ParameterError, r"each of the 6 listed images.*\(2, 4\)"),
        ({"embeddings": np.full((6, 4), np.inf)}, ParameterError, "finite"),
        ({"embeddings": "vectors"}, ParameterError, "array of numbers"),
    ],
)
def test_what_is_wrong_is_said_at_once(few, options, error, says):
    with pytest.raises(error, match=says):
        fd.Dataset(few, **options)


def test_a_folder_without_images_is_told_at_once(tmp_path):
    with pytest.raises(SourceError, match="no images"):
        fd.Dataset(tmp_path)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_very_few_images_are_no_problem(few, n):
    ds = fd.Dataset(sorted(few.iterdir())[:n], cache=None)
    assert [len(ds), len(ds.images), len(ds.embeddings), len(ds.outliers().table)] == [n] * 4
    assert ds.summary()["images"] == n
    for result in (ds.duplicates(), ds.outliers(), ds.clusters(), ds.quality(), ds.summary(), ds.neighbors, ds):
        assert repr(result)
        assert result._repr_html_()


def test_all_broken_is_no_problem(tmp_path):
    for name in ("a.jpg", "b.png"):
        (tmp_path / name).write_text("no picture")
    ds = fd.Dataset(tmp_path, cache=None)
    assert ds.summary()["broken"] == 2
    assert len(ds.duplicates().pairs) == 0
    assert ds.quality().table["is_broken"].all()
    assert np.isnan(ds.embeddings).all()


def test_own_vectors_are_used_as_they_are(few):
    vectors = np.array([[1, 0], [1, 0.01], [0, 1], [0, 2], [-1, 0], [0, -1]])
    ds = fd.Dataset(few, embeddings=vectors, cache=None)
    np.testing.assert_allclose(ds.embeddings, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), rtol=1e-5)
    pairs = ds.duplicates(0.99).pairs
    ids = ds.image_ids
    assert set(map(tuple, pairs[["image_id_a", "image_id_b"]].to_numpy())) == {(ids[0], ids[1]), (ids[2], ids[3])}
    assert ds.similar(ids[0], n_neighbors=2).table.index.tolist() == ids[:2]
    assert ds.similar(np.array([0.0, -3.0]), n_neighbors=1).table.index.tolist() == [ids[5]]
    with pytest.raises(ParameterError, match="no encoder for other pictures"):
        ds.similar((few / ids[0]).read_bytes())


@pytest.mark.parametrize("form", ["id", "path", "str path", "bytes", "PIL", "array"])
def test_a_picture_is_most_similar_to_itself_however_it_is_given(dataset, sample_folder, form):
    image_id = "train/plant/IMG_2042.jpg"
    path = sample_folder / image_id
    query = {
        "id": image_id,
        "path": path,
        "str path": str(path),
        "bytes": path.read_bytes(),
        "PIL": Image.open(path),
        "array": np.asarray(Image.open(path).convert("RGB")),
    }[form]
    table = dataset.similar(query, n_neighbors=4).table
    assert table.index[0] == image_id
    assert table["similarity"].iloc[0] == pytest.approx(1, abs=1e-3)
    assert len(table) == 4
    assert table["similarity"].is_monotonic_decreasing


def test_the_query_comes_before_its_exact_copies(dataset, truth):
    copy = next(image_id for image_id, row in truth.items() if row["tier"] == "identical file")
    table = dataset.similar(copy, n_neighbors=3).table
    assert table.index[0] == copy
    assert table["similarity"].iloc[:2].tolist() == pytest.approx([1, 1], abs=1e-5)


def test_a_rotated_picture_is_turned_before_it_is_compared(dataset, sample_folder):
    upright = Image.open(sample_folder / "train/vehicle/engine.jpg").convert("RGB")
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.rotate(90, expand=True).save(file, "JPEG", exif=exif, quality=95)
    for query in (file.getvalue(), Image.open(file)):
        found = dataset.similar(query, n_neighbors=1).table
        assert found.index[0] in {"train/vehicle/engine.jpg", "train/vehicle/motor.jpg"}
        assert found["similarity"].iloc[0] > 0.98


@pytest.mark.parametrize(
    ("query", "error", "says"),
    [
        ("no/such.jpg", UnknownImageError, "neither an id of this dataset of 146 images nor a file"),
        (b"no picture", ImageError, "."),
        (5, ParameterTypeError, "must be an image id, a path, bytes"),
        (np.zeros(3), ParameterError, "finite numbers"),
        (np.zeros((4, 4, 7), np.uint8), ParameterError, "uint8 of shape"),
        (np.zeros((4, 4, 3), np.float64), ParameterError, "uint8 of shape"),
    ],
)
def test_a_query_that_is_no_picture_is_a_clear_error(dataset, query, error, says):
    with pytest.raises(error, match=says):
        dataset.similar(query)


def test_a_broken_image_has_no_similar_ones(dataset, truth):
    broken = next(image_id for image_id, row in truth.items() if row["kind"] == "broken")
    with pytest.raises(ParameterError, match="is broken"):
        dataset.similar(broken)


def test_outliers_score_every_image_and_a_number_flags_that_share(dataset):
    table = dataset.outliers().table
    assert table.columns.tolist() == ["outlier_score", "is_outlier", "nearest_id", "nearest_similarity"]
    assert len(table) == (~dataset.images["is_broken"]).sum()
    assert table["outlier_score"].is_monotonic_decreasing
    flagged = dataset.outliers(contamination=0.1).table["is_outlier"]
    assert flagged.sum() == round(0.1 * len(table))
    assert flagged.iloc[: flagged.sum()].all()
    for wrong in (0, 0.6, -1):
        with pytest.raises(ParameterError, match="contamination"):
            dataset.outliers(contamination=wrong)


def test_an_outlier_and_its_exact_copy_do_not_hide_each_other(few, sample_folder):
    path = next((sample_folder / "test/document").glob("blank*"))
    for name in ("odd1.png", "odd2.png"):
        (few / name).write_bytes(path.read_bytes())
    table = fd.Dataset(few, cache=None).outliers().table
    assert table.loc["odd1.png", "outlier_score"] == table.loc["odd2.png", "outlier_score"]
    assert table.loc["odd1.png", "nearest_id"] not in {"odd1.png", "odd2.png"}


def test_clusters_label_every_image_and_copies_alike(dataset, truth):
    clusters = dataset.clusters()
    labels = clusters.labels
    assert len(labels) == (~dataset.images["is_broken"]).sum()
    assert set(labels[labels >= 0]) == set(clusters.clusters.index)
    pairs = dataset.duplicates(1.0).pairs
    same = pairs[pairs["tier"] == "identical file"]
    assert (labels[same["image_id_a"]].to_numpy() == labels[same["image_id_b"]].to_numpy()).all()
    pd.testing.assert_series_equal(labels, dataset.using().clusters().labels)
    with pytest.raises(ParameterError, match="min_cluster_size"):
        dataset.clusters(min_cluster_size=1)


def test_quality_takes_other_bounds_without_reading(dataset, truth, reads):
    quality = dataset.quality()
    dark = {image_id for image_id, row in truth.items() if row["kind"] == "dark"}
    assert dark <= set(quality.table.index[quality.table["is_dark"]])
    assert dataset.quality({"dark": 1.0}).counts["dark"] > quality.counts["dark"]
    assert reads == []
    with pytest.raises(ParameterError, match="dork"):
        dataset.quality({"dork": 0.5})


def test_the_summary_keeps_different_numbers_apart(dataset):
    summary, dups = dataset.summary(), dataset.duplicates()
    assert summary["pairs"] == len(dups.pairs)
    assert summary["groups"] == len(dups.groups)
    assert summary["removable"] == len(dups.removable)
    assert summary["images in a pair"] == len(set(dups.pairs.image_id_a) | set(dups.pairs.image_id_b))
    assert summary["pairs"] == sum(summary[f"pairs, {tier}"] for tier in dups.pairs["tier"].cat.categories)
    assert summary.table["meaning"].str.len().min() > 0


def test_neighbors_are_told_with_their_recall(dataset):
    neighbors = dataset.neighbors
    assert neighbors.recall == 1
    frame = neighbors.to_frame()
    assert frame.columns.tolist() == ["image_id", "neighbor_id", "rank", "similarity"]
    assert (frame["image_id"] != frame["neighbor_id"]).all()
    assert not frame.duplicated(["image_id", "neighbor_id"]).any()
    assert frame["similarity"].between(-1, 1).all()


def test_an_estimate_keeps_what_it_read(sample_folder, tmp_path, reads):
    ds = fd.Dataset(sample_folder, cache=tmp_path / "store")
    estimate = ds.estimate()
    assert estimate.n_measured == len(reads) < estimate.n_waiting == len(ds)
    assert estimate.seconds > 0
    assert "images/s measured on" in repr(estimate)
    ds.images
    assert len(reads) == len(ds)
    assert repr(ds.estimate()) == f"Nothing to read: all {len(ds)} images are known."


def test_text_and_html_show_the_same_counts(dataset):
    for result in (dataset, dataset.duplicates(), dataset.outliers(), dataset.clusters(), dataset.quality()):
        text, html = repr(result), result._repr_html_()
        view = result._overview().view() if isinstance(result, fd.Dataset) else result._view(8)
        for fact in view.facts:
            shown = f"{fact.value:,}" if isinstance(fact.value, int) else fact.value
            assert shown in text
            assert shown in html
        assert len(html) < 500_000
        assert "<script" not in html


def test_a_name_cannot_bring_markup_into_any_view(tmp_path, sample_folder):
    folder = tmp_path / "p" / "<b>label</b>"
    folder.mkdir(parents=True)
    data = (sample_folder / "train/animal/cat.jpg").read_bytes()
    for name in ("<img src=x onerror=alert(1)>.jpg", "\"'><script>alert(1)<", "{{7*7}}.jpg", "a\nb.jpg"):
        (folder / name.replace("/", "")).write_bytes(data)
    (folder / "<svg onload=alert(1)>.png").write_text("broken")
    ds = fd.Dataset(tmp_path / "p", labels="folder", cache=None)
    pages = [result._repr_html_() for result in (ds, ds.duplicates(), ds.outliers(), ds.clusters(), ds.quality())]
    pages.append(ds.report(tmp_path / "report.html").read_text(encoding="utf-8"))
    for page in pages:
        for bad in ("<img src=x", "<script", "<svg", "<b>label", "49.jpg"):
            assert bad not in page


def test_the_report_is_one_page_that_replaces_only_reports(dataset, tmp_path):
    path = dataset.report(tmp_path / "sub" / "report.html")
    page = path.read_text(encoding="utf-8")
    assert page.count("<h2") >= 5
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert dataset.report(path) == path
    (tmp_path / "mine.html").write_text("<p>my page")
    for wrong in ("mine.html", "cat.jpg", "sub"):
        with pytest.raises(ParameterError):
            dataset.report(tmp_path / wrong)
    assert (tmp_path / "mine.html").read_text() == "<p>my page"
    assert [*(tmp_path / "sub").iterdir()] == [path]


def test_another_seed_or_number_of_jobs_gives_the_same_pairs(sample_folder, dataset):
    other = fd.Dataset(sample_folder, cache=None, n_jobs=1)
    a, b = dataset.duplicates().pairs, other.duplicates().pairs
    assert set(zip(a.image_id_a, a.image_id_b, a.tier, strict=True)) == set(
        zip(b.image_id_a, b.image_id_b, b.tier, strict=True)
    )


def test_a_dataset_and_its_results_survive_pickling(few, tmp_path):
    ds = fd.Dataset(few, labels="folder", cache=tmp_path / "store")
    dups = ds.duplicates("loose")
    again, result = pickle.loads(pickle.dumps((ds, dups)))  # noqa: S301
    pd.testing.assert_frame_equal(again.images, ds.images)
    pd.testing.assert_frame_equal(result.pairs, dups.pairs)
    assert result._repr_html_() == dups._repr_html_()


def test_results_of_two_datasets_splits_and_sequences_survive_pickling(few, tmp_path):
    ds = fd.Dataset(few, cache=tmp_path / "store")
    vectors = ds.embeddings
    results = (
        ds.split(train=0.5, test=0.5), ds.sequence(), ds.leaks(ds), ds.normality().score(few),
        ds.normality().score(vectors), ds.sample(2), ds.label_issues(), ds.predict_labels(), ds.next_to_label(2),
    )  # fmt: skip
    for result in results:
        again = pickle.loads(pickle.dumps(result))  # noqa: S301
        pd.testing.assert_frame_equal(again.to_frame(), result.to_frame())
        assert again._repr_html_() == result._repr_html_()
    split, sequence, leaks, *_ = pickle.loads(pickle.dumps(results))  # noqa: S301
    assert split.dataset.leaks().n_pairs == 0
    assert sequence.transitions("cluster").equals(results[1].transitions("cluster"))
    assert leaks._shown.thumbnail("other:cat.jpg")
    assert leaks._shown.thumbnail("other:cat.jpg") == leaks._shown.thumbnail("cat.jpg")


def test_a_relative_folder_stays_the_one_that_was_meant(few, tmp_path, monkeypatch):
    monkeypatch.chdir(few.parent)
    ds = fd.Dataset("few", cache="kept")
    monkeypatch.chdir(tmp_path.parent)
    assert len(ds.images) == 6
    assert not ds.images["is_broken"].any()
    assert (few.parent / "kept").is_dir()


def test_every_path_may_begin_with_the_sign_of_the_home(few, sample_folder, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(few.parent))
    ds = fd.Dataset("~/few", cache=None)
    assert len(ds.using(n_neighbors=3).images) == 6
    assert ds.similar("~/few/cat.jpg").query_id == "cat.jpg"
    (few.parent / "query.png").write_bytes((sample_folder / "test/animal/horse.png").read_bytes())
    assert ds.similar("~/query.png", 1).query_id is None
    assert ds.report("~/report.html").read_text().startswith("<!")
    assert fd.sample("~/made") == few.parent / "made"


def test_another_option_keeps_source_and_store(few, reads):
    ds = fd.Dataset((path for path in sorted(few.iterdir())), cache=None)
    ds.duplicates()
    n_read = len(reads)
    other = ds.using(n_neighbors=2)
    assert other.image_ids == ds.image_ids
    assert other.neighbors.graph.n_neighbors == 2
    assert len(reads) == n_read


def test_what_was_given_is_copied(few):
    vectors, labels = np.eye(6), ["a"] * 6
    ds = fd.Dataset(few, embeddings=vectors, labels=labels, cache=None)
    vectors[:] = 1
    labels[:] = "b" * 6
    assert ds.duplicates(0.9).n_pairs == 0
    assert set(ds.images["label"]) == {"a"}


def test_vectors_of_any_length_are_compared_and_zeros_are_refused(few):
    random = np.random.default_rng(0).normal(size=(6, 8))
    for scale in (1e30, 1e-30, 1e300):
        ds = fd.Dataset(few, embeddings=random * scale, cache=None)
        np.testing.assert_allclose(ds.embeddings, random / np.linalg.norm(random, axis=1, keepdims=True), rtol=1e-5)
    random[2] = 0
    with pytest.raises(ParameterError, match=r"vector of zeros or NaN for 1 images, the first of them '.*\.jpg'"):
        fd.Dataset(few, embeddings=random, cache=None).duplicates()
    for wrong in (np.full((6, 2), "x"), np.ones((6, 2), complex)):
        with pytest.raises(ParameterError, match="array of numbers"):
            fd.Dataset(few, embeddings=wrong)


def test_an_encoder_whose_vectors_differ_in_length_is_told(few):
    lengths = iter(range(1, 99))
    ds = fd.Dataset(few, encoder=lambda batch: np.ones((len(batch), next(lengths))), cache=None)
    assert ds.where(ds.image_ids[:3]).embeddings.shape == (3, 1)
    with pytest.raises(StoreError, match=r"vectors of \d and of \d numbers; all must have one length\.$"):
        ds.embeddings


def test_labels_are_taken_of_a_frame_by_id_or_path(few):
    ds = fd.Dataset(few, cache=None, tags=None)
    ds.relabel(["cat.jpg", "grass.jpg"], {"cat.jpg": "lynx", "grass.jpg": "lawn"})
    decided = ds.tags.labels()
    expected = decided["new_label"].to_dict()
    by_path = decided["new_label"].rename(lambda image_id: str(few / image_id))
    annotated = pd.DataFrame({"image_id": list(expected), "label": list(expected.values()), "is_skipped": False})
    for told in (decided, by_path, annotated, by_path.rename_axis("path").reset_index(), by_path.to_frame("any")):
        assert ds.using(labels=told).images["label"].dropna().to_dict() == expected
        assert fd.Dataset(few, labels=told, cache=None).images["label"].dropna().to_dict() == expected
    both = ds.images.assign(label=list("abcdef"), split=list("uvwxyz"))
    images = ds.using(labels=both, split=both).images
    assert "".join(images["label"]) + "".join(images["split"]) == "abcdefuvwxyz"
    with pytest.raises(ParameterError, match=r"labels=frame\['my_column'\]. Got the columns 'old', 'new'"):
        ds.using(labels=pd.DataFrame({"old": ["a"], "new": ["b"]}, index=["cat.jpg"]))
    with pytest.raises(ParameterError, match=r"or by path\. Got an index such as 'dog.jpg'"):
        ds.using(labels=pd.Series({"dog.jpg": "dog"}))


def test_space_around_a_name_is_none_of_it_and_a_blank_name_is_none(few):
    told = [" a", "a ", "a", "", " \t", None]
    ds = fd.Dataset(few, labels=told, split=told, cache=None, tags=None)
    assert ds.images["label"].fillna("-").tolist() == ds.images["split"].fillna("-").tolist() == list("aaa---")
    assert ds.where(label=" a", split="a ").image_ids == ds.image_ids[:3]
    assert ds.sample(quotas={" a": 2}).table["label"].tolist() == ["a", "a"]
    assert ds.leaks(pd.Series(["x", " x", *"yyyy"], index=ds.image_ids, name="part")).splits == ("y", "x")
    assert "3 images have no label" in repr(ds.label_issues())
    assert set(ds.split({" new": 1}).dataset.images["split"]) == {"new"}
    patients = fd.Dataset(ds.images[["path"]].assign(patient=["p ", " p", "q", "", " ", None]), cache=None)
    assert patients.split(train=0.5, test=0.5, groups="patient").table["group"].nunique() == 5
    assert "3 images have no value in patient" in repr(patients.split(train=0.5, test=0.5, groups="patient"))


def test_labels_and_vectors_are_matched_by_id_where_they_have_ids(few):
    ids = fd.Dataset(few).image_ids
    labels = {image_id: image_id[:3] for image_id in reversed(ids)}
    expected = [image_id[:3] for image_id in ids]
    for told in (labels, pd.Series(labels), pd.Series(expected), expected, np.array(expected)):
        assert fd.Dataset(few, labels=told, cache=None).images["label"].tolist() == expected
    assert fd.Dataset(few, labels={ids[1]: 7}, cache=None).images["label"].dropna().to_dict() == {ids[1]: "7"}
    vectors = pd.DataFrame(np.eye(6), index=ids)
    assert fd.Dataset(few, embeddings=vectors[::-1], cache=None).embeddings.argmax(axis=1).tolist() == list(range(6))
    by_path = vectors.set_axis([str(few / image_id) for image_id in ids])
    column = pd.Series(list(np.eye(6)), index=ids)
    more = pd.concat([by_path.rename(lambda path: path + ".old"), by_path])
    for told in (by_path[::-1], column[::-1], column.reset_index(drop=True), more):
        assert fd.Dataset(few, embeddings=told, cache=None).embeddings.argmax(axis=1).tolist() == list(range(6))
    with pytest.raises(ParameterTypeError, match="Got set instead"):
        fd.Dataset(few, labels=set(ids))
    with pytest.raises(ParameterError, match="indexed by image id"):
        fd.Dataset(few, labels={"other.jpg": "x"})


def test_an_index_that_does_not_name_each_image_once_is_refused(few):
    ids = fd.Dataset(few).image_ids
    twice = [*ids[:5], ids[0]]
    for told in (twice, [f"{few}/{name}" for name in twice], [f"{few}/{ids[0]}", f"{few}/./{ids[0]}", *"abcd"]):
        with pytest.raises(ParameterError, match=rf"'labels' .* each image once\. Got '{ids[0]}' again"):
            fd.Dataset(few, labels=pd.Series(list("abcdef"), index=told))
        with pytest.raises(ParameterError, match=r"'embeddings' .* each image once"):
            fd.Dataset(few, embeddings=pd.DataFrame(np.eye(6), index=told))
    with pytest.raises(ParameterError, match=r"'split' .* one level in its index: image ids or paths\. Got 2"):
        fd.Dataset(few, split=pd.Series(list("abcdef"), index=pd.MultiIndex.from_arrays([ids, ids])))
    for renamed in ([*ids[:5], "other.jpg"], list("uvwxyz"), [5, 4, 3, 2, 1, 0]):
        with pytest.raises(ParameterError, match=r"Got none for \d of 6 images, the first of them '[a-z]+\.jpg'"):
            fd.Dataset(few, embeddings=pd.DataFrame(np.eye(6), index=renamed))


def test_the_folder_an_image_lies_in_is_its_label_even_at_the_root(few):
    assert set(fd.Dataset(few, labels="folder", cache=None).images["label"]) == {"few"}
    assert fd.Dataset(few, split="folder", cache=None).images["split"].isna().all()


def test_no_column_of_a_table_is_lost(few):
    names = sorted(path.name for path in few.iterdir())
    table = pd.DataFrame(
        {
            "path": [str(few / name) for name in names],
            "label": 1.0,
            "image_id": 5,
            "width": 1,
            "width_given": 2,
            "kind": [1, None, 3, 4, 5, 6],
        }
    )
    images = fd.Dataset(table, labels="kind", cache=None).images
    assert images["label"].tolist()[::2] == ["1", "3", "5"]
    assert images["label"].isna().tolist() == [False, True, False, False, False, False]
    assert images["label_given"].tolist() == [1.0] * 6
    assert images["width_given"].tolist() == [2] * 6
    assert images["width_given_given"].tolist() == [1] * 6
    assert images.reset_index()["image_id_given"].tolist() == [5] * 6


def test_the_query_comes_first_even_among_all_but_equal_ones(few, sample_folder):
    base = np.ones((6, 512)) + np.random.default_rng(0).normal(scale=1e-6, size=(6, 512))
    ds = fd.Dataset(few, embeddings=base, cache=None)
    for image_id in ds.image_ids:
        table = ds.similar(image_id).table
        assert table.index[0] == image_id
        assert table["similarity"].iloc[0] == 1


@pytest.mark.parametrize("picture", ["closed", "empty", "La", "CMYK", "F"])
def test_odd_pictures_are_used_or_refused_clearly(dataset, sample_folder, picture):
    image = Image.open(sample_folder / "train/animal/cat.jpg")
    if picture == "closed":
        image.close()
    elif picture == "empty":
        image = Image.new("RGB", (0, 5))
    elif picture == "La":
        image = image.convert("LA").convert("La")
    else:
        image = image.convert("L").convert(picture) if picture == "F" else image.convert(picture)
    if picture in {"closed", "empty"}:
        with pytest.raises(ImageError, match=r"cannot be used|empty"):
            dataset.similar(image)
    else:
        assert len(dataset.similar(image, n_neighbors=3).table) == 3


def test_bounds_follow_the_encoder_not_how_it_was_named(few):
    from fastdup_nb.embeddings import GENERIC_PRESETS, MODELS, PRESETS

    path = MODELS["efficientnet-lite0"].path
    for encoder in (str(path), path, fd.OnnxEncoder(path, output="vectors")):
        assert fd.Dataset(few, encoder=encoder, cache=None).duplicates().min_similarity == GENERIC_PRESETS["default"]
    assert fd.Dataset(few, cache=None).duplicates().min_similarity == PRESETS["default"]


def test_what_an_encoder_makes_is_checked_before_it_is_kept(few, tmp_path):
    class Wrong:
        key, input_size = "wrong", 8

        def __init__(self, make):
            self.make = make

        def prepare(self, image):
            return np.asarray(image.convert("RGB").resize((8, 8)))

        def encode(self, batch):
            from fastdup_nb.embeddings import Descriptors

            return Descriptors(self.make(batch))

    def mean(batch):
        return batch.mean(axis=(1, 2)).astype(np.float32) + 1

    for make in (lambda batch: mean(batch)[:1], lambda batch: mean(batch) * np.nan, lambda batch: mean(batch)[0]):
        with pytest.raises(ParameterError, match="one row of finite numbers for each picture"):
            fd.Dataset(few, encoder=Wrong(make), cache=tmp_path / "store", n_jobs=1).embeddings
    large = fd.Dataset(few, encoder=Wrong(lambda batch: mean(batch) * 1e6), cache=tmp_path / "store").embeddings
    np.testing.assert_allclose(np.linalg.norm(large, axis=1), 1, rtol=1e-3)


def test_a_stranger_of_the_same_name_is_not_the_query(few, tmp_path):
    other = tmp_path / "other" / "cat.jpg"
    other.parent.mkdir()
    Image.open(few / "cat.jpg").convert("L").resize((200, 150)).save(other)
    ds = fd.Dataset(few, cache=None)
    same_name = ds.similar(other, n_neighbors=3)
    other.rename(other.with_name("zz.jpg"))
    pd.testing.assert_frame_equal(same_name.table, ds.similar(other.with_name("zz.jpg"), n_neighbors=3).table)
    assert same_name.query_id is None
    assert same_name.table["similarity"].max() < 1


def test_the_vectors_of_a_dataset_can_be_given_back_to_it(few):
    (few / "broken.jpg").write_text("no picture")
    ds = fd.Dataset(few, cache=None)
    again = ds.using(embeddings=ds.embeddings)
    np.testing.assert_allclose(again.embeddings, ds.embeddings, atol=1e-6)
    with pytest.raises(ParameterError, match="broken image"):
        ds.similar(ds.embeddings[ds.image_ids.index("broken.jpg")])


@pytest.mark.parametrize("content", [None, b""])
def test_nothing_is_similar_where_there_is_no_picture(tmp_path, content):
    from PIL import Image

    if content is not None:
        (tmp_path / "broken.jpg").write_bytes(content)
    ds = fd.Dataset([tmp_path / "broken.jpg"] if content is not None else [], cache=None)
    assert ds.similar(Image.new("RGB", (50, 50))).table.empty


def test_kinds_of_files_that_are_passed_over_are_all_counted(few):
    for suffix in "abcdefgh":
        (few / f"file.{suffix}").write_text("text")
    assert "1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 3 of 3 other kinds" in " ".join(repr(fd.Dataset(few)).split())


def test_a_folder_of_broken_images_passes_through_the_first_notebook(tmp_path, monkeypatch):
    from pathlib import Path

    root = Path(__file__).resolve().parent.parent
    monkeypatch.syspath_prepend(str(root))
    from tools.demo import execute

    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"")
    monkeypatch.setenv("PHOTOS", str(tmp_path / "pictures"))
    notebook = execute(root / "notebooks" / "01_first_look.ipynb", tmp_path)
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
