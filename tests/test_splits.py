"""New splits: groups stay whole, shares and classes are met as far as that goes, and what could not be is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings.leaks import join_linked
from fastdup_nb.findings.splitting import check_shares, split_groups

SHARES = np.array([0.8, 0.1, 0.1])


def counts_of(classes, splits, n_splits=3):
    counts = np.zeros((classes.max() + 1, n_splits))
    np.add.at(counts, (classes, splits), 1)
    return counts


@pytest.fixture(scope="module")
def frames(tmp_path_factory, sample_folder):
    """Return forty files to give vectors to; what they show does not count."""
    folder = tmp_path_factory.mktemp("forty")
    data = (sample_folder / "train" / "animal" / "cat.jpg").read_bytes()
    for i in range(40):
        (folder / f"{i:02}.jpg").write_bytes(data + bytes([i]))
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


# --- dealing out


@given(
    groups=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    seed=st.integers(0, 5),
    shares=st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any),
)
def test_a_group_is_in_one_split_and_an_empty_share_stays_empty(groups, seed, shares):
    group = np.unique(groups, return_inverse=True)[1]
    classes = np.random.default_rng(seed).integers(0, 4, len(group))
    splits = split_groups(group, classes, np.array(shares) / sum(shares), random_state=seed)
    assert len(set(zip(group.tolist(), splits.tolist(), strict=True))) == group.max() + 1
    assert not np.isin(splits, np.flatnonzero(np.array(shares) == 0)).any()


@given(classes=st.lists(st.integers(0, 6), min_size=1, max_size=200), seed=st.integers(0, 3))
def test_without_groups_each_class_is_within_one_image_of_its_share(classes, seed):
    classes = np.unique(classes, return_inverse=True)[1]
    splits = split_groups(np.arange(len(classes)), classes, SHARES, random_state=seed)
    wanted = np.bincount(classes)[:, None] * SHARES
    assert (np.abs(counts_of(classes, splits) - wanted) < 1).all()


def test_rare_classes_do_not_all_go_the_same_way():
    classes = np.arange(300) // 3
    splits = split_groups(np.arange(300), classes, SHARES)
    assert np.bincount(splits).tolist() == [240, 30, 30]
    assert np.bincount(split_groups(np.arange(100), np.arange(100), SHARES)).tolist() == [80, 10, 10]


def test_large_groups_do_not_all_go_to_the_largest_split():
    groups = np.repeat(np.arange(100), 10)
    groups = np.concatenate([groups, 100 + np.arange(1000)])
    splits = split_groups(groups, np.zeros(2000, dtype=int), SHARES)
    assert np.bincount(splits[:1000:10]).tolist() == [80, 10, 10]
    assert np.bincount(splits[1000:]).tolist() == [800, 100, 100]


@pytest.mark.parametrize("n_groups", [1, 2, 3, 4])
def test_where_each_class_has_few_groups_they_do_not_all_go_to_the_largest_split(n_groups):
    groups = np.repeat(np.arange(50 * n_groups), 10)
    shares = np.bincount(split_groups(groups, groups // 10 // n_groups, SHARES)) / len(groups)
    assert shares.tolist() == pytest.approx(SHARES.tolist(), abs=0.09 if n_groups == 1 else 0.07)


@pytest.mark.parametrize("n_groups", [3, 6, 8, 9])
def test_no_split_is_left_empty_while_another_one_has_groups_to_spare(n_groups):
    groups = np.repeat(np.arange(n_groups), 20)
    for classes in (np.zeros_like(groups), groups // 2, groups):
        assert (np.bincount(split_groups(groups, classes, SHARES), minlength=3) >= 20).all()
    assert np.bincount(split_groups(np.repeat([0, 1], 20), np.zeros(40, dtype=int), SHARES)).tolist() == [20, 20]


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_all_sizes_come_near_to_the_shares_of_every_class(seed):
    rng = np.random.default_rng(seed)
    groups = np.unique(np.minimum(rng.geometric(0.03, 2000), 150), return_inverse=True)[1]
    classes = rng.integers(0, 5, 2000)
    counts = counts_of(classes, split_groups(groups, classes, SHARES, random_state=seed))
    assert np.abs(counts.sum(axis=0) / 2000 - SHARES).max() < 0.005
    assert np.abs(counts / counts.sum(axis=1, keepdims=True) - SHARES).max() < 0.02


def test_it_is_no_worse_than_ten_folds_of_scikit_learn():
    from sklearn.model_selection import StratifiedGroupKFold

    rng = np.random.default_rng(0)
    groups, classes = rng.integers(0, 50, 2000), rng.integers(0, 5, 2000)
    groups = np.unique(groups, return_inverse=True)[1]
    folds = np.empty(2000, dtype=int)
    for i, (_, test) in enumerate(
        StratifiedGroupKFold(10, shuffle=True, random_state=0).split(classes, classes, groups)
    ):
        folds[test] = i

    def far(splits):
        counts = counts_of(classes, splits)
        return np.sqrt(((counts / counts.sum(axis=1, keepdims=True) - SHARES) ** 2).mean())

    assert far(split_groups(groups, classes, SHARES)) <= far(np.clip(folds - 7, 0, 2))


def test_the_seed_decides():
    args = np.arange(100), np.zeros(100, dtype=int), SHARES
    assert np.array_equal(split_groups(*args, random_state=1), split_groups(*args, random_state=1))
    assert not np.array_equal(split_groups(*args, random_state=1), split_groups(*args, random_state=2))


def test_what_is_linked_by_any_way_is_joined():
    nodes = np.array([0, 0, 1, 2, 3, 4])
    patients = np.array([-1, 7, 7, -1, -1, -1])
    cameras = np.array([-1, -1, -1, 5, 5, -1])
    joined = join_linked(6, nodes, np.array([[2, 3]]), [patients, cameras])
    assert joined.tolist() == [0, 0, 0, 0, 0, 1]


# --- shares


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"train": 0.8, "test": 0.1}, "which sum to 0.9; for these proportions, give train=0.8889, test=0.1111"),
        ({"train": 0.5, " train": 0.5}, "each split once.*Got 'train' twice"),
        ({"train": 80, "test": 20}, "which sum to 100; for these proportions, give train=0.8, test=0.2"),
        ({"train": 1.2, "test": -0.2}, "numbers of at least 0"),
        ({"train": float("nan"), "test": 0.2}, "numbers of at least 0"),
        ({"train": 0}, "which sum to 0"),
        ({"test_size": 0.2}, r"such as train=.8, test=.2. Got test_size=0.2, which sum to 0.2\.$"),
        ({}, "Got none instead"),
    ],
)
def test_shares_that_do_not_sum_to_one_are_refused_with_those_that_would(shares, says):
    with pytest.raises(ParameterError, match=says):
        check_shares(shares, "Dataset.split")


@pytest.mark.parametrize("shares", [[0.8, 0.2], {"train": "0.8"}, {"train": True}, {1: 1.0}, {" ": 1.0}])
def test_shares_of_another_type_are_an_error(shares):
    with pytest.raises(ParameterTypeError, match="shares"):
        check_shares(shares, "Dataset.split")


def test_thirds_may_be_rounded():
    assert sum(check_shares({"a": 0.33, "b": 0.33, "c": 0.33}, "x").values()) == pytest.approx(1)


# --- datasets


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100), k=st.sampled_from([1, 2, 15]), spread=st.sampled_from([0.1, 0.3, 0.5]))
def test_a_new_split_has_no_leak_even_where_the_graph_misses_pairs(frames, store, seed, k, spread):
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.normal(size=(5, 8)), 8, axis=0) + rng.normal(scale=spread, size=(40, 8))
    ds = fd.Dataset(frames, embeddings=vectors, n_neighbors=k, random_state=seed, labels=list("ab" * 20), cache=store)
    new = ds.split(train=0.5, val=0.25, test=0.25)
    assert new.dataset.leaks().n_pairs == 0
    assert len(new.splits) == 40
    duplicates = ds.duplicates().pairs
    assert (new.splits.loc[duplicates["image_id_a"]].to_numpy()
            == new.splits.loc[duplicates["image_id_b"]].to_numpy()).all()  # fmt: skip


def test_the_sample_is_split_without_a_leak(dataset):
    new = dataset.split(train=0.7, test=0.3)
    assert dataset.leaks().n_pairs > 30
    assert new.dataset.leaks().n_pairs == 0
    valid = dataset.images.index[~dataset.images["is_broken"]]
    assert new.splits.index.tolist() == valid.tolist()
    assert new.dataset.images["split"].dropna().equals(new.splits)
    assert new.shares["achieved"].tolist() == pytest.approx([0.7, 0.3], abs=0.02)
    assert new.counts.to_numpy().sum() == new.shares["n_images"].sum() == len(valid)
    assert "6 broken images are in no split." in repr(new)
    assert new.table["class"].equals(dataset.images["label"].loc[valid].rename("class"))


def test_images_of_one_patient_or_sequence_stay_together(dataset):
    images = dataset.images
    sizes = pd.Series(images.index.str.len() % 12, index=images.index)
    width = images["width"]
    new = dataset.split(train=0.6, test=0.4, groups=["width", sizes], stratify=None)
    for column in (width, sizes):
        held = pd.DataFrame({"value": column, "split": new.splits}).dropna()
        assert held.groupby("value")["split"].nunique().max() == 1
    assert new.dataset.leaks().n_pairs == 0


def test_images_without_a_group_are_bound_by_nothing(frames):
    vectors = np.eye(40)
    patient = pd.Series(["p"] * 10 + [None] * 30, index=[f"{i:02}.jpg" for i in range(40)], name="patient")
    new = fd.Dataset(frames, embeddings=vectors, cache=None).split(train=0.5, test=0.5, groups=patient)
    assert new.table["group"].nunique() == 31
    assert new.shares["largest_group"].max() == 10
    assert "30 images have no value in patient." in repr(new)
    assert "No image has a label: not stratified." in repr(new)


def test_a_group_larger_than_a_split_is_told(frames):
    ds = fd.Dataset(frames, embeddings=np.eye(40), cache=None)
    new = ds.split(train=0.8, val=0.1, test=0.1, groups=[["p"] * 20 + list(map(str, range(20)))])
    assert "The largest group has 20 images, more than the whole share of val, test." in repr(new)
    one = ds.split(train=0.5, test=0.5, groups=[["p"] * 40])
    assert "The shares of train, test could not be met" in repr(one)
    assert "No image is in " in repr(one)


def test_missing_labels_are_a_class_of_their_own(frames):
    labels = ["a"] * 20 + [None] * 20
    new = fd.Dataset(frames, embeddings=np.eye(40), labels=labels, cache=None).split(train=0.5, test=0.5)
    assert new.counts.to_numpy().tolist() == [[10, 10], [10, 10]]
    assert "(none)" in new.counts.index
    assert "20 images have no label, and count as a class of their own." in repr(new)


def test_the_same_random_state_gives_the_same_split(frames):
    ds = fd.Dataset(frames, embeddings=np.eye(40), cache=None)
    assert ds.split().splits.equals(ds.split().splits)
    assert not ds.split().splits.equals(ds.using(random_state=1, embeddings=np.eye(40)).split().splits)


def test_pairs_judged_to_be_no_duplicates_bind_nothing(few):
    for name in ("one", "two"):
        (few / f"{name}.jpg").write_bytes((few / "cat.jpg").read_bytes() + name.encode())
    ds = fd.Dataset([few / "one.jpg", few / "two.jpg"], cache=None)
    assert ds.split(train=0.5, test=0.5).table["group"].tolist() == [0, 0]
    ds.tags.judge([("one.jpg", "two.jpg")], "not duplicates")
    new = ds.split(train=0.5, test=0.5)
    assert new.splits.nunique() == 2
    assert new.dataset.leaks().n_pairs == 0


def test_a_part_of_a_dataset_can_be_split(dataset):
    part = dataset.where(dataset.images["label"] == "animal")
    new = part.split({"one half": 0.5, "other half": 0.5})
    assert set(new.splits.index) <= set(part.image_ids)
    assert new.dataset.leaks().splits == tuple(
        sorted(["one half", "other half"], key=lambda s: -(new.splits == s).sum())
    )
    assert dataset.leaks().splits == ("train", "test")


def test_many_splits_are_rows_of_a_table_and_few_are_columns(dataset):
    many = dataset.split({f"part {i}": 1 / 12 for i in range(12)})._view(8)
    assert many.table.columns[0] == "split"
    assert len(many.table.rows) == 12
    assert "and 6 more splits." in many.headline
    assert dataset.split()._view(8).table.columns[1:4] == ("train", "val", "test")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_images_are_no_trouble(few, n):
    (few / "broken.jpg").write_bytes(b"no picture")
    names = ["cat.jpg", "grass.jpg"][:n]
    new = fd.Dataset([few / name for name in (*names, "broken.jpg")], cache=None).split()
    assert len(new.splits) == n
    assert new.dataset.leaks().n_pairs == 0
    assert "1 broken image is in no split." in new._repr_html_()
    assert (repr(new).splitlines()[1] == "There is no image to look at.") == (n == 0)


def test_tables_of_no_image_have_the_types_of_some(dataset):
    empty, full = fd.Dataset([], cache=None).split(), dataset.split()
    pd.testing.assert_series_equal(full.table.dtypes, empty.table.dtypes)
    pd.testing.assert_series_equal(full.shares.dtypes, empty.shares.dtypes)
    pd.testing.assert_series_equal(full.counts.dtypes, empty.counts.dtypes)
    assert (full.table.index.name, full.table.index.dtype) == (empty.table.index.name, empty.table.index.dtype)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"train": 0.5}, ParameterError, "which sum to 0.5"),
        ({"shares": {"a": 1}, "b": 1}, ParameterError, "not both"),
        ({"stratify": "labl"}, ParameterError, "The 'stratify' parameter of Dataset.split must be a column"),
        ({"groups": "patient"}, ParameterError, "The 'groups' parameter of Dataset.split must be a column"),
        ({"groups": [3]}, ParameterTypeError, "The 'groups' parameter of Dataset.split must be a column"),
        ({"min_similarity": "x"}, ParameterError, "The 'min_similarity' parameter of Dataset.split"),
    ],
)
def test_what_is_wrong_is_said_before_any_image_is_read(few, reads, given, error, says):
    with pytest.raises(error, match=says):
        fd.Dataset(few, cache=None).split(**given)
    assert reads == []


def test_images_of_one_split_are_tagged(dataset, tmp_path):
    new = dataset.using(tags=tmp_path / "tags.sqlite").split()
    assert len(new.tag("held out", which="test").image_ids) == new.shares.loc["test", "n_images"]
    with pytest.raises(ParameterError, match="which"):
        new.tag("held out")
