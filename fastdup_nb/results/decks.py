"""Decks of the findings: what a gallery shows of each result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import ParameterError, ParameterTypeError, UnknownImageError
from ..tags._given import is_mask, read_mask
from ..views import format_bytes, format_count, format_dimension, format_similarity
from ..widgets._deck import Caption, Deck, RowCaption, Sort

if TYPE_CHECKING:
    from ._base import Shown
    from .clusters import Clusters
    from .duplicates import Duplicates
    from .outliers import Outliers
    from .quality import Quality

_COLORED, _GRAY = 5.0, 1.0  # colorfulness
_IMAGES = ("image", "images")
_ROWS = ("row", "rows")  # as those are called of which one is no cluster
_COMPARED = ("width", "height", "file_size", "format", "sharpness", "brightness", "colorfulness")
_FEW = 8
_NOISE = -1
_PATHS = {"path": Sort("image_id"), "path, backwards": Sort("image_id", ascending=False)}


def deck_of_duplicates(found: Duplicates) -> Deck:
    """Return groups side by side; the image that stays stands for its group."""
    members, groups, shown = found.members, found.groups, found._shown
    call = f"ds.duplicates(min_similarity={found.min_similarity!r}, keep={found.keep!r})"
    kept_of = dict(zip(groups.index, groups["representative"], strict=True))

    def caption(i: int) -> Caption:
        member = {name: members[name].array[i] for name in ("group", "is_kept", "tier", "similarity")}
        facts = shown.facts(members.index[i], _COMPARED)
        own = (
            f"{format_dimension(int(facts['width']), int(facts['height']))} · {format_bytes(int(facts['file_size']))}",
        )
        if member["is_kept"]:
            return Caption(own, mark="keep")
        tier = f"{member['tier']} {format_similarity(member['similarity'])}"
        return Caption((tier, *own, *tell_differences(shown.facts(kept_of[member["group"]], _COMPARED), facts)))

    def row_caption(row: int) -> RowCaption:
        group = groups.iloc[row]
        note = f"lowest similarity of any two {format_similarity(group['min_similarity'])}"
        return RowCaption(
            f"Group {groups.index[row]}: {format_count(int(group['size']), _IMAGES)}", group["tier"], note
        )

    return Deck(
        title="Duplicates", headline=found._headline(), table=members, code=f"{call}.members", caption=caption,
        rows=groups, row_column="group", row_code=f"{call}.groups", row_caption=row_caption, is_comparable=True,
        sorts={
            "least similar first": Sort("min_similarity"),
            "most similar first": Sort("min_similarity", ascending=False),
            "tier": Sort("tier"), "path of the one that stays": Sort("representative"),
        },
        notes=found._notes(), empty="No two images are alike.",
    )  # fmt: skip


def deck_of_outliers(found: Outliers) -> Deck:
    """Return single images, strangest first, each with its nearest neighbor beside it."""
    table = found.table

    def caption(i: int) -> Caption:
        row = table.iloc[i]
        near = row["nearest_id"] if isinstance(row["nearest_id"], str) else ""
        line = f"nearest, similarity {format_similarity(row['nearest_similarity'])}" if near else ""
        mark = "outlier" if row["is_outlier"] else ""
        return Caption((f"score {row['outlier_score']:.2f}",), mark=mark, beside=near, beside_line=line)

    return Deck(
        title="Outliers", headline=found._headline(), table=table, caption=caption,
        code=f"ds.outliers(contamination={found.contamination!r}).table",
        sorts={"most ordinary first": Sort("outlier_score"), **_PATHS}, empty="There is nothing to compare.",
    )  # fmt: skip


def deck_of_clusters(found: Clusters) -> Deck:
    """Return a row of examples for each cluster, the most central first; noise comes last."""
    members, clusters = found.members, found.clusters
    order = np.lexsort((-members["similarity_to_medoid"].fillna(0).to_numpy(), members["cluster"].to_numpy()))
    table = members.iloc[order]
    table = pd.concat([table[table["cluster"] >= 0], table[table["cluster"] < 0]])
    rows = _with_noise(clusters, int((members["cluster"] < 0).sum()))
    call = f"ds.clusters(min_cluster_size={found.min_cluster_size})"
    labels = found._shown.images["label"]

    def caption(i: int) -> Caption:
        near = table["similarity_to_medoid"].iloc[i]
        label = labels.loc[table.index[i]]
        lines = [f"label {label}"] if pd.notna(label) else []
        lines += [f"to medoid {format_similarity(near)}"] if pd.notna(near) else []
        is_first = table["cluster"].iloc[i] >= 0 and rows["medoid"].loc[table["cluster"].iloc[i]] == table.index[i]
        return Caption(tuple(lines), mark="medoid" if is_first else "")

    def row_caption(row: int) -> RowCaption:
        facts = rows.iloc[row]
        name = _name_row("cluster", rows.index[row])
        mix = facts.get("label_mix")
        note = mix.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(mix, str) else ""
        return RowCaption(f"{name}: {format_count(int(facts['size']), _IMAGES)}", f"{facts['share']:.1%} of all", note)

    return Deck(
        title="Clusters", headline=found._view(0).headline, table=table, caption=caption,
        code=f"{call}.members.sort_values(['cluster', 'similarity_to_medoid'], ascending=[True, False], "
        "key=lambda c: c.where(c >= 0, len(ds)) if c.name == 'cluster' else c)",
        rows=rows, row_column="cluster", row_code="t.groupby('cluster', sort=False).size().to_frame('size')",
        row_caption=row_caption, row_noun=("cluster", "clusters") if len(rows) == len(clusters) else _ROWS,
        sorts={"smallest first": Sort("size")}, empty="There is no image to look at.",
    )  # fmt: skip


def deck_of_quality(found: Quality) -> Deck:
    """Return a row for each kind of problem, the worst of it first."""
    table = found.flagged()
    counts = table["issue"].value_counts(sort=False)
    rows = counts.rename_axis("issue").rename("n_images").to_frame()

    def caption(i: int) -> Caption:
        return Caption((f"score {table['score'].iloc[i]:.2f}",))

    def row_caption(row: int) -> RowCaption:
        issue = str(rows.index[row])
        n = format_count(int(rows["n_images"].iloc[row]), _IMAGES)
        return RowCaption(issue.replace("_", " ").capitalize(), n, found._meaning(issue))

    return Deck(
        title="Quality", headline=found._view(0).headline, table=table, caption=caption,
        code=f"ds.quality(bounds={dict(found.bounds)!r}).flagged()", rows=rows, row_column="issue",
        row_code="t.groupby('issue', sort=False).size().to_frame('n_images')", row_caption=row_caption,
        row_noun=("kind", "kinds"), empty="No image has a problem.",
    )  # fmt: skip


def deck_of_anything(images: object, shown: Shown) -> Deck:
    """Return the images that a list of ids or a frame names, in its order.

    Raises
    ------
    ParameterError
        If no column or index of a frame holds image ids.
    UnknownImageError
        If an id is not one of the dataset.
    """
    if isinstance(images, pd.DataFrame) and {"image_id_a", "image_id_b"} <= set(images.columns):
        return _deck_of_pairs(images, shown)
    table = _as_table(images, shown)
    row_column = next(
        (name for name in ("group", "cluster") if name in table.columns and table[name].notna().all()), ""
    )
    told = [name for name in table.columns if name != row_column and not str(name).endswith("_id")]
    own = [name for name in told if name not in shown.images.columns][:4]
    plain = partial(Deck, title="Gallery", headline="", code=_code_of(images, shown), empty="There is no image in it.")
    if not row_column:
        sorts = {f"{column}{way}": Sort(str(column), ascending=up) for column in own
                 for way, up in (("", True), (", largest first", False))}  # fmt: skip
        return plain(table=table, caption=_plain_caption(table, own, shown), sorts={**_PATHS, **sorts})
    table = table.iloc[_order_rows(table[row_column])]
    rows = table.groupby(row_column, sort=False).size().to_frame("size")
    has_noise = row_column == "cluster" and _NOISE in rows.index
    return plain(
        table=table, caption=_plain_caption(table, own, shown), rows=rows, row_column=row_column,
        row_code=f"t.groupby({row_column!r}, sort=False).size().to_frame('size')",
        row_caption=lambda i: RowCaption(f"{_name_row(row_column, rows.index[i])}: "
                                         f"{format_count(int(rows['size'].iloc[i]), _IMAGES)}"),
        row_noun=_ROWS if has_noise else (row_column, f"{row_column}s"), is_comparable=row_column == "group",
        sorts={"largest first": Sort("size", ascending=False)},
    )  # fmt: skip


def _order_rows(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return the positions of images row by row; those in no cluster come last."""
    codes, _ = pd.factorize(values, sort=True)
    is_noise = np.asarray(values == _NOISE, dtype=bool) & (values.name == "cluster")
    return np.lexsort((codes, is_noise))


