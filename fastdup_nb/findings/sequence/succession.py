"""What follows what, and what is seen together: counts over a sequence of labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


def count_transitions(codes: npt.NDArray[np.int64], starts: npt.NDArray[np.bool_], names: list[object]) -> pd.DataFrame:
    """Count which label follows which, a run of one label counted once.

    Parameters
    ----------
    codes : int64 array (n_frames,)
        Label of each frame as a number of *names*; -1 is none, and is passed over.
    starts : bool array (n_frames,)
        Whether a frame is the first of its sequence.
    names : list
        The labels.

    Returns
    -------
    DataFrame
        ``from``, ``to``, ``n`` (how often), ``share`` (of all that leaves ``from``); most frequent first.
    """
    of_sequence = np.cumsum(starts)[codes >= 0]
    known = codes[codes >= 0]
    changes = np.flatnonzero((known[1:] != known[:-1]) & (of_sequence[1:] == of_sequence[:-1]))
    pairs = pd.DataFrame({"from": known[changes], "to": known[changes + 1]})
    counts = pairs.groupby(["from", "to"], sort=True).size().rename("n").reset_index()
    counts["share"] = counts["n"] / counts.groupby("from")["n"].transform("sum")
    counts = counts.sort_values("n", ascending=False, kind="stable").reset_index(drop=True)
    return counts.assign(**{side: [names[i] for i in counts[side]] for side in ("from", "to")})


def count_together(codes: npt.NDArray[np.int64], blocks: npt.NDArray[np.int64], names: list[object]) -> pd.DataFrame:
    """Count in how many blocks of time two labels are both seen.

    Parameters
    ----------
    codes : int64 array (n_frames,)
        Label of each frame as a number of *names*; -1 is none.
    blocks : int64 array (n_frames,)
        The block of each frame.
    names : list
        The labels.

    Returns
    -------
    DataFrame
        ``a``, ``b``, ``n`` (blocks that have both), ``n_a``, ``n_b`` (blocks that have the one) and ``lift``: how many
        times more often together than if each came by chance; 1 is chance. Pairs that are never together are left
        out. By falling lift.
    """
    from scipy.sparse import coo_array

    n_blocks = len(np.unique(blocks))
    seen = np.unique(np.column_stack([blocks, codes])[codes >= 0], axis=0)
    shape = (int(blocks.max(initial=-1)) + 1, len(names))
    table = coo_array((np.ones(len(seen)), (seen[:, 0], seen[:, 1])), shape=shape).tocsr()
    both = (table.T @ table).tocoo()
    alone = np.bincount(seen[:, 1], minlength=len(names))
    a, b, n = (values[both.row < both.col] for values in (both.row, both.col, both.data))
    found = pd.DataFrame({"n": n.astype(np.int64), "n_a": alone[a], "n_b": alone[b]}).astype("int64")
    found.insert(0, "a", pd.Series([names[i] for i in a], dtype=object))
    found.insert(1, "b", pd.Series([names[i] for i in b], dtype=object))
    found["lift"] = found["n"] * n_blocks / (found["n_a"] * found["n_b"])
    return found.sort_values(["lift", "n"], ascending=False, kind="stable").reset_index(drop=True)
