"""What pyproject.toml, environment.yml, the change log and the package say about versions is the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import fastdup_nb

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NOTEBOOK_PACKAGES = {"ipykernel", "jupyterlab"}


def split_requirement(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*(.*)", requirement).groups()
    return name.lower(), bound


def read_environment() -> tuple[dict[str, str], list[str]]:
    """Return the conda packages with their bounds, and the lines of the pip section."""
    conda, pip = {}, []
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").split("dependencies:\n")[1].splitlines()
    for line in lines:
        indent, _, entry = line.partition("- ")
        if line.lstrip().startswith("#") or entry == "pip:":
            continue
        if len(indent) > 2:
            pip.append(entry)
        else:
            name, bound = split_requirement(entry)
            conda[name] = bound
    return conda, pip


def test_the_conda_environment_has_the_packages_and_bounds_of_the_project() -> None:
    wanted = dict(split_requirement(line) for line in [*PROJECT["dependencies"], *EXTRAS["sample"]])
    for_notebooks = dict(split_requirement(line) for line in [*EXTRAS["test"], *EXTRAS["dev"]])
    wanted |= {name: for_notebooks[name] for name in NOTEBOOK_PACKAGES}
    conda, _ = read_environment()
    assert {name: bound for name, bound in conda.items() if name not in {"python", "pip"}} == wanted


def test_the_conda_environment_installs_this_checkout() -> None:
    conda, pip = read_environment()
    assert pip == ["-e ."]
    assert "pip" in conda


def test_the_conda_environment_has_the_python_of_the_project() -> None:
    conda, _ = read_environment()
    assert conda["python"] == PROJECT["requires-python"]


def test_every_dependency_has_a_lower_bound_and_none_an_upper_one() -> None:
    lines = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    bounds = {name: bound for name, bound in map(split_requirement, lines) if name != PROJECT["name"]}
    assert len(bounds) > len(PROJECT["dependencies"])
    assert [name for name, bound in bounds.items() if not re.fullmatch(r">=[0-9.]+", bound)] == []


def test_python_itself_has_no_upper_bound() -> None:
    assert re.fullmatch(r">=3\.\d+", PROJECT["requires-python"])


def test_the_packages_version_is_that_of_the_project() -> None:
    assert fastdup_nb.__version__ == PROJECT["version"]


def test_the_newest_release_in_the_change_log_is_that_of_the_project() -> None:
    releases = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert releases[:1] == [PROJECT["version"]]
