"""The bar: silent for a second, right in a terminal and in a notebook."""

from __future__ import annotations

import contextlib
import re
import sys
import time
import types

import pytest

from fastdup_nb import _mapping, _pooling, _progress
from fastdup_nb._progress import Progress, Waiting, describe_seconds


class Clock:
    """A clock that tests turn."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_progress.time, "monotonic", clock)
    return clock


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would show: every state of the output."""
    states = []
    handle = types.SimpleNamespace(update=lambda data, raw: states.append(data))
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    display = types.ModuleType("IPython.display")
    display.display = lambda *args, **kwargs: handle
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return states


def test_what_takes_less_than_a_second_shows_nothing(clock, shown, capsys):
    with Progress(10, "Reading") as progress:
        for _ in range(10):
            clock.now += 0.09
            progress.advance(1)
    assert shown == []
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_pace_and_time_left_and_keeps_one_line(clock, shown):
    with Progress(1000, "Reading") as progress:
        for _ in range(10):
            clock.now += 1
            progress.advance(100)
    assert shown[0]["text/plain"] == "Reading 100 of 1,000 images, 100 images/s, 9.0 s left"
    assert '<progress max="1000" value="100"' in shown[0]["text/html"]
    assert shown[-1]["text/plain"] == "Reading 1,000 images took 10 s (100 images/s)"
    assert "<progress" not in shown[-1]["text/html"]


def test_what_cannot_be_counted_tells_in_a_notebook_how_long_it_has_taken(monkeypatch, shown):
    monkeypatch.setattr(_progress, "_QUIET_SECONDS", 0.01)
    monkeypatch.setattr(_progress, "_REDRAW_SECONDS", 0.01)
    with Waiting("Compiling <it>"):
        until = time.monotonic() + 120
        while len(shown) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    assert re.fullmatch(r"Compiling <it>, \d+\.\d s so far", shown[0]["text/plain"])
    assert "<progress style" in shown[0]["text/html"]
    assert "&lt;it&gt;" in shown[0]["text/html"]
    assert shown[-1]["text/plain"].startswith("Compiling <it> took ")
    assert "<progress" not in shown[-1]["text/html"]


def test_what_is_done_at_once_is_not_told_and_errors_go_through(shown):
    with pytest.raises(ZeroDivisionError), Waiting("Compiling"):
        1 / 0
    assert shown == []


def test_a_map_tells_what_it_waits_for(dataset, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(_mapping, "Waiting", lambda text: told.append(text) or contextlib.nullcontext())
    ds = dataset.using(cache=tmp_path / "empty store")
    ds.map(method="pca")
    assert told == [f"Laying out {len(ds._stages.descriptors.vectors)} pictures by PCA"]
    monkeypatch.delitem(sys.modules, "umap", raising=False)
    assert "compiled first" in _mapping._tell_projection("umap", 5)


def test_a_search_for_leaks_tells_that_it_waits(dataset, monkeypatch):
    told = []
    monkeypatch.setattr(_pooling, "Waiting", lambda text: told.append(text) or contextlib.nullcontext())
    dataset.using(split="folder").leaks()
    assert told == ["Searching across sides"]
    dataset.split(train=0.5, test=0.5)
    assert set(told[1:]) == {"Searching across sides"}


def test_an_interrupted_run_says_how_far_it_came(clock, shown):
    progress = Progress(1000, "Reading")
    clock.now += 5
    progress.advance(250)
    progress.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert shown[-1]["text/plain"] == "Reading 250 of 1,000, then stopped; images took 5.0 s (50 images/s)"


def test_a_terminal_gets_a_bar_and_a_file_gets_none(clock, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    for is_terminal, wanted in ((True, "images/s"), (False, "")):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=is_terminal: answer)
        with Progress(100, "Reading") as progress:
            clock.now += 2
            progress.advance(50)
            clock.now += 2
            progress.advance(50)
        written = capsys.readouterr().err
        assert wanted in written
        assert bool(written) == is_terminal


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0.2 s"),
        (9.96, "10.0 s"),
        (10, "10 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5000, "83 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_told_in_words(seconds, words):
    assert describe_seconds(seconds) == words
