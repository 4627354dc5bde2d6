"""Plans: nothing is touched before they are applied, nothing is deleted or written over, and all can be put back."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, SourceNotFoundError, UnknownImageError
from fastdup_nb.export import _manifest, _move


@pytest.fixture
def away(tmp_path) -> Path:
    """Where dropped files go."""
    return tmp_path / "away"


@pytest.fixture
def ds(few, tmp_path):
    """A collection in folders, two of its images tagged."""
    (few / "pets").mkdir()
    (few / "plants").mkdir()
    (few / "cat.jpg").rename(few / "pets" / "cat.jpg")
    (few / "grass.jpg").rename(few / "plants" / "grass.jpg")
    ds = fd.Dataset(few, labels="folder", cache=tmp_path / "store")
    ds.tags.add(["pets/cat.jpg", "engine.jpg"], "drop")
    return ds


def contents(*folders):
    """Every file below the folders but manifests, with what is in it."""
    files = [path for folder in folders for path in sorted(Path(folder).rglob("*")) if not path.is_dir()]
    return {str(path): path.read_bytes() for path in files if path.name != fd.export.MANIFEST_NAME}


def statuses(frame):
    return dict(zip(frame["image_id"], frame["status"], strict=True))


def test_a_plan_touches_nothing(ds, few, away):
    before = contents(few)
    plan = ds.plan(drop="drop", move_to=away)
    frame = plan.to_frame()
    repr(plan), plan._repr_html_(), plan.counts, len(plan)
    assert frame.columns.tolist() == ["image_id", "action", "source", "destination", "reason", "status", "error"]
    assert statuses(frame) == {"engine.jpg": "planned", "pets/cat.jpg": "planned"}
    assert frame["destination"].tolist() == [str(away / "engine.jpg"), str(away / "pets" / "cat.jpg")]
    assert set(frame["reason"]) == {"tag 'drop'"}
    assert contents(few) == before
    assert not away.exists()


def test_files_are_moved_and_put_back(ds, few, away, tmp_path):
    before = contents(few)
    plan = ds.plan(drop="drop", move_to=away)
    assert set(statuses(plan.apply()).values()) == {"done"}
    assert statuses(plan.to_frame()) == {"engine.jpg": "done", "pets/cat.jpg": "done"}
    assert not (few / "engine.jpg").exists()
    assert (away / "pets" / "cat.jpg").read_bytes() == before[str(few / "pets" / "cat.jpg")]
    assert fd.Dataset(few, cache=tmp_path / "store").tagged("drop") == []
    assert set(statuses(plan.undo()).values()) == {"undone"}
    assert contents(few) == before
    assert contents(away) == {}
    assert fd.Dataset(few, cache=tmp_path / "store").tagged("drop") == ["engine.jpg", "pets/cat.jpg"]
    assert set(statuses(ds.plan(move_to=away).to_frame()).values()) == {"planned"}
    assert set(statuses(plan.apply()).values()) == {"done"}


def test_files_are_put_back_in_a_later_session(ds, few, away):
    before = contents(few)
    ds.plan(move_to=away).apply()
    plan = fd.load_plan(away)
    assert statuses(plan.to_frame()) == {"engine.jpg": "done", "pets/cat.jpg": "done"}
    assert set(statuses(plan.undo()).values()) == {"undone"}
    assert contents(few) == before
    assert set(statuses(fd.load_plan(away / "fastdup_nb_manifest.jsonl").to_frame()).values()) == {"undone"}


def test_what_to_drop_is_named_in_many_ways(ds, away):
    ds.tags.add("shuttle.jpg", "poor")
    for drop, ids in [
        ("drop", {"engine.jpg", "pets/cat.jpg"}), (["drop", "poor"], {"engine.jpg", "pets/cat.jpg", "shuttle.jpg"}),
        (["engine.jpg"], {"engine.jpg"}), ("engine.jpg", {"engine.jpg"}), (None, set()),
        (ds.images.loc[["engine.jpg"]], {"engine.jpg"}), (ds.images.index == "engine.jpg", {"engine.jpg"}),
        (ds.images["width"] > 0, set(ds.image_ids)), (ds.images.index[:1], {ds.image_ids[0]}), ("review", set()),
    ]:  # fmt: skip
        assert set(ds.plan(drop, move_to=away).to_frame()["image_id"]) == ids
    with pytest.raises(ParameterError, match="neither a tag"):
        ds.plan("no such tag", move_to=away)
    with pytest.raises(UnknownImageError):
        ds.plan(["engine.jpg", "no.jpg"], move_to=away)


def test_a_folder_within_the_collection_or_no_folder_is_an_error(ds, few, tmp_path):
    (tmp_path / "link").symlink_to(few)
    for inside in (few, few / "dropped", tmp_path / "link" / "dropped", few / "pets" / ".." / "x"):
        with pytest.raises(ParameterError, match="outside of the collection"):
            ds.plan(move_to=inside)
    with pytest.raises(ParameterError, match="is a file"):
        ds.plan(move_to=few.parent / "store" / "tags-1.sqlite")
    with pytest.raises(ParameterTypeError, match="'move_to'"):
        ds.plan(move_to=None)


def test_what_is_there_is_never_written_over(ds, few, away):
    (away / "pets").mkdir(parents=True)
    (away / "pets" / "cat.jpg").write_text("mine")
    plan = ds.plan(move_to=away)
    assert statuses(plan.to_frame()) == {"engine.jpg": "planned", "pets/cat.jpg": "clash"}
    assert statuses(plan.apply()) == {"engine.jpg": "done", "pets/cat.jpg": "clash"}
    assert (away / "pets" / "cat.jpg").read_text() == "mine"
    assert (few / "pets" / "cat.jpg").exists()
    (few / "engine.jpg").write_text("new")
    assert statuses(plan.undo())["engine.jpg"] == "done"
    assert "cannot be put back" in plan.to_frame().set_index("image_id").loc["engine.jpg", "error"]
    assert (few / "engine.jpg").read_text() == "new"
    (few / "engine.jpg").unlink(), (away / "pets" / "cat.jpg").unlink()
    assert statuses(plan.apply())["pets/cat.jpg"] == "done"
    assert set(statuses(plan.undo()).values()) == {"undone"}


def test_a_file_that_appears_at_the_last_moment_is_not_written_over(ds, few, away, monkeypatch):
    has_changed = _move.has_changed

    def late(source, *args):
        (away / source.name).parent.mkdir(parents=True, exist_ok=True)
        (away / source.name).write_text("late")
        return has_changed(source, *args)

    monkeypatch.setattr("fastdup_nb.export._plan.has_changed", late)
    assert statuses(ds.plan(["engine.jpg"], move_to=away).apply()) == {"engine.jpg": "clash"}
    assert (away / "engine.jpg").read_text() == "late"
    assert (few / "engine.jpg").exists()


def test_missing_and_changed_files_are_left_alone(ds, few, away):
    plan = ds.plan(move_to=away)
    (few / "engine.jpg").unlink()
    (few / "pets" / "cat.jpg").write_bytes(b"another picture")
    assert statuses(plan.apply()) == {"engine.jpg": "missing", "pets/cat.jpg": "changed"}
    assert (few / "pets" / "cat.jpg").read_bytes() == b"another picture"


def test_a_touched_file_with_the_same_content_is_moved(ds, few, away):
    plan = ds.plan(["engine.jpg"], move_to=away)
    os.utime(few / "engine.jpg")
    assert statuses(plan.apply()) == {"engine.jpg": "done"}


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_row_that_fails_does_not_stop_the_others(ds, few, away, monkeypatch, code):
    link, before = os.link, contents(few)

    def fail(source, destination, **how):
        if str(source).endswith("engine.jpg"):
            raise OSError(code, os.strerror(code), str(destination))
        link(source, destination, **how)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", fail)
        frame = ds.plan(move_to=away).apply()
    assert statuses(frame) == {"engine.jpg": "failed", "pets/cat.jpg": "done"}
    assert os.strerror(code) in frame["error"].iloc[0]
    assert set(statuses(fd.load_plan(away).apply()).values()) == {"done"}
    fd.load_plan(away).undo()
    assert contents(few) == before


def test_a_file_that_came_after_a_failure_is_not_taken_for_ours(ds, few, away, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", fail)
        ds.plan(["engine.jpg"], move_to=away).apply()
    away.mkdir(exist_ok=True)
    (away / "engine.jpg").write_bytes((few / "engine.jpg").read_bytes())
    assert statuses(fd.load_plan(away).apply()) == {"engine.jpg": "clash"}
    assert (few / "engine.jpg").exists()


def test_a_file_that_cannot_be_taken_away_stays_where_it_was_and_only_there(ds, few, away, monkeypatch):
    unlink = os.unlink

    def fail(path, *args, **how):
        if str(path) == str(few / "engine.jpg"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, *args, **how)

    monkeypatch.setattr(os, "unlink", fail)
    assert statuses(ds.plan(move_to=away).apply()) == {"engine.jpg": "failed", "pets/cat.jpg": "done"}
    assert (few / "engine.jpg").exists()
    assert not (away / "engine.jpg").exists()


def test_a_destination_that_cannot_be_made_fails_every_row(ds, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    frame = ds.plan(move_to=tmp_path / "file" / "away").apply()
    assert set(statuses(frame).values()) == {"failed"}
    assert frame["error"].str.len().gt(0).all()


@pytest.mark.parametrize("n_links", [0, 1])
def test_across_file_systems_files_are_copied_and_compared(ds, few, away, monkeypatch, n_links):
    """With links within the other file system, and on one that has none at all."""
    link, before = os.link, contents(few)
    time = os.stat(few / "engine.jpg").st_mtime_ns

    def no_link(source, destination, **how):
        if Path(source).parent != Path(destination).parent or not n_links:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, destination, **how)

    monkeypatch.setattr(os, "link", no_link)
    (few / "plants" / "grass.jpg").unlink()
    (few / "plants" / "grass.jpg").symlink_to("../pets/cat.jpg")
    plan = ds.plan(move_to=away)
    assert set(statuses(plan.apply()).values()) == {"done"}
    assert sorted(contents(away)) == [str(away / "engine.jpg"), str(away / "pets" / "cat.jpg")]
    assert os.stat(away / "engine.jpg").st_mtime_ns == time
    plan.undo()
    assert {path: data for path, data in contents(few).items() if "grass" not in path} == {
        path: data for path, data in before.items() if "grass" not in path
    }


def test_a_copy_that_fails_leaves_nothing_behind(ds, few, away, monkeypatch):
    def no_link(*_, **__):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(_move.shutil, "copyfileobj", full)
    frame = ds.plan(move_to=away).apply()
    assert set(statuses(frame).values()) == {"failed"}
    assert "No space left" in frame["error"].iloc[0]
    assert contents(away) == {}
    assert (few / "engine.jpg").exists()


def test_links_are_moved_as_links(few, tmp_path, away):
    (few / "link.jpg").symlink_to(few / "cat.jpg")
    ds = fd.Dataset(few, cache=None)
    plan = ds.plan(["link.jpg"], move_to=away)
    assert statuses(plan.apply()) == {"link.jpg": "done"}
    assert os.readlink(away / "link.jpg") == str(few / "cat.jpg")
    assert (few / "cat.jpg").exists()
    plan.undo()
    assert os.readlink(few / "link.jpg") == str(few / "cat.jpg")


# ---- new labels


def test_relabeled_files_move_to_the_folder_of_their_label_and_back(ds, few, away):
    before = contents(few)
    ds.relabel(["plants/grass.jpg", "pets/cat.jpg"], "new plants")
    plan = ds.plan(move_to=away, relabel=True)
    frame = plan.apply().set_index("image_id")
    assert frame.loc["plants/grass.jpg", "destination"] == str(few / "new plants" / "grass.jpg")
    assert frame.loc["plants/grass.jpg", "reason"] == "new label 'new plants'"
    assert frame.loc["pets/cat.jpg", "destination"] == str(away / "pets" / "cat.jpg")
    assert (few / "new plants" / "grass.jpg").exists()
    fd.load_plan(away).undo()
    assert contents(few) == before


def test_folders_that_a_plan_made_go_when_it_is_undone_and_no_others(ds, few, away):
    (few / "plants" / "roses").mkdir()  # empty, of the user's own
    before = {path for path in few.rglob("*") if path.is_dir()}
    ds.relabel("plants/grass.jpg", "lawns")
    ds.plan(drop="drop", move_to=away, relabel=True).apply()
    assert (few / "lawns").is_dir()
    assert (away / "pets").is_dir()
    plan = fd.load_plan(away)
    plan.undo()
    assert {path for path in few.rglob("*") if path.is_dir()} == before
    assert [path.name for path in away.iterdir()] == [fd.export.MANIFEST_NAME]
    plan.apply()
    (few / "lawns" / "note.txt").write_text("of the user's own")
    assert plan.undo()["status"].eq("undone").sum() == 3
    assert [path.name for path in (few / "lawns").iterdir()] == ["note.txt"]


def test_a_manifest_that_was_changed_removes_no_folders_elsewhere(ds, away, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    ds.plan(drop="drop", move_to=away).apply()
    manifest = away / fd.export.MANIFEST_NAME
    event = json.loads(manifest.read_text().splitlines()[-1])
    for made in (["../elsewhere", str(tmp_path / "elsewhere"), 5], "elsewhere", 7):
        with open(manifest, "a") as file:
            file.write(json.dumps({**event, "made": made}) + "\n")
    fd.load_plan(away).undo()
    assert (tmp_path / "elsewhere").is_dir()


@pytest.mark.parametrize(
    "make",
    [dict, pd.Series, lambda told: pd.Series(told, name="new_label").to_frame(),
     lambda told: pd.DataFrame({"image_id": list(told), "new_label": list(told.values())}, index=[8, 9])],
)  # fmt: skip
def test_new_labels_are_named_one_by_one_and_nothing_else_moves(ds, few, away, make):
    ds.relabel("engine.jpg", "decided but not named")
    told = {"plants/grass.jpg": "trees", "pets/cat.jpg": "pets"}
    frame = ds.plan(None, move_to=away, relabel=make(told)).to_frame()
    assert frame["image_id"].tolist() == ["plants/grass.jpg"], "what has its label already stays"
    assert frame["destination"].tolist() == [str(few / "trees" / "grass.jpg")]
    assert len(ds.tags.labels()) == 1, "a plan decides nothing"


def test_some_of_the_decisions_on_labels_are_planned(ds, away):
    ds.relabel(["plants/grass.jpg", "pets/cat.jpg"], "new")
    decided = ds.tags.labels()
    plan = ds.plan(None, move_to=away, relabel=decided[decided["old_label"] == "plants"])
    assert statuses(plan.to_frame()) == {"plants/grass.jpg": "planned"}


@pytest.mark.parametrize(
    ("relabel", "error", "match"),
    [
        ("trees", ParameterTypeError, "True, False, a mapping or Series"),
        (["plants/grass.jpg"], ParameterTypeError, "True, False, a mapping or Series"),
        (None, ParameterTypeError, "True, False, a mapping or Series"),
        (1, ParameterTypeError, "True, False, a mapping or Series"),
        (pd.DataFrame({"label": ["trees"]}, index=["plants/grass.jpg"]), ParameterTypeError, "new_label"),
        ({"plants/gras.jpg": "trees"}, UnknownImageError, "plants/gras.jpg"),
        ({"plants/grass.jpg": None}, ParameterTypeError, "'relabel'"),
        (pd.Series([True], index=["plants/grass.jpg"]), ParameterTypeError, "'relabel'"),
        ({"plants/grass.jpg": "two\nlines"}, ParameterError, "'relabel'"),
        (pd.Series(["a", "b"], index=["plants/grass.jpg"] * 2), ParameterError, "both 'a' and 'b'"),
    ],
)
def test_what_is_no_new_label_is_told(ds, away, relabel, error, match):
    with pytest.raises(error, match=match):
        ds.plan(None, move_to=away, relabel=relabel)


def test_a_label_that_is_no_name_of_a_folder_moves_nothing(ds, few, away):
    labels = ["../../out", "a/b", "..", ".hidden", "a\\b", "x" * 200]
    before = contents(few)
    for label in labels:
        ds.relabel("plants/grass.jpg", label)
        frame = ds.plan(None, move_to=away, relabel=True).apply()
        expected = "done" if label == "x" * 200 else "failed"
        assert statuses(frame) == {"plants/grass.jpg": expected}
    fd.load_plan(away).undo()
    assert contents(few) == before
    ds.relabel("shuttle.jpg", "space")
    assert "root of the collection" in ds.plan(None, move_to=away, relabel=True).to_frame()["error"].iloc[-1]


def test_two_files_that_would_meet_do_not(few, tmp_path, away):
    for folder, name in (("a", "cat.jpg"), ("b", "grass.jpg")):
        (few / folder).mkdir()
        (few / name).rename(few / folder / "same.jpg")
    ds = fd.Dataset(few, labels="folder", cache=None)
    ds.relabel(["a/same.jpg", "b/same.jpg"], "c")
    plan = ds.plan(None, move_to=away, relabel=True)
    assert statuses(plan.to_frame()) == {"a/same.jpg": "planned", "b/same.jpg": "clash"}
    assert statuses(plan.apply()) == {"a/same.jpg": "done", "b/same.jpg": "clash"}


def test_labels_that_are_no_folders_cannot_be_applied_to_files(few, away):
    ds = fd.Dataset(few, labels=list("abcdef"), cache=None)
    with pytest.raises(ParameterError, match=r"ds\.tags\.labels\(\)"):
        ds.plan(move_to=away, relabel=True)
    with pytest.raises(ParameterTypeError, match="'relabel'"):
        ds.plan(move_to=away, relabel="yes")


# ---- interruptions


KILLED = textwrap.dedent("""
    import os, signal, sys
    import fastdup_nb as fd
    from fastdup_nb.export import _manifest, _move
    folder, away, point, step, across = sys.argv[1:]
    def kill_at(owner, name, *, after):
        original, calls = getattr(owner, name), []
        def wrapped(*args, **how):
            calls.append(args)
            if not after and len(calls) > int(step):
                os.kill(os.getpid(), signal.SIGKILL)
            found = original(*args, **how)
            if after and len(calls) > int(step):
                os.kill(os.getpid(), signal.SIGKILL)
            return found
        setattr(owner, name, wrapped)
    if across == "1":
        link = os.link
        def no_link(source, destination, **how):
            if os.path.dirname(source) != os.path.dirname(destination):
                raise OSError(18, "cross")
            link(source, destination, **how)
        os.link = no_link
    if point.startswith("undo"):
        plan = fd.load_plan(away)
    else:
        ds = fd.Dataset(folder, cache=None)
        plan = ds.plan(ds.image_ids, move_to=away)
    place = point.removeprefix("undo ")
    owner, name, after = {
        "before moving": (_move.shutil, "copyfileobj", False) if across == "1" else (os, "link", False),
        "between the names": (_move, "_finish", False),
        "before it is told": (_move, "_finish", True),
        "while it is told": (_manifest, "_as_event", False),
    }[place]
    if place == "while it is told":
        dumps = _manifest.json.dumps
        calls = []
        def torn(event, **how):
            calls.append(event)
            told = [call for call in calls if call.get("event") in ("done", "undone")]
            if told and told[-1] is event and len(told) > int(step):
                with open(os.path.join(away, "fastdup_nb_manifest.jsonl"), "ab") as file:
                    file.write(dumps(event)[:25].encode())
                os.kill(os.getpid(), signal.SIGKILL)
            return dumps(event, **how)
        _manifest.json.dumps = torn
    else:
        kill_at(owner, name, after=after)
    plan.undo() if point.startswith("undo") else plan.apply()
