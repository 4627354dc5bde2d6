"""What a user can ask for with ``ds.similar``: from an id, a file, bytes, a picture or an array to a vector."""

from __future__ import annotations

import io
import math
import numbers
import os

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageOps

from ._scan import decoded_size, encode_bytes, encode_picture, quiet_pillow
from ._stages import Stages
from .embeddings import Encoder
from .errors import ImageError, ParameterError, ParameterTypeError, UnknownImageError
from .images import decode_image, reduce_image
from .sources import read_bytes

_SAVED_AS = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}
_WANTED = "an image id, a path, bytes, a PIL image, uint8 pixels (height, width[, 3]) or a vector of floats"


Query = tuple[npt.NDArray[np.float32], "str | None", str]
"""The vector of a query, its image id where it is one of the dataset, and what to call it."""


def read_queries(query: object, stages: Stages, option: str = "query") -> list[Query]:
    """Return the queries that a list, Series, Index or two-dimensional array of floats holds, or the only one."""
    listed = _list_queries(query)
    if listed is None:
        return [read_query(query, stages, option)]
    if not listed:
        raise ParameterError(
            f"The {option!r} parameter of Dataset.similar must hold at least one query where it is a list. Got none."
        )
    return [read_query(one, stages, option) for one in listed]


def read_query(query: object, stages: Stages, option: str = "query") -> Query:
    """Return the only query."""
    image_id = _find_id(query, stages)
    if image_id is not None:
        return _known_vector(image_id, stages), image_id, image_id
    if isinstance(query, np.ndarray) and query.ndim == 1 and np.issubdtype(query.dtype, np.floating):
        return _check_vector(query, stages), None, "a vector"
    data, name = _read_picture(query, stages, option)
    return _encode(data, stages, option), None, name


def read_region(query: object, box: object, stages: Stages) -> Query:
    """Return the query that a region of the only picture is, in pixels of the upright picture."""
    listed = _list_queries(query)
    if listed is not None and len(listed) == 1:
        query = listed[0]
    elif listed is not None:
        raise ParameterError(
            f"The 'box' parameter of Dataset.similar is a region of one picture. Got {len(listed):,} queries; "
            "ask for one, or crop the pictures yourself with PIL."
        )
    edges = _check_box(box)
    image_id = _find_id(query, stages)
    if isinstance(query, np.ndarray) and query.ndim == 1:
        raise ParameterError("The 'box' parameter of Dataset.similar is a region of a picture. Got a vector as query.")
    if image_id is None:
        data, name = _read_picture(query, stages, "query")
    else:
        data, name = read_bytes(stages.listing.paths[stages.position(image_id)]), image_id
    left, top, right, bottom = edges
    encoder = _check_encoder(stages, "query")
    at_least = decoded_size(encoder)
    with quiet_pillow():
        decoded = decode_image(data, at_least=at_least, region=(right - left, bottom - top))
    _check_inside(edges, (decoded.width, decoded.height), name)
    across, down = decoded.image.width / decoded.width, decoded.image.height / decoded.height
    inside = round(left * across), round(top * down), round(right * across), round(bottom * down)
    picture = decoded.image.crop(inside)
    if not decoded.is_reduced:
        picture = reduce_image(picture, at_least=at_least)
    return encode_picture(picture, encoder).vectors[0], None, f"the region {edges} of {name}"


def _list_queries(query: object) -> list[object] | None:
    """Return what is several queries as a list, None for one."""
    if isinstance(query, (list, tuple, pd.Series, pd.Index)):
        return list(query)
    is_many = isinstance(query, np.ndarray) and query.ndim == 2 and np.issubdtype(query.dtype, np.floating)
    is_ids = isinstance(query, np.ndarray) and query.ndim == 1 and query.dtype.kind in "OUT"
    return list(query) if isinstance(query, np.ndarray) and (is_many or is_ids) else None


def _encode(data: bytes, stages: Stages, option: str) -> npt.NDArray[np.float32]:
    vector: npt.NDArray[np.float32] = encode_bytes(data, _check_encoder(stages, option)).vectors[0]
    return vector


def _check_encoder(stages: Stages, option: str) -> Encoder:
    if stages.encoder is None:
        raise ParameterError(
            f"The {option!r} parameter of Dataset.similar must be an image id or a vector where the dataset was made "
            "with embeddings=: there is no encoder for other pictures."
        )
    return stages.encoder


