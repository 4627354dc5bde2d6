"""Decisions: nothing lost, nothing half, and each with the picture it was made about."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, StoreError, UnknownImageError
from fastdup_nb.tags import Journal, Places, Tags


@pytest.fixture
def dataset_of(few, tmp_path):
    """A function that opens the collection as a new session would."""
    return lambda **options: fd.Dataset(few, **{"cache": tmp_path / "store", **options})


def test_tags_are_there_in_the_next_session(dataset_of):
    begun = pd.Timestamp.now("UTC").floor("ms")
    change = dataset_of().tags.edit(["cat.jpg", "grass.jpg"], add=["drop", "my own words"])
    assert (change.text, change.image_ids) == ("tagged 2 images 'drop', 'my own words'", ("cat.jpg", "grass.jpg"))
    tags = dataset_of().tags
    assert tags.tagged("drop") == ["cat.jpg", "grass.jpg"]
    assert tags.of(["cat.jpg", "engine.jpg"]) == {"cat.jpg": ("drop", "my own words"), "engine.jpg": ()}
    assert tags.counts().to_dict() == {"drop": 2, "my own words": 2}
    frame = tags.to_frame()
    assert (frame.index.name, frame.columns.tolist(), len(frame)) == ("image_id", ["tag", "time"], 4)
    assert begun <= frame["time"].min() <= frame["time"].max() <= pd.Timestamp.now("UTC")


@pytest.mark.parametrize(
    "change",
    [
        "delete from actions",
        "drop table palette",
        "update actions set time = 1e999",
        "update actions set time = '<b>now</b>'",
        "update actions set words = x'00ff'",
        "update changes set action = -5",
        "update changes set name = x'00ff'",
        "update changes set name = cast(x'ff' as text)",
        "update changes set name = 'one' where kind = 'pair'",
        "update changes set new = '<b>dog</b>' where kind = 'label'",
        "update changes set new = '[1, 2, 3]' where kind = 'label'",
        "update places set item = 'one'",
    ],
)
def test_rows_of_the_file_that_something_else_has_changed_are_told_as_damage(dataset_of, tmp_path, change):
    ds = dataset_of(tags=tmp_path / "tags.sqlite")
    ds.tags.add("cat.jpg", "drop")
    ds.relabel("cat.jpg", "dog")
    ds.tags.judge([("cat.jpg", "grass.jpg")], "same")
    with sqlite3.connect(tmp_path / "tags.sqlite") as db:
        assert db.execute(change).rowcount != 0
    db.close()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"it is damaged\. Keep it, for there are decisions in it"):
            dataset_of(tags=tmp_path / "tags.sqlite").tags.to_frame()


def test_looking_at_tags_opens_no_image(dataset_of, reads):
    dataset_of(cache=None).tags.add("cat.jpg", "drop")
    dataset_of().tags.add("cat.jpg", "drop")
    reads.clear()
    for ds in (dataset_of(), dataset_of(cache=None)):
        ds.tags, repr(ds.tags), ds.tags._repr_html_(), ds.tags.palette, ds.tags.history()
        assert not ds._stages.is_scanned
    assert reads == []
    assert "drop" in repr(dataset_of().tags)
    assert dataset_of(cache=None).tags.counts().empty


def test_a_look_makes_no_file(dataset_of, tmp_path):
    ds = dataset_of(tags=tmp_path / "own" / "tags.sqlite")
    ds.tags.counts(), ds.tags.undo(), ds.tagged("drop"), repr(ds.tags), ds.duplicates()
    assert not (tmp_path / "own").exists()
    ds.tags.add("cat.jpg", "drop")
    assert (tmp_path / "own" / "tags.sqlite").exists()


def test_images_are_named_in_every_way_pandas_does(dataset_of):
    ds = dataset_of()
    by_hand = ["cat.jpg", "engine.jpg"]
    frame = ds.images.loc[by_hand]
    ways = [by_hand, tuple(by_hand), pd.Index(by_hand), np.array(by_hand), pd.Series(by_hand), frame,
            frame.reset_index(), ds.images.index.isin(by_hand) & ds.images["width"].gt(0), iter(by_hand),
            ds.images["width"].gt(0).astype("boolean") & ds.images.index.isin(by_hand)]  # fmt: skip
    for i, way in enumerate(ways):
        assert set(ds.tags.add(way, f"way {i}").image_ids) == set(by_hand), i
    assert ds.tags.add("cat.jpg", "one").image_ids == ("cat.jpg",)
    assert ds.tags.add([], "none").is_empty
    assert ds.tags.add(ds.images["width"].lt(0), "none").is_empty


@pytest.mark.parametrize(("images", "error", "match"), [
    ("no.jpg", UnknownImageError, "no.jpg"),
    (["cat.jpg", "no.jpg", "nor.jpg"], UnknownImageError, "1 of the others"),
    (3, ParameterTypeError, "Got int"),
    ([3], ParameterTypeError, "Got 3"),
    ([np.nan], ParameterTypeError, "nan"),
    (None, ParameterTypeError, "NoneType"),
    (np.array([True, False]), ParameterError, "one boolean for each of the 6 images"),
    (pd.Series([1.0], index=["cat.jpg"]), ParameterTypeError, "Series"),
    (pd.DataFrame({"image_id_a": ["cat.jpg"], "image_id_b": ["grass.jpg"]}), ParameterError, "image_id_b"),
    (pd.DataFrame({"x": [1]}), ParameterError, "'x'"),
])  # fmt: skip
def test_what_names_no_image_is_told_and_nothing_is_written(dataset_of, images, error, match):
    ds = dataset_of()
    with pytest.raises(error, match=match):
        ds.tags.add(images, "drop")
    assert ds.tags.history().empty


@pytest.mark.parametrize("tag", ["", "  ", "a\nb", "a\x00", "x" * 201, "\ud800"])
def test_a_tag_is_one_line_of_text(dataset_of, tag):
    with pytest.raises(ParameterError, match="1 to 200 characters"):
        dataset_of().tags.add("cat.jpg", tag)


def test_a_tag_of_another_type_or_both_ways_is_an_error(dataset_of):
    with pytest.raises(ParameterTypeError, match=r"'tag' parameter of Dataset\.tags\.add"):
        dataset_of().tags.add("cat.jpg", 3)
    with pytest.raises(ParameterError, match="both add and remove"):
        dataset_of().tags.edit("cat.jpg", add="a", remove=["a "])


@pytest.mark.parametrize("name", ["Ünïcode ☃", "a'; drop table changes; --", "<b>bold</b>", "100%", "x" * 200])
def test_any_name_comes_back_as_it_was_and_is_escaped(dataset_of, name):
    ds = dataset_of()
    ds.tags.add("cat.jpg", f" {name} ")
    assert dataset_of().tagged(name) == ["cat.jpg"]
    assert "<b>" not in ds.tags._repr_html_()


def test_what_completion_offers_of_tags_is_what_people_ask_for(dataset_of):
    tags = dataset_of().tags
    named = {name for name in dir(tags) if not name.startswith("__")}
    assert {"add", "counts", "palette", "tagged", "to_frame", "undo"} <= named
    assert not any(name.startswith("_") or name in {"places", "changed_since", "verdicts_on"} for name in named)


def test_only_what_changes_is_an_action(dataset_of):
    tags = dataset_of().tags
    tags.add("cat.jpg", "drop")
    assert tags.add(["cat.jpg", "grass.jpg"], "drop").image_ids == ("grass.jpg",)
    assert tags.add("cat.jpg", "drop").is_empty
    assert tags.remove("engine.jpg", "drop").is_empty
    assert len(tags.history()) == 2


def test_replace_leaves_exactly_these(dataset_of):
    tags = dataset_of().tags
    tags.edit("cat.jpg", add=["a", "b"])
    tags.replace(["cat.jpg", "grass.jpg"], ["b", "c"])
    assert {image_id: set(found) for image_id, found in tags.of(["cat.jpg", "grass.jpg"]).items()} == {
        "cat.jpg": {"b", "c"}, "grass.jpg": {"b", "c"},
    }  # fmt: skip
    tags.replace("cat.jpg", [])
    assert tags.of("cat.jpg") == {"cat.jpg": ()}


def test_undo_and_redo_go_through_all_kinds_of_decisions_in_order(dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "drop")
    ds.relabel("cat.jpg", "lynx")
    ds.tags.judge([("cat.jpg", "grass.jpg")], "same")
    assert "judged 1 pair 'same'" in ds.tags.undo().text
    assert ds.tags.pairs().empty
    assert "relabeled" in ds.tags.undo().text
    assert ds.tags.labels().empty
    assert ds.tags.undo().image_ids == ("cat.jpg",)
    assert ds.tags.undo() is None
    assert ds.tags.redo().text == "redid: tagged 1 image 'drop'"
    assert ds.tags.redo().image_ids == ("cat.jpg",)
    assert ds.tags.labels()["new_label"].to_dict() == {"cat.jpg": "lynx"}
    ds.tags.add("grass.jpg", "keep")
    assert ds.tags.redo() is None
    assert dataset_of().tags.history()["is_undone"].tolist().count(True) == 1


def test_undo_goes_on_after_a_restart(dataset_of):
    tags = dataset_of().tags
    tags.add("cat.jpg", "drop"), tags.add("grass.jpg", "drop"), tags.undo()
    tags = dataset_of().tags
    assert tags.redo().image_ids == ("grass.jpg",)
    assert tags.undo().image_ids == ("grass.jpg",)
    assert tags.undo().image_ids == ("cat.jpg",)
    assert dataset_of().tagged("drop") == []


def test_undo_leaves_alone_what_another_session_does(dataset_of):
    mine, other = dataset_of().tags, dataset_of().tags
    mine.refresh(), other.counts()
    mine.add("cat.jpg", "drop")
    assert other.tagged("drop") == ["cat.jpg"]
    other.add("grass.jpg", "drop")
    assert mine.undo().image_ids == ("cat.jpg",)
    assert mine.undo() is None
    assert mine.tagged("drop") == ["grass.jpg"]


def test_undo_does_not_overrule_what_was_decided_since(dataset_of):
    mine, other = dataset_of(), dataset_of()
    other.tags.refresh()
    mine.relabel("cat.jpg", "lynx")
    other.relabel("cat.jpg", "tiger")
    assert mine.tags.undo().image_ids == ()
    assert mine.tags.labels()["new_label"].tolist() == ["tiger"]


def test_new_labels_are_kept_apart_with_the_old_ones(few, tmp_path):
    ds = fd.Dataset(few, labels=["a", "b", None, "d", "e", "f"], cache=tmp_path / "store")
    ds.relabel([ds.image_ids[0], ds.image_ids[2]], "new")
    labels = ds.tags.labels()
    assert labels["new_label"].tolist() == ["new", "new"]
    assert labels["old_label"].iloc[0] == "a"
    assert labels["old_label"].isna().tolist() == [False, True]
    assert ds.images["label"].iloc[0] == "a"
    assert ds.tags.counts().empty
    ds.relabel(ds.image_ids[0], None)
    assert ds.tags.labels().index.tolist() == [ds.image_ids[2]]


def test_colors_and_keys_are_kept(dataset_of):
    palette = dataset_of().tags.palette
    assert [(name, style.key) for name, style in palette.items()] == [
        ("keep", "1"), ("drop", "2"), ("review", "3"), ("wrong label", "4"),
    ]  # fmt: skip
    tags = dataset_of().tags
    tags.edit("cat.jpg", add=["blurry", "odd"])
    assert (tags.palette["blurry"].key, tags.palette["odd"].key) == ("5", "6")
    tags.palette.set("odd", color="#123ABC", key="1")
    tags.palette.remove("drop")
    palette = dataset_of().tags.palette
    assert (palette["odd"].color, palette["odd"].key, palette["keep"].key) == ("#123abc", "1", "")
    assert "drop" not in palette
    assert len({style.color for style in palette.values()}) == len(palette)
    for wrong in ({"color": "red"}, {"key": "x"}, {"key": 1}, {"key": "12"}):
        with pytest.raises(ParameterError, match=r"palette\.set"):
            palette.set("odd", **wrong)
    with pytest.raises(ParameterError, match="no tag 'drop'"):
        palette.remove("drop")


def test_with_ten_keys_given_the_next_tag_has_none(dataset_of):
    tags = dataset_of().tags
    tags.edit("cat.jpg", add=[f"tag {i}" for i in range(8)])
    assert [style.key for style in tags.palette.values()] == [*list("1234567890"), "", ""]


# ---- tags follow the content, and copies do not share them


def test_a_renamed_file_and_one_moved_between_folders_keep_their_tags(few, dataset_of):
    dataset_of().tags.add(["cat.jpg", "grass.jpg"], "drop")
    (few / "sub").mkdir()
    (few / "cat.jpg").rename(few / "lion.jpg")
    (few / "grass.jpg").rename(few / "sub" / "grass.jpg")
    assert dataset_of().tagged("drop") == ["lion.jpg", "sub/grass.jpg"]
    (few / "lion.jpg").rename(few / "cat.jpg")
    assert dataset_of().tagged("drop") == ["cat.jpg", "sub/grass.jpg"]


def test_a_file_that_goes_and_comes_back_after_a_decision_keeps_its_tags(few, dataset_of):
    dataset_of().tags.add("cat.jpg", "drop")
    (few / "cat.jpg").rename(few / "lion.jpg")
    assert dataset_of().tags.add("lion.jpg", "review").image_ids == ("lion.jpg",)
    (few / "lion.jpg").rename(few / "cat.jpg")
    assert dataset_of().tags.of("cat.jpg") == {"cat.jpg": ("drop", "review")}


def test_two_files_that_swap_names_take_their_tags_along(few, dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "cat"), ds.tags.add("grass.jpg", "grass")
    (few / "cat.jpg").rename(few / "t.jpg")
    (few / "grass.jpg").rename(few / "cat.jpg")
    (few / "t.jpg").rename(few / "grass.jpg")
    assert dataset_of().tags.of(["cat.jpg", "grass.jpg"]) == {"cat.jpg": ("grass",), "grass.jpg": ("cat",)}


def test_a_kept_copy_never_inherits_what_was_decided_on_one_that_goes(few, dataset_of, tmp_path):
    (few / "copy.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = dataset_of()
    ds.tags.add("copy.jpg", "drop")
    assert ds.tagged("drop") == ["copy.jpg"]
    (few / "copy.jpg").rename(tmp_path / "away.jpg")
    assert dataset_of().tagged("drop") == []
    (tmp_path / "away.jpg").rename(few / "copy.jpg")
    assert dataset_of().tagged("drop") == ["copy.jpg"]


def test_a_copy_of_a_tagged_file_has_no_tags(few, dataset_of):
    dataset_of().tags.add("cat.jpg", "drop")
    (few / "a.jpg").write_bytes((few / "cat.jpg").read_bytes())
    assert dataset_of().tagged("drop") == ["cat.jpg"]


def test_several_moved_copies_are_matched_one_to_one(few, dataset_of):
    (few / "cat2.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = dataset_of()
    ds.tags.add("cat.jpg", "keep"), ds.tags.add("cat2.jpg", "drop")
    (few / "cat.jpg").rename(few / "x.jpg")
    (few / "cat2.jpg").rename(few / "y.jpg")
    (few / "z.jpg").write_bytes((few / "x.jpg").read_bytes())
    assert dataset_of().tags.of(["x.jpg", "y.jpg", "z.jpg"]) == {"x.jpg": ("keep",), "y.jpg": ("drop",), "z.jpg": ()}


def test_a_copy_at_a_place_where_another_was_seen_inherits_nothing(few, dataset_of, tmp_path):
    (few / "copy.jpg").write_bytes((few / "cat.jpg").read_bytes())
    dataset_of().tags.add("copy.jpg", "drop")
    (few / "copy.jpg").rename(tmp_path / "away.jpg")
    (few / "cat.jpg").rename(few / "lion.jpg")
    dataset_of().tags.add("lion.jpg", "keep")
    (few / "cat.jpg").write_bytes((few / "lion.jpg").read_bytes())
    tags = dataset_of().tags
    found = tags.of(["cat.jpg", "lion.jpg"])
    assert found["cat.jpg"] == ()
    assert "keep" in found["lion.jpg"]


def test_tags_do_not_stick_to_a_name_whose_content_changed(few, dataset_of):
    dataset_of().tags.add("cat.jpg", "drop")
    old = (few / "cat.jpg").read_bytes()
    (few / "cat.jpg").write_bytes((few / "engine.jpg").read_bytes())
    assert dataset_of().tagged("drop") == []
    (few / "cat.jpg").write_bytes(old)
    assert dataset_of().tagged("drop") == ["cat.jpg"]


def test_an_image_that_cannot_be_read_is_known_by_its_id(few, dataset_of):
    files = [few / "cat.jpg", few / "gone.jpg", few / "gone too.jpg"]
    for path in files[1:]:
        path.write_bytes(b"x")
    ds = fd.Dataset(files, cache=few.parent / "store")
    for path in files[1:]:
        path.unlink()
    ds.tags.add("gone.jpg", "drop")
    assert ds.tagged("drop") == ["gone.jpg"]
    with pytest.raises(ParameterError, match="cannot be read"):
        ds.tags.judge(("cat.jpg", "gone.jpg"), "same")


def test_two_collections_with_one_file_of_tags_do_not_mix(few, sample_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "copied.jpg").write_bytes((few / "cat.jpg").read_bytes())
    fd.Dataset(few, cache=tmp_path / "store").tags.add("cat.jpg", "drop")
    assert fd.Dataset(other, cache=tmp_path / "store").tagged("drop") == []
    assert fd.Dataset(other, cache=tmp_path / "store").tags.undo() is None


def test_a_collection_that_is_moved_as_a_whole_keeps_its_tags(few, tmp_path):
    (few / "copy.jpg").write_bytes((few / "cat.jpg").read_bytes())
    fd.Dataset(few, cache=None, tags=tmp_path / "t.sqlite").tags.add("copy.jpg", "drop")
    few.rename(tmp_path / "elsewhere")
    assert fd.Dataset(tmp_path / "elsewhere", cache=None, tags=tmp_path / "t.sqlite").tagged("drop") == ["copy.jpg"]


def test_a_folder_within_the_collection_sees_the_same_tags(few, tmp_path):
    (few / "sub").mkdir()
    (few / "cat.jpg").rename(few / "sub" / "cat.jpg")
    fd.Dataset(few, cache=None, tags=tmp_path / "t.sqlite").tags.add("sub/cat.jpg", "drop")
    part = fd.Dataset(few / "sub", cache=None, tags=tmp_path / "t.sqlite")
    assert part.tagged("drop") == ["cat.jpg"]


# ---- nothing is lost


WRITER = textwrap.dedent("""
    import sys, fastdup_nb as fd
    ds = fd.Dataset(sys.argv[1], cache=sys.argv[2])
    ids = ds.image_ids
    for i in range(int(sys.argv[4])):
        ds.tags.edit(ids, add=[f"{sys.argv[3]} {i}"])
        print(i, flush=True)
