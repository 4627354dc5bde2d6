"""An onnxruntime session that is opened at first use and shared by threads."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from ..errors import ParameterError


class Session:
    """A lazily opened model file; each call runs on the thread that makes it.

    The worker threads of a run are the parallelism, so onnxruntime gets no threads of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Any = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Session], tuple[Path]]:
        return Session, (self.path,)

    def open(self) -> Any:
        """Return the onnxruntime session, opening it the first time."""
        with self._lock:
            if self._opened is None:
                self._opened = _open(self.path)
            return self._opened


def _open(path: Path) -> Any:
    # onnxruntime sends usage data and keeps a number of this machine, unless told not to before it is loaded
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # a user cannot act on warnings about the graph
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ParameterError(f"{str(path)!r} cannot be opened as an ONNX model: {error}") from error
