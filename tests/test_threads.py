from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from fastdup_nb._threads import Once, one_blas_thread


class Slow:
    def __init__(self, name):
        self.name, self.worked = name, []
        self.may_go = threading.Event()

    @Once
    def base(self):
        """What it is made of."""
        self.worked.append("base")
        assert self.may_go.wait(60)
        return self.name

    @Once
    def whole(self):
        return self.base * 2

    @Once
    def small(self):
        return len(self.name)

    @Once
    def wrong(self):
        self.worked.append("wrong")
        raise ValueError("not yet" if len(self.worked) < 2 else "never")


def test_a_thing_is_worked_out_by_one_thread_and_nothing_else_waits_for_it():
    slow, other = Slow("ab"), Slow("c")
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(lambda name=name: getattr(slow, name)) for name in ("base", "whole") * 3]
        other.may_go.set()
        assert (slow.small, other.whole) == (2, "cc"), "neither other things nor other objects are held up"
        assert not any(future.done() for future in asked)
        slow.may_go.set()
        assert {future.result(60) for future in asked} == {"ab", "abab"}
    assert slow.worked == ["base"]
    assert (Slow.base.__doc__, slow.__dict__["whole"]) == ("What it is made of.", "abab")


def test_what_failed_is_tried_again():
    slow = Slow("a")
    for says in ("not yet", "never"):
        with pytest.raises(ValueError, match=says):
            slow.wrong


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
