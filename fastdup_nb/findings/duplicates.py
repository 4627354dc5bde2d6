"""Which images show the same picture: pairs in tiers, tight groups, and what could go.

Images with the same vector or the same pixels form one *node*; the edges of the neighbor graph link nodes. A group is a
star: its representative is the first of the nodes that are left, in the order that *keep* gives, and takes every node
that is at least *min_similarity* similar to it. So groups do not chain, exactly one image of a group stays, and each
image that could go is similar enough to the one that stays.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import ParameterError, ParameterTypeError
from .edges import Copies, Edges, IntArray, Score, largest_in_full, pairs_of_sets, pairs_within, score_nodes
from .verdicts import Verdicts, keep_apart

TIERS = ("identical file", "identical pixels", "near")
#: Above this many pairs, sets of more than MAX_LISTED_COPIES copies are listed with their first image only.
MAX_LISTED_PAIRS = 1_000_000
MAX_LISTED_COPIES = 100


@dataclass(frozen=True)
class DuplicateTables:
    """The tables and counts of a search for duplicates; see ``results.Duplicates`` for what they are."""

    pairs: pd.DataFrame
    groups: pd.DataFrame
    members: pd.DataFrame
    n_pairs_by_tier: Mapping[str, int]
    n_images_in_pairs: int
    n_large_sets: int
    most_in_full: int
    n_rejected: int = 0

    @property
    def n_pairs(self) -> int:
        """Number of all pairs, listed or not."""
        return sum(self.n_pairs_by_tier.values())


def find_duplicates(
    copies: Copies,
    indices: npt.NDArray[np.int32],
    score: Score,
    *,
    min_similarity: float,
    verdicts: Verdicts | None = None,
    include_rejected: bool = False,
) -> DuplicateTables:
    """Return the pairs and groups of images at least *min_similarity* similar.

    Parameters
    ----------
    copies : Copies
        The images, without broken ones.
    indices : int32 array of shape (n_rows, n_neighbors)
        Other rows that may be alike, such as neighbors, of each distinct vector; -1 where there is none.
    score : callable
        Similarity in [0, 1] of rows *a* and rows *b*.
    min_similarity : float
        Bound for the tier ``near``.
    verdicts : Verdicts, optional
        Pairs that a user judged: what is rejected is no pair and in no group together, what is the same is both.
    include_rejected : bool, default False
        Whether rejected pairs are listed, with a column ``is_rejected``; they are counted by ``n_rejected`` only.
    """
    edges = Edges.of_graph(copies, indices, score, min_similarity)
    sets, n_known = edges.components(len(copies.first_row)), indices.shape[1]
    most = largest_in_full(sets, larger_than=n_known)
    edges = edges.completed(copies, sets, score, min_similarity, larger_than=n_known, at_most=most)
    n_large = int((np.bincount(sets) > most).sum())
    judged = None if verdicts is None else verdicts.applied(copies, edges, score, min_similarity)
    if judged is not None:
        copies, edges = judged.copies, judged.edges
    leader = _form_groups(copies, edges, {} if judged is None else judged.apart)
    inner = _inner_edges(copies, leader, edges, score)
    members = _member_table(copies, leader, inner)
    groups = _group_table(copies, members, inner)
    edges = edges.joined(inner.at_least(min_similarity))
    counts = _count_pairs(copies, edges)
    pairs = _pair_table(copies, edges, whole=sum(counts.values()) <= MAX_LISTED_PAIRS)
    n_paired = _count_images_in_pairs(copies, edges)
    if judged is not None:
        counts = judged.counted(counts)
    if include_rejected:
        pairs = pairs.assign(is_rejected=False)
        if judged is not None and len(judged.rejected):
            pairs = _with_rejected(pairs, copies, judged.rejected)
    n_rejected = 0 if judged is None else sum(judged.n_by_tier)
    return DuplicateTables(pairs, groups, members.frame, counts, n_paired, n_large, most, n_rejected)


def _with_rejected(pairs: pd.DataFrame, copies: Copies, rejected: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with those that were rejected, best first."""
    a, b, tier = (rejected[name].to_numpy() for name in ("a", "b", "tier"))
    told = {"image_id_a": copies.ids.take(a), "image_id_b": copies.ids.take(b)}
    more = pd.DataFrame({**told, "similarity": rejected["similarity"].to_numpy(), "tier": _as_tiers(tier)})
    whole = pd.concat([pairs, more.assign(is_rejected=True)], ignore_index=True)
    place = {image_id: i for i, image_id in enumerate(copies.image_ids)}
    at = [whole[name].map(place).to_numpy() for name in ("image_id_b", "image_id_a")]
    order = np.lexsort((*at, -whole["similarity"].to_numpy(), whole["tier"].cat.codes.to_numpy()))
    return whole.iloc[order].reset_index(drop=True)


