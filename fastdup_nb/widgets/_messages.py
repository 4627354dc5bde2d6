"""What the front end of a gallery may send, checked before anything is done: a message can come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ParameterError
from ._deck import Query

_QUERY: dict[str, type] = {"sort": str, "text": str, "tag": str, "row": int, "snapshot": int}
_NEEDED: dict[str, dict[str, type]] = {
    "page": {"key": str, "query": Mapping, "page": int, "size": int}, "open": {"id": str}, "select": {"mode": str},
    "tag": {"tag": str}, "drop_others": {"row": int}, "reject": {}, "undo": {}, "redo": {},
}  # fmt: skip
_FOR_IMAGES = ("select", "tag", "reject")
_LISTED = {"items": int, "ids": str}
_MODES = ("set", "add", "remove")


def read_message(message: object) -> Mapping[str, Any]:
    """Return what was sent, or raise where it is nothing that a gallery can do."""
    told = message if isinstance(message, Mapping) else {}
    op = told.get("op")
    if not isinstance(op, str) or op not in _NEEDED:
        raise ParameterError(f"The gallery was sent what it does not know: {str(message)[:200]}")
    for name, kind in _NEEDED[op].items():
        if not _is(told.get(name), kind):
            raise _refuse(op, name, kind.__name__, told.get(name))
    if told.get("mode", "set") not in _MODES:
        raise _refuse(op, "mode", f"one of {', '.join(_MODES)}", told["mode"])
    if not isinstance(told.get("on"), (bool, type(None))):
        raise _refuse(op, "on", "bool", told["on"])
    if op in _FOR_IMAGES:
        _check_images(op, told)
    return told


def read_query(told: Mapping[str, Any]) -> Query:
    """Return a query from its fields, or raise where they are none."""
    for name, value in told.items():
        if name not in _QUERY or not _is(value, _QUERY[name]):
            raise _refuse("page", "query", f"a mapping of {', '.join(_QUERY)}", dict(told))
    return Query(**told)


def _check_images(op: str, told: Mapping[str, Any]) -> None:
    """Raise unless a message says which images it is for."""
    listed = [name for name in _LISTED if name in told]
    if not listed and "row" not in told and told.get("selected") is not True:
        raise _refuse(op, "items", "a list of positions", None)
    for name in listed:
        if not isinstance(told[name], list) or not all(_is(one, _LISTED[name]) for one in told[name]):
            raise _refuse(op, name, f"a list of {_LISTED[name].__name__}", told[name])


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _refuse(op: str, name: str, wanted: str, got: object) -> ParameterError:
    return ParameterError(f"A gallery asked for {op!r} must be told {name!r}, {wanted}. Got {got!r:.80} instead.")
