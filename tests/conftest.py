"""What many tests share: the sample collection with its truth, and a dataset of it."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from ipywidgets import Widget

import fastdup_nb as fd

# Neither how long a machine takes nor chance is anything that a test can fail by; HYPOTHESIS_PROFILE=chance looks anew.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", untimed, derandomize=True, database=None)
settings.register_profile("chance", untimed, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FASTDUP_NB_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _no_widget_of_an_earlier_test():
    yield
    Widget.close_all()


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory) -> Path:
    return fd.sample(tmp_path_factory.mktemp("sample") / "pictures")


@pytest.fixture(scope="session")
def truth(sample_folder) -> dict[str, dict[str, str]]:
    with open(sample_folder / "truth.csv", newline="", encoding="utf-8") as file:
        return {row["image_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def dataset(sample_folder, tmp_path_factory) -> fd.Dataset:
    """The sample collection, read once for all tests."""
    return fd.Dataset(sample_folder, labels="folder", split="folder", cache=tmp_path_factory.mktemp("store"))


@pytest.fixture
def few(sample_folder, tmp_path) -> Path:
    """A folder of six small photographs, to change."""
    names = ["train/animal/cat.jpg", "test/people/astronaut.jpg", "train/vehicle/engine.jpg",
             "test/texture/grass.jpg", "train/space/shuttle.jpg", "test/food/espresso.jpg"]  # fmt: skip
    folder = tmp_path / "few"
    folder.mkdir()
    for name in names:
        (folder / Path(name).name).write_bytes((sample_folder / name).read_bytes())
    return folder


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The paths of all files read as images since the test began."""
    from fastdup_nb import _pixels, _scan, _stages, sources

    seen: list[str] = []
    original = sources.read_bytes

    def counting(path: str) -> bytes:
        seen.append(path)
        return original(path)

    for module in (_scan, _stages, _pixels):
        monkeypatch.setattr(module, "read_bytes", counting)
    return seen