""")
POINTS = ["before moving", "between the names", "before it is told", "while it is told"]


def kill(few, away, point, across):
    command = [sys.executable, "-c", KILLED, str(few), str(away), point, "2", across]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr


@pytest.mark.parametrize("across", ["0", "1"])
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_plan_goes_on_and_loses_nothing(few, away, point, across):
    before = {Path(path).name: data for path, data in contents(few).items()}
    kill(few, away, point, across)
    left = {Path(path).name: data for path, data in contents(few, away).items() if not path.endswith(".part")}
    assert left == before
    plan = fd.load_plan(away)
    assert set(statuses(plan.apply()).values()) == {"done"}
    assert {Path(path).name: data for path, data in contents(away).items() if not path.endswith(".part")} == before
    assert contents(few) == {}
    kill(few, away, f"undo {point}", "0")
    assert set(statuses(fd.load_plan(away).undo()).values()) == {"undone"}
    assert {Path(path).name: data for path, data in contents(few).items()} == before


@pytest.mark.parametrize("point", POINTS)
def test_a_plan_made_anew_goes_on_too(few, away, point):
    before = {Path(path).name: data for path, data in contents(few).items()}
    kill(few, away, point, "0")
    ds = fd.Dataset(few, cache=None)
    assert set(statuses(ds.plan(ds.image_ids, move_to=away).apply()).values()) == {"done"}
    assert {Path(path).name: data for path, data in contents(away).items()} == before
    fd.load_plan(away).undo()
    assert {Path(path).name: data for path, data in contents(few).items()} == before


def cut(away, n_events, n_more=0):
    """Leave so many events of a manifest, and so many bytes of the next one."""
    path = away / fd.export.MANIFEST_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:n_events]) + lines[n_events][:n_more])


@pytest.mark.parametrize("again", ["undo", "apply"])
@pytest.mark.parametrize("n_more", [0, 40])
def test_files_of_which_a_cut_manifest_does_not_tell_are_known_by_their_content(ds, few, away, n_more, again):
    (few / "link.jpg").symlink_to(few / "shuttle.jpg")
    ds = fd.Dataset(few, cache=None)
    before = contents(few)
    ids = [image_id for image_id in ds.image_ids if image_id != "shuttle.jpg"]
    assert set(statuses(ds.plan(ids, move_to=away).apply()).values()) == {"done"}
    cut(away, 1 + len(ids) + 2, n_more)  # of the first move it is told that it is done
    if again == "apply":
        assert set(statuses(fd.load_plan(away).apply()).values()) == {"done"}
    assert set(statuses(fd.load_plan(away).undo()).values()) == {"undone"}
    assert contents(few) == before
    assert (few / "link.jpg").is_symlink()
    assert contents(away) == {}


def test_planned_files_that_a_cut_manifest_no_longer_names_are_told(ds, few, away):
    ds.plan(move_to=away).apply()
    cut(away, 2, 40)
    with pytest.warns(UserWarning, match=r"was cut: 1 of the files.*Look for them in '.*away'"):
        plan = fd.load_plan(away)
    assert statuses(plan.undo()) == {"engine.jpg": "undone"}
    assert list(contents(away)) == [str(away / "pets" / "cat.jpg")]
    (away / "pets" / "cat.jpg").rename(few / "pets" / "cat.jpg")
    ds.plan(move_to=away).apply()
    assert set(statuses(fd.load_plan(away).undo()).values()) == {"undone"}


def test_another_file_where_one_was_planned_to_go_is_left_there_and_told(ds, few, away):
    ds.plan(move_to=away).apply()
    cut(away, 3)
    (away / "engine.jpg").write_bytes(b"another")
    frame = fd.load_plan(away).undo()
    assert statuses(frame) == {"engine.jpg": "missing", "pets/cat.jpg": "undone"}
    assert "another file" in frame["error"][0]
    assert contents(away) == {str(away / "engine.jpg"): b"another"}
    (away / "engine.jpg").unlink()
    assert statuses(fd.load_plan(away).undo()) == {"engine.jpg": "missing", "pets/cat.jpg": "undone"}


@pytest.mark.parametrize("swap", ["content", "same size", "link", "nowhere"])
def test_what_is_no_longer_what_was_moved_is_not_put_back(ds, few, away, tmp_path, swap):
    ds.plan(move_to=away).apply()
    moved = away / "engine.jpg"
    size = moved.stat().st_size
    moved.unlink()
    (tmp_path / "secret").write_bytes(b"secret")
    if swap in {"content", "same size"}:
        moved.write_bytes(b"another" if swap == "content" else bytes(size))
    else:
        moved.symlink_to(tmp_path / ("secret" if swap == "link" else "no such file"))
    frame = fd.load_plan(away).undo()
    assert statuses(frame) == {"engine.jpg": "done", "pets/cat.jpg": "undone"}
    assert "is not what was moved there" in frame["error"][0]
    assert os.path.lexists(moved)
    assert not os.path.lexists(few / "engine.jpg")


@pytest.mark.parametrize(("digest", "stamp", "found"), [
    (None, None, None), (None, (3, 0, 0), True), (None, (4, 0, 0), False), ("0" * 64, (-1, -1, -1), False),
])  # fmt: skip
def test_a_file_without_a_digest_is_known_by_its_size(tmp_path, digest, stamp, found):
    (tmp_path / "x").write_bytes(b"abc")
    assert _move.is_known(tmp_path / "x", digest, stamp) is found


# ---- hostile names and manifests


def test_a_manifest_that_was_changed_moves_nothing_elsewhere(ds, few, away, tmp_path):
    ds.plan(move_to=away).apply()
    path = away / "fastdup_nb_manifest.jsonl"
    lines = path.read_text().splitlines()
    for name, value in [
        ("source", "../stolen.jpg"), ("source", "/etc/x.jpg"), ("source", ""), ("source", "a//b"),
        ("destination", "a/../../x"), ("destination", str(few / "x.jpg")), ("base", "elsewhere"),
    ]:  # fmt: skip
        event = {**json.loads(lines[-1]), name: value}
        path.write_text("\n".join([*lines, json.dumps(event), ""]))
        with pytest.raises(ParameterError, match="leads out of its folders"):
            fd.load_plan(away)
    path.write_text("nothing\n")
    with pytest.raises(ParameterError, match="no manifest"):
        fd.load_plan(path)
    with pytest.raises(SourceNotFoundError, match="no manifest"):
        fd.load_plan(tmp_path / "nowhere")
    with pytest.raises(ParameterTypeError, match="'path' parameter"):
        fd.load_plan(3)


def stranger(folder, root, source, event="planned"):
    """Write the manifest of somebody else into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    move = {"image_id": "x", "source": source, "destination": source, "base": "move_to", "reason": "", "digest": None}
    header = {"event": "plan", "version": 1, "root": str(root), "seal": "0" * 64}
    events = [header, {"event": event, **move, "stamp": None}]
    (folder / "fastdup_nb_manifest.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events))


def test_the_root_that_a_stranger_names_is_not_believed(tmp_path):
    home, away = tmp_path / "home", tmp_path / "home" / "unpacked" / "dropped"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_bytes(b"secret")
    stranger(away, home / ".ssh", "id")
    with pytest.raises(ParameterError, match=r"not believed.*root="):
        fd.load_plan(away)
    assert (home / ".ssh" / "id").read_bytes() == b"secret"
    plan = fd.load_plan(away, root=home / "unpacked")
    assert plan.to_frame()["status"].tolist() == ["missing"]
    assert plan.root == home / "unpacked"


@pytest.mark.parametrize("event", ["planned", "done"])
def test_links_that_a_stranger_packed_lead_nowhere(tmp_path, event):
    home, away = tmp_path / "home", tmp_path / "home" / "unpacked" / "dropped"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_bytes(b"secret")
    photos = home / "unpacked" / "photos"
    photos.mkdir(parents=True)
    stranger(away, home, "x/id", event)
    (photos if event == "planned" else away).joinpath("x").symlink_to(home / ".ssh")
    plan = fd.load_plan(away, root=photos)
    frame = plan.apply() if event == "planned" else plan.undo()
    assert frame["status"].tolist() == ["failed"]
    assert "link" in frame["error"][0]
    assert (home / ".ssh" / "id").read_bytes() == b"secret"


def test_a_collection_that_was_moved_is_named_and_its_files_are_put_back(ds, few, away):
    before = {Path(path).relative_to(few): data for path, data in contents(few).items()}
    ds.plan(move_to=away).apply()
    few.rename(few.with_name("elsewhere"))
    plan = fd.load_plan(away, root=few.with_name("elsewhere"))
    assert set(statuses(plan.undo()).values()) == {"undone"}
    elsewhere = few.with_name("elsewhere")
    assert {Path(path).relative_to(elsewhere): data for path, data in contents(elsewhere).items()} == before
    assert fd.load_plan(away).root == elsewhere
    with pytest.raises(ParameterTypeError, match="'root' parameter"):
        fd.load_plan(away, root=3)


def test_a_link_in_the_folder_does_not_lead_files_elsewhere(ds, few, away, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    away.mkdir()
    (away / "pets").symlink_to(tmp_path / "elsewhere")
    assert statuses(ds.plan(move_to=away).apply()) == {"engine.jpg": "done", "pets/cat.jpg": "failed"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_one_folder_takes_the_files_of_one_collection(ds, few, away, tmp_path):
    ds.plan(move_to=away).apply()
    other = tmp_path / "other"
    other.mkdir()
    (few / "shuttle.jpg").rename(other / "shuttle.jpg")
    with pytest.raises(ParameterError, match="Give another folder"):
        fd.Dataset(other, cache=None).plan(["shuttle.jpg"], move_to=away).apply()
    assert (other / "shuttle.jpg").exists()


def test_paths_stay_inside():
    for good in ("a.jpg", "a/b.jpg", "a/..b.jpg", "ünï/☃.jpg"):
        assert _move.is_inside(good)
    for bad in ("", "/a", "../a", "a/../b", "a/..", "./a", "a//b", "a\0b", "a/"):
        assert not _move.is_inside(bad)


def test_names_that_are_no_text_are_moved_and_put_back(few, away):
    name = os.fsdecode(b"caf\xe9.jpg")
    (few / "cat.jpg").rename(few / name)
    ds = fd.Dataset(few, cache=None)
    before = contents(few)
    plan = ds.plan([next(i for i in ds.image_ids if "caf" in i)], move_to=away)
    assert plan.apply()["status"].tolist() == ["done"]
    assert (away / name).exists()
    assert fd.load_plan(away).undo()["status"].tolist() == ["undone"]
    assert contents(few) == before


def test_a_plan_whose_files_are_all_moved_says_so_and_offers_to_put_them_back(ds, away):
    plan = ds.plan("drop", move_to=away)
    assert "2 files to move into" in repr(plan)
    assert "plan.apply()" in repr(plan)
    plan.apply()
    assert "2 files moved into" in repr(plan)
    assert "plan.apply()" not in repr(plan)
    plan.undo()
    assert "2 files to move into" in repr(plan)


def test_markup_in_names_is_escaped(few, away):
    (few / "<b>.jpg").write_bytes((few / "cat.jpg").read_bytes())
    ds = fd.Dataset(few, cache=None)
    ds.tags.add("<b>.jpg", "<i>")
    shown = ds.plan("<i>", move_to=away)._repr_html_()
    assert "<b>.jpg" not in shown
    assert "&lt;b&gt;.jpg" in shown


def test_a_manifest_is_flushed_before_a_file_moves(ds, away, monkeypatch):
    order = []
    monkeypatch.setattr(_manifest.os, "fsync", lambda handle: order.append("fsync"))
    link = os.link
    monkeypatch.setattr(os, "link", lambda *args, **how: (order.append("link"), link(*args, **how)))
    ds.plan(["engine.jpg"], move_to=away).apply()
    assert order.index("link") >= 2
    assert order[-1] == "fsync"


def test_what_is_kept_too_and_what_would_dangle_is_left_alone_and_told(few, tmp_path):
    (few / "link.jpg").symlink_to("cat.jpg")
    ds = fd.Dataset(few, cache=None)
    ds.tags.edit(["cat.jpg"], add=["drop", "keep"])
    ds.tags.add(["link.jpg", "grass.jpg"], "drop")
    plan = ds.plan(move_to=tmp_path / "dropped")
    assert plan.apply().set_index("image_id")["status"].to_dict() == {
        "cat.jpg": "failed", "link.jpg": "failed", "grass.jpg": "done",
    }  # fmt: skip
    errors = plan.to_frame().set_index("image_id")["error"]
    assert "tagged 'keep' too" in errors["cat.jpg"]
    assert "relative link" in errors["link.jpg"]
    assert sorted(path.name for path in (tmp_path / "dropped").rglob("*.jpg")) == ["grass.jpg"]
