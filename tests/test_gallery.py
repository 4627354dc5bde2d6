"""Galleries without a browser: what is asked for is answered, what is done is decided, in both front ends alike."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import fastdup_nb as fd
from fastdup_nb.errors import ParameterError, ParameterTypeError, UnknownImageError
from fastdup_nb.results.decks import tell_differences
from fastdup_nb.tags import Tags
from fastdup_nb.views import render_html
from fastdup_nb.widgets._deck import Query
from fastdup_nb.widgets._gallery import Gallery, describe_page
from fastdup_nb.widgets._plain import PlainGallery

KINDS = [
    "duplicates",
    "outliers",
    "clusters",
    "quality",
    "similar",
    "leaks",
    "split",
    "sample",
    "sequence",
    "label_issues",
    "predictions",
]


@pytest.fixture
def ds(sample_folder, dataset, tmp_path) -> fd.Dataset:
    """The sample collection with tags of its own."""
    return dataset.using(tags=tmp_path / "tags.sqlite")


def find(ds, kind):
    if kind == "sample":
        return ds.sample(40)
    if kind == "similar":
        return ds.similar("train/animal/cat.jpg")
    return ds.predict_labels(which="all") if kind == "predictions" else getattr(ds, kind)()


class Browser:
    """What a browser would get and send."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.got: list[tuple[dict, list]] = []
        gallery.send = lambda content, buffers=None: self.got.append((content, buffers or []))

    def send(self, op: str, **message: object) -> list[dict]:
        self.got.clear()
        self.gallery._handle_custom_msg({"op": op, **message}, [])
        return [content for content, _ in self.got]

    def page(self, number: int = 0, **query: object) -> dict:
        asked = {**self.gallery._query, **query}
        [page] = self.send("page", key="k", query=asked, page=number, size=24)
        assert page["kind"] == "page", page
        return page