def _name_row(column: str, value: object) -> str:
    return "In no cluster" if column == "cluster" and value == _NOISE else f"{column.capitalize()} {value}"


def tell_differences(kept: dict[str, object], other: dict[str, object]) -> tuple[str, ...]:
    """Return in words how one version of a picture differs from the one that stays."""
    told = []
    if (kept["width"], kept["height"]) != (other["width"], other["height"]):
        ratio = float(other["width"]) * float(other["height"]) / (float(kept["width"]) * float(kept["height"]))  # type: ignore[arg-type]
        told.append(_tell_ratio(ratio))
    if kept["format"] != other["format"]:
        told.append(f"{other['format']}, not {kept['format']}")
    for fact, less, more in (("sharpness", "blurrier", "sharper"), ("brightness", "darker", "brighter")):
        a, b = float(kept[fact]), float(other[fact])  # type: ignore[arg-type]
        if abs(a - b) > 0.15 * max(abs(a), abs(b), 1e-9):
            told.append(less if b < a else more)
    if float(kept["colorfulness"]) > _COLORED and float(other["colorfulness"]) < _GRAY:  # type: ignore[arg-type]
        told.append("gray")
    return (", ".join(told),) if told else ()


def _tell_ratio(ratio: float) -> str:
    """Return in words how many pixels there are beside another picture, which has other sides."""
    if ratio < 0.995:
        return f"{ratio:.0%} of the pixels" if ratio >= 0.01 else "less than 1% of the pixels"
    if ratio < 1.05:
        return "another shape"
    return f"{ratio:.2g} times the pixels" if ratio < 10 else f"{ratio:,.0f} times the pixels"


