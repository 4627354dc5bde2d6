"""What was moved: a file of JSON lines in the folder of a plan, written before and after every move.

An event is ``planned``, ``intent``, ``done``, ``undoing`` or ``undone``; the last one of a move tells its state. A line
that was cut off by an interruption is passed over: what it would have told is found on the disk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from ..errors import ParameterError
from ._move import Move, is_inside
from ._seal import is_sealed, make_seal

MANIFEST_NAME = "fastdup_nb_manifest.jsonl"
EVENTS = ("planned", "intent", "done", "undoing", "undone")
_VERSION = 1
_BASES = ("move_to", "root")
_FIELDS = tuple(field.name for field in fields(Move))


class Manifest:
    """The manifest in a folder; nothing is written before ``begin``."""

    def __init__(self, folder: Path, root: Path, *, is_sealed: bool = False, is_given: bool = False) -> None:
        self.folder = folder
        self.root = root
        self.is_sealed = is_sealed  # the root was written there by this user
        self.is_given = is_given  # the root was named by the user, whatever is written there

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / MANIFEST_NAME

    @classmethod
    def open(cls, path: Path) -> Manifest:
        """Return the manifest in an existing file; the folder it lies in is the one that files were moved to."""
        header = next((event for event in reversed(_read(path)) if event.get("event") == "plan"), None)
        if header is None or not isinstance(header.get("root"), str) or header.get("version") != _VERSION:
            raise ParameterError(f"{str(path)!r} is no manifest of fastdup_nb, or one of a newer version.")
        if not os.path.isabs(str(header["root"])):
            raise ParameterError(f"The manifest {str(path)!r} names a root that is no absolute path.")
        root = Path(str(header["root"]))
        return cls(path.absolute().parent, root, is_sealed=is_sealed(root, header.get("seal")))

    def states(self) -> dict[tuple[str, str, str], str]:
        """Return the last event of each move."""
        return {move.key: event for move, event in self.moves()}

    def moves(self) -> list[tuple[Move, str]]:
        """Return every move that was ever planned here, with its last event."""
        found: dict[tuple[str, str, str], tuple[Move, str]] = {}
        if not self.path.exists():
            return []
        for event in _read(self.path):
            if event.get("event") in EVENTS:
                move = _as_move(event, self.path)
                found[move.key] = (found[move.key][0] if move.key in found else move, str(event["event"]))
        return list(found.values())

    def count_moves(self) -> int:
        """Return how many moves were planned here, also where lines of them were lost since."""
        told = [event.get("n_moves") for event in _read(self.path) if event.get("event") == "plan"]
        return max((n for n in told if isinstance(n, int)), default=0)

    def begin(self, moves: Iterable[Move]) -> None:
        """Write what is planned, so that it can go on after an interruption."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size:
            known = Manifest.open(self.path).root
            if known != self.root and not self.is_given:
                raise ParameterError(
                    f"The folder {str(self.folder)!r} holds files moved out of {str(known)!r}. Give another folder for "
                    f"those of {str(self.root)!r}."
                )
        states = self.states()
        new = [_as_event("planned", move) for move in moves if move.key not in states]
        header = {"event": "plan", "version": _VERSION, "root": str(self.root), "seal": make_seal(self.root)}
        self._write([{**header, "n_moves": len(states) + len(new)}, *new])

    def record(self, event: str, move: Move, *, made: Sequence[str] = ()) -> None:
        """Add an event, and the folders that it makes below the move's base, and wait until it is on the disk."""
        self._write([_as_event(event, move) | ({"made": list(made)} if made else {})])

    def made(self) -> list[tuple[str, str]]:
        """Return the bases and names of all folders that moves made, those in others first."""
        told = set()
        for event in _read(self.path):
            names = event.get("made")
            told |= {(str(event.get("base")), str(name)) for name in (names if isinstance(names, list) else ())}
        return sorted((one for one in told if one[0] in _BASES and is_inside(one[1])), reverse=True)

    def _write(self, events: list[dict[str, object]]) -> None:
        moment = time.time()
        text = "".join(json.dumps({**event, "time": moment}) + "\n" for event in events)
        with open(self.path, "ab") as file:
            if file.tell() and not _ends_line(self.path):
                file.write(b"\n")  # after a line that was cut off
            file.write(text.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())


def _ends_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _read(path: Path) -> list[dict[str, object]]:
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def _as_event(event: str, move: Move) -> dict[str, object]:
    return {"event": event, **asdict(move)}


def _as_move(event: dict[str, object], path: Path) -> Move:
    """Return the move of an event; one that leads out of the two roots is an error, whoever wrote it."""
    told = {name: event.get(name) for name in _FIELDS}
    names = [str(told[name]) for name in ("source", "destination")]
    if not all(map(is_inside, names)) or told["base"] not in _BASES:
        raise ParameterError(
            f"The manifest {str(path)!r} was changed: {names[0]!r} to {names[1]!r} leads out of its folders. Nothing "
            "was moved."
        )
    stamp = told["stamp"]
    digest = told["digest"]
    return Move(
        image_id=str(told["image_id"]),
        source=names[0],
        destination=names[1],
        base=str(told["base"]),
        reason=str(told["reason"]),
        digest=digest if isinstance(digest, str) else None,
        stamp=tuple(int(number) for number in stamp) if isinstance(stamp, list) else None,
    )
