"""A book of tags in memory, with what widgets need of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    color: str
    key: str


@dataclass(frozen=True)
class Action:
    text: str
    image_ids: tuple[str, ...]
    before: dict[str, tuple[str, ...]]


class FakeTags:
    def __init__(self) -> None:
        self.palette = {"keep": Style("#009E73", "1"), "drop": Style("#D55E00", "2"), "no <b>key</b>": Style("", "")}
        self.held: dict[str, tuple[str, ...]] = {}
        self.done: list[Action] = []
        self.undone: list[Action] = []
        self.callbacks: list[Callable[[object], None]] = []

    def of(self, image_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        return {image_id: self.held.get(image_id, ()) for image_id in image_ids}

    def tagged(self, tag: str) -> list[str]:
        return [image_id for image_id, tags in self.held.items() if tag in tags]

    def edit(self, images: object, *, add=(), remove=()) -> Action:
        before = self.of(images)
        for image_id in images:
            kept = tuple(tag for tag in self.held.get(image_id, ()) if tag not in remove)
            self.held[image_id] = tuple(dict.fromkeys((*kept, *add)))
        self.done.append(Action(f"{len(before)} images: +{list(add)} -{list(remove)}", tuple(before), before))
        return self._tell(self.done[-1])

    def undo(self) -> Action | None:
        if not self.done:
            return None
        action = self.done.pop()
        now = self.of(action.image_ids)
        self.held.update(action.before)
        self.undone.append(Action(action.text, action.image_ids, now))
        return self._tell(action)

    def redo(self) -> Action | None:
        if not self.undone:
            return None
        action = self.undone.pop()
        self.done.append(Action(action.text, action.image_ids, self.of(action.image_ids)))
        self.held.update(action.before)
        return self._tell(action)

    def subscribe(self, callback: Callable[[object], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def _tell(self, action: Action) -> Action:
        for callback in list(self.callbacks):
            callback(action)
        return action
