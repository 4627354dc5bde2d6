"""Novelty: what is new is told from what is known, as surely as is said; chosen labels are worth more than others."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.findings.novelty import (
    adjust_p_values,
    count_needed,
    fit_normal,
    flag_novel,
    group_twins,
    score_new,
)
from fastdup_nb.findings.queue import choose_to_label
from fastdup_nb.findings.together import score_together
from fastdup_nb.graph import build_graph


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ipywidgets")  # of version 7, on itself
        yield


def draw(n, seed, *, kinds=8, n_features=16):
    """Vectors of *kinds* kinds, the same for every seed."""
    centers = np.random.default_rng(99).normal(size=(kinds, n_features)) * 2
    rng = np.random.default_rng(seed)
    return centers[rng.integers(kinds, size=n)] + rng.normal(size=(n, n_features))


def digits(n=900):
    data, target = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(data))[:n]
    return data[chosen] / np.linalg.norm(data[chosen], axis=1, keepdims=True), target[chosen]


# --- p-values


@pytest.mark.parametrize("calibration", ["leave-one-out", "held-out"])
def test_p_values_of_ordinary_pictures_are_uniform(calibration):
    lists = []
    for seed in range(60):
        model = fit_normal(draw(150, 2 * seed), calibration=calibration, random_state=seed)
        lists.append(score_new(model, draw(50, 2 * seed + 1)).p_values)
    p = np.concatenate(lists)
    assert kstest(p, "uniform").statistic < 0.03
    assert (p <= 0.05).mean() < 0.065


def test_p_values_of_ordinary_lists_are_uniform_too():
    lists = [
        score_together(fit_normal(draw(250, 2 * seed)), draw(60, 2 * seed + 1), random_state=seed)[0].p_values
        for seed in range(30)
    ]
    p = np.concatenate(lists)
    assert kstest(p, "uniform").statistic < 0.06
    assert 0.02 < (p <= 0.05).mean() < 0.07
    assert 0.15 < (p <= 0.2).mean() < 0.24


def test_near_copies_among_the_known_do_not_spoil_the_calibration():
    shares = {"whole": [], "ignored": []}
    for seed in range(40):
        known = draw(150, 2 * seed)
        copies = np.repeat(known[:75], 3, axis=0) + np.random.default_rng(seed).normal(size=(225, 16)) * 0.01
        vectors, groups = np.vstack([known, copies]), np.r_[np.arange(150), np.repeat(np.arange(75), 3)]
        new = draw(50, 2 * seed + 1)
        shares["whole"].append((score_new(fit_normal(vectors, groups=groups), new).p_values <= 0.05).mean())
        shares["ignored"].append((score_new(fit_normal(vectors), new).p_values <= 0.05).mean())
    assert 0.03 < np.mean(shares["whole"]) < 0.07
    assert np.mean(shares["ignored"]) > 0.1  # so the test could fail


@pytest.mark.parametrize("control", ["list", "each"])
def test_false_alarms_are_as_rare_as_allowed(control):
    shares = []
    for seed in range(80):
        new = np.vstack([draw(90, 2 * seed + 1), np.random.default_rng(seed).normal(size=(10, 16)) * 3 + 12])
        is_novel = flag_novel(
            score_new(fit_normal(draw(200, 2 * seed)), new).p_values, false_alarm_rate=0.1, control=control
        )
        n_false = is_novel[:90].sum()
        shares.append(n_false / max(1, is_novel.sum()) if control == "list" else n_false / 90)
        assert is_novel[90:].all()
    assert np.mean(shares) < 0.12


def test_leave_one_out_is_never_bolder_than_full_conformal_prediction():
    known, new = draw(30, 1), draw(20, 2)
    p_values = score_new(fit_normal(known), new).p_values
    for picture, p in zip(new, p_values, strict=True):
        together = fit_normal(np.vstack([known, picture]))
        own = together.calibration[together.calibrated == 30]
        assert p >= (together.calibration >= own - 1e-12).mean() - 1e-9


def test_the_smallest_p_value_is_one_over_one_more_than_the_calibration():
    model = fit_normal(draw(49, 0))
    assert model.smallest_p == pytest.approx(1 / 50)
    assert score_new(model, -10 * draw(49, 0).mean(axis=0)[None]).p_values[0] == pytest.approx(1 / 50)


def test_groups_are_kept_whole_between_what_is_learned_and_what_is_held_out():
    groups = np.arange(60) // 3
    model = fit_normal(draw(60, 0), groups=groups, calibration="held-out")
    assert set(groups[model.is_fit]) | set(groups[~model.is_fit]) == set(range(20))
    assert not set(groups[model.is_fit]) & set(groups[~model.is_fit])
    assert set(groups[model.calibrated]) == set(groups[~model.is_fit])
    assert len(model.calibration) == 10


def test_one_huge_group_does_not_hide_the_others():
    twins = np.random.default_rng(0).normal(size=(1, 8)) + np.random.default_rng(1).normal(size=(300, 8)) * 1e-3
    others = np.random.default_rng(2).normal(size=(20, 8))
    model = fit_normal(np.vstack([twins, others]), groups=np.r_[np.zeros(300, int), np.arange(1, 21)])
    found = score_new(model, twins[:1] + 1e-3)
    first = np.vstack([twins[:1], others])
    assert np.isfinite(found.scores).all()
    assert len(model.calibration) == 21
    expected = fit_normal(first).calibration
    assert model.calibration == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
@pytest.mark.parametrize("calibration", ["leave-one-out", "held-out"])
def test_a_handful_of_known_pictures_flags_nothing(n, calibration):
    model = fit_normal(draw(n, 0).reshape(n, 16), calibration=calibration)
    found = score_new(model, draw(4, 1))
    assert (found.p_values >= 1 / (n + 1)).all()
    assert np.isnan(found.scores).all() == (n == 0)
    assert (found.indices[:, 0] >= 0).all() == (n > 0)


def test_identical_known_pictures_are_no_error():
    found = score_new(fit_normal(np.ones((30, 4))), np.array([[1.0, 1, 1, 1], [1, -1, 1, -1]]))
    assert found.p_values[0] == 1
    assert found.p_values[1] == pytest.approx(1 / 31)


def test_p_values_are_adjusted_as_statsmodels_and_scipy_do():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).random(50)
    assert adjust_p_values(p) == pytest.approx(false_discovery_control(p))
    assert np.isnan(adjust_p_values([0.1, np.nan, 0.2])).tolist() == [False, True, False]
    assert adjust_p_values([]).tolist() == []


@pytest.mark.parametrize(("smallest", "n", "rate"), [(1 / 400, 20, 0.01), (1 / 40, 20, 0.01), (0.002, 1, 0.01)])
def test_so_many_are_needed_and_no_fewer(smallest, n, rate):
    needed = count_needed(smallest, n, rate)
    for count, flagged in ((needed, True), (needed - 1, False)):
        if 0 < count <= n:
            p = np.r_[np.full(count, smallest), np.ones(n - count)]
            assert flag_novel(p, false_alarm_rate=rate).any() == flagged


@pytest.mark.parametrize("scale", [0.3, 3.0, 300.0])
def test_twins_are_grouped_whatever_the_scale_of_the_vectors(scale):
    vectors = draw(60, 0) * scale + 5
    twins = vectors[:5] + np.random.default_rng(0).normal(size=(5, 16)) * scale / 100
    graph = build_graph(np.vstack([vectors, twins]), n_neighbors=10)
    groups = group_twins(graph.indices, graph.distances)
    assert (groups[:5] == groups[60:]).all()
    assert len(np.unique(groups)) == 60


# --- scores


def test_a_held_out_kind_is_told_from_the_others():
    vectors, labels = digits()
    areas = {}
    for kind in range(0, 10, 3):
        ordinary, new = np.flatnonzero(labels != kind), np.flatnonzero(labels == kind)
        asked = np.concatenate([ordinary[:160], new])
        model, truth = fit_normal(vectors[ordinary[160:]]), np.repeat([0, 1], [160, len(new)])
        areas[kind] = (
            roc_auc_score(truth, score_new(model, vectors[asked]).scores),
            roc_auc_score(truth, score_together(model, vectors[asked])[0].scores),
        )
    assert min(min(pair) for pair in areas.values()) > 0.95


def test_a_new_kind_that_lies_among_the_known_shows_by_its_number():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(600, 32)) + 1
    ordinary, new = (
        rng.normal(size=(100, 32)) + 1,
        rng.normal(size=(100, 32)) * 0.7 + np.r_[np.ones(26), -np.ones(6) * 0.2],
    )
    truth, asked, model = np.repeat([0, 1], 100), np.vstack([ordinary, new]), fit_normal(known)
    together, alone = score_together(model, asked)[0], score_new(model, asked)
    assert roc_auc_score(truth, together.scores) > roc_auc_score(truth, alone.scores) + 0.1


def test_small_dense_kinds_that_no_plane_parts_from_the_known_show_by_their_density():
    rng = np.random.default_rng(3)
    known, ordinary = rng.normal(size=(400, 16)), rng.normal(size=(100, 16))
    center = rng.normal(size=16)
    new = np.vstack([sign * center + rng.normal(size=(30, 16)) * 0.35 for sign in (1, -1)])
    model, asked, truth = fit_normal(known), np.vstack([ordinary, new]), np.repeat([0, 1], [100, 60])
    assert roc_auc_score(truth, score_new(model, asked).scores) < 0.6
    assert roc_auc_score(truth, score_together(model, asked)[0].scores) > 0.8


def test_a_burst_of_an_ordinary_picture_is_no_dense_kind():
    rng = np.random.default_rng(4)
    model, ordinary = fit_normal(rng.normal(size=(400, 16))), rng.normal(size=(60, 16))
    burst = ordinary[0] + rng.normal(size=(60, 16)) * 0.003
    found, _ = score_together(model, np.vstack([ordinary, burst]))
    assert found.p_values[60:].min() > 0.05


@pytest.mark.parametrize("n_new", [1, 2, 3])
def test_a_list_of_one_kind_of_few_pictures_is_judged_together_without_error(n_new):
    found, _ = score_together(fit_normal(draw(5, 0)), draw(n_new, 1))
    assert np.isfinite(found.p_values).all()
    assert np.isfinite(found.scores).all()


def test_a_copy_of_a_known_picture_is_never_new():
    vectors, _ = digits(500)
    model = fit_normal(vectors)
    copies = vectors[::7] * 2
    for found in (score_new(model, copies), score_together(model, copies)[0]):
        assert (found.p_values > 0.9).all()
        assert (found.scores < 0.2).all()
        assert found.indices[:, 0].tolist() == list(range(0, 500, 7))


def test_the_same_seed_gives_the_same_scores():
    model, new = fit_normal(draw(300, 0)), draw(60, 1)
    a, b = (score_together(model, new, random_state=3)[0] for _ in range(2))
    assert a.scores.tolist() == b.scores.tolist()
    assert a.p_values.tolist() == b.p_values.tolist()


# --- datasets


def test_what_is_new_is_listed_with_its_nearest_known_picture(dataset):
    train, test = (dataset.where(dataset.images["split"] == split) for split in ("train", "test"))
    found = train.novelty(test, false_alarm_rate=0.2, control="each")
    table = found.to_frame()
    assert table.columns.tolist() == ["novelty_score", "p_value", "q_value", "is_novel", "nearest_id",
                                      "nearest_similarity"]  # fmt: skip
    assert table["novelty_score"].is_monotonic_decreasing
    assert set(table["nearest_id"]) <= set(train.image_ids)
    assert set(table.index) == set(test.where(~test.images["is_broken"]).image_ids)
    assert found.n_broken == int(test.images["is_broken"].sum())
    vectors = pd.Series(list(dataset.embeddings), index=dataset.image_ids)
    first = table.iloc[-1]
    assert first["nearest_similarity"] == pytest.approx(
        vectors[table.index[-1]] @ vectors[first["nearest_id"]], abs=1e-5
    )
    assert first["p_value"] == 1
    again = train.novelty(test, false_alarm_rate=0.2, control="each").to_frame()
    pd.testing.assert_frame_equal(table, again)


def test_new_files_are_read_once_and_known_ones_not_at_all(few, reads, tmp_path):
    cache = tmp_path / "cache"
    known = fd.Dataset(few, cache=cache)
    model = known.normality()
    (tmp_path / "new").mkdir()
    for name in ("cat.jpg", "grass.jpg"):
        (tmp_path / "new" / f"new_{name}").write_bytes((few / name).read_bytes() + b"\0")
    reads.clear()
    first = model.score(tmp_path / "new").to_frame()
    n_reads = len(reads)
    second = known.novelty(tmp_path / "new").to_frame()
    assert n_reads == 2
    assert len(reads) == 2
    pd.testing.assert_frame_equal(first, second)
    assert first["nearest_id"].tolist() == [i.removeprefix("new_") for i in first.index]


def test_ids_of_the_dataset_are_compared_with_all_others(dataset):
    ids = ["train/animal/cat.jpg", "test/animal/horse.png"]
    found = dataset.novelty(ids)
    assert sorted(found.to_frame().index) == sorted(ids)
    assert not set(found.to_frame()["nearest_id"]) & set(ids)
    assert found.model.n_left_out == 2
    assert found.model.n_images == len(dataset.where(~dataset.images["is_broken"])) - 2
    for same in (
        dataset.where(ids),
        pd.Index(ids),
        dataset.images.loc[ids],
        [dataset.images.loc[i, "path"] for i in ids],
    ):
        assert dataset.novelty(same).to_frame()["p_value"].tolist() == found.to_frame()["p_value"].tolist()


def test_a_list_is_judged_together_by_half_of_the_reference_where_that_is_held_out():
    model, new = fit_normal(draw(101, 0), calibration="held-out"), draw(60, 1)
    found, n = score_together(model, new)
    assert n == len(model.calibration) == 50
    assert found.p_values.min() >= 1 / 51
    assert score_together(fit_normal(draw(101, 0)), new)[1] == 101


def test_of_a_large_reference_one_fifth_calibrates():
    found, n = score_together(fit_normal(draw(6000, 0)), draw(40, 1))
    assert n == 1200
    assert (found.p_values > 1 / 1201).mean() > 0.9


def test_a_few_new_pictures_among_many_ordinary_ones_are_flagged():
    vectors, labels = digits()
    ordinary, new = np.flatnonzero(labels != 0), np.flatnonzero(labels == 0)[:30]
    found, _ = score_together(fit_normal(vectors[ordinary[270:]]), vectors[np.append(ordinary[:270], new)])
    flagged = flag_novel(found.p_values, false_alarm_rate=0.1)
    assert flagged[270:].mean() > 0.5
    assert flagged[:270].sum() <= 0.2 * flagged.sum()


def test_vectors_are_judged_without_pictures(dataset):
    vectors = dataset.embeddings[~dataset.images["is_broken"].to_numpy()][:5]
    found = dataset.normality().score(vectors)
    assert sorted(found.to_frame().index) == ["0", "1", "2", "3", "4"]
    assert "0" in found._repr_html_()
    found.gallery()
    assert found.n_known == 5


def test_ids_of_two_datasets_may_be_the_same(few, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "cat.jpg").write_bytes((few / "engine.jpg").read_bytes())
    (other / "known: cat.jpg").write_bytes((few / "grass.jpg").read_bytes())
    new = fd.Dataset(other, cache=None)
    known = fd.Dataset(few, cache=None)
    found = known.novelty(new)
    near = {image_id: found._names[i] for image_id, i in found.to_frame()["nearest_id"].items()}
    assert near == {"cat.jpg": "known:known:engine.jpg", "known: cat.jpg": "known:known:grass.jpg"}
    shown = found._shown
    assert shown.thumbnail("known:known:grass.jpg") == known._shown.thumbnail("grass.jpg")
    assert shown.thumbnail("cat.jpg") == new._shown.thumbnail("cat.jpg") != known._shown.thumbnail("cat.jpg")
    assert shown.picture("known:known:grass.jpg", 64) == known._shown.picture("grass.jpg", 64)
    found.tag("look", which="all")
    assert new.tagged("look") == ["cat.jpg", "known: cat.jpg"]
    assert "look" not in known.tags.counts()
    page = found.gallery()._controller
    told = page.page(page_query(), 0, 24)
    assert set(told["images"]) == {*near, *near.values()}


def page_query():
    from fastdup_nb.widgets._deck import Query

    return Query()


def test_a_class_has_a_normality_of_its_own(few):
    rng = np.random.default_rng(0)
    ids = [f"{i}.jpg" for i in range(40)]
    (few / "many").mkdir()
    for name in ids:
        (few / "many" / name).write_bytes((few / "cat.jpg").read_bytes())
    vectors = np.vstack([rng.normal(size=(20, 8)) + 6 * np.eye(8)[0], rng.normal(size=(20, 8)) - 6 * np.eye(8)[0]])
    known = fd.Dataset(few / "many", labels=["a"] * 20 + ["b"] * 20, embeddings=vectors, cache=None)
    order = [int(i.removesuffix(".jpg")) for i in known.image_ids]
    paths = sorted(few.glob("*.jpg"))[:3]
    ordinary = np.vstack([np.r_[6, np.zeros(7)], np.r_[6, np.zeros(7)], np.r_[6, np.zeros(7)]]) + 0.2
    new = fd.Dataset(paths, labels=["a", "b", "c"], embeddings=ordinary, cache=None)
    assert len(order) == 40
    found = known.novelty(new, by="label", false_alarm_rate=0.2)
    p = found.to_frame()["p_value"].reindex(new.image_ids)
    assert p.iloc[0] > 0.3
    assert p.iloc[1] == pytest.approx(1 / 21)
    assert np.isnan(p.iloc[2])
    assert found.n_unscored == 1
    assert "not compared" in repr(found)
    unlabeled = known.novelty(
        fd.Dataset(paths[:2], labels=[None, "c"], embeddings=ordinary[:2], cache=None), by="label"
    )
    assert "Nothing was compared: of 2 images, none has a label that a known image has." in repr(unlabeled)
    assert known.novelty(new).to_frame()["p_value"].min() > 0.3
    assert "each of 2 classes" in repr(known.normality(by="label"))


def test_a_normality_can_be_pickled(dataset):
    train, test = (dataset.where(dataset.images["split"] == split) for split in ("train", "test"))
    model = train.normality()
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    pd.testing.assert_frame_equal(again.score(test).to_frame(), model.score(test).to_frame())
    assert again._repr_html_() == model._repr_html_()


def test_what_was_learned_from_can_be_looked_through_and_tagged(dataset):
    model = dataset.normality()
    known = model.to_frame()
    gallery = model.gallery()
    assert gallery._controller.counts() == {"": len(known)}
    first = gallery._controller.page(_query(), 0, 24)["rows"][0]["tiles"][0]
    assert first["id"] == known.index[0]
    assert f"score {known['novelty_score'].iloc[0]:.2f}" in str(first)
    assert eval(gallery._controller.deck.code, {"ds": dataset}).equals(known)  # noqa: S307
    assert set(model.tag("known").image_ids) == set(known.index)
    dataset.tags.undo()
    with pytest.raises(ParameterError, match=r"'which' parameter of Normality\.tag"):
        model.tag("known", which="edge")


def _query():
    from fastdup_nb.widgets._deck import Query

    return Query()


def test_near_duplicates_of_the_sample_count_once(dataset):
    model = dataset.normality()
    dups = dataset.duplicates()
    assert model.n_groups == model.n_images - dups.n_removable
    assert model.smallest_p == 1 / (model.n_groups + 1)


def test_it_says_where_nothing_can_be_flagged(dataset):
    ids = dataset.image_ids[:4]
    found = dataset.novelty(ids)
    assert found._headline().startswith("None of 3 images could be flagged as new")
    assert f"below {found.smallest_p:.2g}" in found._headline()
    assert "nothing can be flagged" in repr(found)
    assert "nothing can be flagged" in found._repr_html_()
    assert "nothing can be flagged" not in repr(dataset.novelty(ids, false_alarm_rate=0.2))


@pytest.mark.parametrize(("rate", "is_told"), [(0.02, True), (0.1, False)])
def test_the_headline_tells_where_only_most_of_a_list_at_once_could_be_flagged(dataset, rate, is_told):
    found = dataset.novelty(dataset.image_ids[:4], false_alarm_rate=rate)
    needed = count_needed(found.smallest_p, len(found.to_frame()), rate)
    assert found.n_novel == 0
    assert (needed > 2) == is_told
    assert (f"fewer than {needed} at once could not be flagged" in found._headline()) == is_told


@pytest.mark.parametrize("n_known", [0, 1, 2])
@pytest.mark.parametrize("n_new", [0, 1])
def test_few_images_are_told_in_plain_words(few, n_known, n_new):
    paths = sorted(few.iterdir())
    known, new = fd.Dataset(paths[:n_known], cache=None), fd.Dataset(paths[3 : 3 + n_new], cache=None)
    found = known.novelty(new)
    assert found.n_novel == 0
    assert len(found.to_frame()) == n_new
    for result in (found, found.model):
        assert repr(result)
        assert result._repr_html_()
    found.gallery()
    assert found.tag("x").image_ids == () if n_new == 0 else True
    expected = {(0, 1): "Nothing is known", (1, 1): "None of 1 image could be flagged", (0, 0): "There is no image"}
    assert expected.get((n_known, n_new), "") in repr(found)


def test_broken_images_are_counted_and_in_no_table(few, tmp_path):
    (few / "broken.jpg").write_bytes(b"no picture")
    known = fd.Dataset(few, cache=None)
    bad = fd.Dataset([few / "broken.jpg"], cache=None)
    assert known.normality().n_broken == 1
    found = known.novelty(bad)
    assert found.n_broken == 1
    assert len(found.to_frame()) == 0
    nothing = bad.novelty(fd.Dataset([few / "cat.jpg"], cache=None))
    assert "Nothing is known" in repr(nothing)
    assert len(bad.next_to_label(3).to_frame()) == 0


def test_names_that_are_markup_are_escaped(few, tmp_path):
    nasty = tmp_path / "x"
    nasty.mkdir()
    (nasty / "<b onload=alert(1)>.jpg").write_bytes((few / "cat.jpg").read_bytes())
    page = fd.Dataset(few, cache=None).novelty(nasty)._repr_html_()
    assert "<b onload" not in page
    assert "<b onload" not in fd.Dataset(nasty, cache=None).novelty(few)._repr_html_()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"false_alarm_rate": 2}, ParameterError, "'false_alarm_rate' parameter of Dataset.novelty"),
        ({"false_alarm_rate": 0}, ParameterError, "'false_alarm_rate' parameter of Dataset.novelty"),
        ({"false_alarm_rate": "x"}, ParameterTypeError, "'false_alarm_rate' parameter of Dataset.novelty"),
        ({"control": "all"}, ParameterError, "'control' parameter of Dataset.novelty must be one of 'list', 'each'"),
        ({"method": "x"}, ParameterError, "'method' parameter of Dataset.novelty must be one of 'auto', 'alone'"),
        ({"by": "split"}, ParameterError, "'by' parameter of Dataset.novelty must be one of 'label'"),
        ({"by": "label"}, ParameterError, "no image has one"),
        ({"calibration": "x"}, ParameterError, "'calibration' parameter of Dataset.novelty"),
    ],
)
def test_what_is_wrong_is_said_before_any_image_is_read(few, reads, options, error, says):
    ds = fd.Dataset(few, cache=None)
    with pytest.raises(error, match=says):
        ds.novelty(few, **options)
    assert reads == [] or options == {"by": "label"}


def test_by_label_images_without_one_teach_nothing_and_are_counted(dataset):
    labels = dataset.images["label"].where(np.arange(len(dataset)) % 3 > 0)
    some = dataset.using(labels=labels)
    is_valid = ~dataset.images["is_broken"]
    model = some.normality(by="label")
    assert model.n_unlabeled == (labels.isna() & is_valid).sum()
    assert model.n_images == (labels.notna() & is_valid).sum()
    found = some.novelty(dataset.image_ids[:30], by="label")
    assert found.n_unscored >= labels.iloc[:30].isna().sum() - 6
    assert "without a label" in repr(model)


def test_vectors_of_another_encoder_are_an_error(few):
    known = fd.Dataset(few, cache=None, embeddings=np.eye(6, 5) + 0.1)
    with pytest.raises(ParameterError, match="same encoder"):
        known.novelty(fd.Dataset([few / "cat.jpg"], cache=None))
    with pytest.raises(ParameterError, match="no encoder for other files"):
        known.novelty([str(few / "cat.jpg") + "x.jpg"])
    with pytest.raises(ParameterError, match="5 finite numbers each"):
        known.novelty(np.ones((2, 7)))


@pytest.mark.parametrize("other", ["cat.jpg", ["cat.jpg"], ("cat.jpg", "nothing.jpg"), pd.Index(["cat.jpg"])])
def test_ids_that_were_learned_from_are_no_files_and_that_is_said(few, other):
    ds = fd.Dataset(few, cache=None)
    with pytest.raises(ParameterError, match=r"'cat\.jpg' is an image that was learned from"):
        ds.normality().score(other)


def test_ids_mixed_with_other_names_are_not_taken_for_broken_files(few):
    with pytest.raises(ParameterError, match="files are given by their paths"):
        fd.Dataset(few, cache=None).novelty(["nothing.jpg", "cat.jpg"])


def test_a_dataset_compared_with_itself_has_nothing_left_to_learn_from(few):
    ds = fd.Dataset(few, cache=None)
    for other in (ds, few, ds.image_ids):
        with pytest.raises(ParameterError, match=r"try ds\.outliers\(\)"):
            ds.novelty(other)


@pytest.mark.parametrize(
    "array", [np.ones(5), np.ones((3, 5), dtype=int), np.zeros((8, 8, 3), dtype=np.uint8)], ids=["1d", "int", "pixels"]
)
def test_an_array_that_is_no_list_of_vectors_is_a_short_clear_error(few, array):
    with pytest.raises(ParameterError, match=r"\(n_images, n_features\)") as error:
        fd.Dataset(few, cache=None).novelty(array)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("other", [5, None, b"jpeg", {"cat.jpg": 1}])
def test_what_cannot_be_judged_is_called_so(few, reads, other):
    ds = fd.Dataset(few, cache=None)
    with pytest.raises(ParameterTypeError, match="What is to be judged must be a Dataset, a folder"):
        ds.novelty(other)
    assert reads == []
    with pytest.raises(ParameterTypeError, match=f"Got {type(other).__name__} instead"):
        ds.normality().score(other)


def test_what_is_not_compared_is_told_with_its_reason(few):
    nothing = fd.Dataset([], cache=None).novelty(few)
    assert "nothing is known to compare with" in repr(nothing)
    assert "no label" not in repr(nothing)


# --- what to label next


def test_labels_of_chosen_pictures_are_worth_more_than_random_ones():
    vectors, labels = digits(800)
    gains = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(800)
        test, pool = np.split(order, [200])
        given = np.full(600, -1)
        given[:20] = labels[pool[:20]]
        queue = choose_to_label(vectors[pool], given, n=30, random_state=seed).rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of scikit-learn before 1.7 beside SciPy 1.16
            accuracy = [
                LogisticRegression(C=100, max_iter=500)
                .fit(vectors[known], labels[known])
                .score(vectors[test], labels[test])
                for known in (pool[np.r_[np.arange(20), queue]], pool[:50])
            ]
        gains.append(accuracy[0] - accuracy[1])
    assert np.mean(gains) > 0.02


def test_no_twins_are_chosen_of_each_other_or_of_labeled_ones():
    vectors = np.repeat(draw(30, 0), 3, axis=0)
    groups = np.repeat(np.arange(30), 3)
    labels = np.full(90, -1)
    labels[[0, 30]] = [0, 1]
    chosen = choose_to_label(vectors, labels, n=90, groups=groups)
    assert len(chosen.rows) == 28
    assert len(set(groups[chosen.rows])) == 28
    assert not {0, 10} & set(groups[chosen.rows])


def test_gains_never_grow_and_make_up_what_is_gained():
    vectors = draw(80, 0)
    chosen = choose_to_label(vectors, np.full(80, -1), n=80)
    assert (np.diff(chosen.gains) <= 1e-9).all()
    assert chosen.gains.sum() == pytest.approx(1, abs=0.01)
    assert chosen.n_covered.tolist() == [1] * 80


def test_the_first_choice_is_the_best_there_is():
    vectors = draw(40, 3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = choose_to_label(vectors, np.full(40, -1), n=1)
    assert chosen.rows[0] == np.maximum(unit @ unit.T, 0).sum(axis=0).argmax()


def test_a_queue_goes_on_where_labels_were_decided_or_tagged(dataset, sample_folder):
    ds = fd.Dataset(sample_folder, cache=None)
    first = ds.next_to_label(6)
    assert first.n_labeled == 0
    assert first.to_frame()["distance"].isna().all()
    assert first.to_frame()["reason"].str.startswith("stands for ").all()
    ids = first.to_frame().index.tolist()
    ds.tags.add(ids[:2], "cat")
    ds.relabel(ids[2:4], "dog")
    ds.tags.add(ids[4], "skipped")
    second = ds.next_to_label(6, labels=["cat"])
    assert (second.n_labeled, second.n_skipped, second.tags) == (4, 1, ("cat",))
    assert not set(second.to_frame().index) & set(ids[:5])
    assert second.to_frame()["distance"].gt(0).all()
    assert ds.next_to_label(6).n_labeled == 2  # "cat" is no label of any image
    ds.relabel(ids[2], "cat")
    assert ds.next_to_label(6).n_labeled == 4  # now it is
    annotator = ds.annotate(["cat", "dog"], queue=second.to_frame())
    assert annotator.to_frame().index.tolist() == second.to_frame().index.tolist()
    assert second.tag("soon").image_ids == tuple(second.to_frame().index)


def test_where_all_are_labeled_there_is_nothing_to_choose(dataset):
    queue = dataset.next_to_label(5)
    assert len(queue.to_frame()) == 0
    assert "none without a label" in repr(queue)
    assert queue._repr_html_()
    queue.gallery()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_images_to_label_are_no_error(few, n):
    queue = fd.Dataset(sorted(few.iterdir())[:n], cache=None).next_to_label(5)
    assert len(queue.to_frame()) == n
    assert repr(queue)
    assert queue._repr_html_()


def test_labels_that_are_all_the_same_cannot_disagree(few):
    queue = fd.Dataset(few, labels={"cat.jpg": "cat"}, cache=None, tags=None).next_to_label(3)
    assert "uncertainty 0.00" in repr(queue)
    assert "-0.00" not in repr(queue)


@pytest.mark.parametrize(("n", "error"), [(0, ParameterError), ("x", ParameterTypeError), (True, ParameterTypeError)])
def test_a_wrong_number_to_label_is_said(few, reads, n, error):
    with pytest.raises(error, match=r"'n' parameter of Dataset.next_to_label"):
        fd.Dataset(few, cache=None).next_to_label(n)
    assert reads == []


def test_empty_tables_have_the_types_of_full_ones(few):
    known, none = fd.Dataset(few, cache=None), fd.Dataset([], cache=None)
    some, empty = known.novelty([few / "cat.jpg"]), known.novelty(none)
    for a, b in ((some.table, empty.table), (known.next_to_label(2).table, none.next_to_label(2).table),
                 (known.normality().to_frame(), none.normality().to_frame())):  # fmt: skip
        pd.testing.assert_series_equal(a.dtypes, b.dtypes)
        assert (a.index.name, a.index.dtype) == (b.index.name, b.index.dtype)
