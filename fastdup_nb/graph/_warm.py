"""Compiling NN-descent while something else is waited for.

numba compiles pynndescent anew in every process: its disk cache was measured to save next to nothing. So the compiling
is begun in a daemon thread, on some random vectors, when it is known that it will be needed. The thread ends with the
process, whatever it is doing, and its failure is nobody's: the search that follows then compiles by itself and tells
what is wrong.
"""

from __future__ import annotations

import logging
import threading

import numpy as np

_logger = logging.getLogger(__name__)
_lock = threading.Lock()
_state: dict[str, threading.Thread] = {}


def warm_up() -> None:
    """Begin to compile NN-descent in the background.

    Call it before something long (reading and embedding the images) when :func:`uses_nn_descent` says that it will
    be needed; returns at once. ``build_graph`` waits for the rest of it. Calling it again does nothing, and a process
    that ends before it is done does not wait for it.

    Examples
    --------
    >>> from fastdup_nb.graph import uses_nn_descent, warm_up
    >>> if uses_nn_descent(n_samples=3_000, n_features=512):
    ...     warm_up()
    """
    _begin()


def is_warm() -> bool:
    """Tell whether NN-descent is compiled or being compiled."""
    return bool(_state)


def make_ready() -> None:
    """Compile NN-descent, or wait until the compiling under way is done; Ctrl-C ends the wait."""
    thread = _begin()
    while thread.is_alive():
        thread.join(timeout=0.2)


def _begin() -> threading.Thread:
    with _lock:
        if "thread" not in _state:
            _state["thread"] = threading.Thread(target=_compile, name="fastdup_nb-compile", daemon=True)
            _state["thread"].start()
        return _state["thread"]


def _compile() -> None:
    from ._nndescent import descend

    vectors = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)
    try:
        descend(vectors, n_neighbors=5, random_state=0, n_jobs=1)
    except Exception:
        _logger.debug("Compiling NN-descent in the background failed.", exc_info=True)
