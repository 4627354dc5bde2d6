"""What was judged of pairs holds in later searches for duplicates."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings.duplicates import Copies, find_duplicates
from fastdup_nb.findings.verdicts import Verdicts
from fastdup_nb.graph import build_graph


@pytest.fixture
def ds(sample_folder, dataset, tmp_path):
    """The sample collection with decisions of its own; nothing is read again."""
    return dataset.using(tags=tmp_path / "tags.sqlite")


def pairs_of(dups):
    return {tuple(pair) for pair in dups.pairs[["image_id_a", "image_id_b"]].to_numpy().tolist()}


def assert_sound(dups, rejected=()):
    """Counts agree with the tables, and no group holds a rejected pair."""
    assert dups.n_pairs == len(dups.pairs) - dups.pairs.get("is_rejected", pd.Series(dtype=bool)).sum()
    assert dups.pairs[["image_id_a", "image_id_b"]].duplicated().sum() == 0
    group = dups.members["group"].to_dict()
    for a, b in rejected:
        assert group.get(a, -1) != group.get(b, -2)
    assert (dups.groups["size"] > 1).all()


def test_each_pair_that_is_rejected_is_left_out_whatever_its_tier(ds):
    before = ds.duplicates()
    for tier in ("identical file", "identical pixels", "near"):
        chosen = before.pairs[before.pairs["tier"] == tier].head(1)
        pair = tuple(chosen[["image_id_a", "image_id_b"]].iloc[0])
        assert ds.tags.judge(chosen, "not duplicates").text == "judged 1 pair 'not duplicates'"
        after = ds.duplicates()
        assert_sound(after, [pair])
        n_gone = after.n_rejected
        assert pair not in pairs_of(after)
        assert len(after.pairs) == len(before.pairs) - n_gone
        assert after.n_pairs_by_tier[tier] < before.n_pairs_by_tier[tier]
        assert "left out" in repr(after)
        assert "left out" in after._repr_html_()
        for bound in ("strict", "loose"):
            assert pair not in pairs_of(ds.duplicates(bound))
        ds.tags.judge([pair], None)
    pd.testing.assert_frame_equal(ds.duplicates().pairs, before.pairs)
    assert ds.duplicates().n_rejected == 0


def test_rejected_pairs_are_shown_when_asked_for(ds):
    before = ds.duplicates()
    chosen = before.pairs.iloc[[0, len(before.pairs) // 2, -1]]
    ds.tags.judge(chosen, "not duplicates")
    shown = ds.duplicates(include_rejected=True)
    assert shown.pairs.columns.tolist() == ["image_id_a", "image_id_b", "similarity", "tier", "is_rejected"]
    assert pairs_of(shown) == pairs_of(before)
    told = shown.pairs[shown.pairs["is_rejected"]]
    assert len(told) == shown.n_rejected
    joined = told.merge(before.pairs, on=["image_id_a", "image_id_b"])
    assert (joined["tier_x"].astype(str) == joined["tier_y"].astype(str)).all()
    np.testing.assert_allclose(joined["similarity_x"], joined["similarity_y"], atol=1e-6)
    assert_sound(shown)
    assert ds.duplicates().pairs.columns.tolist() == ["image_id_a", "image_id_b", "similarity", "tier"]


def test_pairs_that_are_the_same_are_in_with_their_real_similarity(ds):
    before = ds.duplicates()
    alone = [i for i in ds.image_ids if i not in before.members.index and not ds.images.loc[i, "is_broken"]]
    pair = (alone[0], alone[-1])
    ds.tags.judge([pair], "same")
    for bound in (None, "strict", 1.0):
        dups = ds.duplicates(bound)
        row = dups.pairs[(dups.pairs["image_id_a"] == pair[0]) & (dups.pairs["image_id_b"] == pair[1])].iloc[0]
        assert row["tier"] == "near"
        assert row["similarity"] < before.min_similarity
        assert dups.members.loc[pair[0], "group"] == dups.members.loc[pair[1], "group"]
        assert_sound(dups)
    ds.tags.undo()
    pd.testing.assert_frame_equal(ds.duplicates().pairs, before.pairs)


def test_decisions_follow_the_contents_of_both(few, tmp_path):
    (few / "copy.png").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset(few, cache=tmp_path / "s")
    assert ds.tags.judge([("cat.jpg", "copy.png")], "not duplicates").image_ids == ("cat.jpg", "copy.png")
    (few / "copy.png").rename(few / "moved.png")
    later = fd.Dataset(few, cache=tmp_path / "s")
    assert later.duplicates().pairs.empty
    assert later.duplicates().groups.empty
    told = later.tags.pairs()
    assert told[["image_id_a", "image_id_b", "verdict"]].to_numpy().tolist() == [
        ["cat.jpg", "moved.png", "not duplicates"]
    ]
    assert later.where(["cat.jpg", "moved.png"]).duplicates().n_rejected == 1
    asked = [("moved.png", "cat.jpg"), ("cat.jpg", "cat.jpg"), ("cat.jpg", "grass.jpg"), ("cat.jpg", "no.jpg")]
    assert later.tags.verdicts_on(asked) == (1, ["not duplicates", None, None, None])
    later.tags.judge(asked[:1], None)
    assert later.tags.verdicts_on(asked[:1]) == (2, [None])


@pytest.mark.parametrize(("pairs", "verdict", "error", "match"), [
    ([("cat.jpg", "cat.jpg")], "same", ParameterError, "two different"),
    (["cat.jpg"], "same", ParameterTypeError, "pairs of ids"),
    (pd.DataFrame({"x": [1]}), "same", ParameterError, "image_id_a"),
    (3, "same", ParameterTypeError, "Got 3"),
    ([("cat.jpg", "grass.jpg")], "maybe", ParameterError, "'verdict' parameter"),
    ([("cat.jpg", "no.jpg")], "same", fd.FastdupError, "no.jpg"),
])  # fmt: skip
def test_what_is_no_pair_is_told(few, pairs, verdict, error, match):
    with pytest.raises(error, match=match):
        fd.Dataset(few, cache=None).tags.judge(pairs, verdict)


def test_without_decisions_nothing_is_looked_for(dataset, tmp_path):
    ds = dataset.using(tags=tmp_path / "none.sqlite")
    assert ds._stages.verdicts is None
    ds.tags.add(ds.image_ids[0], "drop")
    assert ds._stages.verdicts is None


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_verdicts_hold_for_any_copies(data):
    n_rows, n = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))
    draw = lambda top: np.array(data.draw(st.lists(st.integers(0, top), min_size=n, max_size=n)))  # noqa: E731
    rows = np.unique(draw(n_rows - 1), return_inverse=True)[1]
    pixels = np.unique(draw(1) + 2 * rows, return_inverse=True)[1]
    files = np.unique(draw(1) + 2 * pixels, return_inverse=True)[1]
    n_distinct = int(rows.max()) + 1
    turns = st.lists(st.integers(0, 60), min_size=n_distinct, max_size=n_distinct, unique=True)
    angles = np.array(data.draw(turns))
    vectors = np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=1).astype(np.float32)
    rank = np.array(data.draw(st.permutations(range(n))))
    copies = Copies([f"{i}" for i in range(n)], rows, files, pixels, rank)
    pair = st.tuples(*[st.integers(0, int(files.max()))] * 2).map(lambda p: tuple(sorted(p)))
    rejected = sorted(data.draw(st.sets(pair, max_size=4)))
    same = sorted(data.draw(st.sets(pair, max_size=2)) - set(rejected))
    verdicts = Verdicts(*(np.array(p, dtype=np.int64).reshape(-1, 2) for p in (rejected, same)))
    cosine = lambda a, b: np.clip(np.einsum("ij,ij->i", vectors[a], vectors[b]), 0, 1)  # noqa: E731
    indices = build_graph(vectors, n_neighbors=8).indices
    find = lambda **how: find_duplicates(copies, indices, cosine, min_similarity=0.9, **how)  # noqa: E731
    plain, found = find(), find(verdicts=verdicts)
    is_out = {(a, b): tuple(sorted((files[a], files[b]))) in rejected for a, b in itertools.combinations(range(n), 2)}
    expected = {(a, b) for a, b in itertools.combinations(range(n), 2) if tuple(sorted((files[a], files[b]))) in same}
    listed = lambda t: {tuple(map(int, p)) for p in t.pairs[["image_id_a", "image_id_b"]].to_numpy()}  # noqa: E731
    got, before = listed(found), listed(plain)
    assert {p for p in before if not is_out[p]} <= got
    assert {p for p in expected if not is_out[p]} <= got
    assert not any(is_out[p] for p in got)
    assert found.n_rejected == len([p for p in before if is_out[p]])
    assert found.n_pairs == len(got)
    for tier, count in found.n_pairs_by_tier.items():
        assert count == (found.pairs["tier"] == tier).sum()
    assert found.n_images_in_pairs == len({i for p in got for i in p})
    for _, members in found.members.groupby("group"):
        for a, b in itertools.combinations(sorted(map(int, members.index)), 2):
            assert not is_out[a, b]
        assert members["is_kept"].sum() == 1
    shown = find(verdicts=verdicts, include_rejected=True)
    assert listed(shown) == got | {p for p in before if is_out[p]}


def test_a_finding_tags_what_it_lists(ds):
    dups, outliers, clusters, quality = ds.duplicates(), ds.outliers(), ds.clusters(), ds.quality()
    similar = ds.similar(ds.image_ids[0], 5)
    kept = dups.members.index[dups.members["is_kept"]].tolist()
    dark = quality.table.index[quality.table["is_dark"]].tolist()
    first, second = (clusters.members.index[clusters.labels == i].tolist() for i in (0, 1))
    expected = [
        (dups, None, dups.removable), (dups, "removable", dups.removable), (dups, "kept", kept),
        (dups, "representatives", kept), (dups, "members", dups.members.index),
        (outliers, None, outliers.table.index[outliers.table["is_outlier"]]), (outliers, "all", outliers.table.index),
        (clusters, 0, first), (clusters, [0, 1], first + second),
        (clusters, None, clusters.labels[lambda x: x >= 0].index),
        (quality, "dark", dark), (quality, ["dark"], dark), (similar, None, similar.table.index[1:]),
    ]  # fmt: skip
    for i, (result, which, ids) in enumerate(expected):
        assert len(ids) > 0
        assert set(result.tag(f"tag {i}", which=which).image_ids) == set(ids)
        assert set(ds.tagged(f"tag {i}")) == set(ids)
    assert set(quality.tag("poor").image_ids) >= set(dark)


def test_a_wrong_part_of_a_finding_is_told(ds):
    for result in (ds.duplicates(), ds.outliers(), ds.clusters(), ds.quality(), ds.similar(ds.image_ids[0])):
        with pytest.raises(ParameterError, match="'which' parameter of"):
            result.tag("x", which="nothing")
