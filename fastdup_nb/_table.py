"""``Dataset.images``: what is known of each image, a row each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from ._text import TEXT, make_text
from .images import FACTS
from .sources import Listing

#: The columns of ``Dataset.images``, with their dtypes; what FACTS mean stands with them.
COLUMNS = MappingProxyType({
    "path": TEXT, "label": TEXT, "split": TEXT, "width": "Int64", "height": "Int64", "format": TEXT, "mode": TEXT,
    "file_size": "Int64", "n_frames": "Int64", "exif_time": "datetime64[s]", "camera": TEXT,
    **{fact.name: "Int64" if fact.dtype.startswith("int") else fact.dtype for fact in FACTS},
    "is_broken": "bool", "reason": TEXT,
})  # fmt: skip


def tabulate_images(
    facts: Sequence[Mapping[str, object]],
    listing: Listing,
    given: Mapping[str, pd.Series],
    told: Mapping[str, object],
) -> pd.DataFrame:
    """Return the facts of all images, and the columns of the source that are not *told* as a label or split.

    Parameters
    ----------
    facts : sequence of mappings
        What the pass found out about each image.
    listing : Listing
    given : mapping of str to Series
        The label and the split of each image.
    told : mapping of str to object
        How the user told them: where that is the name of a column, it is not joined again.
    """
    index = pd.Index(listing.image_ids, name="image_id", dtype=TEXT)
    table = pd.DataFrame(facts, index=index, columns=list(COLUMNS))
    table["path"] = [make_text(path) for path in listing.paths]
    for name, values in given.items():
        table[name] = values
    table["exif_time"] = pd.to_datetime(table["exif_time"])
    used = [name if value is None else value for name, value in told.items()]
    return _join_columns(table.astype(dict(COLUMNS)), listing, used)


def _join_columns(facts: pd.DataFrame, listing: Listing, used: Iterable[object]) -> pd.DataFrame:
    """Join the columns of the source; those *used* as label or split are there already, others of our names differ."""
    if listing.columns is None:
        return facts
    own = listing.columns.drop(columns=[name for name in used if isinstance(name, str) and name in listing.columns])
    names = {*facts.columns, *own.columns, "image_id"}
    renamed = {}
    for name in own.columns:
        if name in facts or name == "image_id":
            renamed[name] = f"{name}_given"
            while renamed[name] in names:
                renamed[name] += "_given"
            names.add(renamed[name])
    return facts.join(own.rename(columns=renamed).set_axis(facts.index, axis=0))
