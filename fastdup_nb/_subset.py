"""A part of a dataset: the same files, the same store, the same decisions, fewer images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from ._stages import Stages
from .errors import ParameterError
from .tags import Tags
from .tags._given import check_images, check_tags

_CALLER = "Dataset.where"
_MOST_NAMED = 10


def choose_images(
    stages: Stages, tags: Tags, images: object, *, tag: object, without_tag: object, label: object, split: object
) -> list[int]:
    """Return the positions of the images that are meant, in listing order."""
    chosen = set(stages.listing.image_ids)
    if images is not None:
        chosen &= set(check_images(images, _CALLER, stages.positions))
    if tag is not None:
        chosen &= {i for name in check_used(tag, tags, _CALLER) for i in tags.tagged(name)}
    if without_tag is not None:
        for name in check_tags(without_tag, "without_tag", _CALLER):
            chosen -= set(tags.tagged(name))
    if label is not None:
        chosen &= _find_told(label, "label", stages.labels, stages.whole.labels)
    if split is not None:
        chosen &= _find_told(split, "split", stages.splits, stages.whole.splits)
    return sorted(stages.positions[image_id] for image_id in chosen)


def check_used(tag: object, tags: Tags, caller: str) -> list[str]:
    """Return tags, or raise where one was never used and is not in the palette: it is hardly the one that is meant."""
    names, known = check_tags(tag, "tag", caller), set(tags.palette)
    if not known.issuperset(names):
        _check_known(names, "tag", known | set(tags.counts().index))
    return names


def _find_told(wanted: object, kind: str, told: pd.Series, known: pd.Series) -> set[str]:
    """Return the images with one of the labels or splits, which some image of the whole must have."""
    several = wanted if isinstance(wanted, (list, tuple, set, frozenset, pd.Series, pd.Index, np.ndarray)) else [wanted]
    names = [str(name).strip() for name in several]  # as labels are told, which may be numbers
    _check_known(names, kind, {*told.dropna(), *known.dropna()})
    return set(told.index[told.isin(names)])


def _check_known(names: Sequence[str], kind: str, known: Collection[str]) -> None:
    unknown = next((name for name in names if name not in known), None)
    if unknown is None:
        return
    near = get_close_matches(unknown, known, n=3)
    meant = f"; was {' or '.join(map(repr, near))} meant?" if near else "."
    listed = ", ".join(map(repr, sorted(known)[:_MOST_NAMED])) or "none yet"
    more = f" and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
    raise ParameterError(f"No image has the {kind} {unknown!r}{meant} There are {listed}{more}.")


def take_stages(stages: Stages, positions: Sequence[int]) -> Stages:
    """Return the stages of some of the images; what was given image by image is cut to them."""
    settings, chosen = stages.settings, list(positions)
    vectors = settings.embeddings
    part = replace(
        settings,
        labels=_take_told(settings.labels, stages.labels, chosen),
        split=_take_told(settings.split, stages.splits, chosen),
        embeddings=None if vectors is None else vectors[np.asarray(chosen, dtype=np.int64)],
    )
    return stages.part(part, chosen)


def _take_told(told: object, of_image: pd.Series, chosen: Sequence[int]) -> object:
    if told is None or isinstance(told, str):
        return told
    values = of_image.iloc[list(chosen)]
    return tuple(None if pd.isna(value) else value for value in values.tolist())
