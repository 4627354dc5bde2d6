"""The sample sequences: frames of two cameras, written locally, in which every cut and every event is known."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from .edits import encode, flatten, make_exif

__all__ = ["Frame", "film", "join_shots", "plan_frames"]

_SIZE = (256, 192)
_START = {"camera_1": datetime(2024, 5, 1, 10, 0, 0), "camera_2": datetime(2024, 5, 1, 14, 0, 0)}
_NAMES = {"camera_1": "Canon EOS 5D", "camera_2": "Google Pixel 7"}
_NOISE = 2.0  # gray levels of a sensor

Pixels = np.ndarray
Place = tuple[float, float, float]  # of a view on a photograph: middle from left and top, and width, all 0 to 1


@dataclass(frozen=True)
class Frame:
    """One row of the truth; the fields are its columns."""

    image_id: str
    sequence: str
    position: int
    time: str
    scene: str
    is_cut: int
    transition: str
    event: str


@dataclass(frozen=True)
class Shot:
    """Frames of one scene: a view that moves over a photograph, and how it is joined to the shot before.

    *change* is the number of frames of a dissolve or of a fade's going and coming, of 0 for a cut.
    """

    scene: str
    n_frames: int
    begin: Place
    end: Place
    join: str = "cut"
    change: int = 0
    shake: float = 0.0
    light: float = 1.0  # of the last frame; the first has 1
    flash: int | None = None  # place of a frame that is much too bright


SCRIPTS: dict[str, tuple[Shot, ...]] = {
    "camera_1": (
        Shot("lake", 26, (0.35, 0.5, 0.62), (0.65, 0.5, 0.62)),
        Shot("coffee", 16, (0.5, 0.5, 0.95), (0.5, 0.5, 0.65)),
        Shot("astronaut", 14, (0.5, 0.4, 0.9), (0.5, 0.4, 0.9), flash=6),
        Shot("launch pad", 24, (0.4, 0.5, 0.75), (0.6, 0.5, 0.75), join="dissolve", change=8),
        Shot("lake", 14, (0.65, 0.5, 0.62), (0.5, 0.5, 0.62)),
    ),
    "camera_2": (
        Shot("engine", 24, (0.5, 0.5, 0.95), (0.5, 0.5, 0.95)),
        Shot("cat", 26, (0.5, 0.5, 0.7), (0.5, 0.5, 0.7), join="fade", change=7, shake=0.01),
        Shot("coins", 16, (0.45, 0.5, 0.7), (0.5, 0.5, 0.75), light=0.6),
        Shot("engine", 16, (0.5, 0.5, 0.95), (0.5, 0.5, 0.95)),
    ),
}


def sample_frames(directory: str | os.PathLike[str], *, random_state: int = 0) -> Path:
    """Write the frames of two cameras, in which every cut, every event and every return is known.

    Use it to try ``Dataset.sequence``, in documentation and in tests. About 180 small JPEG files are made from
    photographs that scikit-image, scikit-learn and matplotlib bring along; nothing is downloaded. They lie in
    ``camera_1/`` and ``camera_2/`` as ``frame_1.jpg``, ``frame_2.jpg``, ..., one a second by their EXIF time. There
    are pans, a zoom, a shaking hand, light that goes down, hard cuts, a dissolve, a fade, a flash, still stretches and
    returns to an earlier scene. Beside them, ``truth.csv`` has one row per frame:

    - ``image_id``: path relative to *directory*, with ``/``.
    - ``sequence``, ``position``: the camera, and the number of the frame from 0 on.
    - ``time``: of the exposure, as in EXIF.
    - ``scene``: what is seen; a scene that is seen again has the same name.
    - ``is_cut``: 1 for the first frame of a shot, or the middle of a gradual change; 0 for the very first one.
    - ``transition``: ``dissolve`` or ``fade`` for the frames of a gradual change.
    - ``event``: ``flash`` for a single frame that is much too bright.

    Parameters
    ----------
    directory : str or path-like
        Folder to write into; made when it does not exist. A folder that an earlier call with the same
        `random_state` has written, or begun to write, is completed.
    random_state : int, default=0
        Seeds the noise of the sensors and the shaking hand.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    SourceError
        When the folder holds something else, or is a file. Nothing is written.
    MissingExtraError
        When scikit-image or matplotlib is not installed. Nothing is written. Try ``pip install "fastdup-nb[sample]"``.

    Examples
    --------
    >>> import tempfile
    >>> folder = sample_frames(tempfile.mkdtemp())
    >>> sorted(path.name for path in folder.iterdir())
    ['camera_1', 'camera_2', 'truth.csv']
    """
    from .._validation import check_integer
    from . import check_folder, check_path, write_whole
    from .photographs import check_packages

    folder = check_path(directory, "sample_frames")
    seed = check_integer(random_state, "random_state", "sample_frames", low=0)
    rows = [row for camera in SCRIPTS for row in plan_frames(camera)]
    truth = _render_truth(rows)
    check_folder(folder, truth, "sample_frames")
    check_packages()
    write_whole(folder / "truth.csv", truth.encode())
    for number, camera in enumerate(SCRIPTS):
        _write_camera(folder, camera, seed + number, write_whole)
    return folder


def plan_frames(camera: str) -> list[Frame]:
    """Return the truth about the frames of one camera."""
    told = [Frame("", camera, 0, "", shot.scene, 0, "", "flash" if place == shot.flash else "")
            for shot in SCRIPTS[camera] for place in range(shot.n_frames)]  # fmt: skip
    starts = np.cumsum([shot.n_frames for shot in SCRIPTS[camera]])[:-1]
    for start, shot in zip(starts.tolist(), SCRIPTS[camera][1:], strict=True):
        first, stop = start - _half(shot), start - _half(shot) + _length(shot)
        told[first:stop] = [replace(frame, transition=shot.join) for frame in told[first:stop]]
        told[start] = replace(told[start], is_cut=1)
    return [
        replace(frame, image_id=f"{camera}/frame_{i + 1}.jpg", position=i,
                time=(_START[camera] + timedelta(seconds=i)).isoformat(sep=" "))
        for i, frame in enumerate(told)
    ]  # fmt: skip


def _length(shot: Shot) -> int:
    return {"cut": 0, "dissolve": shot.change, "fade": 2 * shot.change + 2}[shot.join]


def _half(shot: Shot) -> int:
    return _length(shot) // 2


def film(photograph: Image.Image, shot: Shot, *, n_before: int = 0, n_after: int = 0, random_state: int = 0) -> Pixels:
    """Return the frames of a shot, uint8 (n, height, width, 3), with some before and after it for gradual joins."""
    rng = np.random.default_rng(random_state)
    picture = flatten(photograph).convert("RGB")
    frames = []
    for place in range(-n_before, shot.n_frames + n_after):
        done = min(max(place / max(shot.n_frames - 1, 1), 0.0), 1.0)
        x, y, width = (a + (b - a) * done for a, b in zip(shot.begin, shot.end, strict=True))
        dx, dy = rng.normal(0, shot.shake, 2) if shot.shake else (0.0, 0.0)
        view = np.asarray(_cut_view(picture, x + dx, y + dy, width), dtype=np.float64)
        pixels = view * (1 + (shot.light - 1) * done) + rng.normal(0, _NOISE, view.shape)
        frames.append(np.clip(pixels * 1.6 + 60 if place == shot.flash else pixels, 0, 255))
    return np.stack(frames).round().astype(np.uint8)


def _cut_view(picture: Image.Image, x: float, y: float, width: float) -> Image.Image:
    """Return a view of 4 to 3 with its middle at (x, y), moved inside the picture where it would leave it."""
    wide = min(picture.width, picture.height * 4 / 3) * width
    high = wide * 3 / 4
    left = min(max(x * picture.width - wide / 2, 0), picture.width - wide)
    top = min(max(y * picture.height - high / 2, 0), picture.height - high)
    return picture.resize(_SIZE, Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high))


def join_shots(shots: list[tuple[Shot, Image.Image]], *, random_state: int = 0) -> Pixels:
    """Return the frames of shots one after the other, joined by cuts, dissolves and fades."""
    parts: list[Pixels] = []
    for number, (shot, photograph) in enumerate(shots):
        nothing, following = Shot("", 0, shot.begin, shot.end), shots[number + 1 : number + 2]
        after = following[0][0] if following else nothing
        length, next_length = _length(shot), _length(after)
        new = film(photograph, shot, n_before=length // 2, n_after=next_length - next_length // 2,
                   random_state=random_state * 100 + number)  # fmt: skip
        if length:
            old = parts.pop()
            parts += [old[:-length], _mix(old[-length:], new[:length], shot.join), new[length:]]
        else:
            parts.append(new)
    return np.concatenate(parts)


def _mix(old: Pixels, new: Pixels, join: str) -> Pixels:
    """Return the frames of a gradual change from *old* to *new*, which are equally many."""
    n = len(old)
    done = (np.arange(n) + 1) / (n + 1)
    if join == "dissolve":
        weights = 1 - done, done
    else:
        half = (n - 2) // 2 + 1
        down = np.clip(1 - (np.arange(n) + 1) / half, 0, 1)
        weights = down, down[::-1]
    mixed = sum(w[:, None, None, None] * x.astype(np.float32) for w, x in zip(weights, (old, new), strict=True))
    return np.asarray(mixed).round().astype(np.uint8)


def _write_camera(folder: Path, camera: str, seed: int, write: Callable[[Path, bytes], None]) -> None:
    rows = plan_frames(camera)
    if all((folder / row.image_id).exists() for row in rows):
        return
    from .photographs import load_photograph

    pixels = join_shots([(shot, load_photograph(shot.scene)) for shot in SCRIPTS[camera]], random_state=seed)
    for row, frame in zip(rows, pixels, strict=True):
        if not (folder / row.image_id).exists():
            exif = make_exif(camera=_NAMES[camera], time=row.time.replace("-", ":"))
            write(folder / row.image_id, encode(Image.fromarray(frame), ".jpg", exif=exif))


def _render_truth(rows: list[Frame]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([field.name for field in fields(Frame)])
    writer.writerows(map(astuple, rows))
    return buffer.getvalue()
