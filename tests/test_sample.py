"""The sample collection is what its table of truth says."""

from __future__ import annotations

import csv
import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fastdup_nb import _sample
from fastdup_nb._sample import sample
from fastdup_nb._sample.photographs import PHOTOGRAPHS
from fastdup_nb.errors import MissingExtraError, ParameterError, ParameterTypeError, SourceError

KINDS = {
    "original": 41,
    "identical file": 12,
    "identical pixels": 12,
    "near": 47,
    "outlier": 8,
    "broken": 6,
    "odd_size": 4,
    "dark": 3,
    "bright": 3,
    "blurry": 3,
    "low_information": 3,
    "odd_aspect_ratio": 2,
    "grayscale": 2,
}
TIERS = {"identical file", "identical pixels", "near"}
Row = dict[str, str]


def read_truth(folder: Path) -> list[Row]:
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def open_upright(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def truth(folder: Path) -> list[Row]:
    return read_truth(folder)


@pytest.fixture(scope="module")
def originals(truth: list[Row]) -> dict[str, Row]:
    return {row["origin"]: row for row in truth if row["kind"] == "original"}


def rows_of(truth: list[Row], kind: str) -> list[Row]:
    return [row for row in truth if row["kind"] == kind]


def test_the_truth_lists_every_picture_once_and_nothing_else(folder: Path, truth: list[Row]) -> None:
    listed = [row["image_id"] for row in truth]
    assert sorted([*listed, "truth.csv"]) == sorted(read_bytes(folder))


def test_no_two_names_differ_only_in_case(truth: list[Row]) -> None:
    assert len({row["image_id"].casefold() for row in truth}) == len(truth)


def test_every_kind_is_there_as_often_as_promised(truth: list[Row]) -> None:
    assert Counter(row["kind"] for row in truth) == KINDS


def test_split_and_label_are_the_folders_of_the_picture(truth: list[Row]) -> None:
    assert {row["image_id"].rsplit("/", 1)[0] == f"{row['split']}/{row['label']}" for row in truth} == {True}


def test_every_label_is_in_both_splits_and_test_is_the_smaller_one(truth: list[Row]) -> None:
    by_split = Counter(row["split"] for row in truth)
    labels = {split: {row["label"] for row in truth if row["split"] == split} for split in by_split}
    assert labels["train"] == labels["test"]
    assert by_split["test"] < by_split["train"]


def test_twins_and_only_twins_have_a_tier_and_an_original(truth: list[Row], originals: dict[str, Row]) -> None:
    assert all(row["tier"] == (row["kind"] if row["kind"] in TIERS else "") for row in truth)
    assert all(row["origin"] in originals for row in truth if row["tier"])


def test_only_twins_and_broken_files_share_their_origin_with_another(truth: list[Row]) -> None:
    alone = [row["origin"] for row in truth if not row["tier"] and row["kind"] != "broken"]
    assert len(set(alone)) == len(alone)


def test_identical_files_have_the_bytes_of_their_original(
    folder: Path, truth: list[Row], originals: dict[str, Row]
) -> None:
    for row in rows_of(truth, "identical file"):
        original = originals[row["origin"]]
        assert (folder / row["image_id"]).read_bytes() == (folder / original["image_id"]).read_bytes()


def test_identical_pixels_decode_the_same_from_other_bytes(
    folder: Path, truth: list[Row], originals: dict[str, Row]
) -> None:
    for row in rows_of(truth, "identical pixels"):
        one, other = folder / row["image_id"], folder / originals[row["origin"]]["image_id"]
        assert np.array_equal(open_upright(one), open_upright(other)), row
        assert one.read_bytes() != other.read_bytes(), row


def test_near_twins_have_other_pixels_than_every_picture_of_their_origin(folder: Path, truth: list[Row]) -> None:
    for row in rows_of(truth, "near"):
        pixels = open_upright(folder / row["image_id"])
        others = [other for other in truth if other["origin"] == row["origin"] and other is not row]
        others = [other for other in others if other["kind"] != "broken"]
        assert not any(np.array_equal(pixels, open_upright(folder / other["image_id"])) for other in others), row


def test_no_two_files_of_different_origins_are_the_same(folder: Path, truth: list[Row]) -> None:
    origins = {}
    for row in truth:
        data = (folder / row["image_id"]).read_bytes()
        assert origins.setdefault(data, row["origin"]) == row["origin"]


def test_twins_leak_between_splits_and_contradict_labels(truth: list[Row], originals: dict[str, Row]) -> None:
    twins = [row for row in truth if row["tier"]]
    leaks = [row for row in twins if row["split"] != originals[row["origin"]]["split"]]
    conflicts = [row for row in twins if row["label"] != originals[row["origin"]]["label"]]
    assert {row["tier"] for row in leaks} == TIERS
    assert Counter(row["tier"] for row in conflicts) == {"identical file": 4, "identical pixels": 2}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_files_cannot_be_read(folder: Path, truth: list[Row]) -> None:
    for row in rows_of(truth, "broken"):
        with pytest.raises((OSError, SyntaxError)):
            open_upright(folder / row["image_id"])


def test_all_others_can_be_read(folder: Path, truth: list[Row]) -> None:
    readable = [row["image_id"] for row in truth if row["kind"] != "broken"]
    assert {open_upright(folder / image_id).shape[2] for image_id in readable} == {3}


def test_cuts_of_one_photograph_are_disjoint() -> None:
    for one, other in itertools.combinations(PHOTOGRAPHS.values(), 2):
        if one.source != other.source:
            continue
        assert one.box, one
        assert other.box, other
        width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
        height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
        assert min(width, height) <= 0, (one, other)


def test_poor_pictures_are_as_poor_as_they_are_called(folder: Path, truth: list[Row]) -> None:
    pixels = {row["image_id"]: open_upright(folder / row["image_id"]) for row in truth if row["kind"] != "broken"}

    def of(kind: str) -> list[np.ndarray]:
        return [pixels[row["image_id"]] for row in rows_of(truth, kind)]

    assert max(image.mean() for image in of("dark")) < 30
    assert min(image.mean() for image in of("bright")) > 215
    assert all(np.ptp(image, axis=2).max() == 0 for image in of("grayscale"))
    assert all(max(image.shape[:2]) > 8 * min(image.shape[:2]) for image in of("odd_aspect_ratio"))
    assert max(max(image.shape[:2]) for image in of("odd_size")) <= 25
    assert min(max(image.shape[:2]) for image in of("original")) >= 220


def test_a_burst_was_taken_by_one_camera_a_second_apart(folder: Path, truth: list[Row]) -> None:
    shots = sorted((row for row in truth if row["edit"].startswith("burst")), key=lambda row: row["edit"])
    exifs = [Image.open(folder / row["image_id"]).getexif() for row in shots]
    assert [exif.get_ifd(0x8769)[0x9003][-2:] for exif in exifs] == ["10", "11", "12", "13", "14", "15"]
    assert {exif[0x0110] for exif in exifs} == {"EOS 5D"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("cmyk", ("JPEG", "CMYK")),
        ("16-bit", ("PNG", "I;16")),
        ("palette", ("GIF", "P")),
        ("transparent", ("PNG", "RGBA")),
        ("wrong suffix", ("JPEG", "RGB")),
    ],
)
def test_unusual_ways_of_storing_are_there(
    folder: Path, truth: list[Row], edit: str, expected: tuple[str, str]
) -> None:
    row = next(row for row in truth if row["edit"] == edit)
    with Image.open(folder / row["image_id"]) as image:
        assert (image.format, image.mode) == expected