""")


def start_writer(few, tmp_path, name, n):
    command = [sys.executable, "-c", WRITER, str(few), str(tmp_path / "store"), name, str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half(few, tmp_path, dataset_of):
    dataset_of().images
    run = start_writer(few, tmp_path, "w", 100_000)
    said = [int(run.stdout.readline()) for _ in range(40)]
    os.kill(run.pid, signal.SIGKILL)
    said += [int(line) for line in run.stdout.read().split()]
    run.wait()
    counts = dataset_of().tags.counts()
    assert set(counts) == {6}
    assert {f"w {i}" for i in said} <= set(counts.index)
    assert len(counts) <= len(said) + 1


def test_two_processes_tag_at_once_and_both_are_kept(few, tmp_path, dataset_of):
    dataset_of().images
    runs = [start_writer(few, tmp_path, name, 25) for name in "ab"]
    assert [run.communicate(timeout=600) and run.returncode for run in runs] == [0, 0]
    counts = dataset_of().tags.counts()
    assert counts.to_dict() == {f"{name} {i}": 6 for name in "ab" for i in range(25)}


def test_many_sessions_decide_at_the_same_moment(dataset_of):
    sessions = [dataset_of() for _ in range(4)]
    ids = sessions[0].image_ids
    for ds in sessions:
        ds.images, ds.tags.refresh()
    barrier, failed = threading.Barrier(4), []

    def work(n):
        barrier.wait()
        try:
            for i in range(25):
                sessions[n].tags.edit(ids, add=[f"{n}.{i}"], remove=["shared"] if i % 2 else [])
                sessions[n].tags.add(ids[n], "shared")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    counts = [ds.tags.counts().sort_index() for ds in (*sessions, dataset_of())]
    assert {name for name in counts[-1].index if name != "shared"} == {f"{n}.{i}" for n in range(4) for i in range(25)}
    assert set(counts[-1].drop("shared")) == {6}
    for each in counts[:-1]:
        pd.testing.assert_series_equal(each, counts[-1])


def test_threads_may_tag_at_once(dataset_of):
    ds = dataset_of()
    ids = ds.image_ids
    threads = [
        threading.Thread(target=lambda n=n: [ds.tags.add(ids[n % 6], f"{n}.{i}") for i in range(20)]) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dataset_of().tags.counts().to_dict() == {f"{n}.{i}": 1 for n in range(8) for i in range(20)}


def test_a_change_that_fails_in_the_middle_leaves_nothing(dataset_of, monkeypatch):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "drop")
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", lambda *_, **__: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
        with pytest.raises(StoreError, match="disk is full"):
            ds.tags.add("grass.jpg", "drop")
    assert ds.tagged("drop") == dataset_of().tagged("drop") == ["cat.jpg"]
    assert ds.tags.add("grass.jpg", "drop").image_ids == ("grass.jpg",)


def test_a_full_disk_is_a_clear_error_and_loses_no_decision(dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "drop")
    db = ds._stages.journal._db
    db.execute(f"pragma max_page_count = {db.execute('pragma page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="disk is full"):
        ds.tags.edit(ds.image_ids, add=[f"{i} " + "x" * 150 for i in range(100)])
    assert "drop" in ds.tags.counts()
    pd.testing.assert_frame_equal(ds.tags.to_frame(), dataset_of().tags.to_frame())


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_taken_away_while_it_is_open_takes_no_decision_that_would_be_lost(
    dataset_of, tmp_path, is_replaced
):
    path = tmp_path / "t.sqlite"
    ds = dataset_of(tags=path)
    ds.tags.add("cat.jpg", "drop")
    parts = ["t.sqlite", "t.sqlite-wal", "t.sqlite-shm"]
    for part in parts:
        (tmp_path / part).rename(tmp_path / f"away {part}")
    if is_replaced:
        dataset_of(tags=path).tags.add("grass.jpg", "keep")
    for decide in (lambda: ds.tags.add("engine.jpg", "drop"), ds.tags.undo):
        with pytest.raises(StoreError, match=r"t\.sqlite.*removed or replaced.*make the Dataset anew"):
            decide()
    assert ds.tagged("drop") == ["cat.jpg"], "what was decided is still told"
    assert path.exists() == is_replaced
    anew = dataset_of(tags=path)
    anew.tags.add("engine.jpg", "drop")
    assert dataset_of(tags=path).tagged("drop") == ["engine.jpg"]
    for part in parts:
        (tmp_path / f"away {part}").rename(tmp_path / part)
    ds.tags.add("espresso.jpg", "drop")
    assert ds.tagged("drop") == ["cat.jpg", "espresso.jpg"], "put back, it goes on"


def test_a_file_that_became_read_only_can_be_read_and_says_what_to_do(dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "drop")
    ds._stages.journal._db.execute("pragma query_only = on")
    with pytest.raises(StoreError, match=r"tags-1\.sqlite.*readonly.*Make it writable"):
        ds.tags.add("grass.jpg", "drop")
    assert ds.tagged("drop") == ["cat.jpg"]


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
def test_a_file_that_cannot_be_used_is_never_to_be_deleted(dataset_of, tmp_path, content):
    path = tmp_path / "t.sqlite"
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("create table own (x)")
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"t\.sqlite.*tags='other\.sqlite'") as caught:
        dataset_of(tags=path).tags.add("cat.jpg", "drop")
    assert "elete" not in str(caught.value)
    if content is None:
        with sqlite3.connect(path) as db:
            assert db.execute("select name from sqlite_master").fetchall() == [("own",)]
    else:
        assert path.read_bytes() == content


def test_a_picture_or_a_folder_given_as_tags_is_called_what_it_is(dataset_of, few):
    before = (few / "cat.jpg").read_bytes()
    for place, says in ((few / "cat.jpg", r"cat\.jpg.*it is a picture"), (few, r"a folder\. .*few/tags\.sqlite")):
        with pytest.raises(StoreError, match=says):
            dataset_of(tags=place).tags.add("cat.jpg", "drop")
    assert (few / "cat.jpg").read_bytes() == before
    assert not list(few.glob("*.jpg-*"))


def test_a_place_that_cannot_be_written_is_a_clear_error(dataset_of, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"tags='copy\.sqlite'"):
        dataset_of(tags=tmp_path / "file" / "t.sqlite").tags.add("cat.jpg", "drop")
    for wrong, error in ((3, ParameterTypeError), ("", ParameterError)):
        with pytest.raises(error, match="'tags' parameter of Dataset"):
            dataset_of(tags=wrong)


def test_a_file_of_a_newer_version_is_left_alone(dataset_of, tmp_path):
    dataset_of(tags=tmp_path / "t.sqlite").tags.add("cat.jpg", "drop")
    with sqlite3.connect(tmp_path / "t.sqlite") as db:
        db.execute("pragma user_version = 2")
    with pytest.raises(StoreError, match="newer fastdup_nb"):
        dataset_of(tags=tmp_path / "t.sqlite").tagged("drop")


def test_subscribers_hear_of_each_change_and_cannot_spoil_it(dataset_of, caplog):
    ds = dataset_of()
    heard = []

    def fail(change):
        raise RuntimeError("broken subscriber")

    ds.tags.subscribe(fail)
    stop = ds.tags.subscribe(heard.append)
    ds.tags.add("cat.jpg", "drop"), ds.tags.add("cat.jpg", "drop"), ds.tags.undo()
    stop()
    ds.tags.add("grass.jpg", "drop")
    assert [change.text for change in heard] == ["tagged 1 image 'drop'", "undid: tagged 1 image 'drop'"]
    assert "broken subscriber" in caplog.text
    assert dataset_of().tagged("drop") == ["grass.jpg"]


def test_a_key_press_is_one_short_transaction_however_much_was_decided_before(dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "keep")
    said, lengths = [], []
    ds._stages.journal._db.set_trace_callback(said.append)
    for _ in range(30):
        said.clear()
        ds.tags.add("cat.jpg", "drop")
        assert said.count("begin immediate") == 1
        lengths.append(len(said))
        ds.tags.remove("cat.jpg", "drop")
    assert max(lengths) == min(lengths) < 20


# ---- datasets


def test_a_part_has_some_labels_or_splits_or_tags_and_a_slip_of_the_pen_is_told(few):
    ds = fd.Dataset(few, labels=[1, 1, 2, 2, 3, None], split=list("uuuvvv"), cache=None, tags=None)
    assert ds.where(label=1).image_ids == ds.image_ids[:2]
    assert ds.where(label=["2", "3"], split="v").image_ids == ds.image_ids[3:5]
    assert len(ds.where(label="1").where(label="2")) == 0
    with pytest.raises(ParameterError, match=r"No image has the label 'cat'\. There are '1', '2', '3'\.$"):
        ds.where(label="cat")
    with pytest.raises(ParameterError, match=r"No image has the split 'train'\. There are 'u', 'v'"):
        ds.where(split="train")
    with pytest.raises(ParameterError, match=r"No image has the tag 'typo'\. There are 'drop', 'keep', 'review'"):
        ds.where(tag="typo")
    with pytest.raises(ParameterError, match=r"No image has the tag 'typo'\. There are 'drop', 'keep', 'review'"):
        ds.tagged("typo")
    ds.tags.add("cat.jpg", "review")
    with pytest.raises(ParameterError, match="No image has the tag 'reveiw'; was 'review' meant"):
        ds.where(tag=["review", "reveiw"])
    ds.tags.undo()
    ds.tags.palette.set("later")
    assert len(ds.where(tag=["review", "later"])) == 0
    assert len(ds.where(without_tag="never used")) == 6


def test_what_was_read_of_the_whole_is_read_of_a_part_and_a_variation(few):
    ds = fd.Dataset(few, cache=None, tags=None)
    assert "not read yet" in repr(ds.where(ds.image_ids[:2]))
    ds.duplicates()
    assert "not read yet" in repr(ds.using(encoder=lambda batch: batch.mean(axis=(1, 2)) + 1))
    for part in (ds.where(ds.image_ids[:2]), ds.sample(3).dataset, ds.where([]), ds.using(n_neighbors=3)):
        assert "not read yet" not in repr(part)
        assert part.images.equals(ds.images.loc[part.image_ids])


def test_where_a_mask_is_missing_it_is_not_true(few):
    (few / "broken.jpg").write_bytes(b"no picture")
    ds = fd.Dataset(few, cache=None, tags=None)
    mask = ds.images["width"] > 0
    assert mask.isna().sum() == 1
    assert ds.where(mask).image_ids == ds.images.index[~ds.images["is_broken"]].tolist()
    assert ds.where(mask.fillna(False).astype(bool)).image_ids == ds.where(mask).image_ids


def test_variations_and_parts_share_tags(dataset_of):
    for options in ({}, {"cache": None}):
        ds = dataset_of(**options)
        part = ds.where(["cat.jpg", "grass.jpg"])
        ds.using(n_neighbors=3).tags.add("engine.jpg", "drop")
        part.tags.add("cat.jpg", "drop")
        assert ds.tagged("drop") == ["cat.jpg", "engine.jpg"]
        assert part.tagged("drop") == ["cat.jpg"]
        assert part.tags.counts().to_dict() == {"drop": 1}
        assert part.tags.to_frame().index.tolist() == ["cat.jpg"]
        assert ds.where(tag="drop").image_ids == ["cat.jpg", "engine.jpg"]
        assert ds.where(["cat.jpg", "shuttle.jpg"], without_tag="drop").image_ids == ["shuttle.jpg"]
        with pytest.raises(UnknownImageError):
            part.tags.add("engine.jpg", "x")
        ds.tags.undo(), ds.tags.undo()


def test_a_part_may_keep_decisions_of_its_own(dataset_of, few, tmp_path):
    ds = dataset_of()
    part = ds.where(["cat.jpg", "grass.jpg"]).using(tags=tmp_path / "own.sqlite")
    part.tags.add("cat.jpg", "drop")
    assert part.tagged("drop") == dataset_of(tags=tmp_path / "own.sqlite").tagged("drop") == ["cat.jpg"]
    assert ds.tagged("drop") == []
    (few / "cat.jpg").rename(few / "moved.jpg")
    assert dataset_of(tags=tmp_path / "own.sqlite").where("moved.jpg").tagged("drop") == ["moved.jpg"]


def test_without_a_home_decisions_are_kept_in_memory_and_that_is_told(few, monkeypatch, caplog):
    def no_home(root):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("fastdup_nb._decisions.default_location", no_home)
    monkeypatch.setattr("fastdup_nb._store.default_location", no_home)
    ds = fd.Dataset(few)
    ds.tags.add("cat.jpg", "drop")
    assert ds.tagged("drop") == ["cat.jpg"]
    assert "memory only" in repr(ds.tags)
    assert "Decisions are kept in memory only" in caplog.text


FORK = textwrap.dedent("""
    import os, sys, fastdup_nb as fd
    ds = fd.Dataset(sys.argv[1], cache=sys.argv[2])
    ds.tags.add("cat.jpg", "drop")
    child = os.fork()
    if child == 0:
        ds.tags.add("grass.jpg", "drop")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert ds.tagged("drop") == ["cat.jpg", "grass.jpg"]
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_forked_process_may_tag_too(few, tmp_path, dataset_of):
    dataset_of().images
    subprocess.run([sys.executable, "-c", FORK, str(few), str(tmp_path / "store")], check=True, timeout=600)
    assert dataset_of().tagged("drop") == ["cat.jpg", "grass.jpg"]


