"""The one pass over the files and the store: nothing twice, nothing lost, never half."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import fastdup_nb as fd
from fastdup_nb import _scan
from fastdup_nb._store import Store
from fastdup_nb.errors import StoreError


def names(paths):
    return sorted(os.path.basename(path) for path in paths)


def test_each_file_is_read_once_for_everything(few, tmp_path, reads):
    ds = fd.Dataset(few, cache=tmp_path / "store")
    ds.duplicates(), ds.outliers(), ds.clusters(), ds.quality(), ds.summary(), ds.images
    assert names(reads) == sorted(os.listdir(few))


def test_the_next_session_reads_nothing(few, tmp_path, reads):
    first = fd.Dataset(few, cache=tmp_path / "store").duplicates().pairs
    reads.clear()
    second = fd.Dataset(few, cache=tmp_path / "store").duplicates().pairs
    assert reads == []
    pd.testing.assert_frame_equal(first, second)


def test_without_a_cache_nothing_is_kept_and_nothing_is_written(few, tmp_path, monkeypatch, reads):
    monkeypatch.setenv("FASTDUP_NB_CACHE", str(tmp_path / "never"))
    for _ in range(2):
        fd.Dataset(few, cache=None).duplicates()
    assert len(reads) == 2 * len(os.listdir(few))
    assert not (tmp_path / "never").exists()


def test_nothing_is_written_beside_the_images(few, tmp_path):
    before = sorted(os.listdir(few))
    fd.Dataset(few).report(tmp_path / "report.html")
    assert sorted(os.listdir(few)) == before


def test_added_files_are_the_only_ones_read(few, sample_folder, tmp_path, reads):
    fd.Dataset(few, cache=tmp_path / "store").duplicates()
    reads.clear()
    (few / "new.jpg").write_bytes((sample_folder / "train/animal/cat_warm.jpg").read_bytes())
    dups = fd.Dataset(few, cache=tmp_path / "store").duplicates()
    assert names(reads) == ["new.jpg"]
    assert dups.pairs[["image_id_a", "image_id_b"]].to_numpy().tolist() == [["cat.jpg", "new.jpg"]]


def test_adding_and_removing_files_gives_what_a_fresh_run_gives(dataset, sample_folder, tmp_path):
    files = sorted(path for path in sample_folder.rglob("*.jpg"))
    fd.Dataset(files[:60], cache=tmp_path / "store").duplicates()
    changed = fd.Dataset(files[10:], cache=tmp_path / "store")
    fresh = fd.Dataset(files[10:], cache=None)
    np.testing.assert_allclose(changed.neighbors.graph.distances, fresh.neighbors.graph.distances, atol=1e-6)
    pd.testing.assert_frame_equal(changed.duplicates().pairs, fresh.duplicates().pairs)


def test_a_changed_file_of_the_same_size_and_time_is_noticed(tmp_path, reads):
    from PIL import Image

    path = tmp_path / "p" / "a.bmp"
    path.parent.mkdir()
    Image.new("RGB", (40, 40), "red").save(path)
    before = os.stat(path)
    assert fd.Dataset(path.parent, cache=tmp_path / "store").images["colorfulness"].iloc[0] > 0
    Image.new("RGB", (40, 40), "black").save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(path).st_size == before.st_size
    assert fd.Dataset(path.parent, cache=tmp_path / "store").images["colorfulness"].iloc[0] == 0
    assert len(reads) == 2


def test_a_moved_or_copied_file_is_not_decoded_again(few, tmp_path, monkeypatch):
    fd.Dataset(few, cache=tmp_path / "store").images
    decoded = []
    original = _scan.decode_image
    monkeypatch.setattr(_scan, "decode_image", lambda data, **how: decoded.append(1) or original(data, **how))
    (few / "sub").mkdir()
    (few / "cat.jpg").rename(few / "sub" / "moved.jpg")
    (few / "copy.jpg").write_bytes((few / "grass.jpg").read_bytes())
    images = fd.Dataset(few, cache=tmp_path / "store").images
    assert not images["is_broken"].any()
    assert len(images) == 7
    assert decoded == []


def test_another_encoder_keeps_the_facts_and_makes_its_own_vectors(few, tmp_path, reads):
    ds = fd.Dataset(few, cache=tmp_path / "store")
    ds.images
    reads.clear()
    mean = fd.CallableEncoder(lambda batch: batch.mean(axis=(1, 2)), key="mean color", input_size=32)
    assert ds.using(encoder=mean).embeddings.shape == (6, 3)
    assert len(reads) == 6
    reads.clear()
    assert ds.using(encoder=mean).embeddings.shape == (6, 3)
    assert reads == []


ENDLESS = textwrap.dedent("""
    import itertools, sys, time
    import fastdup_nb as fd
    from fastdup_nb import _scan
    read, n_read = _scan.read_bytes, itertools.count()
    def read_until_it_is_killed(path):
        while next(n_read) >= 80:
            time.sleep(1)
        return read(path)
    _scan.read_bytes = read_until_it_is_killed
    fd.Dataset(sys.argv[1], cache=sys.argv[2], n_jobs=2).images
