"""The whole job, a cold process from a folder to duplicates, outliers and clusters, beside fastdup's.

    python -m benchmarks.throughput PHOTOS --against PYTHON_WITH_FASTDUP [--n 2000] [--repeats 2]

The photographs are repeated under other names until there are --n of them. Ours decodes a file's content only once, so
three folders are measured: "same bytes", where the repeated files are copies; "other bytes", where each carries a
comment of its own, so that every file has to be decoded and encoded; and "crops", where each is another random crop,
saved anew, so that all vectors differ, too. Each side runs in a process of its own, in turn; times are of the whole
process, processor time includes its threads and children, memory is the peak of the process.

fastdup 2.54 is for measuring only; its licence is not ours:

    python3.11 -m venv FOLDER && FOLDER/bin/pip install fastdup==2.54
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks._report import print_machine, print_table

KINDS = ["same bytes", "other bytes", "crops"]
OURS = """
import sys
import fastdup_nb as fd
ds = fd.Dataset(sys.argv[1], cache=sys.argv[2])
dups, outliers, clusters = ds.duplicates(), ds.outliers(), ds.clusters()
print(len(dups.pairs), outliers.n_outliers, len(clusters.clusters))
"""
START = """
import sys, time
import numpy, pandas
def now():
    return time.perf_counter(), time.process_time()
times = [now()]
import fastdup_nb as fd
fd.Dataset
times.append(now())
fd.Dataset(sys.argv[1], cache=None)
times.append(now())
print(*(after - before for a, b in zip(times, times[1:]) for before, after in zip(a, b)))
"""
THEIRS = """
import os, sys
os.environ.update(SENTRY_OPT_OUT="1", FASTDUP_PRODUCTION="1")
import fastdup
fd = fastdup.create(work_dir=sys.argv[2], input_dir=sys.argv[1])
fd.run(overwrite=True, nearest_neighbors_k=10, print_summary=False)
fd.similarity(), fd.outliers(), fd.connected_components()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--against", help="a Python that has fastdup 2.54")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--only", choices=KINDS, help="measure one of the three folders")
    args = parser.parse_args()
    print_machine(["numpy", "pillow", "onnxruntime", "pandas", "scikit-learn"], photos=args.n, repeats=args.repeats)
    print_start(args.photos, args.starts)
    rows = []
    for kind in [args.only] if args.only else KINDS:
        with tempfile.TemporaryDirectory() as folder:
            images = Path(folder) / "images"
            size = repeat_photos(args.photos, images, args.n, kind=kind)
            print(f"{kind}: {args.n} files, {size / 1e6:.0f} MB")
            rows += compare(images, args, kind)
    print_table(rows)


def print_start(photos: Path, n_starts: int) -> None:
    """Print what the import and making a Dataset add to a process with numpy and pandas, in seconds."""
    command = [sys.executable, "-c", START, str(photos)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    times = []
    for _ in range(n_starts + 1):
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        times.append([float(told) for told in done.stdout.split()])
    for what, at in (("import fastdup_nb", 0), ("fd.Dataset(...)", 2)):
        wall, processor = ([each[i] for each in times[1:]] for i in (at, at + 1))  # the first only warms the system up
        median, middle = statistics.median(wall), statistics.median(processor)
        print(f"start     {what} adds {median:.3f} s, {middle:.3f} s of processor time (at most {max(wall):.3f} s)")


def repeat_photos(photos: Path, folder: Path, n: int, *, kind: str) -> int:
    """Fill *folder* with *n* files; return their bytes."""
    folder.mkdir()
    sources = sorted(path for path in photos.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if not sources:
        sys.exit(f"There are no JPEG files in {photos}.")
    total = 0
    for i in range(n):
        data = sources[i % len(sources)].read_bytes()
        if kind == "other bytes":
            comment = f"copy {i:08d}".encode()
            data = data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]
        elif kind == "crops":
            data = crop_at_random(data, random.Random(i))  # noqa: S311
        (folder / f"{i:08d}.jpg").write_bytes(data)
        total += len(data)
    return total


def crop_at_random(data: bytes, rng: random.Random) -> bytes:
    """Return another picture: at least 60 % of either side of the photograph, saved again."""
    photograph = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = (round(side * rng.uniform(0.6, 0.95)) for side in photograph.size)
    left, top = rng.randint(0, photograph.width - width), rng.randint(0, photograph.height - height)
    file = io.BytesIO()
    photograph.crop((left, top, left + width, top + height)).save(file, "JPEG", quality=90)
    return file.getvalue()


def compare(images: Path, args: argparse.Namespace, kind: str) -> list[dict[str, object]]:
    """Return a row per side and one of ratios: the median of all runs."""
    sides = {"fastdup_nb": (sys.executable, OURS)}
    if args.against:
        sides["fastdup"] = (args.against, THEIRS)
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(args.repeats):
        for side, (python, code) in sides.items():
            runs[side].append(run_cold(python, code, images))
    middle = {
        side: {key: statistics.median(run[key] for run in several) for key in several[0]}
        for side, several in runs.items()
    }
    rows = [
        row(kind, side, args.n / m["wall_s"], 1000 * m["processor_s"] / args.n, m["peak_mb"])
        for side, m in middle.items()
    ]
    if args.against:
        a, b = middle["fastdup_nb"], middle["fastdup"]
        ratios = (b["wall_s"] / a["wall_s"], a["processor_s"] / b["processor_s"], a["peak_mb"] / b["peak_mb"])
        words = dict(zip(rows[0], [kind, "ratio", *(f"{ratio:.2f} x" for ratio in ratios)], strict=True))
        rows.append(words)
    return rows


def row(kind: str, side: str, pace: float, processor_ms: float, peak: float) -> dict[str, object]:
    return {"folder": kind, "side": side, "images/s": f"{pace:.1f}", "processor ms/image": f"{processor_ms:.1f}",
            "peak MB": f"{peak:.0f}"}  # fmt: skip


def run_cold(python: str, code: str, images: Path) -> dict[str, float]:
    """Run one side in a new process, with nothing cached; return what the whole of it took."""
    work = tempfile.mkdtemp()
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        environment = (
            {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)} if python == sys.executable else None
        )
        child = subprocess.Popen([python, "-c", code, str(images), work], stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        shutil.rmtree(work, ignore_errors=True)
        if status:
            output.seek(0)
            sys.exit(f"{python} failed:\n{output.read()[-3000:].decode(errors='replace')}")
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return {"wall_s": wall, "processor_s": usage.ru_utime + usage.ru_stime, "peak_mb": peak}


if __name__ == "__main__":
    main()
