"""The sample collection: a folder of real photographs with known twins, outliers and bad pictures, written locally."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from .._validation import check_integer
from ..errors import ParameterTypeError, SourceError
from .edits import DAMAGES, DRAWINGS, EDITS, add_exif, encode, flatten, make_exif
from .frames import sample_frames
from .photographs import check_packages, load_other_view, load_photograph
from .plan import CAMERAS, Picture, plan_sample, render_truth

__all__ = ["check_folder", "check_path", "sample", "sample_frames", "write_whole"]

_TRUTH = "truth.csv"
_PART = ".part"  # of a file that is being written; a killed process leaves one


def sample(directory: str | os.PathLike[str], *, random_state: int = 0) -> Path:
    """Write a small collection of pictures in which everything that can be found is known.

    Use it to try the toolkit, in documentation and in tests. About 150 pictures are made from photographs that
    scikit-image, scikit-learn and matplotlib bring along; nothing is downloaded. They lie in
    ``train/<label>/`` and ``test/<label>/``. Beside them, ``truth.csv`` has one row per picture:

    - ``image_id``: path relative to *directory*, with ``/``.
    - ``origin``: the photograph it derives from. Two pictures of one origin are duplicates (broken files apart),
      two of different origins are not.
    - ``kind``: ``original``, ``identical file``, ``identical pixels``, ``near``, ``outlier``, ``dark``, ``bright``,
      ``blurry``, ``low_information``, ``odd_aspect_ratio``, ``odd_size``, ``grayscale`` or ``broken``.
    - ``edit``: what was done to it, for example ``crop`` or ``mirror``; for an original, how it is stored where that
      is unusual (``cmyk``, ``16-bit``; ``grayscale`` where the photograph never had colors).
    - ``split`` and ``label``: the two folders it lies in. A twin in another split is a leak, one under another label
      a label conflict.
    - ``tier``: of the pair it forms with the original of its origin; empty for all but twins.

    Parameters
    ----------
    directory : str or path-like
        Folder to write into; made when it does not exist. A folder that an earlier call with the same
        `random_state` has written, or begun to write, is completed: what is missing is written again, and
        files that are there are never touched.
    random_state : int, default=0
        Decides which photographs go into the test split, and seeds the drawn outliers.

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
    >>> folder = sample(tempfile.mkdtemp())
    >>> sorted(path.name for path in folder.iterdir())
    ['test', 'train', 'truth.csv']
    """
    folder = check_path(directory, "sample")
    pictures = plan_sample(check_integer(random_state, "random_state", "sample", low=0))
    truth = render_truth(pictures)
    check_folder(folder, truth, "sample")
    missing = [picture for picture in pictures if not (folder / picture.image_id).exists()]
    if missing:
        check_packages()
        write_whole(folder / _TRUTH, truth.encode())  # first of all: it is what a later call knows its folder by
        _write_pictures(folder, pictures, missing, random_state)
    return folder


def check_path(directory: str | os.PathLike[str], caller: str) -> Path:
    """Return the folder to write into, or raise."""
    try:
        return Path(os.path.expanduser(directory))
    except TypeError as error:
        message = f"The 'directory' parameter of {caller} must be a path. Got {directory!r} instead."
        raise ParameterTypeError(message) from error


def check_folder(folder: Path, truth: str, caller: str) -> None:
    """Raise unless *folder* is new, empty, or one that was written for the same truth."""
    if folder.exists() and not folder.is_dir():
        message = (
            f"The 'directory' parameter of {caller} must be a folder, and {str(folder)!r} is a file. Try another name."
        )
        raise SourceError(message)
    if not folder.exists() or all(path.suffix == _PART for path in folder.iterdir()):
        return
    known = folder / _TRUTH
    if not known.is_file() or known.read_bytes() != truth.encode():
        message = (
            f"The folder {str(folder)!r} is not empty and does not hold this sample collection; nothing was written. "
            f"Try a new folder, for example {caller}({str(folder / 'sample')!r})."
        )
        raise SourceError(message)


def _write_pictures(folder: Path, pictures: Iterable[Picture], missing: Iterable[Picture], random_state: int) -> None:
    originals = {picture.origin: picture for picture in pictures if picture.kind == "original"}
    load = functools.cache(lambda name: _load_origin(name, random_state))
    for picture in missing:
        write_whole(folder / picture.image_id, _build(picture, originals, load))


def write_whole(path: Path, data: bytes) -> None:
    """Write all of it or nothing: a file under its final name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}{_PART}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _load_origin(name: str, random_state: int) -> Image.Image:
    if name in DRAWINGS:
        return DRAWINGS[name](random_state)
    return Image.new("RGB", (420, 300), (244, 244, 240)) if name == "blank" else load_photograph(name)


def _build(picture: Picture, originals: dict[str, Picture], load: Callable[[str], Image.Image]) -> bytes:
    """Return the bytes of one picture of the plan."""
    if picture.kind == "broken":
        return DAMAGES[picture.edit](_build(originals[picture.origin], originals, load))
    if picture.tier == "identical file":
        return _build(originals[picture.origin], originals, load)
    if picture.tier == "identical pixels":
        return _rewrap(_build(originals[picture.origin], originals, load), picture)
    return _develop(picture, load(picture.origin))


def _rewrap(data: bytes, picture: Picture) -> bytes:
    """Return the same pixels as those of *data* in another container or with other metadata."""
    if picture.edit == "metadata":
        return add_exif(data, make_exif(camera="Adobe Photoshop", time="2024:12:24 18:00:00"))
    return encode(Image.open(BytesIO(data)), _suffix(picture))


def _develop(picture: Picture, image: Image.Image) -> bytes:
    if picture.edit == "viewpoint":
        return encode(load_other_view(), _suffix(picture))
    if picture.edit in EDITS:
        image = EDITS[picture.edit](flatten(image))
    return encode(image, _suffix(picture), edit=picture.edit, exif=_describe_exposure(picture))


def _describe_exposure(picture: Picture) -> bytes:
    """Return the EXIF block of an original, of a picture of a burst (one second after the other), or nothing."""
    if picture.edit == "exif rotation":
        return make_exif(camera="Google Pixel 7", time="2024:03:03 08:30:00", orientation=6)
    is_burst = picture.edit.startswith("burst")
    if picture.origin not in CAMERAS or not (picture.kind == "original" or is_burst):
        return b""
    camera, time = CAMERAS[picture.origin]
    return make_exif(camera=camera, time=f"{time[:-1]}{int(picture.edit[-1])}" if is_burst else time)


def _suffix(picture: Picture) -> str:
    return PurePosixPath(picture.image_id).suffix
