"""What all benchmarks share: the machine and the versions, and each side measured in a process of its own.

A benchmark module calls :func:`run_side` for each side; that starts the module again with ``--side <name>`` and
``--json <options>``. In the child, the module does its preparation, calls :func:`measured` for what is to be measured,
and ends with :func:`hand_back`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_MARK = "RESULT "


def print_machine(packages: Iterable[str], **sizes: object) -> None:
    """Print the machine, the versions and the sizes a result belongs to."""
    print(f"machine   {processor()}, {n_processors()} processors, {memory_gb():.0f} GB, {platform.system()}")
    print(f"versions  Python {platform.python_version()}, " + ", ".join(map(_version, packages)))
    print("sizes     " + ", ".join(f"{name} {value}" for name, value in sizes.items()))


def processor() -> str:
    """Return the model of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def n_processors() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_gb() -> float:
    """Return the size of the main memory in GB; nan where it is not told."""
    if not hasattr(os, "sysconf"):
        return float("nan")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def run_side(module: str, side: str, options: Mapping[str, object]) -> dict[str, Any]:
    """Run one side in its own process and return what it handed back; ``{"failed": reason}`` if it did not."""
    command = [sys.executable, "-m", module, "--side", side, "--json", json.dumps(dict(options))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not lines:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    return dict(json.loads(lines[-1].removeprefix(_MARK)))


def hand_back(**facts: object) -> None:
    """Give the result of a side to the process that started it."""
    print(_MARK + json.dumps(facts))


def measured(function: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Call *function*; return its value, and its wall and processor time in s and memory in MB.

    ``peak_mb`` is the peak of the whole process, ``added_mb`` how far it rose above what was in use before.
    """
    before = memory_mb()
    wall, processor_time = time.perf_counter(), time.process_time()
    value = function()
    facts = {"wall_s": time.perf_counter() - wall, "processor_s": time.process_time() - processor_time}
    peak = peak_memory_mb()
    return value, {**facts, "peak_mb": peak, "added_mb": max(0.0, peak - before)}


def peak_memory_mb() -> float:
    """Return the most memory this process ever had resident, in MB."""
    return _status_mb("VmHWM") or _usage_mb()


def memory_mb() -> float:
    """Return the memory this process has resident now, in MB (its peak, where the system tells no more)."""
    return _status_mb("VmRSS") or _usage_mb()


def _status_mb(field: str) -> float:
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    values = [int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field + ":")]
    return values[0] if values else 0.0


def _usage_mb() -> float:
    try:
        import resource
    except ImportError:  # Windows
        import psutil  # type: ignore[import-untyped]

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of the same keys as an aligned table."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
