"""What is like something: the part of ``Dataset`` that is asked with pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._query import read_query
from ._stages import Stages
from ._text import TEXT
from ._validation import check_integer
from .graph import search
from .results import Shown, Similar

if TYPE_CHECKING:
    from PIL import Image


class Search:
    """The methods of ``Dataset`` that are asked with pictures."""

    _stages: Stages

    if TYPE_CHECKING:

        @property
        def _shown(self) -> Shown: ...

    def similar(
        self,
        query: str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.uint8],
        n_neighbors: int = 10,
    ) -> Similar:
        """Find the images nearest to a picture, by exact search.

        Parameters
        ----------
        query : image id, path, bytes, PIL image, or array
            An id of this dataset, any file, the bytes of one, a picture, or uint8 pixels (height, width[, 3]). A float
            array of n_features numbers is taken as a vector.
        n_neighbors : int, default 10
            How many images to return, the query itself included where it is in the dataset; it comes first.

        Returns
        -------
        Similar
            Ids with their similarity: the cosine of the vectors, 1 is identical.

        Raises
        ------
        ImageError
            If the query is no picture.
        UnknownImageError
            If it is a str that is neither an id of this dataset nor an existing file.
        """
        n_neighbors = check_integer(n_neighbors, "n_neighbors", "Dataset.similar", low=1)
        stages = self._stages
        vector, image_id, name = read_query(query, stages)
        vectors = stages.descriptors.vectors if len(stages.descriptors) else vector[None, :]
        rows, distances = search(vectors, vector[None], n_neighbors=min(n_neighbors, len(vectors)))
        near = pd.Series(1 - distances[0], index=rows[0])
        similarity = pd.Series(near.reindex(stages.rows).to_numpy(), index=pd.Index(stages.valid_ids, dtype=TEXT))
        similarity = similarity.dropna().astype(np.float32)
        is_query = np.asarray(similarity.index == image_id)
        similarity[is_query] = 1
        order = np.lexsort((-similarity.to_numpy(), ~is_query))
        table = similarity.iloc[order].head(n_neighbors).rename("similarity").rename_axis("image_id").to_frame()
        return Similar(table=table, query=name, query_id=image_id, _shown=self._shown)
