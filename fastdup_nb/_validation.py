"""One wording for every wrong parameter: which, what it must be, what came."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

from .errors import ParameterError, ParameterTypeError


def check_number(
    value: object,
    name: str,
    caller: str,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
) -> float:
    """Return *value* as a float in [low, high], or raise."""
    wanted = f"a float in [{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ParameterTypeError(_wrong(name, caller, wanted, value))
    number = float(value)
    if not low <= number <= high:
        raise ParameterError(_wrong(name, caller, wanted, value))
    return number


def check_integer(
    value: object, name: str, caller: str, *, low: int, high: int | None = None, otherwise: str = ""
) -> int:
    """Return *value* as an int in [low, high], or raise; *otherwise* says what else could have been given."""
    wanted = f"an int of at least {low}" if high is None else f"an int in [{low}, {high}]"
    wanted += f", or {otherwise}" if otherwise else ""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ParameterTypeError(_wrong(name, caller, wanted, value))
    number = int(value)
    if number < low or (high is not None and number > high):
        raise ParameterError(_wrong(name, caller, wanted, value))
    return number


def check_choice(value: object, name: str, caller: str, choices: Sequence[str]) -> str:
    """Return *value* when it is one of *choices*, or raise."""
    if not isinstance(value, str) or value not in choices:
        raise ParameterError(_wrong(name, caller, "one of " + ", ".join(map(repr, choices)), value))
    return value


def _wrong(name: str, caller: str, wanted: str, value: object) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return f"The {name!r} parameter of {caller} must be {wanted}. Got {shown} instead."
