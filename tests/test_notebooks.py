"""The notebooks run from their first to their last cell, and what they show is light enough to be kept."""

from __future__ import annotations

import json
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
