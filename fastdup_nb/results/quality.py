"""Quality: broken, dark, bright, blurry, empty, oddly shaped, oddly sized and gray images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import ParameterError
from ..views import Badge, Fact, Row, Table, View, format_count
from ._base import IMAGES, NO_IMAGE, ImageResult, Shown

if TYPE_CHECKING:
    from ..widgets._deck import Deck

_NOTHING = "Nothing is broken, dark, bright, blurry, empty, oddly shaped or sized, or gray."


@dataclass(frozen=True, eq=False, repr=False)
class Quality(ImageResult):
    """Quality problems of each image, as ``Dataset.quality`` found them.

    Attributes
    ----------
    table : DataFrame
        Index ``image_id``: for each issue ``is_<issue>`` (bool) and ``<issue>_score`` (0 worst, 1 best).
    bounds : mapping
        The score below which each issue is flagged.
    """

    table: pd.DataFrame
    bounds: Mapping[str, float]
    _shown: Shown

    @property
    def issues(self) -> tuple[str, ...]:
        """Names of the issues looked for."""
        return tuple(column[3:] for column in self.table.columns if column.startswith("is_"))

    @property
    def counts(self) -> pd.Series:
        """Number of images with each issue, most frequent first; an image may have several."""
        counts = self.table[[f"is_{issue}" for issue in self.issues]].sum().astype(int)
        return counts.set_axis(self.issues).rename("n_images").sort_values(ascending=False, kind="stable")

    def flagged(self) -> pd.DataFrame:
        """Return a row per image and issue that it has: index ``image_id``, ``issue``, ``score``; the worst first.

        The most frequent issue comes first. A broken image has no score.
        """
        found = self.counts[self.counts > 0].index
        parts = [self._flagged(str(issue)) for issue in found]
        empty = pd.DataFrame({"issue": pd.Series(dtype=object), "score": pd.Series(dtype="float64")})
        return pd.concat(parts) if parts else empty.set_axis(self.table.index[:0]).rename_axis("image_id")

    def _flagged(self, issue: str) -> pd.DataFrame:
        column = f"{issue}_score"
        part = self.table[self.table[f"is_{issue}"]]
        scores = part[column].astype("float64") if column in part else pd.Series(float("nan"), index=part.index)
        return pd.DataFrame({"issue": issue, "score": scores}).sort_values("score", kind="stable")

    def _deck(self) -> Deck:
        from .decks import deck_of_quality

        return deck_of_quality(self)

    def _listed(self, which: object) -> list[str]:
        wanted = self.issues if which is None else [which] if isinstance(which, str) else which
        if not isinstance(wanted, Iterable) or not set(wanted := list(wanted)) <= set(self.issues):
            raise ParameterError(
                f"The 'which' parameter of Quality.tag must be one or several of {', '.join(map(repr, self.issues))}. "
                f"Got {which!r} instead."
            )
        flags = self.table[[f"is_{issue}" for issue in wanted]]
        ids: list[str] = self.table.index[flags.any(axis=1)].tolist()
        return ids

    def _view(self, n_rows: int) -> View:
        counts = self.counts
        found = counts[counts > 0]
        n_any = int(self.table[[f"is_{issue}" for issue in self.issues]].any(axis=1).sum())
        return View(
            title="Quality",
            headline=self._headline(n_any),
            facts=tuple(
                Fact(str(issue).replace("_", " "), int(n), self._meaning(str(issue))) for issue, n in found.items()
            ),
            rows=tuple(self._row(str(issue)) for issue in found.index[:n_rows] if issue != "broken"),
            rows_title="The worst of each kind; an image may have several problems",
            noun=("kind", "kinds"),
            empty="" if n_any or self.table.empty else _NOTHING,
            table=self._broken_table(),
            next_calls=(
                ("quality.to_frame()", "flags and scores of every image"),
                ("ds.quality(bounds={'dark': 0.4})", "another bound; no image is read again"),
            ),
        )

    def _headline(self, n_any: int) -> str:
        if self.table.empty:
            return NO_IMAGE
        images = format_count(len(self.table), IMAGES)
        if not n_any:
            return f"No problem in {images}."
        return f"{n_any:,} of {images} {'has' if n_any == 1 else 'have'} a problem."

    def _meaning(self, issue: str) -> str:
        bound = self.bounds.get(issue)
        return "cannot be decoded" if issue == "broken" else f"score below {bound:g}" if bound is not None else ""

    def _row(self, issue: str) -> Row:
        flagged = self.table[self.table[f"is_{issue}"]].sort_values(f"{issue}_score", kind="stable")
        worst = flagged.head(8)
        scores = worst[f"{issue}_score"]
        tiles = tuple(self._shown.tile(str(i), f"score {score:.2f}") for i, score in scores.items())
        return Row(
            title=issue.replace("_", " ").capitalize(),
            tiles=tiles,
            badge=Badge(format_count(len(flagged), IMAGES), "warning"),
            n_more=len(flagged) - len(tiles),
        )

    def _broken_table(self) -> Table | None:
        images = self._shown.images
        reasons = images.loc[images["is_broken"], "reason"]
        rows = tuple((str(image_id), str(reason)) for image_id, reason in reasons.head(1000).items())
        more = len(reasons) - len(rows)
        return Table(("broken image", "reason"), rows, caption="Broken images", n_more=more) if rows else None
