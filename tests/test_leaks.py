"""Leaks: twins across splits and datasets are found, all of them, and told from which side they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, SourceNotFoundError
from fastdup_nb.findings import leaks as finding
from fastdup_nb.findings.edges import Copies
from fastdup_nb.findings.leaks import find_leaks, link_sides


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def search(vectors, sides, *, least, rows=None, files=None, labels=None):
    """Return the tables for vectors, one an image."""
    sides = np.asarray(sides)
    rows = np.arange(len(sides)) if rows is None else np.asarray(rows)
    own = np.arange(len(sides)) if files is None else np.asarray(files)

    def score(a, b):
        return np.clip(np.einsum("ij,ij->i", vectors[a], vectors[b]), 0, 1)

    links = link_sides(vectors, rows, sides, score, min_similarity=least, n_jobs=1)
    copies = Copies([str(i) for i in range(len(sides))], rows, own, own, np.arange(len(sides)))
    names = [f"s{i}" for i in range(sides.max(initial=-1) + 1)]
    return find_leaks(copies, sides, names, links, score, min_similarity=least, labels=labels)


def pairs_of(table):
    return set(zip(table["image_id_a"], table["image_id_b"], strict=True))


def all_pairs(vectors, sides, least):
    """Return by comparing all with all what there is to find."""
    similar = vectors @ vectors.T
    n = range(len(sides))
    return {(str(i), str(j)) for i in n for j in n
            if 0 <= sides[i] < sides[j] and similar[i, j] >= least}  # fmt: skip


@pytest.fixture
def copies_in(few):
    """Put copies of one photograph into the splits a and b; return the folder above them."""
    for split, names in {"a": ["cat.jpg", "grass.jpg"], "b": ["cat.jpg", "espresso.jpg"]}.items():
        (few / split).mkdir()
        for name in names:
            (few / split / name).write_bytes((few / name).read_bytes())
    return few


# --- all of them


@pytest.mark.parametrize("n_kinds", [3, 12, 300])
@pytest.mark.parametrize("least", [0.5, 0.8, 0.95])
def test_every_pair_across_sides_is_found_and_nothing_else(n_kinds, least):
    rng = np.random.default_rng(n_kinds)
    vectors = unit(
        np.repeat(rng.normal(size=(n_kinds, 16)), 300 // n_kinds, axis=0) + rng.normal(scale=0.35, size=(300, 16))
    )
    sides = rng.choice([-1, 0, 1, 2], p=[0.1, 0.6, 0.2, 0.1], size=300)
    assert pairs_of(search(vectors, sides, least=least).pairs) == all_pairs(vectors, sides, least)


def test_the_search_widens_until_it_has_all_twins_of_an_image():
    rng = np.random.default_rng(0)
    vectors = unit(np.repeat(rng.normal(size=(2, 16)), 250, axis=0) + rng.normal(scale=0.1, size=(500, 16)))
    sides, rows = (np.arange(500) % 5 == 0).astype(np.int64), np.arange(500)

    def score(a, b):
        return np.clip(np.einsum("ij,ij->i", vectors[a], vectors[b]), 0, 1)

    links = link_sides(vectors, rows, sides, score, min_similarity=0.8)
    similar = (vectors @ vectors.T)[np.ix_(sides == 0, sides == 1)]
    assert len(links.a) == (similar >= 0.8).sum() > 500 * finding.FIRST_NEIGHBORS / 2


def test_twins_within_a_split_do_not_hide_one_in_another():
    rng = np.random.default_rng(0)
    crowd = unit(np.ones((400, 32)) + rng.normal(scale=0.01, size=(400, 32)))
    vectors = np.vstack([crowd, unit(np.ones((1, 32)) + rng.normal(scale=0.05, size=(1, 32)))])
    graph = fd.build_graph(vectors, n_neighbors=15)
    assert 400 not in graph.indices[:400]
    found = search(vectors, [0] * 400 + [1], least=0.9)
    assert len(found.pairs) == 400
    assert found.touched.any(axis=1).all()


def test_where_there_are_more_twins_than_are_looked_for_each_image_still_has_one(monkeypatch):
    monkeypatch.setattr(finding, "MOST_NEIGHBORS", 64)
    rng = np.random.default_rng(0)
    vectors = unit(np.ones((700, 32)) + rng.normal(scale=0.01, size=(700, 32)))
    found = search(vectors, [0] * 500 + [1] * 200, least=0.9)
    assert found.touched.any(axis=1).all()


def test_where_there_are_more_twins_than_are_looked_for_those_of_one_split_hide_none_in_another(monkeypatch):
    monkeypatch.setattr(finding, "MOST_NEIGHBORS", 64)
    rng = np.random.default_rng(0)
    crowd = unit(np.ones((600, 32)) + rng.normal(scale=0.01, size=(600, 32)))
    alone = unit(np.ones((10, 32)) + rng.normal(scale=0.05, size=(10, 32)))  # all of the crowd are nearer
    found = search(np.vstack([crowd, alone]), [0] * 220 + [1] * 200 + [2] * 180 + [0] * 10, least=0.9)
    assert found.touched.sum(axis=1).tolist() == [2] * 610


def test_many_splits_are_searched_together(monkeypatch):
    asked, ask = [], finding.search
    monkeypatch.setattr(
        finding, "search", lambda base, queries, **options: asked.append(1) or ask(base, queries, **options)
    )
    rng = np.random.default_rng(0)
    vectors, sides = unit(rng.normal(size=(400, 8))), rng.integers(0, 40, 400)
    assert pairs_of(search(vectors, sides, least=0.9).pairs) == all_pairs(vectors, sides, 0.9)
    assert len(asked) < 80


def test_twins_of_the_sample_are_those_that_duplicates_finds_across_splits(dataset):
    pairs, split = dataset.duplicates().pairs, dataset.images["split"]
    across = pairs[split.loc[pairs["image_id_a"]].to_numpy() != split.loc[pairs["image_id_b"]].to_numpy()]
    leaks = dataset.leaks()

    def told(table):
        pairs = [frozenset(pair) for pair in table[["image_id_a", "image_id_b"]].to_numpy().tolist()]
        return dict(zip(pairs, zip(table["tier"], table["similarity"].round(5), strict=True), strict=True))

    assert told(across) == told(leaks.pairs)
    assert leaks.pairs["tier"].value_counts().min() >= 5
    assert (leaks.pairs["split_a"] == split.loc[leaks.pairs["image_id_a"]].to_numpy()).all()


def test_planted_pairs_across_splits_are_found(dataset, truth):
    leaks = dataset.leaks()
    found = {frozenset(pair) for pair in pairs_of(leaks.pairs)}
    originals = {row["origin"]: image_id for image_id, row in truth.items() if row["kind"] == "original"}
    planted = {
        frozenset((image_id, originals[row["origin"]])) for image_id, row in truth.items()
        if row["tier"] in {"identical file", "identical pixels"}
        and row["split"] != truth[originals[row["origin"]]]["split"]
    }  # fmt: skip
    assert len(planted) >= 5
    assert planted <= found


@pytest.mark.parametrize("least", [0.5, 1.0])
def test_the_same_file_leaks_whatever_its_vectors_are(copies_in, least):
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg"]
    vectors = np.eye(4)
    ds = fd.Dataset([copies_in / i for i in ids], embeddings=vectors, split=["a", "a", "b", "b"], cache=None)
    assert ds.leaks(min_similarity=least).pairs["tier"].tolist() == ["identical file"]


@pytest.mark.parametrize("has_own_vectors", [False, True])
def test_of_thousands_of_copies_of_a_file_every_one_leaks(tmp_path, has_own_vectors):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "0000.png")
    content = (tmp_path / "0000.png").read_bytes()
    for i in range(1, 5000):
        (tmp_path / f"{i:04}.png").write_bytes(content)
    vectors = np.random.default_rng(0).normal(size=(5000, 8)) if has_own_vectors else None
    ds = fd.Dataset(
        tmp_path, split=["train", "train", "test"] * 1666 + ["train", "test"], embeddings=vectors, cache=None
    )
    leaks = ds.leaks(min_similarity=1.0)
    assert leaks.summary[["leaked_a", "leaked_b", "identical file"]].iloc[0].tolist() == [3333, 1667, 3333 * 1667]
    assert leaks.removable("test") == [i for i, split in ds.images["split"].items() if split == "test"]


def test_the_same_pixels_leak_across_datasets_at_any_bound(few, tmp_path):
    (tmp_path / "other").mkdir()
    Image.open(few / "cat.jpg").save(tmp_path / "other" / "renamed.png")
    mine, theirs = fd.Dataset(few, cache=None), fd.Dataset(tmp_path / "other", cache=None)
    for leaks in (mine.leaks(theirs, 1), theirs.leaks(mine, 1)):
        assert leaks.pairs["tier"].tolist() == ["identical pixels"]
        assert leaks.pairs["similarity"].tolist() == [1]


def test_twins_that_are_connected_are_found_however_far_down_the_list_they_are():
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(200, 16)) * 0.4 + 1)
    vectors[3] = unit(1 - rng.normal(size=(1, 16)) * 0.8)[0]
    vectors[1], vectors[2] = vectors[0] + 0.01, (vectors[0] + vectors[3]) / 2  # 2 is near to all, 0 and 3 are far apart
    vectors, chain = unit(vectors), np.arange(4)
    sides = np.where(np.arange(200) < 120, np.arange(200) % 2, 1)  # side 0 is the smaller one, and asks
    assert (vectors @ vectors[0] > vectors[3] @ vectors[0])[sides == 1].sum() > finding.FIRST_NEIGHBORS

    def score(a, b):
        told = np.where(
            np.isin(a, chain) & np.isin(b, chain), 0.95, 0.1
        )  # not by their vectors, but all four are twins
        return told.astype(np.float32)

    rows = np.arange(200)
    links = link_sides(vectors, rows, sides, score, min_similarity=0.9, n_jobs=1)
    copies = Copies([str(i) for i in rows], rows, rows, rows, rows)
    none = np.empty((200, 0), dtype=np.int32)
    graph = finding.link_graph(fd.build_graph(vectors, n_neighbors=1), none, score, min_similarity=0.9)
    found = find_leaks(copies, sides, ["a", "b"], links.joined(graph), score, min_similarity=0.9)
    assert pairs_of(found.pairs) == {("0", "1"), ("0", "3"), ("2", "1"), ("2", "3")}


# --- counts


def test_counts_add_up(dataset):
    leaks = dataset.leaks()
    [row] = leaks.summary.to_dict("records")
    assert (row["split_a"], row["split_b"]) == ("train", "test")
    assert row["identical file"] + row["identical pixels"] + row["near"] == row["pairs"] == len(leaks.pairs)
    assert row["leaked_a"] == leaks.pairs["image_id_a"].nunique() == len(leaks.removable("train"))
    assert row["leaked_b"] == leaks.pairs["image_id_b"].nunique() == len(leaks.removable("test"))
    assert row["share_b"] == row["leaked_b"] / row["n_images_b"]
    assert row["n_images_a"] + row["n_images_b"] == leaks.n_images == (~dataset.images["is_broken"]).sum()
    twins = pd.concat([leaks.pairs["image_id_a"], leaks.pairs["image_id_b"]]).value_counts()
    assert leaks.images["n_twins"].to_dict() == twins.to_dict()
    differ = leaks.pairs["label_a"] != leaks.pairs["label_b"]
    assert differ.sum() == row["label_conflicts"] == leaks.pairs["labels_differ"].sum() > 0


def test_counts_are_whole_where_not_all_pairs_are_listed(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 6, 200)
    files = rows * 2 + (rng.random(200) < 0.3)
    sides = rng.integers(-1, 3, 200)
    vectors = unit(np.eye(6) + 0.6 * (np.arange(6) < 3))
    whole = search(vectors, sides, least=0.5, rows=rows, files=files)
    monkeypatch.setattr(finding, "MAX_LISTED_PAIRS", 100)
    monkeypatch.setattr(finding, "MAX_LISTED_COPIES", 5)
    cut = search(vectors, sides, least=0.5, rows=rows, files=files)
    assert len(cut.pairs) < len(whole.pairs) == whole.summary["pairs"].sum()
    pd.testing.assert_frame_equal(cut.summary, whole.summary)
    assert np.array_equal(cut.touched, whole.touched)
    assert np.array_equal(cut.n_twins, whole.n_twins)


def test_without_what_is_removable_nothing_leaks(dataset):
    leaks = dataset.leaks()
    for side in ("train", "test"):
        rest = dataset.where(dataset.images.drop(leaks.removable(from_=side)))
        assert rest.leaks().n_pairs == 0
        assert len(rest) == len(dataset) - len(leaks.removable(from_=side))


def test_only_twins_in_the_named_splits_are_removable():
    found = search(unit(np.ones((3, 4))), [0, 1, 2], least=0.9)
    assert found.touched.tolist() == [[False, True, True], [True, False, True], [True, True, False]]


def test_where_no_image_is_in_a_split_nothing_is_removable_and_the_error_says_why(few):
    leaks = fd.Dataset(few, cache=None).leaks()
    for ask in (leaks.removable, lambda: leaks.tag("drop", "test")):
        with pytest.raises(ParameterError, match=r"no image is in one.*split="):
            ask()


def test_removable_counts_against_the_named_splits(copies_in):
    (copies_in / "c").mkdir()
    (copies_in / "c" / "espresso.jpg").write_bytes((copies_in / "espresso.jpg").read_bytes())
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg", "c/espresso.jpg"]
    leaks = fd.Dataset([copies_in / i for i in ids], split=list("aabbc"), cache=None).leaks()
    assert leaks.removable("b") == ["b/cat.jpg", "b/espresso.jpg"]
    assert leaks.removable("b", against="c") == ["b/espresso.jpg"]
    assert leaks.removable("c", against=["a"]) == []
    for wrong in (["b", "test"], 5, []):
        with pytest.raises(ParameterError, match="from_"):
            leaks.removable(wrong)
    with pytest.raises(ParameterError, match="from_"):
        leaks.removable()


def test_of_several_splits_the_first_gives_way_and_no_picture_is_lost(copies_in):
    (copies_in / "c").mkdir()
    for name in ("espresso.jpg", "cat.jpg"):
        (copies_in / "c" / name).write_bytes((copies_in / name).read_bytes())
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg", "c/espresso.jpg", "c/cat.jpg"]
    ds = fd.Dataset([copies_in / i for i in ids], split=list("aabbcc"), cache=None)
    leaks = ds.leaks()
    assert leaks.removable(["c", "b"]) == ["b/cat.jpg", "c/espresso.jpg", "c/cat.jpg"]
    assert leaks.removable(["b", "c"]) == ["b/cat.jpg", "b/espresso.jpg", "c/cat.jpg"]
    assert leaks.removable(("b", "c"), against="a") == ["b/cat.jpg", "c/cat.jpg"]
    assert ds.where(ds.images.drop(leaks.removable(["c", "b"]))).leaks().n_pairs == 0


def test_splits_that_are_no_text_are_named_as_they_were_told(copies_in):
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg"]
    for told in ([1, 1, 2, 2], [True, True, False, False], np.array([0, 0, 1, 1], dtype=np.uint8)):
        leaks = fd.Dataset([copies_in / i for i in ids], cache=None).leaks(told)
        assert leaks.removable(from_=told[-1]) == leaks.removable(str(told[-1])) == ["b/cat.jpg"]
    assert f"2 in {leaks.splits[0]}, 2 in {leaks.splits[1]}; each is searched" in " ".join(repr(leaks).split())


def test_splits_can_be_told_in_every_way(copies_in):
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg"]
    frame = pd.DataFrame({"path": [str(copies_in / i) for i in ids], "part": [1, 1, 2, None], "split": ["x"] * 4})
    ds = fd.Dataset(frame, cache=None)
    told = [list("aabb"), pd.Series(list("aabb"), index=ds.image_ids), dict(zip(ds.image_ids, "aabb", strict=True)),
            "folder", "part"]  # fmt: skip
    for split in told:
        assert ds.leaks(split).n_pairs == 1, split
    by_part = ds.leaks("part")
    assert (by_part.n_unassigned, by_part.n_images, by_part.splits) == (1, 3, ("1", "2"))
    assert "1 image is in no split" in repr(by_part)
    assert ds.leaks().splits == ("x",)
    assert "in one split, 'x'" in repr(ds.leaks())


# --- two datasets


def test_two_datasets_are_compared_symmetrically(dataset):
    train, test = (dataset.where(dataset.images["split"] == name) for name in ("train", "test"))
    one, other = train.leaks(test), test.leaks(train)
    assert pairs_of(one.pairs) == {(b, a) for a, b in pairs_of(other.pairs)}
    assert pairs_of(one.pairs) == pairs_of(dataset.leaks().pairs)
    assert one.pairs["tier"].value_counts().to_dict() == dataset.leaks().pairs["tier"].value_counts().to_dict()
    assert one.removable("this") == other.removable("other")
    assert (one.pairs["split_a"] == "this").all()
    assert one.tag("leak").image_ids == tuple(one.removable("this"))
    train.tags.undo()


def test_two_datasets_compared_again_are_not_searched_for_turned_copies_again(few, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    with Image.open(few / "cat.jpg") as picture:
        picture.rotate(90, expand=True).save(other / "turned.jpg")
    (other / "grass.jpg").write_bytes((few / "grass.jpg").read_bytes())

    def compare(cache):
        return fd.Dataset(few, cache=cache).leaks(fd.Dataset(other, cache=None)).pairs

    first = compare(tmp_path / "store")
    assert pairs_of(first) == {("cat.jpg", "turned.jpg"), ("grass.jpg", "grass.jpg")}

    def search_again(*_, **__):
        raise AssertionError("searched again")

    monkeypatch.setattr("fastdup_nb._linking.build_graph", search_again)
    monkeypatch.setattr("fastdup_nb._linking.update_graph", search_again)
    pd.testing.assert_frame_equal(compare(tmp_path / "store"), first)
    with pytest.raises(AssertionError, match="searched again"):
        compare(None)


def test_datasets_with_the_same_ids_show_both_pictures(few, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "cat.jpg").write_bytes((few / "grass.jpg").read_bytes())
    (other / "grass.jpg").write_bytes((few / "cat.jpg").read_bytes())
    mine, theirs = fd.Dataset(few, cache=None), fd.Dataset(other, cache=None)
    leaks = mine.leaks(theirs)
    assert pairs_of(leaks.pairs) == {("cat.jpg", "grass.jpg"), ("grass.jpg", "cat.jpg")}
    assert leaks._shown.thumbnail("cat.jpg") == mine._stages.thumbnail("cat.jpg")
    assert leaks._shown.thumbnail("other:cat.jpg") == theirs._stages.thumbnail("cat.jpg")
    assert leaks._repr_html_().count("data:image/jpeg;base64,") == 4
    tile = leaks.gallery()._controller.page(leaks.gallery()._controller.deck and _query(), 0, 24)["rows"][0]["tiles"][0]
    assert (tile["id"], tile["beside"]) == ("cat.jpg", "other:grass.jpg")
    with pytest.raises(ParameterError, match=r"other\.leaks\(ds\)"):
        leaks.tag("leak", which="other")


def _query():
    from fastdup_nb.widgets._deck import Query

    return Query()


def test_a_dataset_whose_ids_begin_like_those_of_the_other_side_is_no_trouble(few):
    (few / "other:").mkdir()
    (few / "other:" / "cat.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset(few, cache=None)
    leaks = ds.leaks(ds)
    assert leaks.n_leaked == 2 * len(ds)
    assert leaks._shown.thumbnail("other:other:other:/cat.jpg") is not None


def test_the_output_tells_how_many_pairs_have_two_labels_that_could_conflict(dataset):
    labels = dataset.images["label"].where(np.arange(len(dataset)) % 2 > 0)
    for leaks in (dataset.leaks(), dataset.using(labels=labels).leaks()):
        n = int((leaks.pairs["label_a"].notna() & leaks.pairs["label_b"].notna()).sum())
        assert f"pairs that differ in label, of {n} that have two labels" in " ".join(repr(leaks).split())
    assert "but none has two labels" in " ".join(repr(dataset.using(labels=None).leaks()).split())


def test_own_vectors_of_two_datasets_are_compared(few):
    paths = sorted(few.iterdir())
    one = fd.Dataset(paths[:3], embeddings=np.eye(3), cache=None)
    other = fd.Dataset(paths[3:], embeddings=np.eye(3)[::-1], cache=None)
    assert one.leaks(other).n_pairs == 3
    for wrong in (fd.Dataset(paths, embeddings=np.ones((6, 2)), cache=None), fd.Dataset(paths, cache=None)):
        with pytest.raises(ParameterError, match="same encoder"):
            one.leaks(wrong)


def test_own_vectors_that_differ_for_the_same_pixels_are_no_trouble(few):
    for name in ("cat", "grass"):
        (few / f"{name}2.jpg").write_bytes((few / f"{name}.jpg").read_bytes())
    vectors = np.eye(8)
    vectors[2] = vectors[4] + 1e-3 * vectors[2]  # cat2.jpg is no neighbor of cat.jpg, but of espresso.jpg
    ds = fd.Dataset(few, embeddings=vectors, cache=None)
    pairs = ds.leaks(["a", "a", "b", "a", "a", "a", "a", "a"]).pairs
    assert "espresso.jpg" in set(pairs["image_id_a"]) | set(pairs["image_id_b"])
    assert ds.duplicates().pairs["tier"].value_counts()["identical file"] == 2


# --- judged pairs


def test_pairs_judged_to_be_no_duplicates_do_not_leak(copies_in):
    ids = ["a/cat.jpg", "a/grass.jpg", "b/cat.jpg", "b/espresso.jpg"]
    ds = fd.Dataset([copies_in / i for i in ids], split=list("aabb"), cache=None)
    ds.tags.judge([("a/grass.jpg", "b/espresso.jpg")], "same")
    assert pairs_of(ds.leaks().pairs) == {("a/cat.jpg", "b/cat.jpg"), ("a/grass.jpg", "b/espresso.jpg")}
    ds.tags.judge([("a/cat.jpg", "b/cat.jpg")], "not duplicates")
    leaks = ds.leaks()
    assert pairs_of(leaks.pairs) == {("a/grass.jpg", "b/espresso.jpg")}
    assert leaks.n_rejected == 1
    assert "1 pair is left out" in repr(leaks)
    a, b = ds.where(ids[:2]), ds.where(ids[2:])
    assert pairs_of(a.leaks(b).pairs) == {("a/grass.jpg", "b/espresso.jpg")}


# --- nothing, and wrong parameters


def test_nothing_to_compare_is_a_sentence(few, tmp_path):
    (few / "broken.jpg").write_bytes(b"no picture")
    empty, broken = fd.Dataset([], cache=None), fd.Dataset([few / "broken.jpg"], cache=None)
    assert repr(empty.leaks()).splitlines()[1] == "There is no image to look at."
    assert repr(broken.leaks()).splitlines()[1] == "There is no image to look at."
    assert "1 broken image was not compared." in repr(broken.leaks([("a")]))
    some = fd.Dataset(few, cache=None)
    assert "No image has a split" in repr(some.leaks())
    assert "It takes two splits" in some.leaks()._repr_html_()
    assert "The other dataset has no image to look at: there is nothing to compare." in repr(some.leaks(empty))
    assert "This dataset has no image to look at: there is nothing to compare." in repr(empty.leaks(some))
    assert "wider net" not in repr(some.leaks(empty))
    assert repr(empty.leaks(empty)).splitlines()[1] == "There is no image to look at."
    for result in (empty.leaks(), broken.leaks(), some.leaks(), some.leaks(empty)):
        assert result.to_frame().empty
        assert result.gallery()._controller.counts() == {"": 0}


def test_tables_of_no_leak_have_the_types_of_some(dataset):
    empty = fd.Dataset([], cache=None).leaks()
    full = dataset.leaks()
    pd.testing.assert_series_equal(full.pairs.dtypes, empty.pairs.dtypes)
    pd.testing.assert_series_equal(full.summary.dtypes, empty.summary.dtypes)
    pd.testing.assert_series_equal(full.images.dtypes, empty.images.dtypes)
    assert (full.images.index.name, full.images.index.dtype) == (empty.images.index.name, empty.images.index.dtype)


def test_another_collection_is_given_by_its_path(few, tmp_path, monkeypatch):
    for name in ("new", "label", "split.jpg"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    ds = fd.Dataset(few, cache=None)
    wanted = ds.leaks(fd.Dataset("new", cache=None))
    assert wanted.pairs[["image_id_a", "image_id_b"]].to_numpy().tolist() == [["cat.jpg", "cat2.jpg"]]
    for other in ("new", "new/*.jpg", tmp_path / "new", str(tmp_path / "new"), Path("label"), "split.jpg"):
        pd.testing.assert_frame_equal(ds.leaks(other).pairs, wanted.pairs)
    assert ds.leaks("label").n_pairs == 0  # a column of that name comes first
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        ds.leaks(Path("nowhere"))
    with pytest.raises(ParameterError, match=r"the path of another collection, or 'folder'\. Got 'nowhere'"):
        ds.leaks("nowhere")


def test_identical_images_all_leak(few):
    for i in range(5):
        (few / f"cat{i}.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ids = [few / f"cat{i}.jpg" for i in range(5)]
    leaks = fd.Dataset(ids, split=list("aaabb"), labels=["x", "x", None, "y", "x"], cache=None).leaks()
    assert (leaks.n_pairs, leaks.n_leaked, leaks.n_label_conflicts) == (6, 5, 2)


def test_names_are_escaped(few):
    name = "<script>alert(1)</script>"
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset([few / "cat.jpg", few / "cat2.jpg"], split=[name, "b"], labels=[name, "c"], cache=None)
    assert ds.leaks().n_pairs == 1
    assert "<script" not in ds.leaks()._repr_html_()
    assert "<script" not in ds.split()._repr_html_()


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"split": "fold"}, ParameterError, "The 'split' parameter of Dataset.leaks must be a column of ds.images"),
        ({"split": 3}, ParameterTypeError, "The 'split' parameter of Dataset.leaks must be a column of ds.images"),
        (
            {"split": ["a"]},
            ParameterError,
            "The 'split' parameter of Dataset.leaks must have one entry for each of the 6",
        ),
        ({"split": pd.Series(["a"], index=["no.jpg"])}, ParameterError, "must be indexed by image id"),
        ({"min_similarity": 2}, ParameterError, "The 'min_similarity' parameter of Dataset.leaks must be"),
    ],
)
def test_what_is_wrong_is_said_before_any_image_is_read(few, reads, given, error, says):
    with pytest.raises(error, match=says):
        fd.Dataset(few, cache=None).leaks(**given)
    assert reads == []


def test_a_column_of_many_values_is_no_split(few, monkeypatch):
    monkeypatch.setattr("fastdup_nb._splits.MOST_SPLITS", 5)
    with pytest.raises(ParameterError, match=r"at most 5 splits\. Got 6 values"):
        fd.Dataset(few, cache=None).leaks("path")


def test_tagging_takes_all_or_one_split(dataset, tmp_path):
    ds = dataset.using(tags=tmp_path / "tags.sqlite")
    leaks = ds.leaks()
    assert set(leaks.tag("leak").image_ids) == set(leaks.images.index)
    assert set(leaks.tag("drop", which="test").image_ids) == set(leaks.removable("test"))
