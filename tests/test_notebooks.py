"""The notebooks run from their first to their last cell, and what they show is light enough to be kept."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_stays_light(path, tmp_path, monkeypatch):
    sys.path.insert(0, str(ROOT))
    from tools.demo import execute

    monkeypatch.delenv("PHOTOS", raising=False)
    notebook = execute(path, tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    assert not [
        output for output in outputs if output.output_type in {"error", "stream"} and output.get("name") != "stdout"
    ]
    assert max(len(json.dumps(output)) for output in outputs) < 500_000
    assert len(json.dumps(notebook)) < 1_500_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_kept_outputs_show_pictures_without_a_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    assert "widgets" not in notebook.metadata
    html = [
        output["data"].get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert sum(page.count("data:image/jpeg;base64,") for page in map("".join, html)) >= 20
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_code_cell_installs_the_package_where_it_is_missing(path):
    first = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    assert '%pip install --quiet "fastdup-nb[sample]"' in first.source


def test_the_demo_says_what_it_is_doing_and_what_it_cannot(few, tmp_path, monkeypatch, capsys):
    sys.path.insert(0, str(ROOT))
    from tools import demo

    monkeypatch.setattr(demo, "BUILD", tmp_path / "build")
    monkeypatch.setattr(demo, "execute", lambda *_: nbformat.v4.new_notebook())
    monkeypatch.setenv("PHOTOS", str(few))
    assert demo.demo() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Running the notebook on 6 pictures ..."
    assert "01_first_look.ipynb" in lines[1]
    assert lines[2].startswith("To open the notebook live:")
    monkeypatch.setenv("PHOTOS", str(tmp_path / "nowhere"))
    assert demo.demo() == 1
    assert "The demo stopped: There is no folder or file" in capsys.readouterr().err


def test_the_code_of_the_readme_runs_on_sample_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) == 2
    names: dict[str, object] = {}
    exec("".join(code), names)  # noqa: S102
    assert len(names["dups"].pairs) > 100
    assert len(names["issues"].table) > 100
    assert len(names["sample"]) > 40
    assert len(names["found"]) > 20
    assert len(names["seq"].cuts) > 5
    assert (tmp_path / "report.html").is_file()
