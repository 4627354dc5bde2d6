"""Which front end a gallery takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._text import check_name
from .._validation import check_choice, check_integer
from ..errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._annotator import Annotator
    from ._controller import Pictures
    from ._deck import Deck
    from ._gallery import Gallery
    from ._plain import PlainGallery

BACKENDS = ("auto", "anywidget", "ipywidgets")
_MAX_PAGE_SIZE = 96


def open_gallery(
    deck: Deck, pictures: Pictures, *, backend: str = "auto", page_size: int = 24
) -> Gallery | PlainGallery:
    """Return a gallery of a deck for the front end at hand.

    Raises
    ------
    ParameterError
        If *backend* or *page_size* is none of those there are.
    """
    check_choice(backend, "backend", "gallery", BACKENDS)
    page_size = check_integer(page_size, "page_size", "gallery", low=1, high=_MAX_PAGE_SIZE)
    if backend == "ipywidgets" or (backend == "auto" and is_kaggle()):
        from ._plain import PlainGallery

        return PlainGallery(deck, pictures, page_size=page_size)
    from ._gallery import Gallery

    return Gallery(deck, pictures, page_size=page_size)


def open_annotator(deck: Deck, pictures: Pictures, labels: Sequence[str], *, page_size: int = 24) -> Annotator:
    """Return a gallery for labeling.

    Raises
    ------
    ParameterError
        If *labels* are none, not different words, or such that no image may have them.
    """
    page_size = check_integer(page_size, "page_size", "Dataset.annotate", low=1, high=_MAX_PAGE_SIZE)
    names = [] if isinstance(labels, str) else [str(label).strip() for label in labels]
    if not names or not all(names) or len(set(names)) < len(names) or "skipped" in names:
        raise ParameterError(
            "The 'labels' parameter of Dataset.annotate must be a list of different words, and 'skipped' is none of "
            f"them. Got {labels!r}."
        )
    names = [check_name(name, "labels", "Dataset.annotate") for name in names]
    from ._annotator import Annotator

    return Annotator(deck, pictures, names, page_size=page_size)


def is_kaggle() -> bool:
    """Return whether this is a Kaggle notebook: its front end has no place for widgets other than ipywidgets' own."""
    return any(name in os.environ for name in ("KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_URL_BASE"))
