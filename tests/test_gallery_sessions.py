"""Galleries and decisions: what is counted, what other sessions decide, what is asked for and what comes unasked."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

import fastdup_nb as fd
from fastdup_nb.tags import _watch

from .test_gallery import Browser


@pytest.fixture
def ds(dataset, tmp_path) -> fd.Dataset:
    return dataset.using(tags=tmp_path / "tags.sqlite")


def count_anew(ds, ids) -> dict[str, int]:
    tags = ds.tags.of(list(dict.fromkeys(ids)))
    found = Counter(tag for each in tags.values() for tag in each)
    return {**found, "": sum(not each for each in tags.values())}


def test_counts_of_tags_are_right_whatever_was_done_in_which_session(ds, dataset, tmp_path):
    other = dataset.using(tags=tmp_path / "tags.sqlite")
    gallery = ds.gallery(ds.image_ids[::2])
    chance = random.Random(0)  # noqa: S311
    for step in range(60):
        book = chance.choice([ds.tags, ds.tags, other.tags])
        images = chance.sample(ds.image_ids, 7)
        deed = chance.choice(["add", "remove", "replace", "undo", "redo"])
        if deed in {"undo", "redo"}:
            getattr(book, deed)()
        else:
            getattr(book, deed)(images, chance.choice(["a", "b", ["c", "a"]]))
        if step % 3 == 0:
            assert gallery._controller.counts() == count_anew(ds, gallery._controller.ids)


def test_a_key_looks_up_the_tags_of_what_it_changed_and_not_of_the_collection(ds, monkeypatch):
    ds.tags.add(ds.image_ids, ["a", "b"])
    browsers = [Browser(ds.gallery(ds.image_ids)) for _ in range(3)]
    asked = []
    look_up = type(ds.tags).of
    monkeypatch.setattr(type(ds.tags), "of", lambda self, ids: asked.extend(ids) or look_up(self, ids))
    monkeypatch.setattr(type(ds.tags), "tagged", lambda *_: pytest.fail("all images with a tag were looked up"))
    browsers[0].send("tag", items=[0], tag="drop", on=True, n=1)
    assert browsers[1].gallery._counts["drop"] == 1
    assert 0 < len(asked) <= 8


def test_an_open_gallery_stays_as_it_is_while_more_duplicates_are_found(ds):
    found = ds.duplicates()
    browser = Browser(found.gallery())
    before = browser.page()
    alone = [image_id for image_id in ds._stages.valid_ids if image_id not in found.members.index][:2]
    ds.tags.judge([tuple(alone)], "same")
    more = Browser(ds.duplicates().gallery())
    assert set(more.gallery._controller.ids) == {*browser.gallery._controller.ids, *alone}
    assert browser.page()["rows"] == before["rows"]
    ds.tags.add(browser.gallery._controller.ids[0], "keep")
    assert browser.gallery._counts["keep"] == more.gallery._counts["keep"] == 1


def test_what_another_session_decides_is_told_to_an_open_gallery(ds, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(_watch, "SECONDS", 0.05)
    ds.tags.add(ds.image_ids[:1], "review")
    browser = Browser(ds.gallery(ds.image_ids))
    first = browser.page()["rows"][0]["tiles"][0]["id"]
    browser.got.clear()
    other = dataset.using(tags=tmp_path / "tags.sqlite")
    other.tags.add(first, "drop")
    told = wait_for(lambda: [content for content, _ in browser.got if content["kind"] == "tags"])
    assert told[-1]["tags"] == {first: ["review", "drop"]}
    assert told[-1]["text"] == "in another session: tagged 1 image 'drop'"
    assert browser.gallery._counts["drop"] == 1
    browser.got.clear()
    ds.tags.add(first, "keep")
    other.tags.add(first, "review 2")  # when this is told, one's own tag would have been told again
    told = wait_for(lambda: [text for text in texts_of(browser) if "in another session" in text] and texts_of(browser))
    assert told == ["tagged 1 image 'keep'", "in another session: tagged 1 image 'review 2'"]


def test_the_very_first_decision_of_another_session_is_told_too_whoever_decides_next(
    ds, dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(_watch, "SECONDS", 0.05)
    browser = Browser(ds.gallery(ds.image_ids))
    first, second = ds.image_ids[:2]
    assert not (tmp_path / "tags.sqlite").exists()
    dataset.using(tags=tmp_path / "tags.sqlite").tags.add(first, "drop")
    ds.tags.add(second, "keep")
    wait_for(lambda: "in another session: tagged 1 image 'drop'" in texts_of(browser))
    assert ds.tags.undo().image_ids == (second,)
    assert ds.tags.undo() is None


def texts_of(browser):
    return [content["text"] for content, _ in browser.got if content["kind"] == "tags"]


def test_who_comes_while_the_last_look_is_taken_is_heard_too():
    class Book:
        n_looks = 0

        def look(self):
            self.n_looks += 1
            if self.n_looks == 1:
                watch.begin(self.look)
            return False

    book, watch = Book(), _watch.Watch()
    watch.begin(book.look)
    thread = watch._thread
    thread.join(120)
    assert (thread.is_alive(), book.n_looks, watch._thread) == (False, 2, None)


def test_nobody_looks_for_other_sessions_once_the_gallery_is_closed(ds, monkeypatch):
    monkeypatch.setattr(_watch, "SECONDS", 0.02)
    gallery = ds.gallery(ds.image_ids)
    thread = ds.tags._watch._thread
    assert thread.is_alive()
    gallery.close()
    thread.join(120)
    assert not thread.is_alive()


def wait_for(look):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def hear(monkeypatch) -> list:
    """What every gallery sends from here on: the gallery and the content."""
    sent = []
    monkeypatch.setattr(
        fd.widgets._gallery.Gallery, "send", lambda self, content, buffers=None: sent.append((self, content))
    )
    return sent


def test_the_first_page_comes_unasked_and_only_with_the_model(ds, monkeypatch):
    sent = hear(monkeypatch)
    gallery = ds.gallery(ds.image_ids, page_size=12)
    pages = [content for sender, content in sent if sender is gallery]
    assert [(page["kind"], page["key"], page["page"], len(page["pictures"])) for page in pages] == [
        ("page", "first", 0, 12)
    ]
    assert not gallery.get_state()["_is_sent"]


def test_labeling_begins_where_it_was_left_and_sends_that_page_only(ds, monkeypatch):
    ids = ds.image_ids[:40]
    ds.annotate(["cat"], ids, page_size=12)._handle_custom_msg({"op": "tag", "ids": ids[:30], "tag": "cat"}, [])
    sent = hear(monkeypatch)
    annotator = ds.annotate(["cat"], ids, page_size=12)
    assert [page["page"] for sender, page in sent if sender is annotator] == [2]
    assert (annotator.page, annotator._info["start"], annotator._info["is_queue"]) == (2, 6, True)
