"""``Plan``: what would happen to files, and the moves themselves."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .._text import TEXT, show_path
from ..errors import ParameterError, ParameterTypeError, SourceNotFoundError
from ..views import Fact, Table, View, render_html, render_text
from ._manifest import MANIFEST_NAME, Manifest
from ._move import Move, complete_move, has_changed, is_inside, is_known, leads_out, move_file

_COLUMNS = ("image_id", "action", "source", "destination", "reason", "status", "error")
#: A status and, where something is wrong, what.
Outcome = tuple[str, str]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """What would happen to files. Nothing is touched before ``apply``, nothing is ever deleted or written over.

    Every move is written to a manifest in the folder before and after it is made. So ``apply`` can be called again
    after an interruption at any point, and ``undo`` puts files back, also in a later session:
    ``fd.load_plan("folder").undo()``.

    Attributes
    ----------
    moves : tuple of Move
        One for each file.
    folder : Path
        Where files are moved to, and where the manifest lies.
    root : Path
        Root of the collection.

    Examples
    --------
    >>> import tempfile, fastdup_nb as fd
    >>> folder = fd.sample(tempfile.mkdtemp() + "/sample")
    >>> ds = fd.Dataset(folder, cache=None)
    >>> _ = ds.tags.add(ds.image_ids[:2], "drop")
    >>> plan = ds.plan(drop="drop", move_to=folder.parent / "dropped")
    >>> plan.to_frame()["status"].tolist()
    ['planned', 'planned']
    >>> plan.apply()["status"].tolist(), plan.undo()["status"].tolist()
    (['done', 'done'], ['undone', 'undone'])
    """

    moves: tuple[Move, ...]
    folder: Path
    root: Path
    _seen: dict[tuple[str, str, str], Outcome] = field(default_factory=dict)
    _is_given: bool = False  # the root was named by the user for a manifest that may be a stranger's

    def to_frame(self) -> pd.DataFrame:
        """Return a row per file, as things are now.

        Columns: ``image_id``, ``action`` (``move``), ``source`` and ``destination`` (full paths), ``reason`` (the tag
        or the new label), ``status`` and ``error``. Status is ``planned``, ``done`` (moved), ``undone`` (put back),
        ``clash`` (something is there already), ``missing`` (no such file), ``changed`` (another content than was
        decided on) or ``failed``; all but the first three leave the file where it is.
        """
        return self._frame(self._outcomes())

    @property
    def counts(self) -> pd.Series:
        """Number of files with each status."""
        return self.to_frame()["status"].value_counts().rename("n_files")

    def apply(self) -> pd.DataFrame:
        """Move the files, one by one; return ``to_frame()``. What goes wrong with one does not stop the others.

        Rows that are done are passed over; those that clashed or failed are tried again.
        """
        return self._run(self._apply, [move for move in self.moves if not move.problem])

    def undo(self) -> pd.DataFrame:
        """Put back the files that were moved; return ``to_frame()``. Nothing is written over here either.

        Folders that were made for them go where they are empty again. A file of which the manifest no longer tells
        that it was moved is known by its content. One that has another content than was moved there, or is a link to
        it now, stays where it is, with an error.
        """
        frame = self._run(self._undo, [move for move in reversed(self.moves) if not move.problem])
        self._remove_made()
        return frame

    def __len__(self) -> int:
        return len(self.moves)

    def __repr__(self) -> str:
        return render_text(self._view())

    def _repr_html_(self) -> str:
        return render_html(self._view(), lambda _: None)

    @property
    def _manifest(self) -> Manifest:
        return Manifest(self.folder, self.root, is_given=self._is_given)

    def _base(self, name: str) -> Path:
        return self.folder if name == "move_to" else self.root

    def _paths(self, move: Move) -> tuple[Path, Path]:
        return self.root / move.source, self._base(move.base) / move.destination

    def _run(self, act: Callable[[Move, str, Manifest], Outcome], moves: Sequence[Move]) -> pd.DataFrame:
        manifest = self._manifest
        try:
            if moves:
                manifest.begin(moves)
            states = manifest.states()
        except OSError as error:
            self._seen.update({move.key: ("failed", _tell(error)) for move in moves})
            return self.to_frame()
        for move in moves:
            try:
                self._seen[move.key] = act(move, states.get(move.key, "planned"), manifest)
            except FileExistsError as error:
                self._seen[move.key] = ("clash", f"there is a file already: {error.filename2 or error.filename}")
            except OSError as error:
                self._seen[move.key] = ("failed", _tell(error))
        return self.to_frame()

    def _apply(self, move: Move, state: str, manifest: Manifest) -> Outcome:  # noqa: PLR0911 - one for each status
        source, destination = self._paths(move)
        if state == "done" and not os.path.lexists(source):
            return "done", ""
        if self._leads_out(move):
            return "failed", _LINKED
        was_begun = state in {"intent", "undoing"}
        if not os.path.lexists(source):
            if os.path.lexists(destination) and (was_begun or self._is_ours(move)):
                manifest.record("done", move)
                return "done", ""
            return "missing", "there is no such file any more"
        if os.path.lexists(destination):
            if not (was_begun and complete_move(source, destination)):
                return "clash", f"there is a file already: {destination}"
        else:
            if has_changed(source, move.digest, move.stamp):
                return "changed", "its content is another than the one that was decided on"
            self._moved(manifest, move, ("intent", "planned"), source, destination)
        manifest.record("done", move)
        return "done", ""

    def _undo(self, move: Move, state: str, manifest: Manifest) -> Outcome:  # noqa: PLR0911 - one for each status
        source, destination = self._paths(move)
        is_told = state in {"done", "intent", "undoing"}
        if not is_told and os.path.lexists(source):
            return self._seen.get(move.key, (state, ""))
        if self._leads_out(move):
            return "failed", _LINKED
        if not is_told and not (os.path.lexists(destination) and self._is_ours(move)):
            nowhere = f"it is not at {source}, and what is at {destination}, if anything, is another file"
            return self._seen.get(move.key, ("missing", nowhere))
        if os.path.lexists(destination):
            if not os.path.lexists(source):
                if is_told and self._is_ours(move) is False:
                    return "done", f"it cannot be put back: {destination} is not what was moved there; look at it first"
                self._moved(manifest, move, ("undoing", "done"), destination, source)
            elif state == "done" or not complete_move(destination, source):
                return "done", f"it cannot be put back: there is a file already: {source}"
        elif not os.path.lexists(source):
            return "done", f"it cannot be put back: there is no {destination} any more"
        manifest.record("undone", move)
        return "undone", ""

    def _is_ours(self, move: Move) -> bool | None:
        """Whether what is at the destination is the file that was decided on; None where nothing is known of that."""
        source, destination = self._paths(move)
        if os.path.islink(destination):
            destination = source.parent / os.readlink(destination)  # where it will lead once it is back
        return is_known(destination, move.digest, move.stamp)

    def _leads_out(self, move: Move) -> bool:
        """Whether a link leads out of the folders of a move; those of a collection of one's own may."""
        source, destination = self._paths(move)
        return leads_out(self._base(move.base), destination) or (self._is_given and leads_out(self.root, source))

    def _moved(self, manifest: Manifest, move: Move, events: tuple[str, str], source: Path, destination: Path) -> None:
        """Move a file between two events: one says what is meant, the other that it came to nothing."""
        made = self._missing_folders(move) if events[0] == "intent" else []
        manifest.record(events[0], move, made=made)
        try:
            move_file(source, destination)
        except OSError:
            manifest.record(events[1], move)
            raise

    def _missing_folders(self, move: Move) -> list[str]:
        """Return the folders below its base that a move has to make."""
        base, parts = self._base(move.base), move.destination.split("/")[:-1]
        names = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        return [name for name in names if not os.path.lexists(base / name)]

    def _remove_made(self) -> None:
        """Remove the folders that moves made, where nothing is in them any more."""
        for base, name in self._manifest.made() if self._manifest.path.exists() else ():
            folder = self._base(base) / name
            if not leads_out(self._base(base), folder):
                with suppress(OSError):  # something is in it, or it is gone
                    folder.rmdir()

    def _outcomes(self) -> list[Outcome]:
        states = self._manifest.states()
        taken: Counter[str] = Counter()
        return [self._outcome(move, states.get(move.key, "planned"), taken) for move in self.moves]

    def _outcome(self, move: Move, state: str, taken: Counter[str]) -> Outcome:
        source, destination = self._paths(move)
        taken[str(destination)] += 1
        if move.problem:
            return "failed", move.problem
        if move.key in self._seen:
            return self._seen[move.key]
        if not os.path.lexists(source) and state == "done":
            return "done", ""
        if not os.path.lexists(source):
            return (
                ("planned", "") if os.path.lexists(destination) and state == "intent" else ("missing", "no such file")
            )
        if taken[str(destination)] > 1 or (os.path.lexists(destination) and state not in {"intent", "undoing"}):
            return "clash", f"there is, or would be, a file already: {destination}"
        return "planned", ""

    def _frame(self, outcomes: Sequence[Outcome]) -> pd.DataFrame:
        rows = []
        for move, (status, error) in zip(self.moves, outcomes, strict=True):
            source, destination = self._paths(move)
            rows.append((move.image_id, "move", str(source), str(destination), move.reason, status, error))
        printable = [[cell.encode("utf-8", "backslashreplace").decode() for cell in row] for row in rows]
        return pd.DataFrame(printable, columns=list(_COLUMNS), dtype=TEXT)

    def _view(self) -> View:
        frame = self.to_frame()
        counts = frame["status"].value_counts()
        n = len(frame)
        is_done = 0 < n == int(counts.get("done", 0))
        told = "moved into" if is_done else "to move into"
        shown = frame[["image_id", "destination", "reason", "status", "error"]].head(20)
        shown = shown.assign(destination=[show_path(Path(path)) for path in shown["destination"]])
        rows = tuple(tuple(row) for row in shown.to_numpy())
        return View(
            title="Plan",
            headline=f"{n:,} {'file' if n == 1 else 'files'} {told} {show_path(self.folder)}."
            if n
            else "No file to move.",
            facts=tuple(Fact(str(status), int(count), _MEANINGS[str(status)]) for status, count in counts.items()),
            table=Table(("image", "to", "because of", "status", "error"), rows, caption="Files", n_more=n - len(rows))
            if rows
            else None,
            next_calls=(
                *(() if is_done else (("plan.apply()", "move the files; nothing is deleted"),)),
                ("plan.undo()", "put them back"),
            ),
        )


