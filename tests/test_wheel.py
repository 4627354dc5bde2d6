"""What is in the wheel: every file that the package needs beside its modules, and nothing that asks another host."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastdup_nb"
NEEDED = {".js", ".css", ".jinja", ".onnx", ".typed"}
COMMENT = re.compile(r"/\*.*?\*/|(?<!\S)//[^\n]*", re.DOTALL)
ELSEWHERE = re.compile(r"https?:(?!//www\.w3\.org/)|wss?:|\(//|@import|\bimport\b\s*[({'\"*\w]|\bfrom\s*['\"]")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    [path] = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_has_every_file_of_the_package(wheel):
    needed = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in NEEDED | {".py"}
    }
    assert {Path(name).suffix for name in needed} >= NEEDED
    names = set(wheel.namelist())
    assert sorted(set(needed) - names) == []
    assert [name for name, data in needed.items() if wheel.read(name) != data] == []


def test_the_wheel_has_the_licenses_and_nothing_but_the_package(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"fastdup_nb"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".ipynb", ".pyc", ".sqlite"))]


@pytest.mark.parametrize("path", sorted([*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]), ids=lambda path: path.name)
def test_no_module_or_style_sheet_asks_for_another(path):
    code = COMMENT.sub("", path.read_text(encoding="utf-8"))
    assert ELSEWHERE.findall(code) == []


@pytest.mark.parametrize(
    "line",
    ['import x from "./x.js";', 'await import("https://esm.sh/x")', '@import "a.css";', "url(//cdn.x.org/a.png)",
     'fetch("http://x")', 'new WebSocket("wss://x.y")'],
)  # fmt: skip
def test_what_asks_for_another_would_be_found(line):
    assert ELSEWHERE.findall(COMMENT.sub("", line))
