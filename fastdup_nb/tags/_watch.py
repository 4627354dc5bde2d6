"""Looking, while somebody listens, whether other processes have written to the file."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable

_LOG = logging.getLogger(__name__)
SECONDS = 1.5


class Watch:
    """One thread that calls a method again and again until it returns False, fails, or its object is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._n_begun = 0

    def begin(self, look: Callable[[], bool]) -> None:
        """Start, unless it runs; *look* is a bound method."""
        with self._lock:
            self._n_begun += 1
            if self._thread is None or not self._thread.is_alive():
                method = weakref.WeakMethod(look)
                self._thread = threading.Thread(target=self._run, args=(method,), daemon=True, name="fastdup_nb tags")
                self._thread.start()

    def _run(self, method: weakref.WeakMethod[Callable[[], bool]]) -> None:
        while True:
            time.sleep(SECONDS)
            n_begun = self._n_begun
            look = method()
            try:
                goes_on = look is not None and look()
            except Exception:  # the file is gone or locked: whoever decides next is told why
                _LOG.debug("Other sessions are not heard any more", exc_info=True)
                goes_on = False
            del look
            with self._lock:
                if not goes_on and self._n_begun == n_begun:  # else somebody came while it looked
                    self._thread = None
                    return