_LINKED = "a link among its folders leads out of them"
_MEANINGS = {
    "planned": "nothing was touched yet",
    "done": "moved",
    "undone": "put back",
    "clash": "something is there already: left alone",
    "missing": "no such file",
    "changed": "another content than was decided on: left alone",
    "failed": "left alone, see the error",
}


def load_plan(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> Plan:
    """Return the plan of files that were moved before, to go on with it or to put them back.

    Parameters
    ----------
    path : path
        The folder that files were moved to, or the manifest in it, ``fastdup_nb_manifest.jsonl``.
    root : path, optional
        Root of the collection, where it lies elsewhere by now, or where the manifest was written by another user or on
        another machine: a root that a stranger named is not believed.

    Returns
    -------
    Plan
        All moves ever planned with this folder. ``apply`` goes on where it was interrupted, ``undo`` puts back.

    Raises
    ------
    SourceNotFoundError
        If there is no manifest.
    ParameterError
        If it is none, was changed so that a move would lead out of its two folders, or needs *root*.
    """
    for name, value in (("path", path), ("root", path if root is None else root)):
        if not isinstance(value, (str, os.PathLike)):
            raise ParameterTypeError(f"The {name!r} parameter of load_plan must be a path. Got {value!r} instead.")
    file = Path(os.fspath(path)).expanduser().absolute()
    file = file / MANIFEST_NAME if file.is_dir() else file
    if not file.is_file():
        raise SourceNotFoundError(f"There is no manifest {str(file)!r}. Give the folder that files were moved to.")
    manifest = Manifest.open(file)
    if root is None and not manifest.is_sealed:
        raise ParameterError(
            f"The manifest {str(file)!r} was not written by you on this machine, so the folder that it names, "
            f"{str(manifest.root)!r}, is not believed. If it is the collection, say so: load_plan(path, root=...)."
        )
    moves = manifest.moves()
    n_lost = manifest.count_moves() - len(moves)
    if n_lost > 0:
        warnings.warn(
            f"The manifest {str(file)!r} was cut: {n_lost:,} of the files that were planned are no longer named in it, "
            f"and are not put back. Look for them in {str(manifest.folder)!r}.",
            stacklevel=2,
        )
    seen = {move.key: (event, "") for move, event in moves if event in {"done", "undone"}}
    place = manifest.root if root is None else Path(os.fspath(root)).expanduser().absolute()
    return Plan(tuple(move for move, _ in moves), manifest.folder, place, seen, root is not None)


def build_move(image_id: str, relative: str, reason: str, digest: str | None, stamp: tuple[int, ...] | None) -> Move:
    """Return the move of a dropped image: it keeps its place below the folder."""
    problem = "" if is_inside(relative) else "its path leads out of the collection"
    return Move(image_id, relative, relative, "move_to", reason, digest, stamp, problem)


def build_relabel(image_id: str, relative: str, label: str, digest: str | None, stamp: tuple[int, ...] | None) -> Move:
    """Return the move of an image into the folder beside its own that is named as its new label."""
    folder, _, name = relative.rpartition("/")
    parent = folder.rpartition("/")[0]
    destination = "/".join(part for part in (parent, label, name) if part)
    problem = ""
    if not folder:
        problem = "it lies in the root of the collection itself, beside which no folder is made"
    elif {"/", "\\"} & set(label) or not is_inside(label) or label.startswith(".") or len(os.fsencode(label)) > 255:
        problem = f"the label {label!r} cannot be the name of a folder"
    return Move(image_id, relative, destination, "root", f"new label {label!r}", digest, stamp, problem)


def check_folder(move_to: object, root: Path, *, is_listed: bool) -> Path:
    """Return the folder to move to; one that would be listed again with the collection is an error."""
    if not isinstance(move_to, (str, os.PathLike)) or not os.fspath(move_to):
        raise ParameterTypeError(f"The 'move_to' parameter of Dataset.plan must be a folder. Got {move_to!r} instead.")
    folder = Path(os.fspath(move_to)).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"The 'move_to' parameter of Dataset.plan must be a folder. {str(folder)!r} is a file.")
    if is_listed and Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise ParameterError(
            f"The 'move_to' parameter of Dataset.plan must be a folder outside of the collection, or its files would "
            f"be listed again. Got {str(folder)!r}, below {str(root)!r}."
        )
    return folder


def _tell(error: OSError) -> str:
    return f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