def _deck_of_pairs(pairs: pd.DataFrame, shown: Shown) -> Deck:
    """Return a row for each pair of a frame."""
    ids = pairs[["image_id_a", "image_id_b"]].to_numpy(dtype=object).ravel()
    _check_known(ids, shown)
    order = np.repeat(np.arange(len(pairs)), 2)
    extra = pairs.drop(columns=["image_id_a", "image_id_b"]).reset_index(drop=True)
    table = extra.take(order).set_index(pd.Index(ids, name="image_id")).assign(pair=order)
    rows = extra.rename_axis("pair")
    own = [column for column in ("similarity", "tier") if column in extra.columns]

    def row_caption(i: int) -> RowCaption:
        told = {str(column): _written(rows[column].iloc[i]) for column in own}
        return RowCaption(f"Pair {i + 1:,}", told.get("tier", ""), f"similarity {told.get('similarity', '–')}")

    return Deck(
        title="Pairs", headline=format_count(len(pairs), ("pair", "pairs")), table=table, code="",
        caption=_plain_caption(table, [], shown), rows=rows, row_column="pair",
        row_code="t.groupby('pair', sort=False).first()",
        row_caption=row_caption, row_noun=("pair", "pairs"), is_comparable=True, empty="There is no pair in it.",
    )  # fmt: skip


