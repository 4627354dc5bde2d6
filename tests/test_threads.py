from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info

from fastdup_nb._threads import one_blas_thread


def count_blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_blas_has_its_threads_again_when_the_last_that_held_it_to_one_is_done():
    assert np.ones((2, 2)).dot(np.ones(2)).sum() == 4  # BLAS is there
    before = count_blas_threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(count_blas_threads()) == {1}
    second.__exit__(None, None, None)
    assert count_blas_threads() == before