def tiles_of(page: dict) -> list[dict]:
    return [tile for row in page["rows"] for tile in row["tiles"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_has_a_gallery_that_sends_pictures_by_the_page(ds, kind):
    browser = Browser(find(ds, kind).gallery())
    page = browser.page()
    assert tiles_of(page)
    [(content, [buffer])] = browser.got
    assert sum(length for _, length in content["pictures"]) == len(buffer)
    assert {image_id for image_id, _ in content["pictures"]} >= {tile["id"] for tile in tiles_of(page)}
    assert len(buffer) < 1_000_000
    first, length = content["pictures"][0]
    assert buffer[:length] == ds._stages.thumbnail(first)


def test_a_page_too_large_for_one_message_comes_in_several(ds, monkeypatch):
    monkeypatch.setattr("fastdup_nb.widgets._gallery._MESSAGE_BYTES", 30_000)
    browser = Browser(ds.gallery(ds.images.index[~ds.images["is_broken"]]))
    browser.send("page", key="k", query=browser.gallery._query, page=0, size=24)
    assert [content["kind"] for content, _ in browser.got] == ["page", *["more"] * (len(browser.got) - 1)]
    assert len(browser.got) > 2
    sent = {}
    for content, [buffer] in browser.got:
        assert len(buffer) <= 30_000
        assert content["key"] == "k"
        ends = np.cumsum([length for _, length in content["pictures"]]).tolist()
        sent |= {name: buffer[end - n : end] for (name, n), end in zip(content["pictures"], ends, strict=True)}
    assert sent == {image_id: ds._stages.thumbnail(image_id) for image_id in browser.got[0][0]["images"]}


def test_an_outlier_is_shown_beside_its_nearest_neighbor(ds):
    outliers = ds.outliers()
    [first, *_] = tiles_of(Browser(outliers.gallery()).page())
    row = outliers.table.iloc[0]
    assert (first["id"], first["beside"]) == (outliers.table.index[0], row["nearest_id"])
    assert f"{row['outlier_score']:.2f}" in " ".join(first["lines"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_picture_is_in_the_state_that_a_notebook_keeps(ds, kind):
    gallery = find(ds, kind).gallery()
    state = {key: value for key, value in gallery.get_state().items() if key not in {"_esm", "_css"}}
    del state["layout"], state["_dom_classes"]
    for unkept in ("tabbable", "tooltip"):
        state.pop(unkept, None)
    assert len(json.dumps(state)) < 8_000
    assert "selection" not in state


def test_the_front_end_gets_the_whole_state_with_the_model_and_after_it_the_first_page(ds, monkeypatch):
    sent, opened = [], []
    monkeypatch.setattr(Gallery, "_send", lambda gallery, *message, **_: opened and sent.append(message))
    open_model = Gallery.open
    monkeypatch.setattr(Gallery, "open", lambda gallery: (opened.append(gallery.get_state()), open_model(gallery)))
    gallery = ds.duplicates().gallery()
    [state] = opened
    assert state["_uid"] == gallery.model_id
    assert state["_counts"] == {"": len(set(gallery._controller.ids))}
    assert state["_palette"]
    assert state["code"] == gallery.code != ""
    assert sent[0][0]["method"] == "custom"
    states = [message[0]["state"] for message in sent[1:]]
    assert states in ([{"_is_sent": False}], [])  # ipywidgets 7 tells it to a kernel only
    assert not gallery._is_sent


QUERIES = [{}, {"text": "CAT"}, {"tag": "=drop"}, {"tag": "untagged"}, {"row": 1}, {"sort": 0}]
WITHOUT = {  # single images; one order only
    ("outliers", "row"), ("similar", "row"), ("sample", "row"), ("quality", "sort"), ("label_issues", "row"),
    ("predictions", "row"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "query"),
    [(kind, query) for query in QUERIES for kind in KINDS if not WITHOUT & {(kind, key) for key in query}],
)
def test_the_line_of_pandas_makes_what_the_gallery_shows(ds, kind, query):
    result = find(ds, kind)
    ds.tags.add(ds.images.index[::3].tolist(), "drop")
    gallery = result.gallery()
    deck = gallery._controller.deck
    asked = Query(**{**query, **({"sort": next(iter(deck.sorts))} if "sort" in query else {})})
    gallery._query = dict(asked.__dict__)
    shown = [gallery._controller.ids[i] for i in gallery._controller.find(asked).tiles]
    assert run(gallery.code, ds, gallery).index.tolist() == shown
    if query in ({"text": "CAT"}, {"tag": "=drop"}) and kind != "label_issues":  # the one cat is of a class too small
        assert 0 < len(shown) < len(gallery._controller.ids)


def test_the_line_of_pandas_orders_rows_by_what_they_are_without_a_filter(ds):
    gallery = ds.clusters().gallery()
    deck = gallery._controller.deck
    sizes = deck.rows["size"].sort_values()
    first, last = (deck.table.index[deck.table["cluster"] == sizes.index[i]].tolist() for i in (0, -1))
    ds.tags.add([*first[:3], *last[:2]], "drop")
    asked = Query(sort="smallest first", tag="=drop")
    gallery._query = dict(asked.__dict__)
    assert run(gallery.code, ds, gallery).index.tolist() == [*first[:3], *last[:2]]
    assert [gallery._controller.ids[i] for i in gallery._controller.find(asked).tiles] == [*first[:3], *last[:2]]


def run(code: str, ds: fd.Dataset, gallery: object) -> pd.DataFrame:
    *statements, last = code.split("; ")
    names = {"ds": ds, "gallery": gallery}
    for statement in statements:
        exec(statement, names)  # noqa: S102
    return eval(last, names)  # noqa: S307


@pytest.mark.parametrize("make", [
    lambda ds: ds.images.sort_values("brightness").head(20),
    lambda ds: ds.images.reset_index().tail(20),
    lambda ds: ds.duplicates().pairs.tail(9),
    lambda ds: ds.duplicates().members,
    lambda ds: ds.image_ids[3:9],
])  # fmt: skip
def test_the_line_of_pandas_makes_what_is_shown_of_a_frame_of_the_users(ds, make):
    frame = make(ds)
    gallery = ds.gallery(frame)
    names = {"ds": ds, "gallery": gallery}
    assert eval(gallery.code, names).index.tolist() == gallery._controller.ids  # noqa: S307


@pytest.mark.parametrize("make", [
    lambda ds: ds.sample(12, "coverage", include="test/animal/horse.png", quotas={"food": 2}, drop_outliers=True),
    lambda ds: ds.sample(0.1, "stratified", exclude=ds.image_ids[:3], deduplicate=False, random_state=3),
    lambda ds: ds.novelty(ds.image_ids[3:9], false_alarm_rate=0.2, control="each"),
    lambda ds: ds.novelty("test/animal/horse.png", method="alone", calibration="held-out"),
    lambda ds: ds.normality().score(Path(ds.images["path"].iloc[0]), method="alone"),
])  # fmt: skip
def test_the_line_of_pandas_asks_again_as_it_was_asked(ds, make):
    gallery = make(ds).gallery()
    pd.testing.assert_frame_equal(eval(gallery.code, {"ds": ds}), gallery.table)  # noqa: S307


@pytest.mark.parametrize("make", [
    lambda ds: ds.next_to_label(6),
    lambda ds: ds.sample(12, exclude=ds.image_ids[:20]),
    lambda ds: ds.similar(ds.embeddings[0]),
    lambda ds: ds.where(ds.image_ids[:9]).normality().score(ds.embeddings[~ds.images["is_broken"]][:5]),
    lambda ds: ds.novelty(ds.where(ds.image_ids[:5])),
    lambda ds: ds.leaks(ds.where(ds.image_ids[:40]), min_similarity="loose"),
    lambda ds: ds.leaks(pd.Series(np.arange(len(ds)) % 2, index=ds.image_ids).map({0: "a", 1: "b"})),
    lambda ds: ds.split(stratify=ds.images["label"].str[:1], train=0.7, test=0.3),
])  # fmt: skip
def test_what_no_line_can_ask_for_again_is_taken_from_the_gallery(ds, make):
    gallery = make(ds).gallery()
    assert gallery.code == "gallery.table"
    assert run(gallery.code, ds, gallery).index.tolist() == gallery._controller.ids
    for sort in gallery._controller.deck.sorts:
        gallery._query = dict(Query(sort=sort).__dict__)
        found = gallery._controller.find(Query(sort=sort)).tiles
        assert run(gallery.code, ds, gallery).index.tolist() == [gallery._controller.ids[i] for i in found]


def test_the_line_of_pandas_makes_the_selection(ds):
    gallery = ds.outliers().gallery()
    gallery.selection = ds.outliers().table.index[[2, 5]].tolist()
    assert sorted(run(gallery.code, ds, gallery).index) == sorted(gallery.selection)
    assert gallery.selection_frame().index.tolist() == gallery.selection


def test_pages_part_all_images_and_keep_their_order(ds):
    out = ds.outliers()
    browser = Browser(out.gallery())
    pages = [browser.page(number) for number in range(browser.page()["n_pages"])]
    assert [tile["id"] for page in pages for tile in tiles_of(page)] == out.table.index.tolist()
    assert browser.page(10_000)["page"] == len(pages) - 1


def test_images_stay_where_they_are_while_they_are_tagged_under_a_filter(ds):
    browser = Browser(ds.outliers().gallery())
    before = [tile["id"] for tile in tiles_of(browser.page(tag="untagged", snapshot=1))]
    browser.send("tag", items=[0, 1], tag="drop")
    assert [tile["id"] for tile in tiles_of(browser.page(tag="untagged", snapshot=1))] == before
    assert [tile["id"] for tile in tiles_of(browser.page(tag="untagged", snapshot=2))][:2] != before[:2]


def test_keys_of_the_gallery_tag_and_untag_and_keep_excludes_drop(ds):
    browser = Browser(ds.outliers().gallery())
    first = browser.gallery._controller.ids[0]
    browser.send("tag", items=[0], tag="drop")
    assert ds.tags.of([first])[first] == ("drop",)
    browser.send("tag", items=[0], tag="keep")
    assert ds.tags.of([first])[first] == ("keep",)
    browser.send("tag", items=[0], tag="keep")
    assert ds.tags.of([first])[first] == ()
    browser.send("undo")
    browser.send("undo")
    assert ds.tags.of([first])[first] == ("drop",)
    browser.send("redo")
    assert ds.tags.of([first])[first] == ("keep",)


def test_a_key_does_what_the_person_saw_not_what_another_session_made_of_it(ds):
    browser = Browser(ds.outliers().gallery())
    first = browser.gallery._controller.ids[0]
    ds.tags.add(first, "drop")
    browser.send("tag", items=[0], tag="drop", on=True)
    assert ds.tagged("drop") == [first]
    browser.send("tag", items=[0], tag="drop", on=False)
    assert ds.tagged("drop") == []


def test_every_deed_is_answered_by_its_number_and_by_how_things_stand(ds, monkeypatch):
    browser = Browser(ds.outliers().gallery())
    browser.page()
    ids = browser.gallery._controller.ids
    done = browser.send("tag", items=[0, 1], tag="drop", n=7)[-1]
    assert (done["kind"], done["n"], done["tags"]) == ("done", 7, {ids[0]: ["drop"], ids[1]: ["drop"]})
    done = browser.send("select", mode="add", items=[3, 100], n=8)[-1]
    assert (done["selected"], done["n_selected"]) == ([ids[3]], 2)
    assert browser.page()["n_selected"] == 2
    monkeypatch.setattr(ds.tags, "edit", lambda *_, **__: 1 / 0)
    error, done = browser.send("tag", items=[4], tag="drop", on=True, n=9)
    assert error["kind"] == "error"
    assert (done["n"], done["tags"]) == (9, {ids[4]: []})


def test_two_galleries_used_at_the_same_moment_do_not_lock_up(ds):
    import threading

    browsers = [Browser(ds.outliers().gallery()), Browser(ds.clusters().gallery())]
    for browser in browsers:
        browser.page()

    def press(browser: Browser) -> None:
        for i in range(30):
            browser.gallery._handle_custom_msg({"op": "tag", "items": [i], "tag": "review", "on": True}, [])

    threads = [threading.Thread(target=press, args=(browser,), daemon=True) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert len(ds.tagged("review")) >= 30


def test_dropping_the_others_leaves_the_one_that_stays(ds):
    dups = ds.duplicates()
    browser = Browser(dups.gallery())
    browser.send("drop_others", row=0)
    group = dups.members[dups.members["group"] == dups.groups.index[0]]
    assert ds.tagged("drop") == sorted(group.index[~group["is_kept"].astype(bool)], key=ds.image_ids.index)


def test_what_is_said_to_be_no_duplicate_is_none_the_next_time(ds):
    dups = ds.duplicates()
    browser = Browser(dups.gallery())
    tiles = browser.page()["rows"][0]["tiles"]
    other = next(tile for tile in tiles if tile["mark"] != "keep")
    kept = next(tile for tile in tiles if tile["mark"] == "keep")
    browser.send("reject", items=[other["i"]])
    again = browser.page()["rows"][0]["tiles"]
    assert [tile["is_rejected"] for tile in again if tile["id"] == other["id"]] == [True]
    found = ds.duplicates().pairs[["image_id_a", "image_id_b"]].apply(frozenset, axis=1)
    assert frozenset((kept["id"], other["id"])) not in set(found)


def test_a_page_and_a_key_ask_for_the_verdicts_on_what_is_shown_alone(ds, monkeypatch):
    browser = Browser(ds.duplicates().gallery())
    asked, ask = [], Tags.verdicts_on
    monkeypatch.setattr(Tags, "verdicts_on", lambda tags, pairs: asked.append(len(pairs)) or ask(tags, pairs))
    for name in ("pairs", "verdicts"):
        monkeypatch.delattr(Tags, name)
    tiles = [tile for row in browser.page()["rows"] for tile in row["tiles"]]
    assert asked == [len(tiles)]
    browser.send("tag", items=[0], tag="keep")
    assert asked == [len(tiles), 0]
    assert browser.got[-1][0]["again"] is False
    browser.send("reject", items=[tile["i"] for tile in tiles if tile["mark"] != "keep"][:1])
    assert browser.got[-1][0]["again"] is True
    browser.send("undo")
    assert browser.got[-1][0]["again"] is True


def test_a_tag_from_python_reaches_the_gallery_in_view(ds):
    browser = Browser(ds.outliers().gallery())
    browser.page()
    browser.got.clear()
    ds.tags.add(browser.gallery._controller.ids[:1], "blurry one")
    [change] = [content for content, _ in browser.got if content["kind"] == "tags"]
    assert change["tags"] == {browser.gallery._controller.ids[0]: ["blurry one"]}
    assert browser.gallery._counts["blurry one"] == 1
    assert "blurry one" in [entry["name"] for entry in browser.gallery._palette]


def test_a_selection_is_heard_of_and_can_be_set(ds):
    gallery = ds.outliers().gallery()
    heard = []
    gallery.observe(lambda change: heard.append(change["new"]), "selection")
    browser = Browser(gallery)
    browser.send("select", mode="add", items=[3, 1])
    browser.send("select", mode="remove", items=[3])
    assert heard[-1] == [gallery._controller.ids[1]]
    gallery.selection = gallery._controller.ids[:2]
    assert browser.got[-1][0] == {"kind": "selection", "ids": gallery.selection, "n_selected": 2, "n_hidden": 0}


def test_listeners_hear_of_tags_made_in_the_gallery_only_and_their_faults_do_no_harm(ds):
    browser = Browser(ds.outliers().gallery())
    heard = []
    browser.gallery.on_tag(lambda change: 1 / 0)
    end = browser.gallery.on_tag(heard.append)
    ds.tags.add(browser.gallery._controller.ids[4:5], "drop")
    assert heard == []
    browser.send("tag", items=[0], tag="drop")
    assert [change.image_ids for change in heard] == [(browser.gallery._controller.ids[0],)]
    end()
    browser.send("tag", items=[1], tag="drop")
    assert len(heard) == 1


def test_an_error_in_the_kernel_is_told_in_the_gallery(ds):
    browser = Browser(ds.outliers().gallery())
    [answer] = browser.send("no_such_thing")
    assert answer["kind"] == "error"
    [answer] = browser.send("open", id="no/such.jpg")
    assert answer["kind"] == "error"
    assert "no/such.jpg" in answer["text"]


@pytest.mark.parametrize("message", [
    ["op"], "page", None, {}, {"op": None, "n": 1}, {"op": "tag", "row": -2, "tag": "drop", "n": 1},
    {"op": "tag", "row": 10**30, "tag": "drop", "n": 1}, {"op": "drop_others", "row": -2, "n": 1},
    {"op": "tag", "items": [0], "tag": None, "n": 1}, {"op": "tag", "items": [0], "tag": True, "n": 1},
    {"op": "tag", "items": [0], "tag": 1.5, "n": 1}, {"op": "tag", "items": None, "tag": "drop", "n": 1},
    {"op": "tag", "ids": ["no/such.jpg"], "tag": "drop", "n": 1},
    {"op": "select", "ids": ["no/such.jpg"], "mode": "add", "n": 1},
    {"op": "select", "row": True, "mode": "set", "n": 1}, {"op": "select", "mode": "set", "n": 1},
    {"op": "select", "items": [0], "mode": "all", "n": 1}, {"op": "select", "items": [0], "n": 1},
    {"op": "select", "items": ["0"], "mode": "set", "n": 1}, {"op": "select", "items": [None], "mode": "set", "n": 1},
    {"op": "tag", "items": [0], "tag": "drop", "on": "yes", "n": 1}, {"op": "tag", "items": [0], "n": 1},
    {"op": "tag", "ids": [0], "tag": "drop", "n": 1}, {"op": "tag", "tag": "drop", "selected": 1, "n": 1},
    {"op": "reject", "n": 1}, {"op": "drop_others", "row": None, "n": 1}, {"op": ["page"]}, {"op": "_receive"},
    {"op": "page"}, {"op": "page", "key": "k", "query": {}, "page": "0", "size": 24},
    {"op": "page", "key": "k", "query": {}, "page": 0, "size": None}, {"op": "open"}, {"op": "open", "id": 3},
    *({"op": "page", "key": "k", "query": query, "page": 0, "size": 24}
      for query in ("", None, [], {"x": 1}, {"text": ["a"]}, {"tag": None}, {"row": "1"}, {"row": 9999}, {"row": -2})),
])  # fmt: skip
def test_what_no_gallery_would_send_is_refused_and_told_once(ds, message, caplog):
    browser = Browser(ds.duplicates().gallery())
    browser.page()
    browser.got.clear()
    browser.gallery._handle_custom_msg(message, [])
    kinds = [content["kind"] for content, _ in browser.got]
    assert kinds == ["error", *["done"] * (isinstance(message, dict) and "n" in message)]
    assert ds.tags.to_frame().empty
    assert browser.gallery.selection_frame().empty
    assert not caplog.records, "a message is no reason to write to the log of the kernel"


@pytest.mark.parametrize("state", [
    {"page": "one"}, {"page_size": 0}, {"thumbnail_size": "L"}, {"_query": 3}, {"_query": {"x": 1}},
    {"_query": {"text": 5}}, {"_query": {"row": 9999}},
])  # fmt: skip
def test_a_state_that_cannot_be_is_refused_and_told(ds, state):
    browser = Browser(ds.duplicates().gallery())
    before = {name: getattr(browser.gallery, name) for name in state}
    browser.gallery.set_state(state)
    assert [content["kind"] for content, _ in browser.got] == ["error"]
    assert {name: getattr(browser.gallery, name) for name in state} == before
    assert browser.page()["kind"] == "page"


def test_a_position_that_is_none_is_left_alone(ds):
    browser = Browser(ds.duplicates().gallery())
    browser.send("reject", items=[-2, 10**30])
    assert ds.tags.pairs().empty
    browser.send("reject", items=[1, -2])
    assert len(ds.tags.pairs()) == 1


@pytest.mark.parametrize(("asked", "found"), [(-5, 0), (10**30, 145), (3, 3)])
def test_a_page_that_cannot_be_is_the_nearest_that_may(ds, asked, found):
    gallery = ds.gallery(ds.image_ids[:146])
    gallery.set_state({"page": asked})
    assert gallery.page == found


def test_a_picture_opens_in_full_with_its_facts_and_neighbors(ds):
    browser = Browser(ds.duplicates().gallery())
    [picture] = browser.send("open", id="train/animal/cat.jpg")
    assert dict(picture["facts"])["size"] == "451 × 300 px"
    assert picture["neighbors"]
    [(_, [buffer])] = browser.got
    assert sum(picture["sizes"]) == len(buffer)
    assert buffer[:2] == b"\xff\xd8"


def test_a_broken_picture_opens_as_its_reason(ds):
    images = ds.images
    broken = images.index[images["is_broken"]][0]
    browser = Browser(ds.gallery([broken]))
    assert browser.page()["n_tiles"] == 1
    [picture] = browser.send("open", id=broken)
    assert picture["sizes"][0] == 0
    assert picture["problem"]


def test_in_place_of_a_broken_picture_stands_why_it_is_broken(ds, capsys):
    reasons = ds.images["reason"][ds.images["is_broken"]]
    assert reasons.nunique() > 3
    for make in (ds.gallery, lambda ids: ds.annotate(["a"], ids)):
        tiles = tiles_of(Browser(make(reasons.index)).page())
        assert {tile["id"]: tile["problem"] for tile in tiles} == reasons.to_dict()
    assert {tile["problem"] for tile in tiles_of(Browser(ds.gallery(ds.duplicates().pairs)).page())} == {""}
    plain = ds.gallery(reasons.index, backend="ipywidgets")
    shown = {tile.button.tooltip: tile.card.value for tile in plain._tiles}
    assert all(reason in shown[image_id] for image_id, reason in reasons.items())
    plain._ipython_display_()
    assert all(reason[:30] in capsys.readouterr().out for reason in reasons[:1])


def test_any_frame_with_image_ids_has_a_gallery(ds):
    images = ds.images
    frame = images[images["width"] > 300].sort_values("sharpness")
    assert Browser(ds.gallery(frame)).page()["rows"][0]["tiles"][0]["id"] == frame.index[0]
    assert Browser(ds.gallery(frame.index[:3])).page()["n_tiles"] == 3
    assert Browser(ds.gallery(frame.reset_index())).gallery._controller.ids == frame.index.tolist()
    pairs = ds.duplicates().pairs.head(5)
    page = Browser(ds.gallery(pairs)).page()
    assert [[tile["id"] for tile in row["tiles"]] for row in page["rows"]] == pairs[
        ["image_id_a", "image_id_b"]
    ].to_numpy().tolist()[: len(page["rows"])]
    assert Browser(ds.gallery([])).page()["note"] == "There is no image in it."


def test_booleans_choose_as_they_do_in_pandas(ds):
    images = ds.images
    wide = images["width"] > 300
    assert wide.isna().any()
    known = wide.fillna(False).astype(bool)
    chosen = images.index[known].tolist()
    for mask in (wide, known, wide.astype(object), known.tolist(), tuple(known), known.to_numpy(), wide.array,
                 wide.reset_index(drop=True)):  # fmt: skip
        assert ds.gallery(mask)._controller.ids == chosen
        assert ds.where(mask).image_ids == chosen
    assert ds.gallery(wide[::-1])._controller.ids == chosen[::-1]
    assert ds.tags.add(known.tolist(), "wide").image_ids == tuple(chosen)
    n = len(images)
    for mask in ([True], [True] * (n + 1), np.zeros(n - 1, dtype=bool), pd.Series([True, False])):
        with pytest.raises(ParameterError, match=f"one boolean for each of the {n} images.*Got {len(mask)}"):
            ds.gallery(mask)


def test_rows_of_a_frame_are_its_clusters_with_the_noise_last(ds):
    members = ds.clusters().members
    browser = Browser(ds.gallery(members.sort_values("cluster")))
    titles = [row["title"].split(":")[0] for number in range(9) for row in browser.page(number)["rows"]]
    assert titles[:2] == ["Cluster 0", "Cluster 1"]
    assert titles[-1] == "In no cluster"
    assert sorted(browser.gallery._controller.ids) == sorted(members.index)
    assert not any(line.startswith("cluster") for line in tiles_of(browser.page(0))[0]["lines"])


def test_where_some_images_are_in_no_group_of_a_frame_all_are_shown_one_by_one(ds):
    frame = ds.images.join(ds.duplicates().members["group"])
    assert frame["group"].isna().any()
    browser = Browser(ds.gallery(frame))
    page = browser.page(0)
    assert page["n_tiles"] == len(frame)
    assert [tile["id"] for tile in tiles_of(page)] == frame.index[:24].tolist()
    lines = {tile["id"]: tile["lines"] for tile in tiles_of(page)}
    assert all(any(line.startswith("group ") for line in told) for told in lines.values())


def test_a_frame_may_name_an_image_twice(ds):
    names = ds.image_ids[:3]
    frame = ds.images.loc[[names[0], names[1], names[0], names[2]]].assign(score=range(4), group=[1, 1, 2, 2])
    browser = Browser(ds.gallery(frame))
    page = browser.page()
    assert [[tile["lines"][0] for tile in row["tiles"]] for row in page["rows"]] == [
        ["score 0", "score 1"],
        ["score 2", "score 3"],
    ]
    browser.send("tag", items=[2], tag="drop")
    assert ds.tagged("drop") == [names[0]]
    browser.send("select", mode="set", row=1)
    assert browser.gallery.selection == [names[0], names[2]]
    assert browser.gallery.selection_frame()["score"].tolist() == [0, 2, 3]
    assert browser.gallery._counts == {"drop": 1, "": 2}


def test_what_cannot_be_shown_is_a_clear_error(ds):
    with pytest.raises(UnknownImageError, match=r"no/such\.jpg.*ds\.images\.index"):
        ds.gallery(["no/such.jpg"])
    with pytest.raises(UnknownImageError, match=r"'a\.jpg' in this dataset"):
        ds.gallery(["a.jpg"])
    with pytest.raises(UnknownImageError, match=r"'a\.jpg' nor 1 of the others given in this dataset"):
        ds.gallery(["a.jpg", ds.image_ids[0], "b.jpg"])
    with pytest.raises(ParameterError, match="image_id_a"):
        ds.gallery(pd.DataFrame({"x": [1]}))
    with pytest.raises(ParameterTypeError, match=r"a list, Index or Series of them.* Got NoneType instead\.$"):
        ds.gallery(None)
    with pytest.raises(ParameterTypeError, match=r"Got Outliers instead\. A result shows itself: result\.gallery\(\)"):
        ds.gallery(ds.outliers())
    with pytest.raises(ParameterError, match="backend"):
        ds.gallery(ds.image_ids, backend="qt")
    with pytest.raises(ParameterError, match="page_size"):
        ds.gallery(ds.image_ids, page_size=0)


def test_a_gallery_says_in_words_what_it_holds(ds):
    members = ds.duplicates().members
    told = f"Duplicates, {len(members)} images in {members['group'].nunique()} groups"
    for backend, name in (("anywidget", "Gallery"), ("ipywidgets", "PlainGallery")):
        gallery = ds.duplicates().gallery(backend=backend)
        assert repr(gallery) == f"{name}: {told}, 0 selected"
        gallery.selection = members.index[:2].tolist()
        assert repr(gallery) == f"{name}: {told}, 2 selected"
    annotator = ds.annotate(["cat", "dog"], ds.image_ids[:3])
    annotator.label(ds.image_ids[0], "dog")
    assert repr(annotator) == "Annotator: Labeling, 3 images, 0 selected, 1 labeled, 0 skipped, 2 to go"
    assert repr(ds.explore(method="pca")) == f"Explorer: {ds.map(method='pca')}"


def test_on_kaggle_the_gallery_is_made_of_plain_controls(ds, monkeypatch):
    assert isinstance(ds.outliers().gallery(), Gallery)
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert isinstance(ds.outliers().gallery(), PlainGallery)


class Live:
    """Actions on the gallery of the browser."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery, self.browser = gallery, Browser(gallery)
        self.query: dict[str, object] = {}
        self.number = 0

    def see(self):
        return [(tile["id"], tuple(tile["tags"]), tile["is_rejected"]) for tile in tiles_of(self._page())]

    def _page(self):
        return self.browser.page(self.number, **self.query)

    def turn(self, step):
        self.number += step

    def ask(self, **query):
        self.query |= {**query, "snapshot": len(self.query) + 1}
        self.number = 0

    def pick(self, place):
        self.browser.send("select", mode="add", items=[tiles_of(self._page())[place]["i"]])

    def act(self, name, **message):
        ids = self.gallery.selection
        items = [self.gallery._controller.ids.index(image_id) for image_id in ids]
        self.browser.send(name, **({"items": items} if name in {"tag", "reject"} else {}), **message)


class Plain:
    """The same actions on the gallery of plain controls: each is a click or an entry."""

    def __init__(self, gallery: PlainGallery) -> None:
        self.gallery = gallery

    def see(self):
        return [(tile["id"], tuple(tile["tags"]), tile["is_rejected"]) for tile in self.gallery._shown]

    def turn(self, step):
        (self.gallery._after if step > 0 else self.gallery._before).click()

    def ask(self, text=None, tag=None, sort=None):
        for control, value in (("_text", text), ("_tag_filter", tag), ("_sort", sort)):
            if value is not None:
                getattr(self.gallery, control).value = value

    def pick(self, place):
        self.gallery._tiles[place].button.value = True

    def act(self, name, tag=""):
        bar = self.gallery._tag_bar if name == "tag" else self.gallery._actions
        text = {"tag": tag, "reject": "Not duplicates", "undo": "Undo", "redo": "Redo"}[name]
        next(button for button in bar.children if button.description == text).click()


@pytest.mark.parametrize("front", [Live, Plain], ids=["anywidget", "ipywidgets"])
def test_one_script_of_actions_does_the_same_in_both_front_ends(ds, front):
    backend = "anywidget" if front is Live else "ipywidgets"
    gallery = ds.duplicates().gallery(backend=backend)
    heard = []
    gallery.observe(lambda change: heard.append(len(change["new"])), "selection")
    hand = front(gallery)
    first, second = hand.see()[0][0], hand.see()[1][0]
    hand.pick(1)
    hand.act("tag", tag="drop")
    assert hand.see()[1] == (second, ("drop",), False)
    hand.act("tag", tag="keep")
    assert hand.see()[1] == (second, ("keep",), False)
    hand.act("undo")
    hand.act("undo")
    assert hand.see()[1][1] == ()
    hand.act("redo")
    assert hand.see()[1][1] == ("drop",)
    hand.act("reject")
    assert hand.see()[1] == (second, ("drop",), True)
    hand.turn(1)
    assert first not in [image_id for image_id, _, _ in hand.see()]
    hand.turn(-1)
    assert hand.see()[0][0] == first
    hand.ask(tag="=drop")
    assert second in [image_id for image_id, _, _ in hand.see()]
    hand.ask(tag="", text="pagoda")
    assert all("pagoda" in image_id or "temple" in image_id for image_id, _, _ in hand.see())
    assert heard == [1]
    assert ds.tagged("drop") == [second]
    assert gallery.selection_frame().index.tolist() == [second]


def test_what_has_to_be_known_before_anything_is_dropped_is_said_in_every_gallery(ds):
    found = ds.duplicates(min_similarity=0.3)
    assert any("Look before you drop" in note for note in found._view(1).notes)
    live, plain = found.gallery(), found.gallery(backend="ipywidgets")
    assert live._info["notes"] == list(found._view(1).notes)
    assert "Look before you drop" in plain._head.value
    assert "Look before you drop" in render_html(describe_page(live._controller, Query(), 12), lambda _: None)


def test_images_in_no_cluster_are_a_row_and_no_cluster(ds):
    found = ds.clusters()
    assert (found.labels == -1).any()
    told = Browser(found.gallery()).page()["note"]
    assert told.endswith(f"images in {len(found.clusters) + 1} rows")


def test_images_that_leak_tell_their_split_and_which_one_stays(ds):
    pairs = find(ds, "leaks").pairs
    rows = Browser(find(ds, "leaks").gallery()).page()["rows"]
    assert len(rows) > 1
    for row in rows:
        pair = pairs.iloc[row["row"]]
        assert [tile["id"] for tile in row["tiles"]] == pair[["image_id_a", "image_id_b"]].tolist()
        assert [tile["lines"][0] for tile in row["tiles"]] == pair[["split_a", "split_b"]].tolist()
        assert [tile["mark"] for tile in row["tiles"]] == ["keep", ""]


@pytest.mark.parametrize(
    ("kind", "name"), [("duplicates", "Group 0"), ("clusters", "Cluster 0"), ("quality", "Grayscale")]
)
def test_where_a_row_is_open_it_is_named(ds, kind, name):
    gallery = find(ds, kind).gallery()
    size = len(gallery._controller.find(Query(row=0)).tiles)
    page = Browser(gallery).page(row=0)
    assert page["note"] == f"{name}: {size} {'image' if size == 1 else 'images'}"
    assert Browser(gallery).page(row=0, text="no such path")["note"] == "Nothing matches the filter."


def test_a_row_is_sent_as_long_as_a_wide_cell_can_show_it(ds):
    gallery = ds.clusters().gallery()
    sizes = gallery._controller.deck.rows["size"]
    row = Browser(gallery).page(0)["rows"][0]
    assert sizes.iloc[0] > 12
    assert (len(row["tiles"]), row["n_more"]) == (12, sizes.iloc[0] - 12)


def test_the_plain_gallery_keeps_its_models_few(ds):
    import ipywidgets

    table = getattr(ipywidgets.widgets.widget, "_instances", None)
    table = ipywidgets.Widget.widgets if table is None else table
    before = len(table)
    gallery = ds.outliers().gallery(backend="ipywidgets", page_size=12)
    made = len(table) - before
    gallery._after.click()
    gallery._after.click()
    assert made < 120
    assert len(table) - before == made


def test_the_plain_gallery_shows_the_line_of_pandas_for_what_is_selected(ds):
    gallery = ds.outliers().gallery(backend="ipywidgets")
    assert gallery.code in unescape(gallery._line.value)
    gallery.selection = gallery._controller.ids[:2]
    assert "isin" in gallery.code
    assert gallery.code in unescape(gallery._line.value)


def test_names_are_shown_as_they_are_and_never_as_html(tmp_path, sample_folder):
    folder = tmp_path / "pictures"
    folder.mkdir()
    name = "<img src=x onerror=alert(1)>&'.jpg"
    for copy in (name, "other.jpg"):
        (folder / copy).write_bytes((sample_folder / "train/animal/cat.jpg").read_bytes())
    ds = fd.Dataset(folder, cache=None)
    gallery = ds.duplicates().gallery(backend="ipywidgets")
    assert not any("<img src=x" in tile.card.value for tile in gallery._tiles)
    ds.tags.add([name], "<b>bold</b>")
    assert not any("<b>bold" in tile.card.value for tile in gallery._tiles)
    assert "<b>bold" not in gallery._status.value
    assert tiles_of(Browser(ds.duplicates().gallery()).page())[0]["id"] == name


@pytest.mark.parametrize(
    "make",
    [
        lambda ds: ds.duplicates().gallery(),
        lambda ds: ds.duplicates().gallery(backend="ipywidgets"),
        lambda ds: ds.annotate(["photo"]),
        lambda ds: ds.map("label", method="pca"),
        lambda ds: ds.explore(color="label", method="pca"),
    ],
    ids=["gallery", "plain", "annotator", "map", "explorer"],
)
def test_what_is_closed_leaves_no_model_behind(ds, make):
    import ipywidgets

    table = getattr(ipywidgets.widgets.widget, "_instances", None)
    table = ipywidgets.Widget.widgets if table is None else table
    before = set(table)
    made = make(ds)
    assert set(table) > before
    made.close()
    assert set(table) == before


@pytest.mark.parametrize("kind", [Gallery, PlainGallery])
def test_a_gallery_whose_making_failed_ends_without_another_error(kind):
    kind.__new__(kind).close()  # as ipywidgets 7 does when such a one is collected


def test_labels_are_given_one_at_a_time_and_labeling_comes_back_where_it_was_left(ds):
    queue = ds.outliers().table
    annotator = ds.annotate(["animal", "thing"], queue)
    browser = Browser(annotator)
    first, second = annotator._controller.ids[:2]
    browser.send("tag", items=[0], tag="animal")
    browser.send("tag", items=[0], tag="thing")
    browser.send("tag", items=[1], tag="skipped")
    frame = annotator.to_frame()
    assert frame.index.tolist() == queue.index.tolist()
    assert frame["label"].dropna().to_dict() == {first: "thing"}
    assert frame.index[frame["is_skipped"]].tolist() == [second]
    assert ds.tagged("thing") == [first]
    assert annotator._progress["text"].startswith(f"1 labeled, 1 skipped, {len(queue) - 2:,} to go")
    again = ds.annotate(["animal", "thing"], queue)
    assert (again.page, again._info["start"]) == (0, 2)
    browser.send("undo")
    assert annotator._progress["n_done"] == 1
    [answer] = browser.send("tag", items=[0], tag="no such label")
    assert answer["kind"] == "error"


def test_how_long_labeling_still_takes_is_told_until_it_is_done(ds, monkeypatch):
    from fastdup_nb.widgets import _annotator

    monkeypatch.setattr(_annotator, "time", SimpleNamespace(monotonic=map((10.0).__mul__, range(9)).__next__))
    annotator = ds.annotate(["animal"], ds.image_ids[:20])
    browser = Browser(annotator)
    told = []
    for items in ([0], [1], [2], range(3, 15), range(15, len(annotator._controller.ids))):
        browser.send("tag", items=list(items), tag="animal")
        told.append(annotator._progress["text"].partition(" to go")[2])
    assert told == ["", "", " · 6 a minute, 3 minutes left", " · 28 a minute, under a minute left", ""]


def test_a_whole_cluster_is_labeled_at_once(ds):
    members = ds.clusters().members
    annotator = ds.annotate(["one", "two"], members[members["cluster"] >= 0])
    browser = Browser(annotator)
    browser.send("select", mode="add", row=0)
    browser.send("tag", selected=True, tag="two")
    cluster = members.index[members["cluster"] == 0]
    assert set(ds.tagged("two")) == set(cluster)


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [(400, 800, "another shape"), (799, 399, "another shape"), (400, 400, "50% of the pixels"),
     (20, 20, "less than 1% of the pixels"), (1600, 800, "4 times the pixels"), (8000, 4000, "100 times the pixels")],
)  # fmt: skip
def test_how_many_pixels_there_are_beside_the_one_that_stays_is_told_in_words(width, height, told):
    facts = {"format": "JPEG", "sharpness": 1.0, "brightness": 0.5, "colorfulness": 0.0}
    kept, other = {"width": 800, "height": 400, **facts}, {"width": width, "height": height, **facts}
    assert tell_differences(kept, kept) == ()
    assert tell_differences(kept, other) == (told,)


@pytest.mark.parametrize("labels", [[], "cat", ["a", "a"], ["", "b"], ["skipped", "b"]])
def test_labels_must_be_different_words(ds, labels):
    with pytest.raises(ParameterError, match="must be a list of different words"):
        ds.annotate(labels)


@pytest.mark.parametrize("label", ["\x1b[31mred", "two\nlines", "x" * 201])
def test_a_label_that_no_image_may_have_is_refused_before_its_key_is_pressed(ds, label):
    with pytest.raises(ParameterError, match=r"'labels' parameter of Dataset\.annotate must be a str of 1 to 200"):
        ds.annotate(["cat", label])


def test_running_a_cell_again_closes_the_galleries_it_made_before_and_no_others(ds, monkeypatch):
    from fastdup_nb.widgets import _base

    running = ["cell 1", "run 1"]
    monkeypatch.setattr(_base, "_made", {})
    monkeypatch.setattr(_base, "_find_cell", lambda: tuple(running))
    out = ds.outliers()
    first, second = out.gallery(), out.gallery(backend="ipywidgets")
    running[:] = ["cell 2", "run 2"]
    elsewhere = out.gallery()
    running[:] = ["cell 1", "run 3"]
    third = out.gallery()
    assert [widget.comm is None for widget in (first, second, elsewhere, third)] == [True, True, False, False]
    ds.tags.add(first._controller.ids[0], "drop")
    assert first._counts.get("drop") is None
    assert third._counts["drop"] == 1


def test_the_explorer_shows_in_the_gallery_what_is_selected_on_the_map(ds):
    explorer = ds.explore(method="pca")
    ids = explorer.gallery._controller.ids
    explorer.map.selection = ids[4:7]
    assert explorer.selection == ids[4:7]
    browser = Browser(explorer.gallery)
    assert [tile["id"] for tile in tiles_of(browser.page())] == ids[4:7]
    browser.send("select", mode="remove", items=[5])
    assert sorted(explorer.map.selection) == sorted([ids[4], ids[6]])
    explorer.map.selection = []
    assert browser.page()["n_tiles"] == len(ids)
    browser.send("select", mode="add", items=[0])
    assert explorer.map.selection == ids[:1]
    assert browser.page()["n_tiles"] == len(ids)
