"""The front door is small, complete, documented, and opens at once."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import subprocess
import sys

import pytest

import fastdup_nb as fd
from fastdup_nb import errors

HEAVY = (
    "onnxruntime",
    "numba",
    "pynndescent",
    "sklearn",
    "datashader",
    "scipy",
    "IPython",
    "anywidget",
    "ipywidgets",
    "jinja2",
    "pyarrow.dataset",
)
LATE = ("findings", "results", "views", "widgets", "export", "_sample", "_mapping", "_planning", "_pooling", "_query")


def test_the_public_names_are_these():
    assert fd.__all__ == sorted(fd.__all__)
    assert fd.__all__ == [
        "CallableEncoder", "Dataset", "FastdupError", "NeighborGraph", "OnnxEncoder", "build_graph", "link",
        "load_plan", "sample", "sample_frames",
    ]  # fmt: skip
    fd.Dataset  # loads modules, which are no names to complete
    assert [name for name in dir(fd) if not name.startswith("__")] == fd.__all__
    assert {"__version__", "__doc__"} <= set(dir(fd))
    for name in fd.__all__:
        assert getattr(fd, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'dataset_'"):
        fd.dataset_


def test_every_public_method_is_documented():
    for name, member in inspect.getmembers(fd.Dataset):
        if not name.startswith("_"):
            assert inspect.getdoc(member), name


def test_errors_name_what_was_called(few):
    ds = fd.Dataset(few, cache=None)
    for name, member in inspect.getmembers(fd.Dataset, inspect.isfunction):
        if not name.startswith("_"):
            assert member.__qualname__ == f"Dataset.{name}"
            assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301
    with pytest.raises(TypeError, match=r"^Dataset.similar\(\) missing 1 required positional argument: 'query'"):
        ds.similar()
    for caller, call in {
        "'tag' parameter of Dataset.tags.add": lambda: ds.tags.add("cat.jpg", 5),
        "'images' parameter of Dataset.tags.remove": lambda: ds.tags.remove(5, "a"),
        "'label' parameter of Dataset.relabel": lambda: ds.relabel("cat.jpg", 5),
        "'tag' parameter of Quality.tag": lambda: ds.quality().tag(5),
    }.items():
        with pytest.raises(errors.ParameterTypeError, match=f"The {caller} must be"):
            call()


def test_every_error_is_ours_and_a_builtin_one():
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, fd.FastdupError)
        if error is not fd.FastdupError:
            assert any(
                base.__module__ == "builtins" and base not in {Exception, BaseException, object}
                for base in error.__mro__
            )


def test_importing_loads_nothing_heavy_and_little_else():
    code = f"""
import sys, pandas
before = set(sys.modules)
import fastdup_nb; fastdup_nb.Dataset
new = set(sys.modules) - before
import json
others = [m for m in new if m.partition(".")[0] != "fastdup_nb"]
late = [m for m in new if m.startswith(tuple("fastdup_nb." + name for name in {LATE!r}))]
print(json.dumps([sorted(m for m in new if m in {HEAVY!r}), len(others), late]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, n_others, late = json.loads(done.stdout)
    assert heavy == []
    assert n_others < 60  # modules of other packages; how many depends on their versions
    assert late == []
    assert done.stderr == ""


def test_a_run_opens_no_socket(few):
    code = f"""
import socket
def refuse(*args, **kwargs): raise AssertionError("a connection was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import fastdup_nb as fd
ds = fd.Dataset({str(few)!r}, cache=None)
print(ds.summary()["images"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "6"


def test_a_run_leaves_nothing_in_the_home_of_the_user(few, tmp_path):
    """onnxruntime, where it sends usage data, keeps a number of the machine there."""
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import fastdup_nb as fd
print(fd.Dataset({str(few)!r}, cache=None, tags=None).summary()["images"])
import os; assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "FASTDUP_NB"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env | {"HOME": str(home)}
    )
    assert done.stdout.strip() == "6"
    assert [str(path) for path in home.rglob("*") if path.is_file()] == []
