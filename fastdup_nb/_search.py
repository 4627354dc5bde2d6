"""What is like something: the part of ``Dataset`` that is asked with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._facade import Facade
from ._stages import Stages
from ._text import TEXT
from ._validation import check_integer
from .graph._vectors import as_unit_vectors

if TYPE_CHECKING:
    from ._query import Query
    from .results.similar import Similar

_MOST_WRITTEN = 8


class Search(Facade):
    """The methods of ``Dataset`` that are asked with pictures."""

    def similar(
        self,
        query: object,
        n_neighbors: int = 10,
        *,
        unlike: object = None,
        box: Sequence[float] | None = None,
    ) -> Similar:
        """Find the images nearest to a picture, or to several, or to a part of one, by exact search.

        Parameters
        ----------
        query : image id, path, bytes, PIL image, array, or a list of such
            An id of this dataset, any file, the bytes of one, a picture, or uint8 pixels (height, width[, 3]). A float
            array of n_features numbers is taken as a vector. A list, Series or Index asks for what is like all of them.
        n_neighbors : int, default 10
            How many images to return, queries themselves included where they are in the dataset; they come first.
        unlike : as *query*, optional
            Pictures of what is not meant. Images of the dataset that are given here are not returned.
        box : (left, top, right, bottom), optional
            Look for this region of the picture only: pixels of the upright picture, from its upper left corner, rounded
            to whole ones; *right* and *bottom* are outside. For one picture, not for several.

        Returns
        -------
        Similar
            Ids with their ``similarity``: the cosine of the vectors, 1 is identical; of several queries the mean of
            the cosines. With *unlike*, there are ``unlike_similarity``, the mean cosine to these, and ``score``,
            ``similarity - unlike_similarity / 4``, and the highest score comes first.

        Raises
        ------
        ImageError
            If a query is no picture.
        UnknownImageError
            If it is a str that is neither an id of this dataset nor an existing file.
        ParameterError
            If *box* is empty or not inside of the picture, or there are several.

        Notes
        -----
        The score for several pictures is that of Rocchio (1971) for relevance feedback. With a region, the picture it
        is from is no query: it may be found, with the similarity of the whole picture to its region.

        Examples
        --------
        >>> import tempfile, fastdup_nb as fd
        >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
        >>> cats = ["train/animal/cat.jpg", "test/animal/horse.png"]
        >>> ds.similar(cats, n_neighbors=5, unlike="test/people/astronaut.jpg").table.columns.tolist()
        ['similarity', 'unlike_similarity', 'score']
        """
        from ._query import read_queries, read_region
        from .results.similar import Similar, tell_queries

        n_neighbors = check_integer(n_neighbors, "n_neighbors", "Dataset.similar", low=1)
        stages = self._stages
        like = read_queries(query, stages) if box is None else [read_region(query, box, stages)]
        against = [] if unlike is None else read_queries(unlike, stages, "unlike")
        table = _find_similar(stages, like, against, n_neighbors)
        ids = tuple(dict.fromkeys(image_id for _, image_id, _ in like if image_id is not None))
        return Similar(
            table=table,
            query=tell_queries([name for _, _, name in like]),
            query_id=ids[0] if len(like) == 1 and ids else None,
            query_ids=ids,
            unlike=tuple(name for _, _, name in against),
            n_images=len(stages.valid),
            _call=_write_call(like, against, n_neighbors),
            _shown=self._shown,
        )


def _find_similar(stages: Stages, like: list[Query], against: list[Query], n_neighbors: int) -> pd.DataFrame:
    """Return the table of the images with the highest scores, those that were asked for first."""
    from .findings.similarity import rank_similar

    names = ["similarity", "unlike_similarity", "score"] if against else ["similarity"]
    if not len(stages.valid):
        index = pd.Index([], name="image_id", dtype=TEXT)
        return pd.DataFrame({name: np.empty(0, dtype=np.float32) for name in names}, index=index)
    asked, left_out = _places_of(like, stages), _places_of(against, stages)
    left_out = left_out[~np.isin(left_out, asked)]
    vectors = stages.descriptors.vectors
    n = n_neighbors + len(left_out)
    ranked = rank_similar(vectors, _stack(like, vectors), _stack(against, vectors), n=n, also=stages.rows[asked])
    rank_of_row = np.full(len(vectors), -1, dtype=np.int64)
    rank_of_row[ranked.rows] = np.arange(len(ranked.rows))
    places = np.flatnonzero(rank_of_row[stages.rows] >= 0)  # all images of these rows: copies, too, in listing order
    places = places[~np.isin(places, left_out)]
    ranks, is_query = rank_of_row[stages.rows[places]], np.isin(places, asked)
    columns = {name: getattr(ranked, name)[ranks] for name in names}
    if len(like) == 1:
        columns["similarity"][is_query] = 1
    order = np.lexsort((-columns[names[-1]], ~is_query))[:n_neighbors]
    index = pd.Index([stages.valid_ids[place] for place in places[order]], name="image_id", dtype=TEXT)
    return pd.DataFrame({name: column[order] for name, column in columns.items()}, index=index)


def _places_of(queries: list[Query], stages: Stages) -> npt.NDArray[np.int64]:
    """Return the places among the valid images of the queries that are images of the dataset."""
    found = [stages.positions[image_id] for _, image_id, _ in queries if image_id is not None]
    return np.unique(stages.valid_places[np.asarray(found, dtype=np.int64)])


def _stack(queries: list[Query], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the vectors of the queries, of length 1."""
    if not queries:
        return vectors[:0]
    return as_unit_vectors(np.stack([vector for vector, _, _ in queries]), "query", "Dataset.similar")


def _write_call(like: list[Query], against: list[Query], n_neighbors: int) -> str:
    """Return the code of a search, where all that was asked with are images of the dataset."""
    asked, left_out = ([image_id for _, image_id, _ in queries] for queries in (like, against))
    if None in asked or None in left_out or len(asked) + len(left_out) > _MOST_WRITTEN:
        return ""
    wanted = repr(asked[0] if len(asked) == 1 else asked)
    without = f", unlike={left_out!r}" if left_out else ""
    return f"ds.similar({wanted}, n_neighbors={n_neighbors}{without})"
