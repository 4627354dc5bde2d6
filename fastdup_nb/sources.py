"""Where images come from: ids, paths, stamps and bytes. No pixels here.

A folder is listed by name: files with a suffix of images, in any case, and files without a suffix, whose content is
looked at when they are read. Only where a suffix tells nothing (``photo.dat``, ``a.jpg_original``) are the first bytes
looked at; files of other kinds are not opened, and all that is passed over is counted. Lists and tables are taken as
they are. Everything is sorted or kept in the order given, so the same source always gives the same rows.
"""

from __future__ import annotations

import glob
import itertools
import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ._magic import begins_like_image, kind_by_name
from .errors import ImageError, ParameterTypeError, SourceError, SourceNotFoundError

if TYPE_CHECKING:
    import pandas as pd

#: What a source can be.
Source = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | pd.DataFrame"

PATH_COLUMNS = (
    "path", "image_path", "img_path", "file_path", "filepath", "filename", "file_name", "file", "image", "img_filename",
)  # fmt: skip
TABLE_SUFFIXES = {".csv": "CSV", ".tsv": "TSV", ".parquet": "Parquet", ".pq": "Parquet"}
MAX_FILE_BYTES = 1 << 30


class Stamp(NamedTuple):
    """What changes when a file changes, without reading it."""

    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class Listing:
    """What a source lists: one entry per image, in order; nothing has been opened.

    The *columns* of a CSV file are what pandas reads; *texts* are the same ones as written, for what is a name there.
    """

    root: Path
    image_ids: tuple[str, ...]
    paths: tuple[str, ...]
    columns: pd.DataFrame | None = None
    texts: pd.DataFrame | None = None
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, positions: Iterable[int]) -> Listing:
        """Return the listing of some of the images, in the order of *positions*."""
        chosen = list(positions)
        columns, texts = (None if frame is None else frame.iloc[chosen] for frame in (self.columns, self.texts))
        ids, paths = (tuple(values[i] for i in chosen) for values in (self.image_ids, self.paths))
        return Listing(self.root, ids, paths, columns, texts)

    def names_in(self, column: str) -> list[object]:
        """Return the values of a column where they are names, such as labels: as written, not what numbers they are."""
        frame = self.columns if self.texts is None else self.texts
        return [] if frame is None else frame[column].tolist()


def list_images(source: object) -> Listing:
    """Return what *source* lists: a folder, an image, a glob, a CSV or Parquet file, a list of paths, a DataFrame."""
    if isinstance(source, (str, os.PathLike)):
        return _list_named(os.path.expanduser(source))
    if _is_frame(source):
        return _list_frame(source, base=None)  # type: ignore[arg-type]
    if isinstance(source, Iterable) and not isinstance(source, (bytes, Mapping)):
        return _list_paths([_check_path(path) for path in source])
    raise ParameterTypeError(
        "The 'source' parameter of Dataset must be a folder, a glob, a CSV or Parquet file, a list of paths or a "
        f"DataFrame. Got {type(source).__name__} instead."
    )


def check_source(source: object) -> Listing | None:
    """Raise at once what is wrong with *source*; return its listing where that costs nothing, None for a folder."""
    if not isinstance(source, (str, os.PathLike)) or not os.path.isdir(folder := os.path.expanduser(source)):
        return list_images(source)
    if next(_walk(folder, Counter()), None) is None:
        list_images(source)
    return None


def read_stamp(path: str) -> Stamp | None:
    """Return the stamp of a file, or None where it cannot be seen."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_bytes(path: str) -> bytes:
    """Return a file's bytes; what is no regular file, far too large or cannot be read is an ImageError."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise ImageError("not a regular file")
        if found.st_size > MAX_FILE_BYTES:
            raise ImageError(f"file too large: {found.st_size / 2**30:.1f} GiB")
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _list_named(name: str) -> Listing:
    if os.path.isdir(name):
        return _list_folder(name)
    suffix = os.path.splitext(name)[1].lower()
    if os.path.isfile(name):
        return _list_table(name, suffix) if suffix in TABLE_SUFFIXES else _list_file(name, suffix)
    if glob.has_magic(name):
        return _list_glob(name)
    raise SourceNotFoundError(
        f"There is no folder or file {name!r} (looked for in {os.getcwd()!r}). Give an existing folder, a glob such as "
        f"'photos/**/*.jpg', a CSV or Parquet file with a path column, a list of paths or a DataFrame."
    )


