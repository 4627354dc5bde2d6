"""One progress bar for a run: in a notebook, in a terminal, and silent for what takes less than about a second."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from html import escape
from types import TracebackType
from typing import Protocol

_QUIET_SECONDS = 1.0
_REDRAW_SECONDS = 0.25
_UNKNOWN = '<progress style="width:16em;vertical-align:middle"></progress> '


class _Bar(Protocol):
    def draw(self, done: int, total: int, seconds: float) -> None: ...
    def close(self, done: int, total: int, seconds: float) -> None: ...


class Progress:
    """Count what is done of *total*; draw nothing before a second has passed.

    Parameters
    ----------
    total : int
        How many there are to do; may be raised when more turn up.
    verb : str
        What is being done, for example ``"Reading"``.
    unit : str, default "images"
        What is counted.
    """

    def __init__(self, total: int, verb: str, *, unit: str = "images") -> None:
        self.total, self.verb, self.unit = total, verb, unit
        self.done = 0
        self._started = self._drawn = time.monotonic()
        self._bar: _Bar | None = None

    def __enter__(self) -> Progress:
        return self

    def advance(self, n_more: int) -> None:
        """Count *n_more* as done, and redraw when it is time."""
        self.done += n_more
        now = time.monotonic()
        if now - self._started < _QUIET_SECONDS or now - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = self._make_bar(now - self._started)
        self._bar.draw(self.done, self.total, now - self._started)

    def _make_bar(self, seconds: float) -> _Bar:
        if _in_notebook():
            return _NotebookBar(self.verb, self.unit)
        return _TerminalBar(self.verb, self.unit, self.total, seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close(self.done, self.total, time.monotonic() - self._started)


class Waiting:
    """Tell what takes long and cannot be counted, and for how long it has; draw nothing before a second has passed.

    Parameters
    ----------
    doing : str
        What is being done, for example ``"Compiling"``.
    """

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._started = time.monotonic()
        self._ended = threading.Event()
        told = contextvars.copy_context().run  # so that outputs of the thread go to the cell
        self._thread = threading.Thread(target=told, args=(self._tell,), daemon=True, name="fastdup_nb progress")

    def __enter__(self) -> Waiting:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _tell(self) -> None:
        if self._ended.wait(_QUIET_SECONDS):
            return
        line = _NotebookBar(self._doing, "") if _in_notebook() else _TerminalLine()
        while not self._ended.wait(_REDRAW_SECONDS):
            line.wait(f"{self._doing}, {self._told_seconds()} so far")
        line.end(f"{self._doing} took {self._told_seconds()}")

    def _told_seconds(self) -> str:
        return describe_seconds(time.monotonic() - self._started)


class _TerminalLine:
    def __init__(self) -> None:
        from tqdm.std import tqdm

        self._tqdm = tqdm(bar_format="{desc}", disable=None, leave=False)

    def wait(self, text: str) -> None:
        self._tqdm.set_description_str(text)

    def end(self, text: str) -> None:  # noqa: ARG002
        self._tqdm.close()


class _TerminalBar:
    def __init__(self, verb: str, unit: str, total: int, seconds: float) -> None:
        from tqdm.std import tqdm

        # disable=None: silent where the output is no terminal
        self._tqdm = tqdm(desc=verb, unit=f" {unit}", total=total, disable=None, leave=False, smoothing=0.05)
        self._tqdm.start_t = getattr(self._tqdm, "start_t", 0.0) - seconds

    def draw(self, done: int, total: int, seconds: float) -> None:  # noqa: ARG002
        self._tqdm.total = total
        self._tqdm.update(done - self._tqdm.n)

    def close(self, done: int, total: int, seconds: float) -> None:  # noqa: ARG002
        self._tqdm.close()


class _NotebookBar:
    """An output that is redrawn in place; what stays in the saved notebook is one line."""

    def __init__(self, verb: str, unit: str) -> None:
        from IPython.display import display

        self._verb, self._unit = verb, unit
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def draw(self, done: int, total: int, seconds: float) -> None:
        text = f"{self._verb} {done:,} of {total:,} {self._unit}, {_pace(done, seconds, self._unit)}, "
        text += f"{describe_seconds((total - done) * seconds / max(done, 1))} left"
        bar = f'<progress max="{total}" value="{done}" style="width:16em;vertical-align:middle"></progress> '
        self._show(text, f"<div>{bar}{escape(text)}</div>")

    def close(self, done: int, total: int, seconds: float) -> None:
        stopped = "" if done >= total else f" of {total:,}, then stopped;"
        text = f"{self._verb} {done:,}{stopped} {self._unit} took {describe_seconds(seconds)}"
        self.end(f"{text} ({_pace(done, seconds, self._unit)})")

    def wait(self, text: str) -> None:
        self._show(text, f"<div>{_UNKNOWN}{escape(text)}</div>")

    def end(self, text: str) -> None:
        self._show(text, f"<div><small>{escape(text)}</small></div>")

    def _show(self, text: str, html: str) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": text, "text/html": html}, raw=True)


def describe_seconds(seconds: float) -> str:
    """Return a duration in words: 4 s, 3 min, 2 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _pace(done: int, seconds: float, unit: str) -> str:
    return f"{done / max(seconds, 1e-9):,.0f} {unit}/s"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None