def _check_box(box: object) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom as whole pixels."""
    wanted = "The 'box' parameter of Dataset.similar must be four numbers (left, top, right, bottom) in pixels"
    listed = box.tolist() if isinstance(box, (np.ndarray, pd.Series)) else box
    if not isinstance(listed, (list, tuple)) or any(
        isinstance(edge, bool) or not isinstance(edge, numbers.Real) for edge in listed
    ):
        raise ParameterTypeError(f"{wanted}. Got {box!r} instead.")
    if len(listed) != 4 or not all(math.isfinite(edge) for edge in listed):
        raise ParameterError(f"{wanted}. Got {box!r} instead.")
    left, top, right, bottom = (round(edge) for edge in listed)
    if left >= right or top >= bottom:
        raise ParameterError(f"{wanted} with left < right and top < bottom. Got {box!r}, which is empty.")
    return left, top, right, bottom


def _check_inside(box: tuple[int, int, int, int], size: tuple[int, int], name: str) -> None:
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        raise ParameterError(
            f"The 'box' parameter of Dataset.similar must lie inside the picture, which is {size[0]} x {size[1]} "
            f"pixels upright ({name}). Got {box}."
        )


def _find_id(query: object, stages: Stages) -> str | None:
    """Return the id of an image of the dataset that is named by its id or its path."""
    if not isinstance(query, (str, os.PathLike)):
        return None
    name = os.fspath(query)
    path = os.path.abspath(os.path.expanduser(name))
    return name if name in stages.positions else stages.ids_by_path.get(path)


def _known_vector(image_id: str, stages: Stages) -> npt.NDArray[np.float32]:
    place = stages.valid_places[stages.positions[image_id]]
    if place < 0:
        reason = stages.scan.facts[stages.positions[image_id]]["reason"]
        raise ParameterError(f"The image {image_id!r} is broken ({reason}); nothing is similar to it.")
    row: npt.NDArray[np.float32] = stages.descriptors.vectors[stages.rows[place]]
    return row


def _check_vector(query: npt.NDArray[np.floating], stages: Stages) -> npt.NDArray[np.float32]:
    n_features = stages.descriptors.vectors.shape[1]
    if len(query) != n_features or not np.isfinite(query).all() or not query.any():
        got = f"{len(query):,}" if len(query) != n_features else "NaN (a broken image?), infinity or only zeros"
        raise ParameterError(
            f"A vector for Dataset.similar must hold {n_features:,} finite numbers, as ds.embeddings does. Got {got}."
        )
    return np.asarray(query, dtype=np.float32)


def _read_picture(query: object, stages: Stages, option: str) -> tuple[bytes, str]:
    if isinstance(query, (bytes, bytearray, memoryview)):
        return bytes(query), "the picture given as bytes"
    if isinstance(query, (str, os.PathLike)):
        return _read_file(os.path.expanduser(query), stages)
    if isinstance(query, Image.Image):
        return _as_png(query), "the picture given"
    if isinstance(query, np.ndarray):
        return _as_png(_from_pixels(query)), "the pixels given"
    raise ParameterTypeError(
        f"The {option!r} parameter of Dataset.similar must be {_WANTED}. Got {type(query).__name__} instead."
    )


def _read_file(path: str, stages: Stages) -> tuple[bytes, str]:
    if not os.path.exists(path):
        raise UnknownImageError(
            f"{path!r} is neither an id of this dataset of {len(stages.listing):,} images nor a file. Ids are paths "
            f"relative to {str(stages.listing.root)!r}; see ds.image_ids."
        )
    return read_bytes(path), os.path.basename(path)


def _from_pixels(pixels: npt.NDArray[np.generic]) -> Image.Image:
    gray = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (gray or (pixels.ndim == 3 and pixels.shape[2] in {3, 4})) or not pixels.size:
        raise ParameterError(
            f"An array given to Dataset.similar must be uint8 of shape (height, width), (height, width, 3) or (height, "
            f"width, 4), or a vector of floats. Got {pixels.dtype} of shape {pixels.shape}."
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _as_png(image: Image.Image) -> bytes:
    """Return a picture as a file, so that it goes the same way as all others."""
    file = io.BytesIO()
    try:
        with quiet_pillow():
            upright = ImageOps.exif_transpose(image)
            if upright.mode not in {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}:
                upright = upright.convert(_SAVED_AS.get(upright.mode, "RGB"))
            upright.save(file, "PNG", compress_level=1)
    except (ValueError, OSError, SystemError) as error:
        raise ImageError(f"The picture given to Dataset.similar cannot be used: {error}.") from error
    return file.getvalue()
