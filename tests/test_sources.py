"""What a source lists, and what is said of one that lists nothing."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastdup_nb._magic import IMAGE_SUFFIXES, OTHER_SUFFIXES, begins_like_image
from fastdup_nb.errors import ImageError, ParameterTypeError, SourceError, SourceNotFoundError
from fastdup_nb.images import decode_image
from fastdup_nb.sources import check_source, list_images, read_bytes, read_stamp

ODD_NAMES = [
    "a b.jpg",
    "a,b.PNG",
    "it's.jpeg",
    'say "x".webp',
    "50%.jpg",
    "x#1.jpg",
    "каша.jpg",
    "写真.JPG",
    "no_suffix",
]


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_a_folder_is_listed_recursively_and_sorted_with_slashes_in_ids(tmp_path):
    listing = list_images(touch(tmp_path, "b/two.jpg", "a.png", "b/c/three.JPG"))
    assert listing.image_ids == ("a.png", "b/c/three.JPG", "b/two.jpg")
    assert listing.root == tmp_path
    assert [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in listing.paths] == list(listing.image_ids)


def test_odd_names_are_listed_as_they_are(tmp_path):
    assert set(list_images(touch(tmp_path, *ODD_NAMES)).image_ids) == set(ODD_NAMES)


def test_other_files_are_counted_by_suffix_and_hidden_ones_are_counted_only(tmp_path):
    touch(tmp_path, "a.jpg", "b.txt", "c.TXT", "LICENSE", ".hidden.jpg", ".git/d.jpg", "._a.jpg")
    listing = list_images(tmp_path)
    assert listing.image_ids == ("a.jpg",)
    assert listing.passed_over == {".txt": 2, "text": 1, "hidden": 3}


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF", "QOI", "HEIF"]
)
def test_an_image_of_any_kind_is_found_under_a_suffix_that_tells_nothing(tmp_path, form):
    file = io.BytesIO()
    picture = Image.new("RGB", (20, 10), "red")
    if form == "HEIF":
        pytest.importorskip("pillow_heif").from_pillow(picture).save(file)
    else:
        picture.save(file, form)
    for name in ("photo.dat", "IMG.jpg_original", "picture.jpeg?width=300", "a.part"):
        (tmp_path / name).write_bytes(file.getvalue())
    assert decode_image(file.getvalue()).format == form
    assert len(list_images(tmp_path)) == 4
    assert list_images(str(tmp_path / "*.dat")).image_ids == ("photo.dat",)


def test_what_is_no_image_is_not_found_and_every_file_is_told_of(tmp_path):
    contents = {
        "a.dat": b"text",
        "b.dat": b"",
        "c.foo": b"BM is no bitmap",
        "d.foo": b"P6 is a paper",
        "e": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    touch(tmp_path, "f.JPG", "g.txt", "h/README", "h/i.py", ".j")
    listing = list_images(tmp_path)
    assert listing.image_ids == ("e", "f.JPG")
    assert listing.passed_over == {".dat": 2, ".foo": 2, ".txt": 1, "text": 1, ".py": 1, "hidden": 1}
    n_files = sum(len(files) for _, _, files in os.walk(tmp_path))
    assert len(listing) + sum(listing.passed_over.values()) == n_files


def test_only_files_whose_suffix_tells_nothing_are_opened_and_only_a_few_bytes(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "b", "c.txt", "d.json", "e.mp4", "f.zip", "g.nef", "h.PNG")
    (tmp_path / "i.unknown").write_bytes(b"x" * 1000)
    opened, read, open_, read_ = [], [], os.open, os.read
    monkeypatch.setattr(os, "open", lambda path, *a, **k: opened.append(os.path.basename(path)) or open_(path, *a, **k))
    monkeypatch.setattr(os, "read", lambda file, n: read.append(n) or read_(file, n))
    assert len(list_images(tmp_path)) == 3
    assert opened == ["i.unknown"]
    assert max(read) <= 64


def test_no_suffix_is_of_an_image_and_of_something_else():
    assert not IMAGE_SUFFIXES & OTHER_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES | OTHER_SUFFIXES)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_whose_suffix_tells_nothing_is_never_waited_for(tmp_path):
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "b.dat")
    assert list_images(tmp_path).passed_over == {"not a regular file": 1}
    assert not begins_like_image(str(tmp_path / "b.dat"))
    assert not begins_like_image(str(tmp_path / "nowhere.dat"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_followed_and_a_loop_of_folders_ends(tmp_path):
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    (tmp_path / "real" / "again").symlink_to(tmp_path)
    assert list_images(tmp_path).image_ids == ("link.jpg", "real/a.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_and_a_device_are_no_images_and_never_waited_for(tmp_path):
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "b.jpg")
    assert list_images(tmp_path).image_ids == ("a.jpg",)
    for path in (tmp_path / "b.jpg", "/dev/zero"):
        with pytest.raises(ImageError, match="not a regular file"):
            read_bytes(str(path))


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are unicode there")
def test_a_name_that_is_no_text_gets_an_id_that_can_be_encoded(tmp_path):
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", os.O_CREAT))
    listing = list_images(tmp_path)
    assert listing.image_ids == ("caf\\xe9.jpg",)
    assert read_stamp(listing.paths[0]) is not None


def test_a_folder_is_only_probed_until_it_is_listed(tmp_path):
    assert check_source(touch(tmp_path, "a.jpg")) is None
    assert len(check_source([tmp_path / "a.jpg"])) == 1


def test_a_glob_takes_the_files_it_matches(tmp_path):
    touch(tmp_path, "x/a.jpg", "x/b.png", "y/c.jpg", "y/d.txt")
    assert list_images(str(tmp_path / "**" / "*.jpg")).image_ids == ("x/a.jpg", "y/c.jpg")
    assert list_images(str(tmp_path / "y" / "*")).image_ids == ("c.jpg",)


def test_a_folder_whose_name_looks_like_a_glob_is_a_folder(tmp_path):
    assert list_images(touch(tmp_path / "a[1]*", "b.jpg")).image_ids == ("b.jpg",)


def test_a_list_of_paths_keeps_its_order_and_takes_any_suffix(tmp_path):
    touch(tmp_path, "b.dat", "a.jpg")
    listing = list_images([tmp_path / "b.dat", str(tmp_path / "a.jpg")])
    assert listing.image_ids == ("b.dat", "a.jpg")


def test_relative_paths_are_their_own_ids(tmp_path, monkeypatch):
    monkeypatch.chdir(touch(tmp_path, "x/a.jpg", "x/b.jpg"))
    assert list_images(["x/a.jpg", "./x/b.jpg"]).image_ids == ("x/a.jpg", "x/b.jpg")


def test_an_empty_list_is_a_source_of_no_images():
    assert len(list_images([])) == 0
    assert len(list_images(pd.DataFrame({"path": []}))) == 0


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_table_is_read_beside_its_pictures_and_keeps_its_columns(tmp_path, suffix):
    frame = pd.DataFrame({"filename": ["x/a.jpg", "x/b.jpg"], "species": ["cat", "dog"]})
    path = touch(tmp_path, "x/a.jpg", "x/b.jpg") / f"table.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    listing = list_images(path)
    assert listing.image_ids == ("x/a.jpg", "x/b.jpg")
    assert listing.paths[0] == str(tmp_path / "x" / "a.jpg")
    assert listing.columns["species"].to_dict() == {"x/a.jpg": "cat", "x/b.jpg": "dog"}


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_paths_and_names_in_a_table_of_text_are_as_written_and_other_columns_are_not(tmp_path, suffix):
    rows = ["path,kind,score", "0001,007,007", "0002,NA,NA", "null,,", "4,1.50,1.50", "5,True,2"]
    path = touch(tmp_path, "0001", "0002", "null", "4", "5") / f"table.{suffix}"
    path.write_text("\n".join(rows).replace(",", "\t" if suffix == "tsv" else ","))
    listing = list_images(path)
    assert listing.image_ids == ("0001", "0002", "null", "4", "5")
    for part, names in ((listing, ["007", "NA", None, "1.50", "True"]), (listing.take([1, 0]), ["NA", "007"])):
        assert [None if pd.isna(name) else name for name in part.names_in("kind")] == names
    assert listing.columns["score"].fillna(-1).tolist() == [7, -1, -1, 1.5, 2]
    path.write_text("path\tkind\n\tcat\n" if suffix == "tsv" else "path,kind\n,cat\n")
    with pytest.raises(SourceError, match="1 rows of the table have no path"):
        list_images(path)


def test_rows_of_a_csv_file_that_are_longer_than_its_header_shift_no_column(tmp_path):
    path = touch(tmp_path, "a.jpg", "b.jpg", "b") / "table.csv"
    path.write_text("path,label\na.jpg,cat,\nb.jpg,dog,\n")
    listing = list_images(path)
    assert listing.columns["label"].to_dict() == {"a.jpg": "cat", "b.jpg": "dog"}
    path.write_text("path,label\na.jpg,cat,1\nb.jpg,dog,2\n")
    with pytest.raises(SourceError, match=r"cannot be read as CSV: Length of header .* give the DataFrame\.$"):
        list_images(path)
    path.write_bytes("path,label\na.jpg,café\n".encode("latin-1"))
    with pytest.raises(SourceError, match=r"cannot be read as CSV: .*decode.* save it as UTF-8"):
        list_images(path)
    path.write_text("path;label\na.jpg;cat\n")
    with pytest.raises(SourceError, match=r"has 'path;label'.* without commas, give pandas\.read_csv\(file, sep=';'\)"):
        list_images(path)


@pytest.mark.parametrize("kind", [str, Path])
def test_the_home_of_the_user_is_found_by_its_sign(tmp_path, monkeypatch, kind):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(touch(tmp_path, "pictures/a.jpg")))
    pd.DataFrame({"path": ["~/pictures/a.jpg"]}).to_csv(tmp_path / "table.csv")
    names = ["~/pictures", "~/pictures/*.jpg", "~/pictures/a.jpg", "~/table.csv"]
    for source in [*map(kind, names), [kind("~/pictures/a.jpg")]]:
        assert list_images(source).paths == (str(tmp_path / "pictures" / "a.jpg"),)
        check_source(source)
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        check_source(kind("~/nowhere"))


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("nowhere", SourceNotFoundError, "There is no folder or file 'nowhere'"),
        ("*.jpg", SourceError, "No image matches"),
        (5, ParameterTypeError, "Got int instead"),
        (b"a.jpg", ParameterTypeError, "Got bytes instead"),
        ({"path": ["a.jpg"]}, ParameterTypeError, "Got dict instead"),
        ([5], ParameterTypeError, "A path must be a str"),
        ([""], SourceError, "must name a file"),
        (["a.jpg", "b.jpg", "a.jpg"], SourceError, "more than once"),
        (["a.jpg", "./a.jpg"], SourceError, "more than once"),
        (pd.DataFrame({"url": ["a.jpg"]}), SourceError, "no path column: it has 'url'"),
        (pd.DataFrame({"path": ["a.jpg", None]}), SourceError, "1 rows of the table have no path"),
        (pd.DataFrame({"path": ["a.jpg", "a.jpg"]}), SourceError, "more than once"),
    ],
)
def test_a_wrong_source_is_told_in_one_clear_error(source, error, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says.replace("*", r"\*")):
        list_images(source)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    with pytest.raises(SourceError, match=r"holds 2 \.txt"):
        check_source(touch(tmp_path, "a.txt", "b.txt"))
    with pytest.raises(SourceError, match="holds 1 hidden"):
        check_source(touch(tmp_path / "kept", ".keep"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no file at all"):
        check_source(tmp_path / "empty")


def test_an_archive_is_not_unpacked_behind_the_users_back(tmp_path):
    with pytest.raises(SourceError, match="is an archive; unpack it"):
        list_images(touch(tmp_path, "a.zip") / "a.zip")


def test_a_missing_or_changed_file_is_an_image_error(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_bytes(str(tmp_path / "a.jpg"))
    assert read_stamp(str(tmp_path / "a.jpg")) is None


@given(st.lists(st.integers(0, 9), unique=True, max_size=10))
def test_taking_positions_takes_ids_paths_and_columns_together(positions):
    names = [f"{i}.jpg" for i in range(10)]
    listing = list_images(pd.DataFrame({"path": names, "number": range(10)})).take(positions)
    assert listing.image_ids == tuple(names[i] for i in positions)
    assert listing.columns["number"].tolist() == positions
    assert [os.path.basename(path) for path in listing.paths] == list(listing.image_ids)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are unicode there")
def test_two_names_never_get_one_id(tmp_path):
    for name in (b"\xff.jpg", rb"\xff.jpg", b"\xfe.jpg"):
        os.close(os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT))
    ids = list_images(tmp_path).image_ids
    assert sorted(ids) == [r"\xfe.jpg", r"\xff.jpg", r"\xff.jpg~2"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_itself_is_passed_over_and_a_linked_folder_goes_by_its_own_name(tmp_path):
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    listing = list_images(tmp_path)
    assert listing.image_ids == ("real/a.jpg",)
    assert listing.passed_over == {"not a regular file": 1}


def test_a_glob_that_matches_a_file_twice_lists_it_once(tmp_path):
    touch(tmp_path, "a/b/c.jpg")
    assert list_images(str(tmp_path / "**" / "**" / "*.jpg")).image_ids == ("a/b/c.jpg",)


def test_paths_of_a_table_are_relative_to_it_even_beside_absolute_ones(tmp_path):
    touch(tmp_path, "x/a.jpg", "x/b.jpg")
    pd.DataFrame({"path": ["x/a.jpg", str(tmp_path / "x" / "b.jpg")]}).to_csv(tmp_path / "t.csv", index=False)
    assert list_images(tmp_path / "t.csv").paths == (str(tmp_path / "x" / "a.jpg"), str(tmp_path / "x" / "b.jpg"))


def test_a_column_name_given_twice_is_an_error():
    with pytest.raises(SourceError, match="two columns of the name 'path'"):
        list_images(pd.DataFrame([["a.jpg", "b.jpg"]], columns=["path", "path"]))