def test_a_part_carries_labels_and_vectors_and_reads_nothing(few, tmp_path, reads):
    vectors = np.eye(6) + 0.1
    ds = fd.Dataset(
        few, cache=tmp_path / "s", labels=list("abcdef"), split=pd.Series(list("uvwxyz")), embeddings=vectors
    )
    ds.images
    reads.clear()
    part = ds.where(["grass.jpg", "cat.jpg"])
    places = [ds.image_ids.index(i) for i in part.image_ids]
    assert part.images["label"].tolist() == ["abcdef"[i] for i in places]
    assert part.images["split"].tolist() == ["uvwxyz"[i] for i in places]
    np.testing.assert_array_equal(part.embeddings, ds.embeddings[places])
    assert part.similar("cat.jpg").table.index.tolist()[0] == "cat.jpg"
    assert part.duplicates().n_images == 2
    assert part.where("cat.jpg").image_ids == part.using(n_neighbors=2).where("cat.jpg").image_ids == ["cat.jpg"]
    assert reads == []
    again = pickle.loads(pickle.dumps(part))  # noqa: S301
    assert again.image_ids == part.image_ids
    assert again.images["label"].tolist() == part.images["label"].tolist()


def test_an_empty_part_behaves(dataset_of):
    empty = dataset_of().where([])
    assert len(empty) == 0
    assert empty.images.empty
    assert empty.duplicates().pairs.empty
    assert empty.outliers().table.empty
    assert empty.clusters().members.empty
    assert empty.quality().table.empty
    assert empty.tags.counts().empty
    assert "0 images" in repr(empty)


