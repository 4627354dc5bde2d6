"""Draw the README's picture: results of the first notebook in a real JupyterLab.

python -m tools.screenshots          # needs the extra `dev` and a Chromium; writes docs/first_look.png
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from tests.lab import Notebook, open_browser, serve_lab

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "first_look.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as name, open_browser(width=1200, height=6500) as context:
        folder = Path(name)
        os.environ["FASTDUP_NB_CACHE"] = str(folder / "cache")
        shutil.copy(ROOT / "notebooks" / "01_first_look.ipynb", folder / "first.ipynb")
        with serve_lab(folder) as address:
            notebook = Notebook(context, address, "first.ipynb").run_all()
            pieces = []
            for title, height in (("Duplicates", 620), ("Outliers", 330), ("Clusters", 400)):
                view = notebook.page.locator(".jp-OutputArea .fdnb").filter(has_text=re.compile(f"^\\s*{title}")).first
                view.screenshot(path=folder / "view.png")
                picture = Image.open(folder / "view.png").convert("RGB")
                pieces.append(picture.crop((0, 0, picture.width, min(height, picture.height))))
            notebook.close()
    page = Image.new("RGB", (max(p.width for p in pieces) + 32, sum(p.height + 16 for p in pieces) + 16), "white")
    top = 16
    for piece in pieces:
        page.paste(piece, (16, top))
        top += piece.height + 16
    page.quantize(192).save(TARGET, optimize=True)
    print(f"{TARGET.relative_to(ROOT)}: {page.width} x {page.height}, {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
