"""From decisions to a plan: which files are meant, and where they would go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from ._stages import Stages
from ._text import check_name
from .errors import ParameterError, ParameterTypeError
from .export import Move, Plan
from .export._plan import build_move, build_relabel, check_folder
from .tags._given import check_images

_CALLER = "Dataset.plan"


def build_plan(stages: Stages, drop: object, move_to: object, relabel: object) -> Plan:
    """Return the plan of dropping some images and of moving others into the folders of their new labels."""
    root = stages.listing.root
    folder = check_folder(move_to, root, is_listed=stages.settings.source is not None and not _is_table(stages))
    reasons = _read_drop(stages, drop)
    labels = _read_labels(stages, relabel)
    known = stages.store.known_files(root)
    kept = {image_id for image_id in stages.tags.tagged("keep") if reasons.get(image_id) != "tag 'keep'"}
    moves: list[Move] = []
    for image_id in sorted({*reasons, *labels}, key=stages.positions.__getitem__):
        path = stages.listing.paths[stages.position(image_id)]
        digest = stages.digest_of(image_id)
        file = known.get(os.fsencode(path))
        stamp = tuple(file[:3]) if file is not None and file[3] == digest else None
        relative = os.path.relpath(path, root).replace(os.sep, "/")
        if image_id in reasons:
            move = build_move(image_id, relative, reasons[image_id], digest, stamp)
        else:
            move = build_relabel(image_id, relative, labels[image_id], digest, stamp)
        moves.append(move if move.problem else replace(move, problem=_find_problem(move, path, kept)))
    return Plan(tuple(moves), folder, root)


def _find_problem(move: Move, path: str, kept: set[str]) -> str:
    """Return why a file is better left where it is, in words, or nothing."""
    if move.base == "move_to" and move.image_id in kept:
        return "it is tagged 'keep' too: take one of the two tags away"
    if os.path.islink(path) and not os.path.isabs(os.readlink(path)):
        return "it is a relative link, which would point to nothing from another folder"
    return ""


def _is_table(stages: Stages) -> bool:
    source = stages.settings.source
    return source is not None and os.path.isfile(source)


def _read_drop(stages: Stages, drop: object) -> Mapping[str, str]:
    """Return why each image goes: a tag it has, or that it was named."""
    if drop is None:
        return {}
    if isinstance(drop, Iterable) and not hasattr(drop, "dtype") and not hasattr(drop, "columns"):
        names = [drop] if isinstance(drop, str) else list(drop)
        if all(isinstance(name, str) and name not in stages.positions for name in names):
            return {
                image_id: f"tag {name!r}" for name in map(str, reversed(names)) for image_id in _tagged(stages, name)
            }
        drop = names
    return dict.fromkeys(check_images(drop, _CALLER, stages.positions, name="drop"), "named in drop")


def _tagged(stages: Stages, name: str) -> list[str]:
    found = stages.tags.tagged(name)
    if not found and name not in stages.tags.palette:
        raise ParameterError(
            f"The 'drop' parameter of {_CALLER} must be a tag, a list of tags, or images. Got {name!r}, which is "
            f"neither a tag ({', '.join(map(repr, stages.tags.palette))}) nor an id of this dataset."
        )
    return found


def _read_labels(stages: Stages, relabel: object) -> Mapping[str, str]:
    """Return the new label of each image whose file has to move for it."""
    if relabel is False:
        return {}
    wanted = dict(stages.tags.labels()["new_label"].items()) if relabel is True else _check_labels(stages, relabel)
    if stages.settings.labels != "folder":
        raise ParameterError(
            f"The 'relabel' parameter of {_CALLER} moves files between the folders that are their labels, so it needs "
            "Dataset(..., labels='folder'). New labels of other sources are in ds.tags.labels(), for your table."
        )
    now = stages.labels.to_dict()
    return {str(image_id): str(label) for image_id, label in wanted.items() if now[image_id] != label}


def _check_labels(stages: Stages, relabel: object) -> Mapping[str, str]:
    """Return the labels that were given by image id, each image's own."""
    given = relabel
    if isinstance(given, pd.DataFrame) and "new_label" in given.columns:
        given = (given.set_index("image_id") if "image_id" in given.columns else given)["new_label"]
    if not isinstance(given, (Mapping, pd.Series)):
        raise ParameterTypeError(
            f"The 'relabel' parameter of {_CALLER} must be True, False, a mapping or Series of image_id to label, or a "
            f"DataFrame like ds.tags.labels(), with new_label. Got {relabel!r} instead."
        )
    labels: dict[str, str] = {}
    check_images(list(given.keys()), _CALLER, stages.positions, name="relabel")
    for image_id, value in ((str(key), value) for key, value in given.items()):
        label = check_name(value, "relabel", _CALLER)
        if labels.setdefault(image_id, label) != label:
            raise ParameterError(
                f"The 'relabel' parameter of {_CALLER} must have one label for each image. {image_id!r} has both "
                f"{labels[image_id]!r} and {label!r}."
            )
    return labels