""")


def test_a_killed_run_loses_at_most_the_batches_in_hand(sample_folder, tmp_path, reads):
    run = subprocess.Popen([sys.executable, "-c", ENDLESS, str(sample_folder), str(tmp_path / "store")])
    kept, until = 0, time.monotonic() + 600
    while kept < 40 and run.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
        if (tmp_path / "store" / "store-1.sqlite").exists():
            try:
                with sqlite3.connect(tmp_path / "store" / "store-1.sqlite", timeout=1) as db:
                    kept = db.execute("select count(*) from files").fetchone()[0]
            except sqlite3.OperationalError:
                continue
    assert run.poll() is None, "it ended by itself"
    assert kept >= 40
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    ds = fd.Dataset(sample_folder, cache=tmp_path / "store")
    assert len(ds.images) == len(ds)
    assert len(reads) <= len(ds) - kept


def test_an_interrupted_run_stops_at_once_and_goes_on_later(sample_folder, tmp_path, monkeypatch, reads):
    def interrupt(self, n_more):
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(_scan.Progress, "advance", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fd.Dataset(sample_folder, cache=tmp_path / "store", n_jobs=2).duplicates()
    assert not set(threading.enumerate()) - before
    n_before = len(reads)
    ds = fd.Dataset(sample_folder, cache=tmp_path / "store")
    ds.images
    assert n_before < len(ds)
    assert len(reads) < 2 * len(ds)


def test_two_processes_on_one_dataset_do_no_harm(sample_folder, tmp_path, dataset):
    code = "import sys, fastdup_nb as fd; print(fd.Dataset(sys.argv[1], cache=sys.argv[2]).duplicates().n_pairs)"
    command = [sys.executable, "-c", code, str(sample_folder), str(tmp_path / "store")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [run.communicate(timeout=600)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert {int(output) for output in outputs} == {dataset.duplicates().n_pairs}


def test_a_new_store_may_be_opened_by_many_at_the_same_moment(tmp_path):
    for turn in range(20):
        barrier = threading.Barrier(6)

        def open_it(_, folder=tmp_path / str(turn), barrier=barrier):
            barrier.wait()
            return Store(folder).facts(["a"])

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(open_it, range(6))) == [{}] * 6


def test_a_place_that_cannot_be_written_is_a_clear_error_when_it_was_named(few, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"cache='folder'.*cache=None"):
        fd.Dataset(few, cache=tmp_path / "file" / "store").images


def test_and_by_itself_a_dataset_then_works_without_one(few, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FASTDUP_NB_CACHE", str(tmp_path / "file"))
    ds = fd.Dataset(few)
    assert len(ds.images) == 6
    assert "memory only" in repr(ds)


def test_a_full_disk_is_a_clear_error_and_leaves_a_sound_store(few, tmp_path):
    store = Store(tmp_path / "store")
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full"):
        store.put_batch(files=[], facts={"a": {"x": "y" * 100_000}}, thumbnails={"a": b"1"}, vectors={})
    again = Store(tmp_path / "store")
    assert again.facts(["a"]) == {}
    assert again.thumbnail("a") is None
    again.put_batch(files=[], facts={"a": {"x": 1}}, thumbnails={}, vectors={})
    assert again.facts(["a"]) == {"a": {"x": 1}}


def test_a_damaged_store_says_which_file_to_delete(few, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store-1.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"damaged\. Delete it"):
        fd.Dataset(few, cache=tmp_path / "store").images


def test_only_the_newest_results_of_a_family_are_kept(tmp_path):
    store = Store(tmp_path)
    for i in range(10):
        store.put_result(f"key {i}", bytes([i]), family="graph")
    assert store.latest("graph") == b"\x09"
    assert store.result("key 0") is None
    assert store.result("key 9") == b"\x09"


def test_a_result_of_several_parts_comes_back_whole(tmp_path, monkeypatch):
    from fastdup_nb import _store

    monkeypatch.setattr(_store, "_PART_BYTES", 7)
    store = Store(tmp_path)
    for payload in (b"", b"short", bytes(range(256))):
        store.put_result("key", payload, family="graph")
        assert store.result("key") == store.latest("graph") == payload


def test_what_a_function_without_a_name_made_is_not_kept(few, tmp_path):
    scale = 2.0
    ds = fd.Dataset(few, cache=tmp_path / "store", encoder=lambda batch: scale * batch.mean(axis=(1, 2)))
    assert ds.embeddings.shape == (6, 3)
    assert "memory only, as the encoder has no name" in repr(fd.Dataset(few, encoder=lambda batch: batch.mean((1, 2))))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("damage", ["update facts set facts = '{}'", "update facts set facts = 'nope'",
                                    "update facts set facts = cast(x'7bff' as text)", "delete from results",
                                    "delete from parts", "update parts set payload = x'00'"])  # fmt: skip
def test_a_damaged_row_is_made_anew_or_says_what_to_delete(few, tmp_path, damage):
    expected = fd.Dataset(few, cache=tmp_path / "store").duplicates().pairs
    with sqlite3.connect(tmp_path / "store" / "store-1.sqlite") as db:
        db.execute(damage)
    if "facts" in damage:
        with pytest.raises(StoreError, match=r"damaged\. Delete it"):
            fd.Dataset(few, cache=tmp_path / "store").duplicates()
    else:
        pd.testing.assert_frame_equal(fd.Dataset(few, cache=tmp_path / "store").duplicates().pairs, expected)


@pytest.mark.parametrize("damage", [
    "vectors set vector = 'text'", "vectors set vector = x'00'", "vectors set vector = x'0000'",
    "vectors set vector = cast(x'007e' || substr(vector, 3) as blob)", "vectors set detail = 'text'",
    "vectors set detail = null", "vectors set detail = substr(detail, 2)",
    "vectors set vector = substr(vector, 3)", "parts set payload = 'text'",
])  # fmt: skip
@pytest.mark.parametrize("n_rows", [3, 6])
def test_rows_that_are_no_such_thing_change_no_number_and_say_what_to_delete(few, tmp_path, damage, n_rows):
    fd.Dataset(few, cache=tmp_path / "store").duplicates()
    with sqlite3.connect(tmp_path / "store" / "store-1.sqlite") as db:
        if not damage.startswith("parts"):
            db.execute("delete from results"), db.execute("delete from parts")
        table = damage.split()[0]
        db.execute(f"update {damage} where rowid in (select rowid from {table} limit {n_rows})")  # noqa: S608
    with pytest.raises(StoreError, match=r"[Dd]elete"):
        fd.Dataset(few, cache=tmp_path / "store").duplicates().pairs


def test_a_thumbnail_that_is_none_says_what_to_delete(few, tmp_path):
    fd.Dataset(few, cache=tmp_path / "store").outliers()
    with sqlite3.connect(tmp_path / "store" / "store-1.sqlite") as db:
        db.execute("update thumbnails set jpeg = 'text'")
    with pytest.raises(StoreError, match=r"damaged\. Delete it"):
        fd.Dataset(few, cache=tmp_path / "store").outliers()._repr_html_()


def test_facts_do_not_depend_on_who_filled_the_cache(few, tmp_path):
    mean = {side: fd.CallableEncoder(mean_color, input_size=side) for side in (32, 300)}
    fd.Dataset(few, cache=tmp_path / "store", encoder=mean[32]).images
    second = fd.Dataset(few, cache=tmp_path / "store", encoder=mean[300]).images
    pd.testing.assert_frame_equal(second, fd.Dataset(few, cache=None, encoder=mean[300]).images)


def mean_color(batch):
    return batch.mean(axis=(1, 2)) + 1