def test_tags_come_back_after_pickling(dataset_of):
    ds = dataset_of()
    ds.tags.add("cat.jpg", "drop")
    assert pickle.loads(pickle.dumps(ds)).tagged("drop") == ["cat.jpg"]  # noqa: S301


class Plain:
    """A catalog of five images, two of them copies of one file."""

    root, is_read = "/nowhere", True
    image_ids = ("a", "b", "c", "d", "e")

    @property
    def positions(self):
        return {image_id: i for i, image_id in enumerate(self.image_ids)}

    def digests(self):
        return ["1", "1", "2", "3", None]

    def labels(self):
        return [None] * 5


class Decisions(RuleBasedStateMachine):
    """Tags against a set of pairs with two stacks."""

    @initialize()
    def begin(self):
        self.tags = Tags(journal := Journal(None), Places(journal, Plain()))
        self.state, self.done, self.undone = frozenset(), [], []

    @rule(
        ids=st.sets(st.sampled_from("abcde")),
        add=st.sets(st.sampled_from("xyz")),
        remove=st.sets(st.sampled_from("xyz")),
    )
    def edit(self, ids, add, remove):
        remove -= add
        new = (self.state | {(i, t) for i in ids for t in add}) - {(i, t) for i in ids for t in remove}
        change = self.tags.edit(sorted(ids), add=sorted(add), remove=sorted(remove))
        assert change.is_empty == (new == self.state)
        assert set(change.image_ids) == {i for i, _ in new ^ self.state}
        if new != self.state:
            self.done.append(self.state)
            self.undone.clear()
            self.state = new

    @rule()
    def undo(self):
        assert (self.tags.undo() is None) == (not self.done)
        if self.done:
            self.undone.append(self.state)
            self.state = self.done.pop()

    @rule()
    def redo(self):
        assert (self.tags.redo() is None) == (not self.undone)
        if self.undone:
            self.done.append(self.state)
            self.state = self.undone.pop()

    @invariant()
    def tags_are_those_of_the_model(self):
        if hasattr(self, "tags"):
            frame = self.tags.to_frame()
            assert set(zip(frame.index, frame["tag"], strict=True)) == set(self.state)
            assert set(self.tags.tagged("x")) == {i for i, t in self.state if t == "x"}


Decisions.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestTagsAgainstAModel = Decisions.TestCase
