"""What all parts of ``Dataset`` stand on, so that each can be a file of its own."""

from __future__ import annotations

from functools import partial
from inspect import isfunction
from typing import TYPE_CHECKING

from ._stages import Stages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from .results._base import Shown
    from .results.clusters import Clusters
    from .results.duplicates import Duplicates
    from .results.outliers import Outliers
    from .results.quality import Quality
    from .tags import Tags


class Facade:
    """The stages of a dataset, and, for the type checker, what its parts ask of each other."""

    _stages: Stages

    def __init_subclass__(cls) -> None:
        """Name the methods as they are called, so that Python's own errors do: ``Dataset.similar() missing ...``."""
        for name, member in vars(cls).items():
            if isfunction(member):
                member.__module__, member.__qualname__ = f"{__package__}.dataset", f"Dataset.{name}"

    @property
    def _shown(self) -> Shown:
        from .results._base import Shown

        stages = self._stages
        return Shown(
            stages.images, stages.thumbnail, stages.picture, stages.neighbors_of, partial(getattr, stages, "tags")
        )

    if TYPE_CHECKING:

        @property
        def tags(self) -> Tags: ...
        def _open(self, other: object) -> Self: ...
        def using(self, **changes: object) -> Self: ...
        def where(self, images: object = None) -> Self: ...
        def duplicates(self, min_similarity: float | str | None = None) -> Duplicates: ...
        def outliers(self, contamination: float | str = "auto") -> Outliers: ...
        def clusters(self, min_cluster_size: int | None = None) -> Clusters: ...
        def quality(self, bounds: Mapping[str, float] | None = None) -> Quality: ...
