"""Similar images: to one as ever, to several, unlike others, and to a region of one."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, UnknownImageError
from fastdup_nb.findings.similarity import rank_similar
from fastdup_nb.graph import search

CAT, HORSE, FACE = "train/animal/cat.jpg", "test/animal/horse.png", "test/people/astronaut.jpg"


def by_graph_search(ds, image_id, n_neighbors):
    """Find the nearest images to one with the search of the graph, over a Series of all images."""
    stages = ds._stages
    place = list(stages.valid).index(stages.positions[image_id])
    vectors = stages.descriptors.vectors
    rows, distances = search(vectors, vectors[stages.rows[place]][None], n_neighbors=min(n_neighbors, len(vectors)))
    near = pd.Series(1 - distances[0], index=rows[0])
    found = pd.Series(near.reindex(stages.rows).to_numpy(), index=stages.valid_ids).dropna().astype(np.float32)
    found[image_id] = 1
    order = np.lexsort((-found.to_numpy(), found.index != image_id))
    return found.iloc[order].head(n_neighbors)


@pytest.mark.parametrize("n_neighbors", [1, 2, 10, 60, 500])
def test_one_query_finds_exactly_what_the_search_of_the_graph_finds(dataset, n_neighbors):
    for image_id in dataset.images.index[~dataset.images["is_broken"]][::9]:
        wanted = by_graph_search(dataset, image_id, n_neighbors)
        table = dataset.similar(image_id, n_neighbors=n_neighbors).table
        assert table.columns.tolist() == ["similarity"]
        assert table.index.tolist() == wanted.index.tolist()
        assert table["similarity"].tolist() == wanted.tolist()


def test_several_queries_are_ranked_by_their_mean_cosine_and_come_first(dataset):
    found = dataset.similar([CAT, HORSE], n_neighbors=12)
    vectors = pd.DataFrame(dataset.embeddings, index=dataset.image_ids).dropna()
    mean = (vectors @ vectors.loc[[CAT, HORSE]].T).mean(axis=1)
    assert set(found.table.index[:2]) == {CAT, HORSE} == set(found.query_ids)
    assert found.query_id is None
    np.testing.assert_allclose(found.table["similarity"], mean[found.table.index], atol=1e-5)
    others = found.table.index[2:]
    assert found.table["similarity"].loc[others].is_monotonic_decreasing
    assert mean.drop([*found.table.index]).max() <= found.table["similarity"].iloc[-1] + 1e-6
    assert found._listed(None) == others.tolist()


def test_a_list_of_one_is_that_one_and_a_query_given_twice_counts_once_in_the_table(dataset):
    pd.testing.assert_frame_equal(dataset.similar([CAT]).table, dataset.similar(CAT).table)
    assert dataset.similar([CAT, CAT], n_neighbors=5).table.index.is_unique


def test_queries_of_all_kinds_can_be_mixed(dataset, sample_folder):
    queries = [CAT, sample_folder / HORSE, (sample_folder / FACE).read_bytes(), dataset.embeddings[0]]
    assert len(dataset.similar(queries, n_neighbors=7).table) == 7
    two = dataset.embeddings[[dataset.image_ids.index(name) for name in (CAT, HORSE)]]
    pd.testing.assert_series_equal(
        dataset.similar(two, n_neighbors=9).table["similarity"].sort_index(),
        dataset.similar(pd.Index([CAT, HORSE]), n_neighbors=9).table["similarity"].sort_index(), atol=1e-5,
    )  # fmt: skip


def test_what_is_unlike_is_left_out_and_lowers_what_is_near_it(dataset):
    plain = dataset.similar(CAT, n_neighbors=140).table["similarity"]
    found = dataset.similar(CAT, n_neighbors=140, unlike=[FACE, HORSE])
    table = found.table
    assert table.columns.tolist() == ["similarity", "unlike_similarity", "score"]
    assert not {FACE, HORSE} & set(table.index)
    assert table.index[0] == CAT
    np.testing.assert_allclose(table["score"], table["similarity"] - table["unlike_similarity"] / 4, atol=1e-6)
    assert table["score"].iloc[1:].is_monotonic_decreasing
    np.testing.assert_allclose(table["similarity"], plain[table.index], atol=1e-5)
    near = dataset.similar(FACE, n_neighbors=6).table.index.difference([FACE])
    rank = lambda listed: listed.get_indexer(near).mean()  # noqa: E731
    assert rank(table.index) > rank(plain.index)


def test_negatives_help_to_find_more_of_what_is_meant():
    """Two groups that overlap: what is unlike tells on which side the wanted ones are."""
    rng = np.random.default_rng(0)
    base, side = np.r_[1.0, np.zeros(30)], np.r_[0.0, 0.4, np.zeros(29)]
    labels = np.repeat([0, 1], 200)
    vectors = base + np.where(labels[:, None] == 0, side, -side) + rng.normal(scale=0.12, size=(400, 31))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    share = {True: [], False: []}
    for i in range(0, 200, 10):
        for has_unlike, shares in share.items():
            ranked = rank_similar(vectors, vectors[[i]], vectors[200:203] if has_unlike else vectors[:0], n=100)
            shares.append((labels[ranked.rows] == 0).mean())
    assert np.mean(share[True]) > np.mean(share[False])


def test_ranking_is_what_brute_force_says_and_ties_go_by_row():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(300, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[100:110] = vectors[0]
    for n in (1, 5, 50, 300, 999):
        found = rank_similar(vectors, vectors[:3], vectors[3:5], n=n, also=np.array([299]))
        score = (vectors @ vectors[:3].T).mean(axis=1) - 0.25 * (vectors @ vectors[3:5].T).mean(axis=1)
        best = set(np.argsort(-score, kind="stable")[: min(n, 300)].tolist())
        assert set(found.rows.tolist()) == best | {299}
        np.testing.assert_allclose(found.score, score[found.rows], atol=1e-5)
    same = rank_similar(vectors, vectors[:1], vectors[:0], n=5)
    assert same.rows.tolist() == [0, 100, 101, 102, 103]
    assert same.score.tolist() == [1] * 5


def test_a_region_finds_the_picture_that_it_was_cut_from(dataset, sample_folder):
    with Image.open(sample_folder / CAT) as image:
        width, height = image.size
        cut = image.convert("RGB").crop((100, 50, 350, 280))
    whole = dataset.similar(CAT, box=(0, 0, width, height), n_neighbors=3)
    assert CAT in whole.table.index
    assert whole.query_id is None
    assert whole.table["similarity"].iloc[0] > 0.97
    part = dataset.similar(CAT, box=np.array([100, 50, 350, 280]), n_neighbors=5)
    pd.testing.assert_frame_equal(part.table, dataset.similar(cut, n_neighbors=5).table)
    assert "region (100, 50, 350, 280)" in repr(part)
    for query in (sample_folder / CAT, (sample_folder / CAT).read_bytes(), Image.open(sample_folder / CAT)):
        found = dataset.similar(query, box=(100.2, 49.9, 350, 280), n_neighbors=5).table
        assert found.index.tolist() == part.table.index.tolist()
    with_unlike = dataset.similar(CAT, box=(100, 50, 350, 280), unlike=FACE)
    assert FACE not in with_unlike.table.index


def test_a_region_is_of_the_upright_picture(dataset, sample_folder):
    upright = Image.open(sample_folder / "train/vehicle/engine.jpg").convert("RGB")
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.rotate(90, expand=True).save(file, "JPEG", exif=exif, quality=97)
    box = (20, 10, upright.width - 10, upright.height // 2)
    turned = dataset.similar(file.getvalue(), box=box, n_neighbors=3).table
    upright = ImageOps.exif_transpose(Image.open(file))
    straight = dataset.similar(upright, box=box, n_neighbors=3).table
    pd.testing.assert_frame_equal(turned, straight)


def test_a_region_of_a_large_jpeg_is_what_one_would_cut_from_it(dataset, sample_folder):
    photograph = Image.open(sample_folder / CAT).convert("RGB")
    file = io.BytesIO()
    large = photograph.resize((8 * photograph.width, 8 * photograph.height), Image.Resampling.BICUBIC)
    large.save(file, "JPEG", quality=95)
    box = tuple(8 * edge for edge in (100, 50, 350, 280))
    found = dataset.similar(file.getvalue(), box=box, n_neighbors=5).table["similarity"]
    cut = dataset.similar(large.crop(box), n_neighbors=5).table["similarity"]
    assert found.index.tolist()[:2] == cut.index.tolist()[:2]
    np.testing.assert_allclose(found.iloc[:2], cut.iloc[:2], atol=0.02)


@pytest.mark.parametrize(
    ("box", "error", "says"),
    [
        ((0, 0, 10_000, 10), ParameterError, "inside the picture, which is 451 x 300 pixels upright"),
        ((-1, 0, 10, 10), ParameterError, "inside the picture"),
        ((10, 10, 10, 20), ParameterError, "which is empty"),
        ((10, 20, 20, 10), ParameterError, "which is empty"),
        ((1, 2, 3), ParameterError, "four numbers"),
        ((1, 2, 3, float("nan")), ParameterError, "four numbers"),
        ((1, 2, 3, "4"), ParameterTypeError, "four numbers"),
        ((True, 2, 3, 4), ParameterTypeError, "four numbers"),
        ("1234", ParameterTypeError, "four numbers"),
        (5, ParameterTypeError, "four numbers"),
    ],
)
def test_a_box_that_cannot_be_is_a_clear_error(dataset, box, error, says):
    with pytest.raises(error, match=says):
        dataset.similar(CAT, box=box)


def test_a_list_of_one_picture_may_have_a_box(dataset):
    alone = dataset.similar(CAT, box=(50, 50, 300, 280)).table
    pd.testing.assert_frame_equal(dataset.similar([CAT], box=(50, 50, 300, 280)).table, alone)


def test_a_box_is_for_one_picture(dataset, few):
    with pytest.raises(ParameterError, match=r"region of one picture. Got 2 queries"):
        dataset.similar([CAT, HORSE], box=(0, 0, 9, 9))
    with pytest.raises(ParameterError, match="Got a vector"):
        dataset.similar(dataset.embeddings[0], box=(0, 0, 9, 9))
    own = fd.Dataset(few, embeddings=np.eye(6), cache=None)
    with pytest.raises(ParameterError, match="no encoder for other pictures"):
        own.similar(own.image_ids[0], box=(0, 0, 9, 9))


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"query": []}, ParameterError, "'query' parameter of Dataset.similar must hold at least one"),
        ({"query": CAT, "unlike": []}, ParameterError, "'unlike' parameter of Dataset.similar must hold at least one"),
        ({"query": [CAT, 5]}, ParameterTypeError, "'query'.*Got int"),
        ({"query": CAT, "unlike": 5}, ParameterTypeError, "'unlike'.*Got int"),
        ({"query": [CAT, "no/such.jpg"]}, UnknownImageError, "neither an id"),
        ({"query": {CAT}}, ParameterTypeError, "Got set"),
    ],
)
def test_queries_that_cannot_be_are_clear_errors(dataset, how, error, says):
    with pytest.raises(error, match=says):
        dataset.similar(**how)


def test_text_page_and_gallery_tell_the_same_of_several_queries(dataset):
    found = dataset.similar([CAT, HORSE], unlike=FACE, n_neighbors=6)
    for told in (repr(found), found._repr_html_()):
        assert "6 images nearest to 2 pictures, less like test/people/astronaut.jpg" in told
        assert "a quarter" in told
    deck = found._deck()
    assert deck.code == f"ds.similar({[CAT, HORSE]!r}, n_neighbors=6, unlike={[FACE]!r}).table"
    assert [deck.caption(i).mark for i in range(3)] == ["query", "query", ""]
    assert deck.caption(0).lines[0].startswith("score ")
    assert found.gallery() is not None


def test_parts_own_vectors_and_copies_can_be_asked_with_several(few):
    ds = fd.Dataset(few, embeddings=np.eye(6)[[0, 0, 0, 1, 2, 3]] + 0.1, cache=None)
    ids = ds.image_ids
    table = ds.similar([ids[1], ids[3]], n_neighbors=4).table
    assert set(table.index) == {ids[1], ids[3], ids[0], ids[2]}
    out = ds.similar(ids[3], unlike=ids[0], n_neighbors=9).table
    assert ids[0] not in out.index
    assert out.index[-1] in {ids[1], ids[2]}
    assert len(ds.where(ids[:4]).similar(ids[:2]).table) == 4
    assert fd.Dataset([], cache=None).similar([Image.new("RGB", (9, 9))], unlike=Image.new("L", (9, 9))).table.empty


def test_the_output_tells_how_many_were_compared_and_how_many_are_broken(dataset):
    found = dataset.similar(dataset.image_ids[0])
    n_broken = int(dataset.images["is_broken"].sum())
    assert found.n_images == len(dataset) - n_broken
    assert f"images compared {found.n_images:,}" in " ".join(repr(found).split())
    assert f"{n_broken} broken images are left out." in repr(found)
