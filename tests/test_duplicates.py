"""Pairs, tiers and groups, on vectors made for the purpose and on the sample collection."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings import duplicates as module
from fastdup_nb.findings import edges
from fastdup_nb.findings.duplicates import TIERS, Copies, find_duplicates
from fastdup_nb.graph import build_graph


def search(vectors, *, rows=None, files=None, pixels=None, rank=None, least=0.9, n_neighbors=10, scored=None):
    vectors = np.asarray(vectors, dtype=np.float32)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(len(vectors)) if rows is None else np.asarray(rows)
    n = len(rows)
    files = np.arange(n) if files is None else np.asarray(files)
    pixels = files if pixels is None else np.asarray(pixels)
    rank = np.arange(n) if rank is None else np.asarray(rank)
    copies = Copies([f"{i:03d}.jpg" for i in range(n)], rows, files, pixels, rank)
    indices = build_graph(vectors, n_neighbors=n_neighbors).indices

    def cosine(a, b):
        if scored is not None:
            scored.append(len(a))
        return np.clip(np.einsum("ij,ij->i", vectors[a], vectors[b]), 0, 1)

    return find_duplicates(copies, indices, cosine, min_similarity=least)


def angle(degrees):
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]


def test_a_chain_is_not_one_group_and_what_could_go_is_like_what_stays():
    found = search([angle(0), angle(20), angle(40), angle(60)], least=np.cos(np.radians(25)))
    assert [tuple(pair) for pair in found.pairs[["image_id_a", "image_id_b"]].to_numpy()] == [
        ("000.jpg", "001.jpg"), ("001.jpg", "002.jpg"), ("002.jpg", "003.jpg"),
    ]  # fmt: skip
    assert found.groups["representative"].tolist() == ["000.jpg", "002.jpg"]
    assert found.groups["removable"].tolist() == [1, 1]


def test_keep_decides_who_stays():
    found = search([angle(0), angle(1), angle(2)], rank=[2, 0, 1])
    assert found.groups["representative"].tolist() == ["001.jpg"]
    assert found.members["is_kept"].to_dict() == {"001.jpg": True, "002.jpg": False, "000.jpg": False}


def test_tiers_are_told_pair_by_pair():
    found = search(
        [angle(0), angle(5)], rows=[0, 0, 0, 1], files=[0, 0, 1, 2], pixels=[0, 0, 0, 1], least=0.99
    )  # two copies of a file, the same picture in another container, and one nearly alike
    tiers = {(p.image_id_a[:3], p.image_id_b[:3]): p.tier for p in found.pairs.itertuples()}
    assert tiers == {
        ("000", "001"): "identical file",
        ("000", "002"): "identical pixels",
        ("001", "002"): "identical pixels",
        ("000", "003"): "near",
        ("001", "003"): "near",
        ("002", "003"): "near",
    }
    assert found.groups.loc[0, ["size", "tier"]].tolist() == [4, "near"]
    assert found.groups.loc[0, "mean_similarity"] == pytest.approx((3 + 3 * np.cos(np.radians(5))) / 6)


def test_the_same_pixels_with_other_vectors_are_one_picture():
    found = search([angle(0), angle(30)], files=[0, 1], pixels=[0, 0])
    assert found.pairs["tier"].tolist() == ["identical pixels"]
    assert found.pairs["similarity"].tolist() == [1.0]


def test_different_pixels_with_the_same_vector_are_near():
    found = search([angle(0)], rows=[0, 0], files=[0, 1])
    assert found.pairs[["similarity", "tier"]].to_numpy().tolist() == [[1.0, "near"]]


def test_more_twins_than_neighbors_are_all_found():
    rng = np.random.default_rng(0)
    burst = np.array([1, 0, 0, 0]) + rng.normal(scale=0.01, size=(30, 4))
    others = rng.normal(size=(20, 4)) * [0, 1, 1, 1]
    found = search(np.concatenate([burst, others]), least=0.99, n_neighbors=3)
    assert found.groups["size"].iloc[0] == 30
    in_burst = found.pairs[found.pairs.image_id_b < "030.jpg"]
    assert len(in_burst) == 30 * 29 // 2


def look_alikes(sizes, spread=0.02):
    rng = np.random.default_rng(0)
    centers = np.repeat(np.eye(len(sizes), 8), sizes, axis=0)
    return centers + rng.normal(scale=spread, size=centers.shape)


def test_what_look_alikes_cost_grows_with_their_number_and_groups_stay_whole(monkeypatch):
    monkeypatch.setattr(edges, "LEAST_PAIRS", 0)
    monkeypatch.setattr(edges, "PAIRS_PER_NODE", 10)
    costs = []
    for n in (200, 400):
        vectors, rank = look_alikes([n, n, 15]), np.random.default_rng(n).permutation(2 * n + 15)
        found = search(vectors, rank=rank, scored=(scored := []), n_neighbors=5)
        costs.append(sum(scored))
        assert (found.n_large_sets, found.most_in_full) == (2, n - 1)
        assert found.groups["size"].tolist() == [n, n, 15]
        listed = set(zip(found.pairs["image_id_a"], found.pairs["image_id_b"], strict=True))
        for image_id, group in found.members["group"].items():
            kept = found.groups.loc[group, "representative"]
            assert image_id == kept or tuple(sorted((image_id, kept))) in listed
        assert {
            (f"{2 * n + i:03d}.jpg", f"{2 * n + j:03d}.jpg") for i, j in itertools.combinations(range(15), 2)
        } <= listed
    assert costs[1] < 2.2 * costs[0]
    assert costs[1] < 15 * 815 < 400 * 399


def test_large_sets_form_the_groups_that_comparing_them_in_full_forms(monkeypatch):
    vectors = look_alikes([150, 90, 3], spread=0.09)
    rank = np.random.default_rng(1).permutation(len(vectors))
    whole = search(vectors, rank=rank, least=0.93, n_neighbors=5)
    monkeypatch.setattr(edges, "LEAST_PAIRS", 0)
    monkeypatch.setattr(edges, "MAX_COMPLETED", 50)
    part = search(vectors, rank=rank, least=0.93, n_neighbors=5)
    assert len(whole.groups) > 5
    assert (whole.n_large_sets, part.n_large_sets) == (0, 2)
    pd.testing.assert_frame_equal(part.members, whole.members)
    assert part.n_pairs < whole.n_pairs
    listed = [set(zip(found.pairs["image_id_a"], found.pairs["image_id_b"], strict=True)) for found in (part, whole)]
    assert listed[0] < listed[1]


def test_copies_of_a_picture_are_all_found_in_a_set_too_large_to_be_compared_in_full(monkeypatch):
    monkeypatch.setattr(edges, "MAX_COMPLETED", 20)
    n, rows = 100, np.r_[np.arange(100), 40, 40, 60]
    files, pixels = np.r_[np.arange(100), 40, 100, 101], np.r_[np.arange(100), 40, 40, 60]
    found = search(look_alikes([n]), rows=rows, files=files, pixels=pixels, n_neighbors=5)
    assert found.n_pairs_by_tier["identical file"] == 1
    assert found.n_pairs_by_tier["identical pixels"] == 3
    assert found.groups["size"].tolist() == [103]
    assert found.n_large_sets == 1


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 300), max_size=40), st.integers(0, 40))
def test_what_is_compared_in_full_stays_within_its_bound(sizes, n_pairs):
    sets = np.repeat(np.arange(len(sizes)), sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edges, "LEAST_PAIRS", 1000)
        patch.setattr(edges, "PAIRS_PER_NODE", n_pairs)
        most = edges.largest_in_full(sets)
        a, b = edges.pairs_within(sets, at_most=most)
    assert len(a) <= max(1000, n_pairs * len(sets))
    assert most > 2 * n_pairs  # the pairs of smaller sets always suffice
    assert set(sets[a]) == {i for i, size in enumerate(sizes) if 1 < size <= most}
    assert (sets[a] == sets[b]).all()
    assert (a < b).all()


def test_a_hundred_thousand_copies_of_one_file_are_counted_but_not_all_listed():
    found = search([angle(0), angle(90)], rows=[0] * 100_000 + [1], files=[0] * 100_000 + [1])
    assert found.n_pairs_by_tier == {"identical file": 100_000 * 99_999 // 2, "identical pixels": 0, "near": 0}
    assert found.n_images_in_pairs == 100_000
    assert len(found.pairs) == 99_999
    assert found.groups.loc[0, ["size", "removable"]].tolist() == [100_000, 99_999]


def test_counts_are_the_same_whether_pairs_are_listed_or_not(monkeypatch):
    made = {"rows": [0] * 6 + [1] * 3 + [2], "files": [0, 0, 0, 1, 1, 2, 3, 3, 4, 5], "pixels": [0] * 6 + [1] * 3 + [2]}
    whole = search([angle(0), angle(5), angle(90)], **made)
    monkeypatch.setattr(module, "MAX_LISTED_PAIRS", 10)
    monkeypatch.setattr(module, "MAX_LISTED_COPIES", 2)
    short = search([angle(0), angle(5), angle(90)], **made)
    assert whole.n_pairs_by_tier == {"identical file": 3 + 1 + 1, "identical pixels": 15 + 3 - 5, "near": 6 * 3}
    assert short.n_pairs_by_tier == whole.n_pairs_by_tier
    assert short.n_images_in_pairs == whole.n_images_in_pairs == 9
    assert len(short.pairs) == 5 + 2 + 1
    assert len(whole.pairs) == whole.n_pairs


@pytest.mark.parametrize("n", [0, 1])
def test_few_images_have_no_duplicates_and_the_same_columns(n):
    copies = Copies(["a.jpg"][:n], *(np.arange(n),) * 4)
    found = find_duplicates(copies, np.full((n, 3), -1, np.int32), lambda a, b: np.ones(len(a)), min_similarity=0.9)
    assert found.pairs.columns.tolist() == ["image_id_a", "image_id_b", "similarity", "tier"]
    assert found.groups.columns.tolist() == [
        "size", "tier", "representative", "min_similarity", "mean_similarity", "removable",
    ]  # fmt: skip
    assert [len(frame) for frame in (found.pairs, found.groups, found.members)] == [0, 0, 0]
    assert (found.n_pairs, found.n_images_in_pairs) == (0, 0)
    some = search([angle(0), angle(1)])
    for name in ("pairs", "groups", "members"):
        empty, full = getattr(found, name), getattr(some, name)
        assert len(full) > 0
        pd.testing.assert_series_equal(empty.dtypes, full.dtypes)
        assert (empty.index.name, empty.index.dtype) == (full.index.name, full.index.dtype)


@st.composite
def collections(draw):
    n = draw(st.integers(1, 25))
    vectors = np.array(draw(st.lists(st.sampled_from(range(0, 360, 7)), min_size=n, max_size=n, unique=True)))
    rows = np.array(draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=2 * n)))
    used, rows = np.unique(rows, return_inverse=True)
    files = np.arange(len(rows))
    for i in range(1, len(rows)):
        if draw(st.booleans()):
            same = np.flatnonzero(rows[:i] == rows[i])
            files[i] = files[same[0]] if len(same) else files[i]
    return [angle(d) for d in vectors[used]], rows, files, draw(st.permutations(range(len(rows))))


@settings(deadline=None, max_examples=150)
@given(collections(), st.sampled_from([0.8, 0.95, 0.999]))
def test_groups_are_stars_pairs_are_unique_and_counts_agree(made, least):
    vectors, rows, files, rank = made
    found = search(vectors, rows=rows, files=files, rank=rank, least=least, n_neighbors=40)
    pairs, groups, members = found.pairs, found.groups, found.members
    listed = list(zip(pairs.image_id_a, pairs.image_id_b, strict=True))
    assert len(set(listed)) == len(listed) == found.n_pairs
    assert found.n_pairs_by_tier == pairs["tier"].value_counts().reindex(TIERS).to_dict()
    assert found.n_images_in_pairs == len(set(pairs.image_id_a) | set(pairs.image_id_b))
    assert all(a < b for a, b in listed)
    similar = dict(zip(listed, pairs.similarity, strict=True))
    unit = np.asarray(vectors)[rows]
    expected = {
        (f"{i:03d}.jpg", f"{j:03d}.jpg")
        for i, j in itertools.combinations(range(len(rows)), 2)
        if unit[i] @ unit[j] >= least + 1e-6
    }
    assert expected <= set(listed)
    assert members.index.is_unique
    for group, inside in members.groupby("group"):
        kept = inside.index[inside["is_kept"]]
        assert [*kept] == [groups.loc[group, "representative"]]
        assert len(inside) == groups.loc[group, "size"] == groups.loc[group, "removable"] + 1
        ranks = {image_id: rank[int(image_id[:3])] for image_id in inside.index}
        assert min(ranks, key=ranks.get) == kept[0]
        for image_id in inside.index.difference(kept):
            assert tuple(sorted((image_id, kept[0]))) in similar
            assert inside.loc[image_id, "similarity"] >= least
    assert set(members.index) <= set(pairs.image_id_a) | set(pairs.image_id_b)


def test_on_the_sample_no_pair_is_false_and_identical_ones_are_all_found(dataset, truth):
    pairs = dataset.duplicates().pairs
    origins = pd.Series({image_id: row["origin"] for image_id, row in truth.items()})
    alike = origins[pairs["image_id_a"]].to_numpy() == origins[pairs["image_id_b"]].to_numpy()
    assert alike.all(), pairs[~alike]
    found = {frozenset(pair): tier for *pair, tier in pairs[["image_id_a", "image_id_b", "tier"]].to_numpy()}
    originals = {row["origin"]: image_id for image_id, row in truth.items() if row["kind"] == "original"}
    for image_id, row in truth.items():
        if row["tier"].startswith("identical"):
            assert found.get(frozenset((image_id, originals[row["origin"]]))) == row["tier"], image_id
    near = [image_id for image_id, row in truth.items() if row["tier"] == "near"]
    linked = [image_id for image_id in near if frozenset((image_id, originals[truth[image_id]["origin"]])) in found]
    assert len(linked) >= 0.9 * len(near), sorted(set(near) - set(linked))


def test_broken_images_are_in_no_pair(dataset, truth):
    dups = dataset.duplicates("loose")
    broken = {image_id for image_id, row in truth.items() if row["kind"] == "broken"}
    assert broken
    assert not broken & ({*dups.pairs.image_id_a} | {*dups.pairs.image_id_b} | {*dups.members.index})


def test_presets_go_from_strict_to_loose(dataset):
    bounds = [dataset.duplicates(name).min_similarity for name in ("strict", "default", "loose")]
    assert bounds == sorted(bounds, reverse=True)
    assert dataset.duplicates().min_similarity == bounds[1]
    assert dataset.duplicates("strict").n_pairs <= dataset.duplicates("loose").n_pairs


def test_a_bound_of_one_leaves_what_is_identical(dataset):
    assert set(dataset.duplicates(1.0).pairs["tier"]) >= {"identical file", "identical pixels"}
    assert (dataset.duplicates(1.0).pairs["similarity"] == 1).all()


@pytest.mark.parametrize("keep", ["first", "largest", "sharpest", "oldest"])
def test_one_of_each_group_stays_by_the_rule(dataset, keep):
    dups, images = dataset.duplicates(keep=keep), dataset.images
    assert len(dups.removable) == dups.groups["removable"].sum() == len(dups.members) - len(dups.groups)
    assert not set(dups.removable) & set(dups.groups["representative"])
    order = {image_id: i for i, image_id in enumerate(dataset.image_ids)}
    for _, inside in dups.members.groupby("group"):
        facts = images.loc[inside.index]
        kept = inside.index[inside["is_kept"]][0]
        if keep == "first":
            assert kept == min(inside.index, key=order.get)
        elif keep == "largest":
            assert facts.loc[kept, "width"] * facts.loc[kept, "height"] == (facts["width"] * facts["height"]).max()
        elif keep == "sharpest":
            detail = facts["sharpness"] * facts[["width", "height"]].min(axis=1).clip(upper=160)
            assert detail[kept] >= detail.max() / 1.2
        elif facts["exif_time"].notna().any():
            assert facts.loc[kept, "exif_time"] == facts["exif_time"].min()


def test_a_column_of_the_source_says_who_stays(few):
    for i, quality in enumerate([60, 95, 80], 1):
        Image.open(few / "cat.jpg").save(few / f"cat_{i}.jpg", quality=quality)
    table = pd.DataFrame({"path": sorted(few.iterdir())})
    table["rating"] = table["path"].map(lambda path: {"cat_1.jpg": 2, "cat_3.jpg": 5}.get(path.name)).astype("Int64")
    table["is_original"], table["note"] = table["path"].map(lambda path: path.name == "cat_2.jpg"), "text"
    ds = fd.Dataset(table, cache=None)
    for column, stays in {"rating": "cat_3.jpg", "is_original": "cat_2.jpg", "first": "cat.jpg"}.items():
        dups = ds.duplicates(keep=column)
        assert dups.groups["representative"].tolist() == [stays]
        assert f"keep='{column}'" in repr(dups)
    assert set(ds.duplicates(keep="rating").removable) == {"cat.jpg", "cat_1.jpg", "cat_2.jpg"}
    with pytest.raises(ParameterError, match=r"must hold numbers .* Got 'note' of"):
        ds.duplicates(keep="note")
    with pytest.raises(ParameterError, match=r"'oldest', 'rating', 'is_original', 'note'\. Got 'size'"):
        ds.duplicates(keep="size")


def test_the_sharpest_is_neither_a_thumbnail_nor_a_blurred_copy(few):
    photo = Image.open(few / "cat.jpg")
    for side in (96, 160, 200):
        photo.resize((side, round(side * photo.height / photo.width)), Image.Resampling.LANCZOS).save(
            few / f"a{side}.png"
        )
    photo.filter(ImageFilter.GaussianBlur(3)).save(few / "blurred.png")
    members = fd.Dataset(few, cache=None).duplicates(keep="sharpest").members
    group = members[members["group"] == members.loc["cat.jpg", "group"]]
    assert set(group.index) >= {"a96.png", "a160.png", "a200.png", "blurred.png"}
    assert group.index[group["is_kept"]].tolist() == ["cat.jpg"]


@pytest.mark.parametrize("keep", ["first", "largest", "sharpest", "oldest"])
def test_what_could_go_is_never_the_file_that_a_kept_link_points_to(few, keep):
    (few / "0.jpg").symlink_to(few / "cat.jpg")
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    os.utime(few / "cat.jpg", (2e9, 2e9))
    dups = fd.Dataset(few, cache=None).duplicates(keep=keep)
    assert dups.groups["representative"].tolist() == ["cat2.jpg" if keep == "oldest" else "cat.jpg"]
    assert dups.n_same_files == 1


def test_a_file_in_a_linked_folder_is_not_kept_for_the_one_it_is(few, tmp_path):
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "a").symlink_to(few)
    paths = [tmp_path / "list" / "a" / "cat.jpg", few / "cat.jpg"]
    dups = fd.Dataset(paths, cache=None).duplicates()
    assert dups.groups["representative"].tolist() == ["few/cat.jpg"]
    assert dups.n_same_files == 1


def test_hard_links_are_counted_as_nothing_to_gain(few):
    os.link(few / "cat.jpg", few / "cat2.jpg")
    os.link(few / "cat.jpg", few / "cat3.jpg")
    (few / "grass2.jpg").write_bytes((few / "grass.jpg").read_bytes())
    dups = fd.Dataset(few, cache=None).duplicates()
    assert (dups.n_removable, dups.n_same_files) == (3, 2)


def test_where_many_are_only_near_it_says_to_look(tmp_path):
    for i in range(12):
        form = Image.new("RGB", (240, 320), "white")
        for line in range(8):
            form.paste("black", (20, 30 + 30 * line, 60 + (37 * i + 53 * line) % 150, 40 + 30 * line))
        form.save(tmp_path / f"{i:02}.png")
    told = "8 or more images that are only near"
    dups = fd.Dataset(tmp_path, cache=None).duplicates("loose")
    assert (told in repr(dups)) == (told in dups._repr_html_()) == (dups.groups["size"].max() > 8)
    assert dups.groups["size"].max() > 8
    assert told not in repr(fd.Dataset(tmp_path, cache=None).duplicates(1.0))


def test_a_set_not_compared_in_full_is_told(few, monkeypatch):
    for i in range(8):
        Image.open(few / "cat.jpg").save(few / f"cat_{i}.jpg", quality=60 + 4 * i)
    told = "One set of more than 5 look-alikes is not compared in full"
    whole = fd.Dataset(few, cache=None).duplicates()
    assert told not in " ".join(repr(whole).split())
    monkeypatch.setattr(edges, "MAX_COMPLETED", 5)
    part = fd.Dataset(few, cache=None).duplicates()
    assert told in " ".join(repr(part).split())
    assert told in part._repr_html_()
    assert set(part.removable) == set(whole.removable)


def test_fine_texture_does_not_hide_the_same_pixels_in_another_container(tmp_path):
    y, x = np.mgrid[:512, :512]
    gray = 127 + 100 * np.sin(0.9 * x + 0.02 * y * np.sin(y / 40)) * np.sin(y / 60)
    waves = np.stack([gray, 0.8 * gray, 255 - gray], axis=-1).clip(0, 255).astype(np.uint8)
    Image.fromarray(waves).save(tmp_path / "a.jpg", quality=92)  # decoded at half its size; that of the PNG is averaged
    Image.open(tmp_path / "a.jpg").save(tmp_path / "b.png")
    ds = fd.Dataset(tmp_path, cache=None)
    assert ds.duplicates().pairs["tier"].tolist() == ["identical pixels"]
    assert ds.leaks(["train", "test"]).pairs["tier"].tolist() == ["identical pixels"]


def test_metadata_and_containers_do_not_change_the_picture(tmp_path, sample_folder):
    from PIL import Image

    source = sample_folder / "train/animal/cat.jpg"
    picture = Image.open(source)
    large = picture.resize((picture.width * 3, picture.height * 3))  # large enough to be decoded at reduced scale
    folder = tmp_path / "p"
    folder.mkdir()
    large.save(folder / "a.jpg", quality=90)
    data = (folder / "a.jpg").read_bytes()
    (folder / "b.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x0bmetadata." + data[2:])
    decoded = Image.open(folder / "a.jpg")
    decoded.save(folder / "c.png")
    decoded.save(folder / "d.webp", lossless=True)
    large.save(folder / "e.jpg", quality=91)
    pairs = fd.Dataset(folder, cache=None).duplicates().pairs
    tiers = {(p.image_id_a[0], p.image_id_b[0]): p.tier for p in pairs.itertuples()}
    assert {pair for pair, tier in tiers.items() if tier == "identical pixels"} == set(
        itertools.combinations("abcd", 2)
    )
    assert {pair for pair, tier in tiers.items() if tier == "near"} == {(name, "e") for name in "abcd"}


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (
            {"min_similarity": 5},
            ParameterError,
            r"a float in \[0, 1\] or one of 'strict', .*'loose'. Got 5",
        ),
        ({"min_similarity": -0.1}, ParameterError, "Got -0.1"),
        ({"min_similarity": float("nan")}, ParameterError, "Got nan"),
        ({"min_similarity": ""}, ParameterError, "Got ''"),
        ({"min_similarity": True}, ParameterTypeError, "Got True"),
        ({"min_similarity": "tight"}, ParameterError, "one of 'strict', 'default', 'loose'"),
        ({"min_similarity": [0.9]}, ParameterTypeError, "Got"),
        ({"keep": "newest"}, ParameterError, "one of 'first', 'largest', 'sharpest', 'oldest'"),
    ],
)
def test_wrong_parameters_say_what_they_must_be(dataset, arguments, error, says):
    with pytest.raises(error, match=says):
        dataset.duplicates(**arguments)


def test_the_tiers_are_those_of_the_documentation():
    assert TIERS == ("identical file", "identical pixels", "near")
    assert edges.MAX_COMPLETED >= 1000


def test_turned_copies_are_found_where_the_encoder_has_nearer_pictures(few, tmp_path):
    for name in ("cat.jpg", "engine.jpg"):
        with Image.open(few / name) as picture:
            for degrees in (0, 90):
                picture.rotate(degrees, expand=True).save(few / f"{degrees} {name}", quality=60)
            picture.rotate(90, expand=True).save(few / f"again {name}", quality=40)
    ds = fd.Dataset(few, n_neighbors=1, cache=tmp_path / "cache")  # of a turned copy the other turned copy is nearest
    for dataset in (ds, fd.Dataset(few, n_neighbors=1, cache=tmp_path / "cache")):
        groups = dataset.duplicates().members.groupby("group").groups
        for name in ("cat.jpg", "engine.jpg"):
            assert {name, f"0 {name}", f"90 {name}", f"again {name}"} in [set(group) for group in groups.values()]
