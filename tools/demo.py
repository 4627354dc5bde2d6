"""Run the first notebook on the sample pictures, or on the folder in $PHOTOS; write it and its report under build/.

python tools/demo.py                 # what `make demo` does
python tools/demo.py --in-place      # run all notebooks where they are, to renew the outputs they show on GitHub
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import fastdup_nb as fd

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def execute(source: Path, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook, run in *folder*, without widget state."""
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(
        notebook, timeout=None, startup_timeout=600, iopub_timeout=600, kernel_name="python3",
        store_widget_state=False, record_timing=False,
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    client.execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def demo() -> int:
    BUILD.mkdir(exist_ok=True)
    photos = os.environ.get("PHOTOS", "").strip()
    if photos:
        os.environ["PHOTOS"] = str(Path(photos).expanduser().absolute())
    target = BUILD / "01_first_look.ipynb"
    try:
        n_images = len(fd.Dataset(os.environ["PHOTOS"] if photos else fd.sample(BUILD / "sample")))
        print(f"Running the notebook on {n_images:,} pictures ...", flush=True)
        notebook = execute(ROOT / "notebooks" / "01_first_look.ipynb", BUILD)
    except CellExecutionError as error:
        print(f"The demo stopped: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    except fd.FastdupError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    nbformat.write(notebook, target)
    lab = Path(sys.executable).with_name("jupyter-lab")
    shown = [Path(os.path.relpath(path)) for path in (target, BUILD / "report.html", lab)]
    print(f"Notebook with its outputs: {shown[0]}   report to open in a browser: {shown[1]}")
    print(f"To open the notebook live:  {shown[2]} {shown[0]}")
    return 0


def renew() -> int:
    os.environ["FASTDUP_NB_CACHE"] = "cache"  # beside the sample, in a folder that goes
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(execute(path, Path(folder)), path)
        print(f"{path.name}: {path.stat().st_size / 1000:,.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(renew() if "--in-place" in sys.argv[1:] else demo())
