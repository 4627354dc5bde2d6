"""Views: what is shown is right, complete, escaped, small, and the same in HTML and in plain text."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastdup_nb.errors import ParameterError, ParameterTypeError
from fastdup_nb.views import (
    Badge,
    Chart,
    Fact,
    Line,
    Marks,
    Row,
    Table,
    Tile,
    View,
    format_bytes,
    format_count,
    format_dimension,
    format_similarity,
    render_html,
    render_report,
    render_text,
)
from fastdup_nb.views._format import format_cell, has_numbers, make_visible, measure_width, shorten
from fastdup_nb.views._picture import make_picture

SNAPSHOTS = Path(__file__).parent / "snapshots"
VOID = {"br", "img", "meta", "wbr"}
NASTY = [
    "<img src=x onerror=alert(1)>.jpg",
    '"onload=alert(1) x=".jpg',
    "' onclick='alert(1)",
    "{{7*7}}{% raw %}.jpg",
    "</style><script>alert(1)</script>.jpg",
    "line\nbreak\ttab\x00\x1b[31m.jpg",
    "evil\u202egpj.exe",
    "two\u2028lines.jpg",
    "n" * 4000 + ".jpg",
    "sur\udc80rogate.jpg",
    "東京の写真/桜が咲いている公園の朝の風景と人々の様子2024.jpg",
    "&amp;&lt;.jpg",
    "",
]


class Page(HTMLParser):
    """Tags, attributes and text of a piece of HTML; ``faults`` lists what is not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.pieces)).strip()

    def find(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def draw_thumbnail(width: int = 160, height: int = 120, *, n_bytes: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue().ljust(n_bytes, b"\0")


THUMBNAIL = draw_thumbnail()


def thumbnail(_image_id: str) -> bytes | None:
    return THUMBNAIL


def no_thumbnail(_image_id: str) -> bytes | None:
    return None


def small_view() -> View:
    kept = Tile("a/first.jpg", ("160 × 120", "4 kB"), mark="keep")
    other = Tile("b/second.jpg", ("160 × 120", "3 kB"), Badge(format_similarity(0.9876)))
    return View(
        title="Duplicates in photos",
        headline="2 of 1,203 pictures have a copy.",
        facts=(Fact(("pair", "pairs"), 1, "two pictures counted once"), Fact("space", "4 kB")),
        rows=(Row("Group 1", (kept, other), Badge("near", "strong"), "1 can go", n_more=3),),
        rows_title="Most alike first",
        noun=("group", "groups"),
        n_more=1204,
        table=Table(("tier", "pairs"), (("near", 1234), ("identical file", None)), "Pairs by tier", 2),
        notes=("Recall was estimated.",),
        next_calls=(("dups.gallery()", "page through them"), ("dups.pairs", "all pairs")),
    )


def view_of_names(names: list[str]) -> View:
    tiles = tuple(Tile(name, (name,), Badge(name), mark=name) for name in names)
    row = Row(names[0], tiles, Badge(names[0]), names[0], arrow=names[0])
    table = Table((names[0],), ((names[0],),), names[0])
    return View(
        names[0],
        names[0],
        (Fact(names[0], names[0], names[0]),),
        (row,),
        names[0],
        table=table,
        notes=(names[0],),
        next_calls=((names[0], names[0]),),
    )


def many_rows(n_rows: int, n_tiles: int) -> View:
    rows = tuple(
        Row(f"Group {i}", tuple(Tile(f"folder/{i}/{j}.jpg", ("160 × 120",)) for j in range(n_tiles)))
        for i in range(n_rows)
    )
    return View("Duplicates", rows=rows, noun=("group", "groups"))


def all_facts(view: View) -> list[str]:
    """Every text that both outputs must hold."""
    facts = [view.title, view.headline, view.rows_title, *view.notes]
    facts += [text for fact in view.facts for text in (fact.name, fact.meaning)]
    for row in view.rows:
        facts += [row.title, row.note, row.badge.text if row.badge else ""]
        facts += [text for tile in row.tiles for text in (tile.image_id, tile.mark, *tile.lines)]
        facts += [tile.badge.text for tile in row.tiles if tile.badge]
    facts += [text for call in view.next_calls for text in call]
    return [fact for fact in facts if fact]


# --- what is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "render", [lambda view: Page(render_html(view, thumbnail)).text, render_text], ids=["html", "text"]
)
def test_every_fact_of_a_view_is_in_html_and_in_text(render: Callable[[View], str]) -> None:
    shown = re.sub(r"\s+", " ", render(small_view()))
    numbers = ["1,204 more groups", "and 3 more", "1,234", "and 2 more", "–", "Pairs by tier", "tier", "identical file"]
    assert [fact for fact in [*all_facts(small_view()), *numbers] if fact not in shown] == []


@pytest.mark.parametrize(
    "render", [lambda view: Page(render_html(view, thumbnail)).text, render_text], ids=["html", "text"]
)
def test_rows_and_tiles_beyond_the_limits_are_counted(render: Callable[[View], str]) -> None:
    shown = render(replace(many_rows(20, 9), n_more=1_000_000))
    assert "and 1,000,012 more groups" in shown
    assert shown.count("and 4 more") == 8
    assert "Group 7" in shown
    assert "Group 8" not in shown


def test_one_more_row_is_named_in_the_singular() -> None:
    view = many_rows(9, 1)
    assert "and 1 more group" in render_text(view)
    assert "and 1 more groups" not in render_text(view) + render_html(view, thumbnail)


def test_without_rows_the_empty_sentence_is_said() -> None:
    view = View("Duplicates", "No duplicates among 1,203 pictures.", empty="Try a smaller min_similarity.")
    page = Page(render_html(view, thumbnail))
    assert "Try a smaller min_similarity." in page.text
    assert "Try a smaller min_similarity." in render_text(view)
    assert page.find("table") == []


def test_with_rows_the_empty_sentence_is_not_said() -> None:
    view = replace(small_view(), empty="Nothing here.")
    assert "Nothing here." not in render_html(view, thumbnail) + render_text(view)


def test_the_smallest_view_has_a_title_and_nothing_else() -> None:
    assert render_text(View("Nothing")) == "Nothing"
    assert Page(render_html(View("Nothing"), thumbnail)).text == "Nothing"


def test_an_arrow_stands_between_the_first_tile_and_the_others() -> None:
    row = Row("9.31", (Tile("strange.jpg"), Tile("near.jpg"), Tile("far.jpg")), arrow="nearest")
    view = View("Outliers", rows=(row,))
    assert "→ nearest near.jpg" in re.sub(r" +", " ", render_text(view))
    html = render_html(view, thumbnail)
    assert html.index('alt="strange.jpg"') < html.index("→") < html.index('alt="near.jpg"')
    assert html.count("→") == 1


def test_thumbnails_are_asked_for_shown_pictures_only() -> None:
    asked: list[str] = []

    def ask(image_id: str) -> None:
        asked.append(image_id)

    render_html(many_rows(20, 9), ask, max_rows=2, max_tiles=3)
    assert asked == [f"folder/{i}/{j}.jpg" for i in range(2) for j in range(3)]


@pytest.mark.parametrize(
    "data", [None, b"", b"no picture", THUMBNAIL[:30], b"\xff\xd8\xff\xff\xff", b"\x89PNG\r\n\x1a\n"]
)
def test_without_a_picture_the_cell_says_so(data: bytes | None) -> None:
    page = Page(render_html(View("V", rows=(Row("r", (Tile("broken.jpg"),)),)), lambda _: data))
    assert page.find("img") == []
    assert "no preview broken.jpg" in page.text


@pytest.mark.parametrize(
    ("size", "shown"), [((160, 120), (96, 72)), ((40, 160), (24, 96)), ((32, 32), (96, 96)), ((160, 1), (96, 1))]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_keep_their_shape_in_equal_boxes(size: tuple[int, int], shown: tuple[int, int], kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    picture = make_picture(buffer.getvalue(), 96)
    assert picture is not None
    assert (picture.width, picture.height) == shown
    assert picture.uri.startswith(f"data:image/{kind.lower()};base64,")
    assert picture.is_enlarged == (size == (32, 32))


def test_progressive_pictures_with_metadata_are_measured() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a description " * 100
    Image.new("RGB", (80, 40)).save(buffer, "JPEG", progressive=True, exif=exif, comment=b"\xff\xc0 no frame")
    picture = make_picture(buffer.getvalue(), 96)
    assert picture is not None
    assert (picture.width, picture.height) == (96, 48)


# --- safe -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("make", ["html", "report"])
def test_names_are_text_whatever_they_are(name: str, make: str) -> None:
    view = view_of_names([name] * 3)
    html = render_html(view, thumbnail) if make == "html" else render_report(name, [view], thumbnail, created=name)
    plain = view_of_names(["plain"] * 3)
    expected = render_html(plain, thumbnail) if make == "html" else render_report("t", [plain], thumbnail, created="d")
    page = Page(html.encode().decode())
    assert page.faults == []
    structure = {"tr", "td", "img", "script", "style", "a", "code", "div", "table"}
    tags = [[tag for tag, _ in shown.tags if tag in structure] for shown in (page, Page(expected))]
    assert tags[0] == tags[1] or not name
    assert {attribute for _, attributes in page.tags for attribute in attributes if attribute.startswith("on")} == set()
    assert "49" not in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", html)


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("width", [40, 88, 200])
def test_text_has_no_control_characters_and_keeps_its_width(name: str, width: int) -> None:
    text = render_text(replace(view_of_names([name] * 3), next_calls=((name, name), ("short", "call"))), width=width)
    text.encode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", text)
    assert max(map(measure_width, text.splitlines())) <= width


def test_a_long_name_is_cut_in_the_middle_and_whole_in_the_title() -> None:
    name = "start" + "n" * 4000 + "end.jpg"
    html = render_html(View("V", rows=(Row("r", (Tile(name),)),)), thumbnail)
    page = Page(html)
    assert any(cell.get("title") == name for cell in page.find("td"))
    assert re.search(r"\bstartn+…n+end\.jpg", page.text)
    assert html.count("n" * 100) == 1 * 40
    assert len(page.find("img")[0]["alt"]) <= 80


def test_html_has_no_script_and_points_nowhere() -> None:
    page = Page(render_html(small_view(), thumbnail))
    assert page.faults == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "a", "form", "svg"} == set()
    assert {attributes["src"][:22] for attributes in page.find("img")} == {"data:image/jpeg;base64"}


@pytest.mark.parametrize("word", ["http", "url(", "@import", "//", "<", "javascript"])
def test_style_sheets_ask_for_nothing(word: str) -> None:
    html = render_report("t", [small_view()], thumbnail, created="d")
    (css,) = re.findall("<style>(.*?)</style>", html, flags=re.DOTALL)
    assert word not in css


def test_every_rule_of_the_notebook_style_is_scoped() -> None:
    (css,) = re.findall("<style>(.*?)</style>", render_html(small_view(), thumbnail), flags=re.DOTALL)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).strip()
    depth = [css[:position].count("{") - css[:position].count("}") for position in range(len(css))]
    assert css.startswith(".fdnb.fdnb.fdnb {")
    assert depth.count(0) == len(".fdnb.fdnb.fdnb {") == css.index("{") + 1
    assert css.count("{") == css.count("}")


def test_every_picture_has_width_height_and_a_text() -> None:
    images = Page(render_html(small_view(), thumbnail)).find("img")
    assert [(image["width"], image["height"], image["alt"]) for image in images] == [
        ("96", "72", "a/first.jpg"),
        ("96", "72", "b/second.jpg"),
    ]


def test_meaning_survives_without_style() -> None:
    html = render_html(small_view(), thumbnail)
    bare = re.sub(r' (class|style)="[^"]*"', "", re.sub("<style>.*?</style>", "", html, flags=re.DOTALL))
    assert Page(bare).text == Page(html).text
    assert "keep" in Page(bare).text
    assert all(cell["width"] == "112" for cell in Page(bare).find("td") if "width" in cell)


# --- small ----------------------------------------------------------------------------------------------------------


def test_a_view_without_pictures_is_smaller_than_10_kb() -> None:
    assert len(render_html(View("Duplicates", "None."), thumbnail)) < 10_000


@pytest.mark.parametrize("n_bytes", [5_000, 30_000])
def test_rows_stop_where_the_budget_ends_and_the_rest_is_counted(n_bytes: int) -> None:
    data = draw_thumbnail(n_bytes=n_bytes)
    html = render_html(many_rows(50, 5), lambda _: data, max_rows=50)
    n_shown = html.count('class="fdnb-row"')
    assert len(html) < 215_000
    assert 0 < n_shown < 50
    assert f"and {50 - n_shown} more groups" in html


def test_a_first_row_beyond_the_budget_is_cut() -> None:
    data = draw_thumbnail(n_bytes=60_000)
    html = render_html(many_rows(1, 5), lambda _: data)
    assert len(html) < 215_000
    assert html.count("<img") == 2
    assert "and 3 more" in html


def test_a_picture_beyond_the_budget_is_counted_only() -> None:
    data = draw_thumbnail(n_bytes=3_000_000)
    html = render_html(many_rows(1, 5), lambda _: data)
    assert len(html) < 15_000
    assert "and 5 more" in html


@pytest.mark.parametrize(
    ("option", "value"), [("max_rows", -1), ("max_tiles", 0), ("thumbnail_size", 8), ("max_bytes", -1)]
)
def test_impossible_limits_are_refused(option: str, value: int) -> None:
    with pytest.raises(ParameterError, match=option):
        render_html(small_view(), thumbnail, **{option: value})
    with pytest.raises(ParameterError, match=option):
        render_report("t", [small_view()], thumbnail, created="d", **{option: value})


def test_text_refuses_a_width_that_is_no_number_or_too_small() -> None:
    with pytest.raises(ParameterTypeError, match="width"):
        render_text(small_view(), width="wide")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="width"):
        render_text(small_view(), width=10)


