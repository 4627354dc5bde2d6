"""How many threads work at a time: ours, and those of BLAS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_holders: list[Any] = []


def count_processors(n_jobs: int) -> int:
    """Return the number of workers that *n_jobs* means: -1 is one for each processor this process may use."""
    if n_jobs > 0:
        return n_jobs
    from joblib import cpu_count  # comes with scikit-learn; knows the limits of containers

    return max(1, int(cpu_count()) + 1 + n_jobs)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread: for products that are small, or made on threads of ours, more cost more than they give.

    The limit is the process's: of those that hold it at a time, the first sets it and the last lifts it.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    with _lock:
        _holders.append(_holders[0] if _holders else threadpool_limits(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            limits = _holders.pop()
            if not _holders:
                limits.restore_original_limits()