def _list_file(name: str, suffix: str) -> Listing:
    if suffix in {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}:
        raise SourceError(f"{name!r} is an archive; unpack it and give the folder.")
    return _list_paths([name])


def _list_folder(folder: str) -> Listing:
    passed_over: Counter[str] = Counter()
    found = sorted(_walk(folder, passed_over))
    if not found:
        seen = ", ".join(f"{count:,} {kind}" for kind, count in passed_over.most_common(5)) or "no file at all"
        raise SourceError(
            f"There are no images in {folder!r}: it holds {seen}. Images are known by their suffix (.jpg, .png, .webp, "
            "...), or by their content where it is none or unknown; other files can be given as a list of paths."
        )
    ids = _readable_ids([relative for relative, _ in found])
    return Listing(Path(folder).absolute(), ids, tuple(path for _, path in found), passed_over=dict(passed_over))


def _walk(folder: str, passed_over: Counter[str]) -> Iterator[tuple[str, str]]:
    """Yield (path relative to the folder with /, path) of the candidates below *folder*; counts all others."""
    seen: set[tuple[int, int]] = set()
    waiting = [("", os.path.abspath(folder))]
    linked: list[tuple[str, str]] = []  # after all others, so that a folder goes by its own name where it has one
    while waiting or linked:
        prefix, here = waiting.pop() if waiting else linked.pop(0)
        try:
            identity = os.stat(here)
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            passed_over["unreadable folder"] += 1
            continue
        if (identity.st_dev, identity.st_ino) in seen and identity.st_ino:
            continue  # a link back to a folder already listed
        seen.add((identity.st_dev, identity.st_ino))
        for entry in entries:
            if entry.name.startswith("."):
                passed_over["hidden"] += 1
                continue
            kind = _kind_of(entry)
            if kind == "folder":
                (linked if entry.is_symlink() else waiting).append((prefix + entry.name + "/", entry.path))
            elif kind != "file":
                passed_over["not a regular file"] += 1
            elif _is_candidate(entry.path):
                yield prefix + entry.name, entry.path
            else:
                passed_over[os.path.splitext(entry.name)[1].lower() or "text"] += 1


def _kind_of(entry: os.DirEntry[str]) -> str:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "other"
    except OSError:  # a link to itself
        return "other"


def _is_candidate(path: str) -> bool:
    kind = kind_by_name(os.path.basename(path))
    return kind == "image" or (kind == "unknown" and begins_like_image(path))


def _list_glob(pattern: str) -> Listing:
    names = {name for name in glob.iglob(pattern, recursive=True) if os.path.isfile(name)}
    found = sorted(name for name in names if _is_candidate(name))
    if not found:
        raise SourceError(f"No image matches {pattern!r} (seen from {os.getcwd()!r}). Use ** for folders at any depth.")
    parts = pattern.split(os.sep) if os.sep == "/" else pattern.replace(os.sep, "/").split("/")
    fixed = "/".join(itertools.takewhile(lambda part: not glob.has_magic(part), parts)) or (
        "/" if parts[0] == "" else "."
    )
    return _as_listing(os.path.abspath(fixed), [os.path.abspath(name) for name in found])


def _list_paths(paths: list[str]) -> Listing:
    if paths and all(not os.path.isabs(path) and not path.startswith("..") for path in paths):
        return _as_listing(os.getcwd(), [os.path.abspath(path) for path in paths])
    full = [os.path.abspath(path) for path in paths]
    try:
        root = os.path.commonpath([os.path.dirname(path) for path in full]) if full else os.getcwd()
    except ValueError:  # two drives
        root = os.path.abspath(os.sep)
    return _as_listing(root, full)


