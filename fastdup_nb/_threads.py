"""How many threads work at a time, ours and those of BLAS, and what only one of them works out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_lock = threading.Lock()
_holders: list[Any] = []


class Once(Generic[T]):
    """An attribute that is worked out when it is first asked for, by one thread, and kept as long as its object.

    ``functools.cached_property`` lets two threads work at the same thing from Python 3.12 on, and before that makes
    all objects of a class wait for one.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, one: object, _: type | None = None) -> T:
        if one is None:
            return self  # type: ignore[return-value]
        kept = one.__dict__
        with kept.setdefault(f"lock of {self._name}", threading.RLock()):
            if self._name not in kept:
                kept[self._name] = self._work(one)
            found: T = kept[self._name]
            return found


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
