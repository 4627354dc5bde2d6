"""What each search costs, fitted to measurements (docs/graph.md has them), and which of the two to use.

The constants are processor seconds of one 2.6 GHz core with AVX-512. On another machine both searches scale alike, so
the crossover moves little. Compiling is the one cost that more processors do not divide.
"""

from __future__ import annotations

import math

COMPILE_SECONDS = 25.0


def exact_seconds(n_queries: int, n_samples: int, n_features: int) -> float:
    """Return the processor seconds of an exact search: one product, and a fixed price per pair."""
    return n_queries * n_samples * (2.14e-11 * n_features + 2.2e-9)


def nn_descent_seconds(n_samples: int, n_features: int, n_neighbors: int) -> float:
    """Return the processor seconds of NN-descent, without compiling: n log n, and more for more neighbors."""
    per_row = (3.85e-5 + 1.13e-7 * n_features) * (n_neighbors + 5) / 20
    return n_samples * math.log2(max(n_samples, 2)) / 14.3 * per_row


def choose_method(n_samples: int, n_features: int, *, n_neighbors: int, n_jobs: int, is_warm: bool) -> str:
    """Return the method whose result is there sooner."""
    compiling = 0.0 if is_warm else COMPILE_SECONDS
    exact = exact_seconds(n_samples, n_samples, n_features) / n_jobs
    descent = nn_descent_seconds(n_samples, n_features, n_neighbors) / n_jobs + compiling
    return "exact" if exact <= descent else "nn-descent"


def is_worth_compiling(n_samples: int, n_features: int, *, n_neighbors: int) -> bool:
    """Tell whether NN-descent saves more work than compiling it costs, when the compiling is hidden in another wait."""
    descent = nn_descent_seconds(n_samples, n_features, n_neighbors) + COMPILE_SECONDS
    return exact_seconds(n_samples, n_samples, n_features) > descent