def _as_listing(root: str, paths: list[str]) -> Listing:
    twice = [path for path, count in Counter(paths).items() if count > 1]
    if twice:
        more = f" and {len(twice) - 1:,} more" if len(twice) > 1 else ""
        raise SourceError(
            f"The source gives the path {twice[0]!r}{more} more than once; every image may be listed once. "
            "Drop the repeated rows, for example with frame.drop_duplicates('path')."
        )
    ids = _readable_ids([os.path.relpath(path, root).replace(os.sep, "/") for path in paths])
    return Listing(Path(root), ids, tuple(paths))


def _read_csv(name: str, **options: object) -> pd.DataFrame:
    """Return a CSV file; its first column is no index, even where rows are longer than the header; no value is lost."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(name, index_col=False, **options)  # type: ignore[call-overload,no-any-return]


def _list_table(name: str, suffix: str) -> Listing:
    import pandas as pd

    texts = None
    try:
        if TABLE_SUFFIXES[suffix] == "Parquet":
            frame = pd.read_parquet(name)
        else:
            sep = "\t" if suffix == ".tsv" else ","
            frame = _read_csv(name, sep=sep)
            texts = _read_csv(name, sep=sep, dtype=str, keep_default_na=False, na_values=[""])
    except Exception as error:
        kind, why = TABLE_SUFFIXES[suffix], str(error).strip().rstrip(".")
        how = "" if kind == "Parquet" else "save it as UTF-8 with a name for each column, or "
        raise SourceError(
            f"{name!r} cannot be read as {kind}: {why}. To go on, {how}read it with pandas and give the DataFrame."
        ) from error
    return _list_frame(frame, texts, base=os.path.dirname(os.path.abspath(name)))


def _list_frame(frame: pd.DataFrame, texts: pd.DataFrame | None = None, *, base: str | None) -> Listing:
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    twice = [column for column, count in Counter(frame.columns).items() if count > 1]
    if twice:
        raise SourceError(f"The table has two columns of the name {twice[0]!r}; rename or drop one of them.")
    names = {column.lower(): column for column in frame.columns}
    column = next((names[name] for name in PATH_COLUMNS if name in names), None)
    if column is None:
        raise SourceError(
            f"The table has no path column: it has {', '.join(map(repr, frame.columns)) or 'no column'}. "
            "Name the column that holds the paths 'path', for example with frame.rename(columns={'my_column': 'path'})."
            " Of a CSV file without commas, give pandas.read_csv(file, sep=';')."
        )
    given = (frame if texts is None else texts)[column]
    if given.isna().any():
        raise SourceError(f"{int(given.isna().sum()):,} rows of the table have no path in column {column!r}.")
    paths = [_check_path(path) for path in given]
    beside = base is not None and not any(os.path.isabs(path) or path.startswith("..") for path in paths)
    full = paths if base is None else [os.path.abspath(os.path.join(base, path)) for path in paths]
    listing = _as_listing(base, full) if beside and base is not None else _list_paths(full)
    ids = list(listing.image_ids)
    columns = frame.drop(columns=[column]).set_axis(ids, axis=0)
    texts = None if texts is None else texts.set_axis(ids, axis=0)
    return Listing(listing.root, listing.image_ids, listing.paths, columns, texts)


def _check_path(path: object) -> str:
    if not isinstance(path, (str, os.PathLike)) or isinstance(path, bytes):
        raise ParameterTypeError(
            f"A path must be a str or a pathlib.Path. Got {path!r} ({type(path).__name__}) instead."
        )
    name = os.fspath(path)
    if not name or "\0" in name:
        raise SourceError(f"A path must name a file. Got {name!r} instead.")
    return os.path.expanduser(name)


def _readable_ids(names: list[str]) -> tuple[str, ...]:
    r"""Return ids that can be encoded: bytes of a name that are no text become ``\xNN``, numbered if taken."""
    if all(name.isascii() for name in names):
        return tuple(names)
    ids = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in names]
    taken = set(names)
    for i, (name, image_id) in enumerate(zip(names, ids, strict=True)):
        if image_id != name:
            number = itertools.count(2)
            while ids[i] in taken:
                ids[i] = f"{image_id}~{next(number)}"
            taken.add(ids[i])
    return tuple(ids)


def _is_frame(source: object) -> bool:
    return type(source).__module__.split(".")[0] == "pandas" and hasattr(source, "columns")
