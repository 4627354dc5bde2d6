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

    def begin(self, look: Callable[[], bool]) -> None:
        """Start, unless it runs; *look* is a bound method."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                method = weakref.WeakMethod(look)
                self._thread = threading.Thread(target=self._run, args=(method,), daemon=True, name="fastdup_nb tags")
                self._thread.start()

    @staticmethod
    def _run(method: weakref.WeakMethod[Callable[[], bool]]) -> None:
        while True:
            time.sleep(SECONDS)
            look = method()
            try:
                if look is None or not look():
                    return
            except Exception:  # the file is gone or locked: whoever decides next is told why
                _LOG.debug("Other sessions are not heard any more", exc_info=True)
                return
            del look
