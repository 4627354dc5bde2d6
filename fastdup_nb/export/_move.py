"""Moving one file: never over another one, never lost, and known again after an interruption at any point.

A file is linked under its new name, which fails where something is there, and then unlinked under the old one; at every
moment it is whole under at least one of them. Where links cannot be made, across file systems, it is copied beside its
new name, flushed, compared, and only then given the name.
"""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Move:
    """One row of a plan. Paths are relative to their roots: *base* tells which one the destination has.

    Attributes
    ----------
    image_id : str
    source : str
        Relative to the root of the collection.
    destination : str
        Relative to the folder of the plan (*base* ``"move_to"``) or the root of the collection (``"root"``).
    base : {"move_to", "root"}
    reason : str
        Why, in words.
    digest : str or None
        SHA-256 of the content that was decided on; another content is not moved.
    stamp : tuple of int or None
        Size and times of the file when it had that content.
    problem : str
        Why it cannot be moved, known from the start; "" if nothing speaks against it.
    """

    image_id: str
    source: str
    destination: str
    base: str
    reason: str
    digest: str | None = None
    stamp: tuple[int, ...] | None = None
    problem: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells a move from all others."""
        return self.source, self.base, self.destination


def is_inside(relative: str) -> bool:
    """Whether a path stays below the folder that it is relative to."""
    parts = relative.replace("\\", "/").split("/") if os.sep == "\\" else relative.split("/")
    has_drive = bool(os.path.splitdrive(relative)[0])
    return bool(relative) and "\0" not in relative and not has_drive and not {"", ".", ".."} & set(parts)


def leads_out(folder: Path, path: Path) -> bool:
    """Whether a link among the folders of *path* leads out of *folder*."""
    return not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    found = sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def has_changed(path: Path, digest: str | None, stamp: tuple[int, ...] | None) -> bool:
    """Whether a file has another content than *digest*; it is read only where its size or times have changed."""
    if digest is None:
        return False
    now = os.stat(path)
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != stamp and hash_file(path) != digest


def is_known(path: Path, digest: str | None, stamp: tuple[int, ...] | None) -> bool | None:
    """Whether a file has the content of *digest*, or without one the size in *stamp*; None where there is neither."""
    if digest is None and stamp is None:
        return None
    if not path.is_file():
        return False
    if stamp is not None and stamp[0] not in {-1, path.stat().st_size}:  # -1 where it could not be seen
        return False
    return digest is None or hash_file(path) == digest


def move_file(source: Path, destination: Path) -> None:
    """Move a file or a link.

    Raises
    ------
    FileExistsError
        If something is there already.
    OSError
        If it cannot be moved; then it is where it was, and only there.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _copy(source, destination)
    _finish(source, destination)


def complete_move(source: Path, destination: Path) -> bool:
    """Finish a move that was interrupted after the destination was made; False where what is there is another file."""
    if not os.path.samestat(os.lstat(source), os.lstat(destination)):
        if os.path.islink(source) or os.path.islink(destination):
            if not (os.path.islink(source) and os.path.islink(destination)):
                return False
            if os.readlink(source) != os.readlink(destination):
                return False
        elif not os.stat(destination).st_size and os.stat(source).st_size:
            os.unlink(destination)  # the name was taken for the copy, and then nothing more was done
            move_file(source, destination)
            return True
        elif hash_file(source) != hash_file(destination):
            return False
    _flush(destination.parent)
    os.unlink(source)
    _flush(source.parent)
    return True


def _finish(source: Path, destination: Path) -> None:
    _flush(destination.parent)
    try:
        os.unlink(source)
    except OSError:
        os.unlink(destination)  # the source is still there, so this takes nothing away
        raise
    _flush(source.parent)


def _copy(source: Path, destination: Path) -> None:
    """Make a copy that appears under its name only when it is whole."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), destination)
        return
    before = os.stat(source)
    partial = destination.with_name(f".fastdup_nb-{sha256(os.fsencode(destination)).hexdigest()[:16]}.part")
    partial.unlink(missing_ok=True)  # ours, of a copy that was interrupted
    try:
        with open(source, "rb") as read, open(partial, "xb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        shutil.copystat(source, partial)
        after = os.stat(source)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EBUSY, "it changed while it was copied", str(source))
        if hash_file(partial) != hash_file(source):
            raise OSError(errno.EIO, "the copy differs from the file", str(destination))
        _give_name(partial, destination)
    finally:
        partial.unlink(missing_ok=True)


def _give_name(partial: Path, destination: Path) -> None:
    try:
        os.link(partial, destination)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(destination, "xb"):  # no links at all here: the name is taken, then filled at once
            pass
        os.replace(partial, destination)


def _flush(folder: Path) -> None:
    """Make sure that names in a folder survive a loss of power, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
