"""Sequences: cuts are cuts, what is slow is none, what is gone at once is an event, and what comes back is known."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import fastdup_nb as fd
from fastdup_nb._sample.frames import SCRIPTS, Shot, film, join_shots
from fastdup_nb._sample.photographs import load_photograph
from fastdup_nb.embeddings import load_encoder
from fastdup_nb.errors import ParameterError, ParameterTypeError, SourceError
from fastdup_nb.findings.sequence.frames import COPY, SCENE
from fastdup_nb.findings.sequence.order import key_name
from fastdup_nb.findings.sequence.succession import count_together, count_transitions
from fastdup_nb.findings.sequence.tables import COLUMNS
from fastdup_nb.findings.sequence.timeline import Frames, read_timeline

STILL = (0.5, 0.5, 0.7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return fd.sample_frames(tmp_path_factory.mktemp("frames") / "sample")


@pytest.fixture(scope="module")
def rows(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "truth.csv", index_col="image_id", keep_default_na=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def ds(folder, store) -> fd.Dataset:
    return fd.Dataset(folder, cache=store)


@pytest.fixture(scope="module")
def seq(ds):
    return ds.sequence()


@pytest.fixture(scope="module")
def encode():
    """Return a function that makes frames of pixels, as if they had been written as JPEGs and read."""
    encoder = load_encoder()

    def prepare(pixels):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
        return encoder.prepare(Image.open(buffer).convert("RGB"))

    def make(pixels):
        found = encoder.encode(np.stack([prepare(frame) for frame in pixels]))
        return Frames(found.vectors, found.details, np.arange(len(pixels)))

    return make


def shoot(name, n, begin=STILL, end=None, **options):
    return film(load_photograph(name), Shot(name, n, begin, end or begin, **options))


def read(frames, **options):
    return read_timeline(frames, least=COPY, alike=SCENE, **options)


def of_vectors(vectors):
    vectors = np.asarray(vectors, dtype=np.float32)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Frames(vectors, None, np.arange(len(vectors)))


def kinds(found):
    return [change.kind for change in found.changes]


# --- the sample


def test_every_change_of_the_sample_is_found_with_its_kind_and_nothing_else(seq, rows):
    truth = rows[rows["is_cut"] == 1]
    assert len(seq.cuts) == len(truth) == 7
    found = seq.cuts.set_index("image_id")
    for image_id, row in truth.iterrows():
        near = found[(found["sequence"] == row["sequence"]) & ((found["position"] - row["position"]).abs() <= 2)]
        assert near["kind"].tolist() == [row["transition"] or "cut"]
        if not row["transition"]:
            assert near.index.tolist() == [image_id]


def test_the_extent_of_a_gradual_change_covers_most_of_it_and_little_else(seq, rows):
    for kind in ("dissolve", "fade"):
        truth = set(rows.index[rows["transition"] == kind])
        cut = seq.cuts[seq.cuts["kind"] == kind].iloc[0]
        ids = seq.frames.index
        told = set(ids[ids.get_loc(cut["start"]) : ids.get_loc(cut["end"]) + 1])
        assert len(told) == cut["n_gradual"]
        assert len(told & truth) >= 0.6 * len(truth)
        assert len(told - truth) <= 2


def test_the_flash_of_the_sample_is_one_event_and_no_cut(seq, rows):
    assert seq.events["image_id"].tolist() == rows.index[rows["event"] == "flash"].tolist()
    assert seq.events["kind"].tolist() == ["brighter"]
    assert seq.events["n_frames"].tolist() == [1]
    assert not seq.frames.loc[seq.events["image_id"], "is_cut"].any()


def test_scenes_that_come_back_are_known_and_share_a_number(seq, rows):
    typical = rows.loc[seq.shots["representative"], "scene"].tolist()
    told = seq.shots["scene"].tolist()
    assert len(set(zip(typical, told, strict=True))) == len(set(typical)) == len(set(told))
    assert rows.loc[seq.returns["image_id"], "scene"].tolist() == rows.loc[seq.returns["earlier"], "scene"].tolist()
    assert sorted(rows.loc[seq.returns["image_id"], "scene"].tolist()) == ["engine", "lake"]


def test_still_frames_are_of_the_shots_in_which_nothing_moves(seq, rows):
    still = seq.frames.index[seq.frames["is_still"]]
    assert len(still) >= 30
    assert set(rows.loc[still, "scene"]) == {"engine"}


def test_shots_part_all_frames_and_begin_at_cuts(seq):
    assert seq.shots["n_frames"].sum() == len(seq.frames)
    starts = set(seq.shots["start"]) - set(seq.frames.index[seq.frames["position"] == 0])
    assert starts == set(seq.cuts["image_id"]) == set(seq.frames.index[seq.frames["is_cut"]])
    assert (seq.frames["shot"].value_counts().sort_index().to_numpy() == seq.shots["n_frames"].to_numpy()).all()


def test_a_representative_is_of_its_shot_and_of_no_gradual_change(seq):
    typical = seq.frames.loc[seq.shots["representative"]]
    assert typical["shot"].tolist() == seq.shots.index.tolist()
    assert not typical["is_gradual"].any()
    assert not typical["is_event"].any()


def test_columns_are_the_declared_ones_with_their_types(seq, ds):
    empty = ds.where([]).sequence()
    for name, columns in COLUMNS.items():
        for found in (seq, empty):
            table = getattr(found, name)
            assert table.columns.tolist() == list(columns), name
            wanted = [column for column, (dtype, _) in columns.items() if dtype in {"int64", "bool", "float64"}]
            assert [str(table[column].dtype) for column in wanted] == [columns[column][0] for column in wanted]
    assert str(seq.frames["time"].dtype).startswith("datetime64")
    assert (seq.shots["duration"].dt.total_seconds() == seq.shots["n_frames"] - 1).all()


def test_the_same_call_gives_the_same_result(ds, seq):
    again = ds.using(random_state=0).sequence()
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(seq, name))


def test_the_sample_is_written_again_as_it_was_and_never_over_something_else(folder, tmp_path):
    other = fd.sample_frames(tmp_path / "frames")
    for path in sorted(folder.rglob("*.*")):
        assert (other / path.relative_to(folder)).read_bytes() == path.read_bytes()
    assert len(list(csv.DictReader((folder / "truth.csv").open()))) == len(list(folder.rglob("*.jpg"))) > 150
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(SourceError, match=r"sample_frames\("):
        fd.sample_frames(tmp_path / "full")
    with pytest.raises(ParameterTypeError, match="parameter of sample_frames must be a path"):
        fd.sample_frames(5)


def test_a_sample_broken_off_is_completed(folder, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(folder, part)
    gone = part / "camera_2" / "frame_7.jpg"
    data = gone.read_bytes()
    gone.unlink()
    fd.sample_frames(part)
    assert gone.read_bytes() == data


# --- what is a cut, and what is none


@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut", "brick", "lake"])
@pytest.mark.parametrize(
    ("begin", "end", "n", "options"),
    [
        ((0.3, 0.5, 0.5), (0.7, 0.5, 0.5), 40, {}),
        ((0.5, 0.5, 1.0), (0.5, 0.5, 0.4), 40, {}),
        (STILL, STILL, 40, {"shake": 0.02}),
        (STILL, STILL, 40, {"light": 0.3}),
    ],
    ids=["slow pan", "zoom", "shaking hand", "light goes down"],
)
def test_what_moves_or_darkens_slowly_is_no_cut_and_no_event(encode, name, begin, end, n, options):  # noqa: PLR0917
    found = read(encode(shoot(name, n, begin, end, **options)))
    assert kinds(found) == []
    assert found.events == []
    assert not found.is_stream


def whip(name, length, begin, end):
    """Return a camera that stands, turns in so many blurred frames, and stands again."""
    swept = shoot(name, 8 * length, begin, end).reshape(length, 8, 192, 256, 3)[:, :4]
    return np.concatenate([shoot(name, 12, begin), swept.mean(axis=1).astype(np.uint8), shoot(name, 12, end)])


@pytest.mark.parametrize(
    ("name", "length", "begin", "end"),
    [
        ("coffee", 7, (0.2, 0.5, 0.35), (0.8, 0.5, 0.35)),
        ("coffee", 10, (0.2, 0.5, 0.35), (0.8, 0.5, 0.35)),
        ("lake", 10, (0.2, 0.5, 0.35), (0.8, 0.5, 0.35)),
        ("engine", 7, (0.8, 0.5, 0.35), (0.2, 0.5, 0.35)),
        ("dahlia", 7, (0.5, 0.75, 0.35), (0.5, 0.25, 0.35)),
        ("pagoda", 7, (0.5, 0.75, 0.35), (0.5, 0.25, 0.35)),
    ],
)
def test_a_whip_pan_is_no_cut(encode, name, length, begin, end):
    assert kinds(read(encode(whip(name, length, begin, end)))) == []


def test_a_dataset_judges_frames_by_the_bounds_of_their_own_distance(tmp_path):
    for name in ("astronaut", "launch pad", "pagoda"):
        for i, pixels in enumerate(shoot(name, 30, (0.5, 0.5, 1.0), (0.5, 0.5, 0.35))):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.jpg", quality=88)
    assert len(fd.Dataset(tmp_path, cache=None).sequence().cuts) == 0


def test_shots_of_two_frames_are_parted(encode):
    names, lengths = ["cat", "coffee", "coins", "engine", "lake", "brick", "launch pad"], [12, 2, 10, 2, 9, 2, 12]
    begin, end = (0.4, 0.5, 0.6), (0.6, 0.5, 0.6)
    shots = [shoot(name, n, begin, end) for name, n in zip(names, lengths, strict=True)]
    found = read(encode(np.concatenate(shots)))
    assert [change.position for change in found.changes] == np.cumsum(lengths)[:-1].tolist()


@pytest.mark.parametrize(("one", "other"), [("engine", "coins"), ("lake", "launch pad"), ("coffee", "dahlia")])
def test_a_dissolve_between_two_pans_is_one(encode, one, other):
    begin, end = (0.3, 0.5, 0.6), (0.7, 0.5, 0.6)
    shots = [Shot(one, 40, begin, end), Shot(other, 40, begin, end, join="dissolve", change=12)]
    found = read(encode(join_shots([(shot, load_photograph(shot.scene)) for shot in shots])))
    assert kinds(found) == ["dissolve"]
    assert abs(found.changes[0].position - 40) <= 3


def test_a_slow_pan_is_not_still_and_a_fixed_camera_is(encode):
    assert read(encode(shoot("coffee", 30, (0.3, 0.5, 0.5), (0.7, 0.5, 0.5)))).stills == []
    assert read(encode(shoot("coffee", 30))).stills == [(0, 30)]


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("what", ["flash", "black", "other picture"])
def test_what_is_gone_after_at_most_three_frames_is_one_event_and_no_cut(encode, length, what):
    pixels = shoot("cat", 30)
    change = {
        "flash": np.clip(pixels[12 : 12 + length] * 1.7 + 70, 0, 255).astype(np.uint8),
        "black": np.zeros_like(pixels[12 : 12 + length]),
        "other picture": shoot("coins", length),
    }[what]
    pixels[12 : 12 + length] = change
    found = read(encode(pixels))
    assert kinds(found) == []
    assert found.events == [(12, 12 + length)]


def test_what_stays_longer_than_an_event_is_a_shot_and_the_picture_before_returns(encode):
    pixels = np.concatenate([shoot("cat", 14), shoot("coins", 5), shoot("cat", 14)])
    found = read(encode(pixels))
    assert [change.position for change in found.changes] == [14, 19]
    assert found.events == []
    assert [(back.start, back.stop) for back in found.returns] == [(19, 33)]
    assert found.scenes.tolist() == [0, 1, 0]


def test_a_light_switched_off_is_neither_cut_nor_event(encode):
    pixels = shoot("engine", 30)
    pixels[15:] = (pixels[15:] * 0.5).astype(np.uint8)
    found = read(encode(pixels))
    assert kinds(found) == []
    assert found.events == []


@pytest.mark.parametrize("join", ["dissolve", "fade"])
@pytest.mark.parametrize("change", [6, 10, 20])
@pytest.mark.parametrize(("one", "other"), [("cat", "coffee"), ("launch pad", "brick"), ("engine", "lake")])
def test_a_gradual_change_is_one_change_in_its_middle_with_its_extent(encode, join, change, one, other):
    shots = [Shot(one, 40, (0.45, 0.5, 0.6), (0.55, 0.5, 0.6)), Shot(other, 40, STILL, STILL, join=join, change=change)]
    found = read(encode(join_shots([(shot, load_photograph(shot.scene)) for shot in shots])))
    assert kinds(found) == [join]
    length = change if join == "dissolve" else 2 * change + 2
    assert abs(found.changes[0].position - 40) <= max(2, length / 4)
    begin, end = 40 - length // 2, 40 - length // 2 + length
    assert begin - max(2, 0.1 * length) <= found.changes[0].start <= begin + 0.35 * length + 1
    assert end - 0.35 * length - 1 <= found.changes[0].stop <= end + 2


def test_blank_frames_at_either_end_are_no_change_of_scene(encode):
    black = np.zeros((6, 192, 256, 3), dtype=np.uint8)
    found = read(encode(np.concatenate([black, shoot("cat", 20), shoot("coins", 20), black])))
    assert [change.position for change in found.changes] == [6, 26, 46] or kinds(found) == ["cut"]


def test_many_short_shots_are_parted(encode):
    names = ["cat", "coffee", "coins", "engine", "lake", "brick", "launch pad", "astronaut"]
    pixels = np.concatenate([shoot(name, 6, (0.45, 0.5, 0.6), (0.5, 0.5, 0.6)) for name in names])
    assert [change.position for change in read(encode(pixels)).changes] == list(range(6, 48, 6))


def test_photographs_that_all_differ_are_a_stream_without_cuts(dataset):
    found = dataset.sequence(by=None)
    assert found.streams == ("",)
    assert len(found.cuts) == len(found.events) == len(found.returns) == 0
    assert len(found.shots) == 1
    assert "no cuts are claimed" in found._view(8).headline
    assert "Single pictures rather than a film" in found._repr_html_()
    assert found.order == "name"
    assert f"{len(dataset) - len(found.frames)} broken images are left out" in repr(found)


# --- vectors of known truth


@given(st.lists(st.integers(5, 30), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_shots_of_unlike_vectors_are_parted_exactly_where_they_meet(lengths, seed):
    rng = np.random.default_rng(seed)
    centers = np.repeat(np.eye(len(lengths), 48), lengths, axis=0)
    found = read(of_vectors(centers + rng.normal(0, 0.01, centers.shape)))
    assert found.bounds.tolist() == [0, *np.cumsum(lengths).tolist()]
    assert found.events == []


@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_whatever_the_vectors_every_frame_is_in_one_shot(n, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, 6)) + 1
    found = read(of_vectors(vectors) if n else Frames(np.empty((0, 6), np.float32), None, np.arange(0)))
    assert found.bounds[0] == 0
    assert found.bounds[-1] == n
    assert (np.diff(found.bounds) > 0).all()
    assert all(0 <= start < stop <= n for start, stop in found.events + found.stills)


def test_frames_that_are_copies_share_a_row_and_are_still():
    vectors = np.eye(2, 8, dtype=np.float32)
    found = read(Frames(vectors, None, np.repeat([0, 1, 0], 12)))
    assert [change.position for change in found.changes] == [12, 24]
    assert found.stills == [(0, 12), (12, 24), (24, 36)]
    assert [(back.earlier, back.start) for back in found.returns] == [(0, 24)] or found.returns[0].start == 24
    assert found.scenes.tolist() == [0, 1, 0]


def test_a_camera_that_turns_away_and_back_returns_without_a_cut():
    angles = np.radians(np.concatenate([np.zeros(20), np.linspace(0, 90, 60), np.linspace(90, 0, 60), np.zeros(20)]))
    found = read(of_vectors(np.column_stack([np.cos(angles), np.sin(angles)])))
    assert kinds(found) == []
    assert len(found.returns) >= 1
    assert found.returns[-1].stop == 160


# --- order


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["f10.jpg", "f9.jpg", "f1.jpg"], ["f1.jpg", "f9.jpg", "f10.jpg"]),
        (["b/2.jpg", "a/10.jpg", "a/9.jpg"], ["a/9.jpg", "a/10.jpg", "b/2.jpg"]),
        (["IMG_2.jpg", "img_1.jpg"], ["img_1.jpg", "IMG_2.jpg"]),
        (["007.jpg", "7.jpg", "x.jpg", "1.jpg"], ["1.jpg", "007.jpg", "7.jpg", "x.jpg"]),
        ([str(10**30) + ".jpg", "5.jpg"], ["5.jpg", str(10**30) + ".jpg"]),
        (["t_1.jpg", "t_-2.jpg", "t_-10.jpg", "t_0.jpg"], ["t_-10.jpg", "t_-2.jpg", "t_0.jpg", "t_1.jpg"]),
        (["a/-1.jpg", "a/0.jpg", "a/-3.jpg"], ["a/-3.jpg", "a/-1.jpg", "a/0.jpg"]),
        (
            ["2024-10-09.jpg", "2024-9-30.jpg", "f-2.jpg", "f-1.jpg"],
            ["2024-9-30.jpg", "2024-10-09.jpg", "f-1.jpg", "f-2.jpg"],
        ),
    ],
)
def test_names_are_sorted_by_the_numbers_in_them(names, ordered):
    assert sorted(names, key=key_name) == ordered


def test_frames_are_in_the_order_of_their_numbers_not_of_their_letters(seq, ds):
    for found in (seq, ds.sequence("name")):
        first = found.frames[found.frames["sequence"] == "camera_1"].index.tolist()
        assert first == [f"camera_1/frame_{i + 1}.jpg" for i in range(len(first))]
    assert ds.sequence("name").frames["time"].isna().all()


def test_frames_of_videos_are_ordered_by_the_time_in_their_names(folder, tmp_path):
    times = {"a/film.mp4": ["0", "2s", "10.25"], "other.mp4": ["0.5", "3"]}
    (tmp_path / "a").mkdir()
    for video, told in times.items():
        for i, time in enumerate(told):
            shutil.copy(folder / "camera_1" / f"frame_{i + 1}.jpg", tmp_path / f"{video}@{time}")
    ds = fd.Dataset(tmp_path, cache=None)
    found = ds.sequence()
    assert found.order == "frame time"
    assert found.frames.index.tolist() == [f"{video}@{time}" for video, told in times.items() for time in told]
    assert found.frames["sequence"].unique().tolist() == list(times)
    assert found.frames["time"].tolist() == [0, 2, 10.25, 0.5, 3]
    assert found.shots["duration"].tolist() == [10.25, 2.5]
    shutil.copy(folder / "camera_1" / "frame_9.jpg", tmp_path / "plain.jpg")
    assert fd.Dataset(tmp_path, cache=None).sequence().order != "frame time"


def test_cameras_are_told_by_exif_and_all_can_be_one_sequence(ds):
    assert ds.sequence(by="camera").frames["sequence"].unique().tolist() == ["Canon EOS 5D", "Google Pixel 7"]
    whole = ds.sequence(by=None)
    assert whole.frames["sequence"].unique().tolist() == [""]
    assert len(whole.cuts) == 8


def table_of(folder, **columns):
    paths = sorted((folder / "camera_1").glob("*.jpg"), key=lambda path: key_name(path.name))[:12]
    return pd.DataFrame({"path": [str(path) for path in paths], **columns})


@pytest.mark.parametrize(
    "values",
    [
        list(range(12, 0, -1)),
        [str(i) for i in range(12, 0, -1)],
        [f"2024-01-{i:02d}T10:00:00" for i in range(12, 0, -1)],
        [f"clip {i}" for i in range(12, 0, -1)],
        pd.date_range("2024-01-01", periods=12)[::-1],
        pd.date_range("2024-01-01", periods=12, tz="Europe/Berlin")[::-1],
        [2**60 + i for i in range(12, 0, -1)],
        [f"2024-01-01T{20 - i % 2:02d}:{59 - i}:00+0{2 - i % 2}:00" for i in range(12)],
        [pd.Timestamp(2024, 1, 20 - i, tz=["UTC", "Europe/Berlin"][i % 2]) for i in range(12)],
        pd.to_timedelta(range(12, 0, -1), unit="s"),
        pd.Categorical(list("abcdefghijkl"), categories=list("lkjihgfedcba"), ordered=True),
    ],
    ids=[
        "numbers",
        "numbers as text",
        "times as text",
        "text",
        "times",
        "times of a zone",
        "numbers too long for a float",
        "times of two zones as text",
        "times of two zones",
        "durations",
        "ordered categories",
    ],
)
def test_any_column_that_can_be_sorted_gives_the_order(folder, values):
    ds = fd.Dataset(table_of(folder, when=values), cache=None)
    found = ds.sequence("when", by=None)
    assert found.frames.index.tolist() == ds.image_ids[::-1]
    assert "column when" in repr(found)
    assert "data:image" in found._repr_html_()


@pytest.mark.parametrize(
    ("column", "order", "says"),
    [
        ([1.0, np.nan] + [2.0] * 10, "when", "must have a value for every image. It has none for 1 of 12"),
        ([1, "a"] + [2] * 10, "when", "values that can be sorted. Got int, str"),
        ([{}] * 12, "when", "values that can be sorted"),
        ([[i] for i in range(12)], "when", "values that can be sorted. Got list"),
        ([pd.NaT, *pd.date_range("2024-01-01", periods=11)], "when", "has none for 1 of 12"),
        (
            [f"2024-01-{i:02d}T10:00:00{'Z' if i == 5 else ''}" for i in range(1, 13)],
            "when",
            "1 with a time zone and 11",
        ),
        ([pd.Timestamp(2024, 1, i, tz="UTC" if i < 4 else None) for i in range(1, 13)], "when", "3 with a time zone"),
        ([1j] * 12, "when", "Got complex numbers"),
        ([1.0, np.inf, -np.inf] + [2.0] * 9, "when", "finite numbers. It has infinity for 2 of 12, the first 'frame_"),
        (["inf"] * 3 + ["2"] * 9, "when", "infinity for 3 of 12"),
        ([1] * 12, "frame time", "none of 12 names ends in a time"),
        ([1] * 12, "where", "'frame time' or a column of ds.images. Got 'where'"),
    ],
)
def test_an_order_that_cannot_be_is_a_clear_error(folder, column, order, says):
    ds = fd.Dataset(table_of(folder, when=column), cache=None)
    with pytest.raises(ParameterError, match=says):
        ds.sequence(order)


@pytest.mark.parametrize("options", [{"order": 5}, {"order": None}, {"by": 3}, {"min_still_length": "10"}])
def test_a_parameter_of_another_type_is_told_before_any_image_is_read(folder, reads, options):
    with pytest.raises(ParameterTypeError, match=next(iter(options))):
        fd.Dataset(folder, cache=None).sequence(**options)
    assert reads == []


def test_no_time_at_all_is_a_clear_error_and_names_serve(tmp_path):
    for i in range(3):
        Image.new("RGB", (40, 30), (i * 80, 0, 0)).save(tmp_path / f"{i}.png")
    ds = fd.Dataset(tmp_path, cache=None)
    with pytest.raises(ParameterError, match="Try order='name'"):
        ds.sequence("time")
    assert ds.sequence().order == "name"


def test_images_without_a_time_are_left_out_and_counted_and_equal_times_are_told(folder, tmp_path):
    for i in range(1, 9):
        shutil.copy(folder / "camera_1" / f"frame_{i}.jpg", tmp_path / f"frame_{i}.jpg")
    shutil.copy(folder / "camera_1" / "frame_3.jpg", tmp_path / "frame_30.jpg")
    Image.open(tmp_path / "frame_1.jpg").save(tmp_path / "plain.jpg")
    found = fd.Dataset(tmp_path, cache=None).sequence("time")
    assert found.n_left_out == 1
    assert found.n_equal == 2
    assert "plain.jpg" not in found.frames.index
    assert "1 image has no time and is left out" in repr(found)
    assert "2 frames share their time" in repr(found)
    told = " ".join(repr(fd.Dataset(tmp_path, cache=None).sequence()).split())
    assert "Only 9 of 10 frames tell in EXIF when they were taken, so names give the order" in told
    assert "tell in EXIF" not in repr(fd.Dataset(tmp_path, cache=None).sequence("name"))
    places = found.frames["position"]
    assert places["frame_30.jpg"] == places["frame_3.jpg"] + 1


def test_broken_frames_are_skipped_and_counted(folder, tmp_path):
    for i in range(20, 36):
        shutil.copy(folder / "camera_1" / f"frame_{i}.jpg", tmp_path / f"frame_{i}.jpg")
    (tmp_path / "frame_26.jpg").write_bytes(b"no picture")
    found = fd.Dataset(tmp_path, cache=None).sequence()
    assert found.cuts["image_id"].tolist() == ["frame_27.jpg"]
    assert len(found.frames) == 15
    assert "1 broken image is left out." in repr(found)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_frames_are_told_in_plain_sentences(folder, tmp_path, n):
    ds = fd.Dataset(folder, cache=None).where([f"camera_1/frame_{i + 1}.jpg" for i in range(n)])
    found = ds.sequence()
    says = {0: "There is no image to look at.", 1: "nothing happens in a single frame"}.get(n, "no cut.")
    assert says in repr(found)
    if n > 1:
        assert f"lowest {found.frames['change'].min():.3f}" in repr(found)
        assert found.frames["change"].min() > 0.001
    assert says in found._repr_html_()
    assert len(found.cuts) == len(found.events) == 0
    assert len(found.keyframes()) == min(n, 1)
    assert len(found.curve) == n
    assert found.transitions("scene").empty
    assert found.cooccurrence(2, "scene").empty
    assert found._deck().table.index.tolist() == found.frames.index.tolist()


def test_broken_images_only_are_no_sequence(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    found = fd.Dataset(tmp_path, cache=None).sequence()
    assert len(found.frames) == 0
    assert "1 broken image is left out." in repr(found)


def test_identical_frames_are_one_still_shot(tmp_path):
    for i in range(15):
        Image.new("RGB", (64, 48), (90, 120, 40)).save(tmp_path / f"{i}.png")
    found = fd.Dataset(tmp_path, cache=None).sequence()
    assert len(found.shots) == 1
    assert found.frames["is_still"].all()
    assert found.frames["change"].iloc[1:].max() == 0


def test_parts_of_a_dataset_and_own_vectors_have_sequences_too(ds, folder):
    part = ds.where([image_id for image_id in ds.image_ids if image_id.startswith("camera_2")])
    assert part.sequence().cuts["kind"].tolist() == ["fade", "cut", "cut"]
    paths = table_of(folder)
    vectors = np.repeat(np.eye(2, 16), 6, axis=0)
    own = fd.Dataset(paths, embeddings=vectors, cache=None).sequence()
    assert own.cuts["position"].tolist() == [6]
    assert "1 cut" in repr(own)


# --- what is done with it


def test_a_shot_is_never_told_to_return_to_itself(seq):
    text = repr(seq)
    assert "returns to shot 0" in text
    assert not [shot for shot in seq.shots.index if f"Shot {shot}:" in text and f"returns to shot {shot}" in
                text.split(f"Shot {shot}:")[1].split("Shot")[0]]  # fmt: skip


def test_the_curve_tells_the_change_of_each_frame_and_what_is_usual(seq):
    curve = seq.curve
    assert curve.columns.tolist() == ["sequence", "position", "time", "change", "usual"]
    assert curve["change"].isna().sum() == 2
    cuts = curve.loc[seq.cuts[seq.cuts["kind"] == "cut"]["image_id"]]
    assert (cuts["change"] > 10 * cuts["usual"]).all()
    assert curve["usual"].notna().all()


@pytest.mark.parametrize("n", [0, 1, 4, 9, 30, 176, 10_000])
def test_keyframes_are_as_many_as_asked_different_and_in_order(seq, n):
    frames = seq.keyframes(n)
    assert len(frames) == len(set(frames)) == min(n, len(seq.frames))
    assert seq.frames.index.get_indexer(frames).tolist() == sorted(seq.frames.index.get_indexer(frames))


def test_keyframes_show_every_shot_before_a_second_frame_of_one(seq):
    assert sorted(seq.keyframes()) == sorted(seq.shots["representative"])
    assert set(seq.shots["representative"]) <= set(seq.keyframes(20))
    assert len({seq.frames.loc[frame, "scene"] for frame in seq.keyframes(7)}) == 7


def test_transitions_count_what_follows_what_within_a_sequence(seq, rows):
    names = rows["scene"]
    found = seq.transitions(names)
    told = {(a, b): n for a, b, n in zip(found["from"], found["to"], found["n"], strict=True)}
    expected = {}
    for shots in SCRIPTS.values():
        for a, b in pairwise(shots):
            expected[a.scene, b.scene] = expected.get((a.scene, b.scene), 0) + 1
    assert told == expected
    assert found.groupby("from")["share"].sum().round(9).eq(1).all()


def test_transitions_pass_over_what_has_no_label():
    codes = np.array([0, 0, -1, 1, 1, 0, 1, 1])
    starts = np.array([True, False, False, False, False, False, True, False])
    found = count_transitions(codes, starts, ["a", "b"])
    assert found.to_dict("records") == [
        {"from": "a", "to": "b", "n": 1, "share": 1.0},
        {"from": "b", "to": "a", "n": 1, "share": 1.0},
    ]


def test_together_is_counted_by_windows_and_weighed_against_chance():
    codes = np.array([0, 1, 0, 1, 2, 2, 2, -1])
    found = count_together(codes, np.arange(8) // 2, ["a", "b", "c"])
    assert found.to_dict("records") == [{"a": "a", "b": "b", "n": 2, "n_a": 2, "n_b": 2, "lift": 2.0}]


def test_windows_are_frames_or_times(seq, ds):
    by_frames = seq.cooccurrence(20, "scene")
    pd.testing.assert_frame_equal(seq.cooccurrence("20s", "scene"), by_frames)
    pd.testing.assert_frame_equal(seq.cooccurrence(pd.Timedelta(seconds=20), "scene"), by_frames)
    assert (by_frames["n"] <= by_frames[["n_a", "n_b"]].min(axis=1)).all()
    for window, error in (
        (0, ParameterError),
        (2.5, ParameterTypeError),
        ("soon", ParameterError),
        ("-5s", ParameterError),
    ):
        with pytest.raises(error, match=r"'window' parameter of Sequence\.cooccurrence"):
            seq.cooccurrence(window, "scene")
    with pytest.raises(ParameterError, match="order='time'"):
        ds.sequence("name").cooccurrence("20s", "scene")


def test_a_window_of_time_is_no_bare_number_and_may_be_a_timedelta(ds):
    found = ds.sequence("time")
    for window in ("10", "2.5", "-3"):
        with pytest.raises(ParameterError, match="or a time such as '10min'"):
            found.cooccurrence(window, "shot")
    pd.testing.assert_frame_equal(found.cooccurrence(timedelta(minutes=1), "shot"), found.cooccurrence("1min", "shot"))


def test_two_labels_of_one_image_are_a_clear_error(seq):
    labels = pd.Series(["a", "b"], index=[seq.frames.index[0]] * 2)
    with pytest.raises(ParameterError, match="must have one label for each image"):
        seq.transitions(labels)


def test_clusters_are_the_labels_by_default(seq, ds):
    labels = ds.clusters().labels
    pd.testing.assert_frame_equal(
        seq.transitions(), seq.transitions(labels.astype("Int64").where(labels >= 0)), check_dtype=False
    )
    assert not {-1} & set(seq.transitions()["from"])
    with pytest.raises(ParameterError, match=r"'labels' parameter of Sequence\.transitions"):
        seq.transitions("nothing")


class Model:
    """A stand-in of a model of normal pictures: it holds that some are none."""

    def __init__(self, novel):
        self.novel = novel

    def score(self, other, /):
        ids = [image_id for image_id in other.image_ids if not image_id.endswith("_9.jpg")][::-1]
        is_novel = [image_id in self.novel for image_id in ids]
        table = {"novelty_score": np.linspace(0, 1, len(ids)), "p_value": 0.5, "is_novel": is_novel}
        return pd.DataFrame(table, index=pd.Index(ids, name="image_id"))


def test_deviations_are_those_of_the_model_in_order_of_time_and_in_stretches(seq):
    novel = ["camera_1/frame_5.jpg", "camera_1/frame_6.jpg", "camera_1/frame_94.jpg", "camera_2/frame_1.jpg"]
    found = seq.deviations(Model(novel))
    assert found.index.equals(seq.frames.index)
    assert found["stretch"][novel].tolist() == [0, 0, 1, 2]
    assert (found["stretch"].drop(novel) == -1).all()
    assert found.columns.tolist() == [
        "sequence", "position", "time", "shot", "novelty_score", "p_value", "is_novel", "stretch",
    ]  # fmt: skip


def test_deviations_take_what_normality_learned_and_what_it_found(ds, seq):
    model = ds.where([image_id for image_id in ds.image_ids if image_id.startswith("camera_1/")]).normality()
    pd.testing.assert_series_equal(
        seq.deviations(model)["p_value"], model.score(ds).table["p_value"].reindex(seq.frames.index)
    )
    judged = model.score(ds, control="each", false_alarm_rate=0.2)
    found = seq.deviations(judged)
    assert found["is_novel"].sum() == judged.n_novel > 0
    assert set(found.loc[found["is_novel"], "sequence"]) == {"camera_2"}


def test_deviations_from_what_another_camera_learned_are_those_that_its_normality_scores(ds, seq):
    one = ds.where([image_id for image_id in ds.image_ids if image_id.startswith("camera_1/")])
    model = one.normality()
    found, scored = seq.deviations(model), model.score(ds)
    assert found.index.equals(seq.frames.index)
    assert found["is_novel"].tolist() == scored.table["is_novel"].reindex(found.index).tolist()
    assert found["novelty_score"].notna().all()
    pd.testing.assert_frame_equal(seq.deviations(scored), found)


def test_frames_that_are_unlike_a_learned_sequence_deviate_and_the_learned_ones_do_not(ds, seq):
    one = ds.where([image_id for image_id in ds.image_ids if image_id.startswith("camera_1/")])
    scored = one.normality().score(ds, false_alarm_rate=0.2, control="each", method="alone")
    found = seq.deviations(scored)
    share = found.groupby("sequence")["is_novel"].mean()
    assert share["camera_1"] == 0
    assert share["camera_2"] > 0
    assert set(found["stretch"][~found["is_novel"].astype(bool)]) == {-1}
    assert sorted(set(found["stretch"])) == list(range(-1, found["stretch"].max() + 1))


def test_deviations_of_other_images_or_of_one_twice_are_a_clear_error(ds, seq):
    table = ds.where(ds.image_ids[:5]).normality().score(ds).table
    with pytest.raises(ParameterError, match="must tell of frames of this sequence"):
        seq.deviations(table.rename(index=lambda name: "other/" + name))
    with pytest.raises(ParameterError, match="more than once"):
        seq.deviations(pd.concat([table, table.head(1)]))


@pytest.mark.parametrize("model", [None, 5, "model", pd.Series([True]), pd.DataFrame({"a": [1]})])
def test_a_model_that_cannot_score_is_a_clear_error(seq, model):
    with pytest.raises(ParameterTypeError, match=r"must be a model of what is normal"):
        seq.deviations(model)


@pytest.mark.parametrize(
    ("which", "count"),
    [(None, 7), ("cuts", 7), ("keyframes", 9), ("events", 1), ("returns", 2), ("representatives", 9)],
)
def test_what_is_named_is_tagged(folder, store, which, count):
    found = fd.Dataset(folder, cache=store, tags=None).sequence()
    assert len(found.tag("seen", which=which).image_ids) == count
    still = found.tag("still", which="still").image_ids
    assert set(still) == set(found.frames.index[found.frames["is_still"]])
    with pytest.raises(ParameterError, match=r"'which' parameter of Sequence\.tag"):
        found.tag("x", which="shots")


def test_the_picture_is_of_bounded_size_however_long_the_sequence(seq):
    long = pd.concat([seq.frames.assign(sequence="all")] * 200)
    long["is_cut"], long["is_event"] = np.arange(len(long)) % 5 == 0, np.arange(len(long)) % 7 == 0
    from dataclasses import replace

    html = replace(seq, frames=long.assign(position=np.arange(len(long))))._view(0)
    from fastdup_nb.views import render_html

    assert len(render_html(html, lambda _: None)) < 120_000


def test_a_single_frame_has_no_curve_and_a_frame_that_is_first_and_typical_is_called_both(folder):
    one = fd.Dataset(table_of(folder)[:1], cache=None).sequence("listing")
    assert "<svg" not in one._repr_html_()
    assert "first and typical and last" in repr(one)


def test_names_are_text_whatever_they_are(tmp_path, folder):
    name = "<b onmouseover=alert(1)>&\"'"
    ds = fd.Dataset(table_of(folder, cam=[name] * 12), cache=None)
    html = ds.sequence("listing", by="cam")._repr_html_()
    assert "<b onmouseover" not in html
    assert "&lt;b onmouseover" in html


def test_the_page_shows_curve_and_filmstrip_and_the_text_shows_bars(seq):
    html = seq._repr_html_()
    assert html.count("<svg") == 2
    assert "<script" not in html
    assert html.count('class="fdnb-strip"') == 2
    assert len(html) < 450_000
    assert "▁" in repr(seq)