def read_similarity(wanted: object, presets: Mapping[str, float], caller: str) -> float:
    """Return the bound that *wanted* stands for: a float in [0, 1], a name among *presets*, or None for the default."""
    name = "default" if wanted is None else wanted
    if isinstance(name, str) and name in presets:
        return presets[name]
    is_number = isinstance(wanted, numbers.Real) and not isinstance(wanted, bool)
    if is_number and 0 <= float(wanted) <= 1:  # type: ignore[arg-type]
        return float(wanted)  # type: ignore[arg-type]
    error = ParameterError if is_number or isinstance(wanted, str) else ParameterTypeError
    raise error(
        f"The 'min_similarity' parameter of {caller} must be a float in [0, 1] or one of "
        f"{', '.join(map(repr, presets))}. Got {wanted!r} instead."
    )


def _form_groups(copies: Copies, edges: Edges, apart: Mapping[int, set[int]]) -> IntArray:
    """Return for each node the node that stays for it: itself, or the center of the star it belongs to.

    Nodes that are to stay *apart* are never in one star.
    """
    n_nodes = len(copies.first_row)
    rank = copies.node_rank
    ends, others = np.concatenate([edges.a, edges.b]), np.concatenate([edges.b, edges.a])
    order = np.argsort(ends, kind="stable")
    ends, others = ends[order], others[order]
    starts = np.searchsorted(ends, np.arange(n_nodes + 1))
    leader = np.full(n_nodes, -1, dtype=np.int64)
    linked = np.flatnonzero(np.diff(starts))
    for node in linked[np.argsort(rank[linked])]:
        if leader[node] < 0:
            near = others[starts[node] : starts[node + 1]]
            near = near[leader[near] < 0]
            if apart and (node in apart or not apart.keys().isdisjoint(near.tolist())):
                near = keep_apart(int(node), near[np.argsort(rank[near])], apart)
            leader[near] = node
            leader[node] = node
    return np.where(leader < 0, np.arange(n_nodes), leader)


def _inner_edges(copies: Copies, leader: IntArray, edges: Edges, score: Score) -> Edges:
    """Return the similarity of all nodes within a group; in groups too large for that, what is known already."""
    a, b = pairs_within(leader, at_most=largest_in_full(leader))
    inside = leader[edges.a] == leader[edges.b]
    known = Edges(edges.a[inside], edges.b[inside], edges.similarity[inside])
    new = ~np.isin(a * len(leader) + b, known.a * len(leader) + known.b)
    return known.joined(score_nodes(copies, score, a[new], b[new]))


@dataclass(frozen=True)
class _Members:
    """The images of groups, as the public frame and as positions."""

    frame: pd.DataFrame
    positions: IntArray
    group: IntArray
    leader: IntArray  # the leading node of each group


def _member_table(copies: Copies, leader: IntArray, inner: Edges) -> _Members:
    of_image = leader[copies.nodes]
    sizes = np.bincount(of_image, minlength=len(leader))
    positions = np.flatnonzero(sizes[of_image] > 1)
    leaders, inverse = np.unique(of_image[positions], return_inverse=True)
    best = np.full(len(leaders), len(copies.rank), dtype=np.int64)
    np.minimum.at(best, inverse, copies.rank[positions])
    new_number = np.empty(len(leaders), dtype=np.int64)
    by_size = np.lexsort((best, -sizes[leaders]))
    new_number[by_size] = np.arange(len(leaders))
    group = new_number[inverse]
    order = np.lexsort((copies.rank[positions], group))
    positions, group = positions[order], group[order]
    kept = np.flatnonzero(np.diff(group, prepend=-1))
    representative = positions[kept][group] if len(group) else positions
    similarity, tier = _compare_images(copies, inner, positions, representative)
    frame = pd.DataFrame(
        {
            "group": group,
            "is_kept": positions == representative,
            "tier": _as_tiers(tier),
            "similarity": similarity,
        },
        index=copies.ids.take(positions).rename("image_id"),
    )
    return _Members(frame, positions, group, leaders[by_size])