def test_importing_views_does_not_load_the_template_engine() -> None:
    heavy = ("jinja2", "PIL", "pandas", "IPython")
    code = f"import sys, fastdup_nb.views; sys.exit(sum(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- report ---------------------------------------------------------------------------------------------------------


def test_a_report_is_one_page_that_asks_for_nothing() -> None:
    html = render_report("Photos", [small_view(), many_rows(25, 2)], thumbnail, created="1 May 2026")
    page = Page(html.removeprefix("<!DOCTYPE html>"))
    assert html.startswith("<!DOCTYPE html>")
    assert page.faults == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"} == set()
    assert all(attributes["src"].startswith("data:image/jpeg;base64,") for attributes in page.find("img"))
    assert all(attributes["href"].startswith("#") for attributes in page.find("a"))
    policies = [meta["content"] for meta in page.find("meta") if "http-equiv" in meta]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_link_of_a_report_arrives_and_every_id_is_there_once() -> None:
    page = Page(render_report("Photos", [small_view(), many_rows(2, 2)], thumbnail, created="1 May 2026"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    named = [attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.find("a")} | set(named) <= set(ids)
    assert {"section-1", "section-2"} <= {link["href"][1:] for link in page.find("a")}


def test_a_report_shows_every_fact_of_its_sections_but_no_calls() -> None:
    view = small_view()
    text = Page(render_report("Photos of 2026", [view], thumbnail, created="1 May 2026")).text
    expected = [
        *all_facts(replace(view, next_calls=())),
        "Photos of 2026",
        "Created 1 May 2026",
        "and 1,204 more groups",
    ]
    assert [fact for fact in expected if fact not in text] == []
    assert "dups.gallery()" not in text


def test_headings_of_a_report_have_one_top_and_no_gap() -> None:
    page = Page(render_report("Photos", [small_view(), many_rows(2, 2)], thumbnail, created="1 May 2026"))
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2", "h2"]


def test_chunks_of_a_report_tell_which_rows_they_hold() -> None:
    text = Page(render_report("Photos", [many_rows(21, 1)], thumbnail, created="1 May 2026")).text
    assert [words in text for words in ("Groups 1 to 10", "Groups 11 to 20", "Group 21 Group 20")] == [True] * 3


def test_a_report_of_1000_pictures_stays_below_15_mb() -> None:
    data = draw_thumbnail(n_bytes=6_000)
    html = render_report("Photos", [many_rows(100, 5)] * 2, lambda _: data, created="1 May 2026")
    assert html.count("<img") == 1000
    assert len(html.encode()) < 15_000_000


def test_the_budget_of_a_report_is_shared_by_its_sections() -> None:
    data = draw_thumbnail(n_bytes=30_000)
    html = render_report("Photos", [many_rows(100, 5), many_rows(2, 5), many_rows(100, 5)], lambda _: data, created="d")
    first, second, third = (section.count("<img") for section in html.split("<section")[1:])
    assert len(html) < 15_000_000
    assert second == 10
    assert third > first > 50


def test_a_report_without_sections_is_a_page_with_a_title() -> None:
    page = Page(render_report("Photos", [], thumbnail, created="1 May 2026"))
    assert page.faults == []
    assert "Photos" in page.text
    assert page.find("nav") == []


# --- numbers and names ----------------------------------------------------------------------------------------------


def test_numbers_are_written_for_reading() -> None:
    assert [format_count(n) for n in (0, 999, 1_000_000)] == ["0", "999", "1,000,000"]
    assert [format_count(n, ("group", "groups")) for n in (0, 1, 2)] == ["0 groups", "1 group", "2 groups"]
    sizes = (0, 999, 1000, 9_949, 9_951, 999_499, 999_500, 1_234_567, 5_000_000_000_000_000)
    written = ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.2 MB", "5,000 TB"]
    assert [format_bytes(n) for n in sizes] == written
    assert format_dimension(1024, 768) == "1024 × 768"


def test_numbers_of_numpy_are_written_like_others() -> None:
    cells = (1234, np.int64(1234), np.float32(0.5), 0.12345, 12345.6, float("nan"), None, "1234", True)
    assert [format_cell(cell) for cell in cells] == [
        "1,234",
        "1,234",
        "0.5",
        "0.123",
        "12,346",
        "–",
        "–",
        "1234",
        "True",
    ]


def test_texts_of_numpy_are_made_visible_and_escaped() -> None:
    names = [str(np.str_("plain")), np.str_("<b>sur\udc80rogate\u202e")]
    html = render_html(view_of_names(names), thumbnail)
    html.encode()
    assert Page(html).find("b") != []
    assert "<b>sur" not in html
    assert "\u202e" not in html


def test_only_a_similarity_of_one_reads_as_one() -> None:
    assert [format_similarity(s) for s in (1.0, 0.99999, 0.92, 0.0)] == ["1.000", "0.999", "0.920", "0.000"]
    assert format_similarity(np.float32(0.95)) == "0.950"


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    assert make_visible("a\nb\u202ec\udc80\x7f") == r"a\nb\u202ec\udc80\x7f"
    assert make_visible("café 東京\u3000\u00a0👩\u200d🚀") == "café 東京\u3000\u00a0👩\u200d🚀"


@pytest.mark.parametrize("text", ["", "abc", "x" * 500, "東" * 200, "e\u0301" * 300])
@pytest.mark.parametrize("width", [3, 16, 17])
def test_shortened_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert measure_width(short) <= width
    assert (short == text) == (measure_width(text) <= width)
    assert width < 16 or (text.startswith(short[:2]) and text.endswith(short[-2:]))


# --- snapshots: to renew them set FASTDUP_NB_RENEW_SNAPSHOTS=1, then read the difference ----------------------------


@pytest.mark.parametrize("name", ["view.txt", "view.html"])
def test_a_small_view_looks_as_it_did(name: str) -> None:
    html = re.sub("<style>.*?</style>", "", render_html(small_view(), no_thumbnail), flags=re.DOTALL)
    made = (html if name == "view.html" else render_text(small_view())) + "\n"
    path = SNAPSHOTS / name
    if os.environ.get("FASTDUP_NB_RENEW_SNAPSHOTS"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


# --- charts


def chart_of(n: int, *marks: Marks, name: str = "", strip: tuple[str, ...] = ()) -> Chart:
    values = np.random.default_rng(0).random(n)
    return Chart("Change", "frame", range(n), (Line(tuple(values.tolist()), name),), marks=marks, strip=strip)


def draw(chart: Chart) -> Page:
    return Page(render_html(View("Sequence", charts=(chart,)), lambda _: None))


@pytest.mark.parametrize("name", NASTY)
def test_a_chart_shows_any_name_as_text(name: str) -> None:
    chart = Chart(
        name, name, (0, 1), (Line((0.0, 1.0), name),), marks=(Marks((name, name), "dot", ((0, 1),)),), strip=(name,)
    )
    for page in (draw(chart), Page(render_report("R", [View("S", charts=(chart,))], lambda _: None, created="today"))):
        assert page.faults == []
        tags = {tag for tag, _ in page.tags}
        assert "script" not in tags
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert render_text(View("Sequence", charts=(chart,))).isprintable() or "\n" in render_text(
        View("S", charts=(chart,))
    )


def test_page_and_text_tell_the_same_of_a_chart() -> None:
    marks = (Marks(("cut", "cuts"), "line", ((3, 4), (7, 8))), Marks(("event", "events"), "dot", ()))
    chart = chart_of(20, *marks)
    label = draw(chart).find("svg")[0]["aria-label"]
    text = render_text(View("Sequence", charts=(chart,), n_more_charts=2))
    for words in ("Change", "2 cuts", "highest 0.", "lowest 0."):
        assert words in label
        assert words in text
    assert "2 cuts (red lines)" in draw(chart).text
    assert "event" not in text
    assert "and 2 more curves" in text
    assert "Nothing is marked." in render_text(View("S", charts=(chart_of(20, marks[1]),)))


def test_a_long_chart_is_no_larger_than_a_short_one_and_keeps_its_peaks() -> None:
    n = 35_000
    values = np.zeros(n)
    values[17_001] = 0.83
    cuts = Marks(("cut", "cuts"), "line", tuple((i, i + 1) for i in range(0, n, 5)))
    stills = Marks(("still", "stills"), "bar", tuple((i, i + 4) for i in range(0, n, 5)))
    chart = Chart("Change", "frame", range(n), (Line(tuple(values.tolist())),), marks=(cuts, stills))
    page = draw(chart)
    points = [point.split(",") for point in page.find("polyline")[0]["points"].split()]
    assert len(points) <= 320
    assert min(float(y) for _, y in points) < 25
    assert len(page.find("line")) < 330
    assert len(page.find("rect")) == 1
    assert "7,000 cuts" in page.text


def test_a_similarity_of_one_in_float32_ends_the_scale_at_one() -> None:
    chart = Chart("Similarity", "images", (1, 2), (Line((0.2, 1.0000001), "mean"),))
    assert "1.00" in draw(chart).text
    assert "1.10" not in draw(chart).text


def test_columns_of_written_numbers_go_to_the_right_and_names_to_the_left() -> None:
    assert has_numbers(["0.618", "1,204 (3.4%)", "80.0%", "–", ""])
    assert not has_numbers(["7", "8"])  # labels may be called so
    assert not has_numbers(["0.5", "many"])
    assert not has_numbers(["–"])


def test_a_sentence_that_is_said_already_is_not_said_twice() -> None:
    view = View("Sample", "There is no image.", empty="There is no image.")
    assert render_text(view).count("There is no image.") == 1
    assert Page(render_html(view, lambda _: None)).text.count("There is no image.") == 1


def test_the_line_of_a_tile_is_cut_where_it_is_long_and_kept_in_its_tooltip() -> None:
    view = View("V", rows=(Row("r", (Tile("a.jpg", lines=("label " + "long " * 40 + "end",)),)),))
    page = Page(render_html(view, lambda _: None))
    assert len(page.text) < 160
    assert any(small.get("title", "").endswith("end") for small in page.find("small"))


def test_what_a_widget_styles_for_the_whole_page_is_nothing_that_a_still_view_has() -> None:
    package = Path(__file__).parent.parent / "fastdup_nb"
    templates = "".join(path.read_text() for path in (package / "views/templates").glob("*.jinja"))
    for sheet in (package / "widgets").glob("*.css"):
        rules = re.findall(r"(?m)^([^\s@/}][^{}]*)\{", sheet.read_text())
        assert rules
        for selector in (part.strip() for rule in rules for part in rule.split(",")):
            first = re.match(r"\.(fdnb-[\w-]+)", selector)
            assert first is None or not re.search(rf"{first[1]}(?![\w-])", templates), f"{sheet.name}: {selector}"