def test_a_phone_picture_lies_on_its_side_and_exif_turns_it_upright(folder: Path, truth: list[Row]) -> None:
    row = next(row for row in truth if row["edit"] == "exif rotation")
    with Image.open(folder / row["image_id"]) as image:
        assert image.height > image.width
        upright = ImageOps.exif_transpose(image)
    original = next(other for other in truth if other["origin"] == row["origin"])
    difference = np.asarray(upright, dtype=float) - open_upright(folder / original["image_id"])
    assert np.abs(difference).mean() < 4


def test_the_collection_is_small(folder: Path) -> None:
    assert sum(map(len, read_bytes(folder).values())) < 12e6


def test_a_second_call_on_the_same_folder_writes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert sample(folder) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_is_missing_is_written_again_with_the_same_bytes(folder: Path) -> None:
    before = read_bytes(folder)
    for name in list(before)[::7]:
        if name != "truth.csv":
            (folder / name).unlink()
    sample(folder)
    assert read_bytes(folder) == before


def test_an_interrupted_call_is_completed_by_the_next(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, calls = _sample._build, itertools.count()

    def stop_at_twenty(*arguments: object) -> bytes:
        if next(calls) == 20:
            raise KeyboardInterrupt
        return build(*arguments)

    monkeypatch.setattr(_sample, "_build", stop_at_twenty)
    with pytest.raises(KeyboardInterrupt):
        sample(tmp_path)
    monkeypatch.undo()
    assert 1 < len(read_bytes(tmp_path)) < 30
    sample(tmp_path)
    assert read_bytes(tmp_path) == read_bytes(folder)


def test_a_part_left_by_a_killed_first_call_does_not_stop_the_next(tmp_path: Path) -> None:
    (tmp_path / ".0123.part").write_bytes(b"image_id,ori")
    assert (sample(tmp_path) / "truth.csv").is_file()


def test_another_process_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    code = "import sys; from fastdup_nb._sample import sample; sample(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert read_bytes(tmp_path) == read_bytes(folder)


def test_writing_needs_no_network_and_importing_loads_no_package_with_pictures(tmp_path: Path) -> None:
    code = (
        "import socket, sys; socket.socket.connect = None; from fastdup_nb._sample import sample; "
        "assert not {'skimage', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "sample(sys.argv[1]); assert not {'matplotlib.pyplot', 'pooch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_another_seed_splits_the_same_photographs_differently(truth: list[Row], tmp_path: Path) -> None:
    other = read_truth(sample(tmp_path, random_state=1))
    assert Counter(row["kind"] for row in other) == KINDS
    assert {row["image_id"] for row in other} != {row["image_id"] for row in truth}
    assert len({row["image_id"] for row in other}) == len(other)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(SourceError, match="is not empty and does not hold this sample collection"):
        sample(tmp_path)
    assert read_bytes(tmp_path) == {"mine.txt": b"keep"}


def test_a_truth_table_of_another_origin_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("image_id\nmine.jpg\n")
    with pytest.raises(SourceError, match="nothing was written"):
        sample(tmp_path)
    assert list(read_bytes(tmp_path)) == ["truth.csv"]


def test_a_folder_written_with_another_seed_is_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="Try a new folder"):
        sample(folder, random_state=1)


def test_what_a_user_adds_to_the_folder_stays(tmp_path: Path) -> None:
    sample(tmp_path)
    note = tmp_path / "train" / "animal" / "note.txt"
    note.write_text("keep")
    (tmp_path / "train" / "food" / "coffee.jpg").write_bytes(b"edited")
    sample(tmp_path)
    assert note.read_text() == "keep"
    assert (tmp_path / "train" / "food" / "coffee.jpg").read_bytes() == b"edited"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").write_bytes(b"")
    with pytest.raises(SourceError, match="is a file"):
        sample(tmp_path / "photos")


@pytest.mark.parametrize("package", ["skimage", "matplotlib"])
def test_a_missing_package_is_named_with_its_extra_and_nothing_is_written(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastdup-nb\[sample\]"'):
        sample(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_package_without_its_pictures_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "nowhere")
    with pytest.raises(MissingExtraError, match="came without its file"):
        sample(tmp_path / "new")


def test_wrong_parameters_are_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterTypeError, match="'directory' parameter of sample"):
        sample(7)
    with pytest.raises(ParameterError, match="'random_state' parameter of sample"):
        sample(tmp_path / "new", random_state=-1)
    assert not (tmp_path / "new").exists()