def _compare_images(
    copies: Copies, edges: Edges, a: IntArray, b: IntArray
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Return similarity and tier of images *a* with images *b*, whose nodes are the same or linked by *edges*."""
    tier = np.full(len(a), 2, dtype=np.int8)
    tier[copies.pixels[a] == copies.pixels[b]] = 1
    tier[copies.files[a] == copies.files[b]] = 0
    similarity = np.ones(len(a), dtype=np.float32)
    u, v = copies.nodes[a], copies.nodes[b]
    apart = np.flatnonzero(u != v)
    keys = np.minimum(u, v)[apart] * len(copies.first_row) + np.maximum(u, v)[apart]
    similarity[apart] = edges.similarity[np.searchsorted(edges.a * len(copies.first_row) + edges.b, keys)]
    return similarity, tier


def _group_table(copies: Copies, members: _Members, inner: Edges) -> pd.DataFrame:
    group, n_groups = members.group, len(members.leader)
    size = np.bincount(group, minlength=n_groups)
    node_sizes = np.bincount(copies.nodes)
    group_of_node = np.full(len(node_sizes), -1, dtype=np.int64)
    group_of_node[copies.nodes[members.positions]] = group
    of_edge = group_of_node[inner.a]
    weight = (node_sizes[inner.a] * node_sizes[inner.b]).astype(float)
    least = np.ones(n_groups)
    np.minimum.at(least, of_edge, inner.similarity)
    inside_nodes = group_of_node >= 0
    copies_of = (node_sizes * (node_sizes - 1) // 2)[inside_nodes]
    same = np.bincount(group_of_node[inside_nodes], copies_of, minlength=n_groups)
    total = np.bincount(of_edge, weight, minlength=n_groups) + same
    mean = (np.bincount(of_edge, weight * inner.similarity, minlength=n_groups) + same) / np.maximum(total, 1)
    tier = np.zeros(n_groups, dtype=np.int8)
    np.maximum.at(tier, group, members.frame["tier"].cat.codes.to_numpy())
    return pd.DataFrame(
        {
            "size": size,
            "tier": _as_tiers(tier),
            "representative": members.frame.index[members.frame["is_kept"].to_numpy()],
            "min_similarity": least,
            "mean_similarity": mean,
            "removable": size - 1,
        },
        index=pd.RangeIndex(n_groups, name="group"),
    )


def _count_pairs(copies: Copies, edges: Edges) -> dict[str, int]:
    """Return the number of all pairs of each tier, without listing them."""
    sizes = np.bincount(copies.nodes, minlength=len(copies.first_row))
    n_all = _count_within(copies.nodes) + int((sizes[edges.a] * sizes[edges.b]).sum())
    n_files, n_pixels = _count_within(copies.files), _count_within(copies.pixels)
    return dict(zip(TIERS, (n_files, n_pixels - n_files, n_all - n_pixels), strict=True))


def _count_within(labels: IntArray) -> int:
    sizes = np.bincount(labels)
    return int((sizes * (sizes - 1) // 2).sum())


def _count_images_in_pairs(copies: Copies, edges: Edges) -> int:
    sizes = np.bincount(copies.nodes, minlength=len(copies.first_row))
    is_paired = sizes > 1
    is_paired[edges.a] = is_paired[edges.b] = True
    return int(sizes[is_paired].sum())


def _pair_table(copies: Copies, edges: Edges, *, whole: bool) -> pd.DataFrame:
    sizes = np.bincount(copies.nodes, minlength=len(copies.first_row))
    a, b = _image_pairs(copies, edges, sizes, whole=whole)
    similarity, tier = _compare_images(copies, edges, a, b)
    order = np.lexsort((b, a, -similarity, tier))
    return pd.DataFrame(
        {
            "image_id_a": copies.ids.take(a[order]),
            "image_id_b": copies.ids.take(b[order]),
            "similarity": similarity[order],
            "tier": _as_tiers(tier[order]),
        }
    )


def _image_pairs(copies: Copies, edges: Edges, sizes: IntArray, *, whole: bool) -> tuple[IntArray, IntArray]:
    """Return the positions of the images of all pairs, a < b."""
    order = np.lexsort((copies.rank, copies.nodes))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    most = len(order) if whole else MAX_LISTED_COPIES
    found = [pairs_of_sets(order, starts, sizes, at_most=most)]
    for node in np.flatnonzero(sizes > most):
        images = order[starts[node] : starts[node + 1]]
        found.append(np.stack([np.full(len(images) - 1, images[0]), images[1:]]))
    shown = sizes if whole else np.where(sizes > MAX_LISTED_COPIES, 1, sizes)
    n_a, n_b = shown[edges.a], shown[edges.b]
    edge = np.repeat(np.arange(len(edges.a)), n_a * n_b)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(n_a * n_b) - n_a * n_b, n_a * n_b)
    across = [order[starts[edges.a[edge]] + place // n_b[edge]], order[starts[edges.b[edge]] + place % n_b[edge]]]
    a, b = np.concatenate([*found, np.array(across, dtype=np.int64).reshape(2, -1)], axis=1)
    return np.minimum(a, b), np.maximum(a, b)


def _as_tiers(codes: npt.NDArray[np.int8]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(codes, categories=pd.Index(TIERS), ordered=True)
