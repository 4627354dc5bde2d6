"""A part of a dataset: the same files, the same store, the same decisions, fewer images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ._stages import Stages
from .tags import Tags
from .tags._given import check_images, check_tags


def choose_images(stages: Stages, tags: Tags, images: object, tag: object, without_tag: object) -> list[int]:
    """Return the positions of the images that are meant, in listing order."""
    chosen = set(stages.listing.image_ids)
    if images is not None:
        chosen &= set(check_images(images, "Dataset.where", stages.positions))
    if tag is not None:
        chosen &= {i for name in check_tags(tag, "tag", "Dataset.where") for i in tags.tagged(name)}
    if without_tag is not None:
        for name in check_tags(without_tag, "without_tag", "Dataset.where"):
            chosen -= set(tags.tagged(name))
    return sorted(stages.positions[image_id] for image_id in chosen)


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
    return stages.part(part, stages.listing.take(chosen))


def _take_told(told: object, of_image: pd.Series, chosen: Sequence[int]) -> object:
    if told is None or isinstance(told, str):
        return told
    values = of_image.iloc[list(chosen)]
    return tuple(None if pd.isna(value) else value for value in values.tolist())