def _plain_caption(table: pd.DataFrame, columns: list[str], shown: Shown) -> Callable[[int], Caption]:
    """Say the columns of a frame, or, where it has none of its own, the facts of the image."""

    def caption(i: int) -> Caption:
        if columns:
            told = (_say(str(column), table[column].iloc[i]) for column in columns)
            return Caption(tuple(line for line in told if line))
        return Caption(shown.tile(str(table.index[i]), label=True).lines)

    return caption


def _say(column: str, value: object) -> str:
    """Return a value with the name of its column; of a flag its name where it is set."""
    name = column.replace("_", " ")
    if isinstance(value, (bool, np.bool_)):
        return name.removeprefix("is ") if value else ""
    return f"{name} {_written(value)}"


def _written(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return "–" if np.isnan(value) else f"{value:.3g}" if value >= 1 else format_similarity(float(value))
    return str(value)[:60]


def _as_table(images: object, shown: Shown) -> pd.DataFrame:
    if isinstance(images, pd.DataFrame):
        if "image_id" in images.columns:
            table = images.set_index("image_id")
        elif images.index.name == "image_id" or images.index.isin(shown.images.index).all():
            table = images.rename_axis("image_id")
        else:
            raise ParameterError(
                "The frame given to gallery must have image ids as its index or in a column 'image_id', or pairs in "
                f"'image_id_a' and 'image_id_b'. Got columns {[str(column) for column in images.columns][:8]}."
            )
    else:
        table = pd.DataFrame(index=pd.Index(_as_ids(images, shown), name="image_id", dtype=object))
    _check_known(table.index, shown)
    return table


def _check_known(ids: object, shown: Shown) -> None:
    index = pd.Index(ids)  # type: ignore[call-overload]
    unknown = index[~index.isin(shown.images.index)]
    if len(unknown):
        more = f" nor {len(unknown) - 1:,} of the others given" if len(unknown) > 1 else ""
        raise UnknownImageError(
            f"There is no image {unknown[0]!r}{more} in this dataset; ids are those of ds.images.index."
        )


def _code_of(images: object, shown: Shown) -> str:
    """Return Python for a few ids; a frame or a long list is nowhere but in the gallery."""
    is_list = isinstance(images, (str, list, tuple, pd.Index)) and not is_mask(images)
    ids = _as_ids(images[: _FEW + 1] if not isinstance(images, str) else images, shown) if is_list else []  # type: ignore[index]
    return f"ds.images.loc[{ids!r}]" if 0 < len(ids) <= _FEW else ""


def _as_ids(images: object, shown: Shown) -> list[str]:
    if isinstance(images, str):
        return [images]
    if is_mask(images):
        return read_mask(images, "Dataset.gallery", shown.images.index)
    if isinstance(images, (pd.Index, pd.Series)):  # going through one of Arrow's is slow
        images = images.to_numpy(dtype=object)
    if not isinstance(images, Iterable):
        own = " A result shows itself: result.gallery()." if hasattr(images, "gallery") else ""
        raise ParameterTypeError(
            "The images of a gallery must be a DataFrame with image ids, or a list, Index or Series of them, such as "
            f"ds.image_ids. Got {type(images).__name__} instead.{own}"
        )
    return list(map(str, images))


def _with_noise(clusters: pd.DataFrame, n_noise: int) -> pd.DataFrame:
    if not n_noise:
        return clusters
    n = n_noise + int(clusters["size"].sum())
    noise = pd.DataFrame(
        {"size": [n_noise], "share": [n_noise / n], "medoid": [""]}, index=pd.Index([-1], name="cluster")
    )
    return pd.concat([clusters, noise]).rename_axis("cluster")
