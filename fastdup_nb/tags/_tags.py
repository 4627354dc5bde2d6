"""``Tags``: what was decided about the images of a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pandas as pd

from .._text import TEXT, check_name, show_path
from .._validation import check_choice
from ..errors import ParameterError
from ._change import NOTHING, Change, count, tell_tags
from ._given import VERDICTS, check_images, check_pairs, check_tags
from ._journal import Journal, Row
from ._palette import Palette, add_missing
from ._places import Places
from ._told import render_counts, tabulate, tell_counts
from ._watch import Watch

#: What values an item shall have: (name, value or None).
_Wanted = Callable[[str, Mapping[str, object]], Iterable[tuple[str, str | None]]]
_INNER = frozenset({"changed_since", "places", "verdicts", "verdicts_on"})  # asked by widgets and findings


class Tags:
    """What was decided about the images of a dataset: tags, new labels, and verdicts on pairs.

    Every method that decides is one action: kept whole, with its time, or not at all; ``undo`` takes the last one back.
    Decisions follow the content of a file, so one that is renamed or moved keeps them; copies do not share them.
    Any number of threads and processes may decide at once.

    Parameters
    ----------
    journal : Journal
        Where decisions are kept.
    places : Places
        Which image each of them is about.
    image_ids : sequence of str, optional
        The images looked at, where they are not all that the source lists.

    Examples
    --------
    >>> import tempfile, fastdup_nb as fd
    >>> ds = fd.Dataset(fd.sample(tempfile.mkdtemp() + "/sample"), cache=None)
    >>> ds.tags.add(ds.quality().to_frame().query("is_dark"), "review").text
    "tagged 5 images 'review'"
    >>> ds.tags.counts().to_dict()
    {'review': 5}
    >>> ds.tags.undo().text
    "undid: tagged 5 images 'review'"
    """

    def __init__(self, journal: Journal, places: Places, image_ids: Sequence[str] | None = None) -> None:
        self._journal = journal
        self._watch = Watch()
        self._n_heard = 0
        self.places = places
        self._ids = places.catalog.image_ids if image_ids is None else image_ids
        self._known: Mapping[str, int] = (
            places.catalog.positions if image_ids is None else {image_id: i for i, image_id in enumerate(image_ids)}
        )

    @property
    def palette(self) -> Palette:
        """Color and key of each tag: a mapping of tag to ``TagStyle``, with ``set`` and ``remove``."""
        return Palette(self._journal)

    def edit(self, images: object, *, add: str | Sequence[str] = (), remove: str | Sequence[str] = ()) -> Change:
        """Add and remove tags as one action.

        Parameters
        ----------
        images : id, ids, DataFrame or boolean Series
            An image id; a list, Index, Series or array of them; a DataFrame with ``image_id`` as index or column; or a
            boolean Series indexed by ``image_id``, of which those that are True are meant.
        add, remove : str or list of str
            Tags: any text of one line, up to 200 characters. Space around it is dropped.

        Returns
        -------
        Change
            What really changed.

        Raises
        ------
        UnknownImageError
            If an id is not one of this dataset.
        StoreError
            If the decision cannot be kept; then nothing has changed.
        """
        caller = "Dataset.tags.edit"
        added, removed = check_tags(add, "add", caller), check_tags(remove, "remove", caller)
        both = [tag for tag in added if tag in removed]
        if both:
            raise ParameterError(f"{caller} cannot both add and remove the tag {both[0]!r}.")
        wanted = {**dict.fromkeys(removed), **dict.fromkeys(added, "1")}
        return self._tag(images, caller, lambda _, __: wanted.items())

    def add(self, images: object, tag: str | Sequence[str]) -> Change:
        """Tag images; see ``edit``."""
        wanted = dict.fromkeys(check_tags(tag, "tag", "Dataset.tags.add"), "1")
        return self._tag(images, "Dataset.tags.add", lambda _, __: wanted.items())

    def remove(self, images: object, tag: str | Sequence[str]) -> Change:
        """Take a tag off images; see ``edit``."""
        wanted = dict.fromkeys(check_tags(tag, "tag", "Dataset.tags.remove"))
        return self._tag(images, "Dataset.tags.remove", lambda _, __: wanted.items())

    def replace(self, images: object, tags: str | Sequence[str]) -> Change:
        """Leave exactly these tags on images; none with ``[]``."""
        wanted = dict.fromkeys(check_tags(tags, "tags", "Dataset.tags.replace"), "1")
        return self._tag(images, "Dataset.tags.replace", lambda _, now: {**dict.fromkeys(now), **wanted}.items())

    def relabel(self, images: object, label: str | Mapping[str, str] | None) -> Change:
        """Decide on another label; None takes the decision back. Labels of the source, and files, stay as they are.

        A mapping gives each of *images* a label of its own, by image id, as one action.
        """
        ids = check_images(images, "Dataset.relabel", self._known)
        told = dict(label) if isinstance(label, Mapping) else dict.fromkeys(ids, label)
        new = {
            i: None if told[i] is None else check_name(told[i], "label", "Dataset.relabel") for i in ids if i in told
        }
        old = dict(zip(self.places.catalog.image_ids, self.places.catalog.labels(), strict=True))

        def wanted(image_id: str, _: Mapping[str, object]) -> list[tuple[str, str | None]]:
            before, aim = old[image_id], new[image_id]
            return [("", None if aim is None else json.dumps([before if isinstance(before, str) else None, aim]))]

        def words(n_images: int, _: Sequence[Row]) -> str:
            images, names = count(n_images, "image"), set(new.values())
            if names == {None}:
                return f"took the new label off {images}"
            return f"relabeled {images} {next(iter(names))!r}" if len(names) == 1 else f"relabeled {images}"

        return self._decide("label", list(new), wanted, words)

    def judge(self, pairs: object, verdict: str | None) -> Change:
        """Remember whether pairs show the same picture; ``Dataset.duplicates`` respects it.

        Parameters
        ----------
        pairs : DataFrame or iterable of pairs
            With the columns ``image_id_a`` and ``image_id_b``, or pairs of ids. The verdict holds for the two contents,
            so for all copies of the two files.
        verdict : {"not duplicates", "same"} or None
            None forgets.
        """
        if verdict is not None:
            check_choice(verdict, "verdict", "Dataset.tags.judge", VERDICTS)
        ids = check_pairs(pairs, "Dataset.tags.judge", self._known)
        self.places.prepare()
        named = {self._name_pair(a, b): (a, b) for a, b in ids}
        with self._journal.transaction() as db:
            self.places.update()
            now = {name: self._journal.value("pair", 0, name) for name in named}
            rows = [Row("pair", 0, name, old, verdict) for name, old in now.items() if old != verdict]
            if not rows:
                return NOTHING
            n = count(len(rows), "pair")
            text = f"forgot the verdict on {n}" if verdict is None else f"judged {n} {verdict!r}"
            touched = tuple(dict.fromkeys(image_id for row in rows for image_id in named[row.name]))
            action = self._journal.append(db, "pair", text, rows, root=self.places.catalog.root, n_images=len(touched))
            self.places.register(db, touched)
        return self._announced(Change(text, touched, action))

    def undo(self) -> Change | None:
        """Take the last action back; return what that changed, or None where there is nothing to take back.

        It is the last of this session, or of those made before it began, never one that another live session made
        since. What others decided otherwise in the meantime stays.
        """
        return self._repeat("undo")

    def redo(self) -> Change | None:
        """Do again what was taken back last; return what that changed, or None."""
        return self._repeat("redo")

    def of(self, image_ids: object) -> dict[str, tuple[str, ...]]:
        """Return the tags of each image, in the order in which they were set."""
        ids = check_images(image_ids, "Dataset.tags.of", self._known, name="image_ids")
        with self._reading():
            return {image_id: tuple(self._tags_of(image_id)) for image_id in ids}

    def tagged(self, tag: str) -> list[str]:
        """Return the ids of the images with a tag, in listing order."""
        with self._reading():
            found = {self.places.image_of.get(item) for item in self._journal.items_with.get(tag, ())}
        return sorted((i for i in found if i is not None and i in self._known), key=self._known.__getitem__)

    def counts(self) -> pd.Series:
        """Return the number of listed images with each tag that is in use."""
        with self._reading():
            names = list(self._journal.items_with)
        used = {name: n for name in names if (n := len(self.tagged(name)))}
        index = pd.Index(list(used), name="tag", dtype=TEXT)
        return pd.Series(list(used.values()), index=index, dtype="int64", name="n_images")

    def changed_since(self, mark: tuple[int, int]) -> tuple[tuple[int, int], list[str]]:
        """Return the images whose tags may have changed since a mark, and the mark of now; (0, 0) is the beginning."""
        with self._reading():
            journal, places = self._journal, self.places
            found = dict.fromkeys(places.image_of.get(item) for item in dict.fromkeys(journal.tagged[mark[0] :]))
            for digest in dict.fromkeys(journal.touched[mark[1] :]):
                found.update(dict.fromkeys(places.listed(digest)))
            now = (len(journal.tagged), len(journal.touched))
        return now, [image_id for image_id in found if image_id is not None and image_id in self._known]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per image and tag: index ``image_id``; ``tag``, and the ``time`` (UTC) it was set."""
        with self._reading():
            items = {self.places.image_of.get(item): tags for item, tags in self._journal.tags_of.items()}
        rows = [
            (image_id, tag, moment) for image_id in self._in_order(items) for tag, moment in items[image_id].items()
        ]
        return tabulate(rows, ["image_id", "tag", "time"]).set_index("image_id")

    def labels(self) -> pd.DataFrame:
        """Return the decisions on labels: index ``image_id``; ``old_label``, ``new_label`` and ``time`` (UTC)."""
        with self._reading():
            values = {
                self.places.image_of.get(item): (*json.loads(value), moment)
                for (kind, item, _), (value, moment) in self._journal.state.items()
                if kind == "label"
            }
        rows = [(image_id, *values[image_id]) for image_id in self._in_order(values)]
        return tabulate(rows, ["image_id", "old_label", "new_label", "time"]).set_index("image_id")

    def pairs(self) -> pd.DataFrame:
        """Return the verdicts on pairs: ``image_id_a``, ``image_id_b``, ``verdict`` and ``time``.

        Each pair of contents is told once, by the first listed image of each.
        """
        rows = []
        for digests, (verdict, moment) in self.verdicts().items():
            self.places.prepare()
            first, second = (self.places.listed(digest) for digest in digests)
            ids = [*first[:1], *second[:1]] if digests[0] != digests[1] else first[:2]
            if len(ids) == 2 and all(image_id in self._known for image_id in ids):
                rows.append((*sorted(ids, key=self._known.__getitem__), verdict, moment))
        return tabulate(rows, ["image_id_a", "image_id_b", "verdict", "time"])

    def verdicts_on(self, pairs: Sequence[tuple[str, str]]) -> tuple[int, list[str | None]]:
        """Return the verdict on each of some pairs of images, None where there is none, and a count.

        The count grows with every verdict, on whatever pair: where it is as it was, so are the verdicts.
        """
        with self._reading():
            verdicts, n_judged = self._journal.verdicts, self._journal.n_judged
            if not verdicts:
                return n_judged, [None] * len(pairs)
            digest = {i: self.places.digest(i) for pair in pairs for i in pair if i in self._known}
            names = [" ".join(sorted((digest.get(a, ""), digest.get(b, "")))) if a != b else "" for a, b in pairs]
            return n_judged, [verdicts[name][0] if name in verdicts else None for name in names]

    def verdicts(self) -> dict[tuple[str, str], tuple[str, float]]:
        """Return the verdict on each pair of content digests, and when it was given; opens no image."""
        with self._journal.lock:
            self._journal.refresh()
            return {(name.split()[0], name.split()[1]): told for name, told in self._journal.verdicts.items()}

    def history(self) -> pd.DataFrame:
        """Return every action in the file: ``time``, ``session``, ``action`` (words), ``n_images``, ``is_undone``."""
        with self._journal.lock:
            self._journal.refresh()
            undone, actions = self._journal.undone(), list(self._journal.actions.values())
        rows = [(a.id, a.time, a.session, a.words, a.n_images, a.id in undone) for a in actions]
        columns = ["action_id", "time", "session", "action", "n_images", "is_undone"]
        return tabulate(rows, columns).astype({"n_images": "int64", "is_undone": bool}).set_index("action_id")

    def subscribe(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Call back with each ``Change`` made in this session, until the returned function is called.

        What other sessions decide in the same file is told within seconds, by a thread.
        """
        end = self._journal.subscribe(callback)
        self._watch.begin(self._hear)
        return end

    def _hear(self) -> bool:
        """Tell of what other sessions decided; return whether anybody still listens."""
        self._journal.refresh()
        if self._n_heard == len(self._journal.heard) or not self.places.catalog.is_read:
            return self._journal.has_subscribers
        with self._reading():
            heard, self._n_heard = self._journal.heard[self._n_heard :], len(self._journal.heard)
            touched = dict.fromkeys(image_id for _, row in heard for image_id in self._images_of(row))
        action = heard[-1][0]
        self._announced(Change(f"in another session: {action.words}", tuple(touched), action.id))
        return self._journal.has_subscribers

    def refresh(self) -> bool:
        """Take over what other processes decided; return whether there was something. Every method does so."""
        return self._journal.refresh()

    def __dir__(self) -> list[str]:
        """Name what people ask for; Python's own names stay."""
        return [name for name in super().__dir__() if name not in _INNER and (name[0] != "_" or name[:2] == "__")]

    def __repr__(self) -> str:
        return tell_counts(*self._overview())

    def _repr_html_(self) -> str:
        return render_counts(*self._overview(), {name: style.color for name, style in self.palette.items()})

    def _overview(self) -> tuple[dict[str, int], str]:
        """Return the images with each tag and where they are kept; opens no image."""
        path = self._journal.path
        kept = "In memory only: gone with this session." if path is None else f"Kept in {show_path(path)}."
        if self._journal.is_empty or self.places.catalog.is_read:
            return {str(name): int(n) for name, n in self.counts().items()}, kept
        with self._journal.lock:
            counts = {name: len(items) for name, items in self._journal.items_with.items() if items}
        return counts, f"{kept} As it was written there: the images have not been read in this session yet."

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._journal.is_empty:
            self.places.prepare()
        with self._journal.lock:
            self._journal.refresh()
            self.places.update()
            yield

    def _tags_of(self, image_id: str) -> dict[str, float]:
        item = self.places.item_of.get(image_id)
        return {} if item is None else self._journal.tags_of.get(item, {})

    def _in_order(self, found: Mapping[str | None, object]) -> list[str]:
        return sorted((i for i in found if i is not None and i in self._known), key=self._known.__getitem__)

    def _name_pair(self, a: str, b: str) -> str:
        digests = sorted((self.places.digest(a), self.places.digest(b)))
        if not digests[0]:
            raise ParameterError(f"One of {a!r} and {b!r} cannot be read, so the two cannot be a pair.")
        return " ".join(digests)

    def _tag(self, images: object, caller: str, wanted: _Wanted) -> Change:
        def words(n_images: int, rows: Sequence[Row]) -> str:
            names = [dict.fromkeys(row.name for row in rows if (row.new is None) == gone) for gone in (False, True)]
            return tell_tags(n_images, list(names[0]), list(names[1]))

        return self._decide("tag", check_images(images, caller, self._known), wanted, words)

    def _decide(
        self, kind: str, ids: Sequence[str], wanted: _Wanted, words: Callable[[int, Sequence[Row]], str]
    ) -> Change:
        self.places.prepare()
        with self._journal.transaction() as db:
            self.places.update()
            value, item_of = self._journal.value, self.places.item_of
            new = {
                image_id: [
                    (name, old, aim)
                    for name, aim in wanted(image_id, self._tags_of(image_id))
                    if (old := value(kind, item_of.get(image_id, -1), name)) != aim
                ]
                for image_id in ids
            }
            touched = tuple(image_id for image_id in ids if new[image_id])
            if not touched:
                return NOTHING
            items = self.places.register(db, touched)
            rows = [Row(kind, items[i], name, old, aim) for i in touched for name, old, aim in new[i]]
            text = words(len(touched), rows)
            action = self._journal.append(db, kind, text, rows, root=self.places.catalog.root, n_images=len(touched))
            if kind == "tag":
                add_missing(db, self._journal.palette, dict.fromkeys(row.name for row in rows if row.new))
        return self._announced(Change(text, touched, action))

    def _repeat(self, kind: str) -> Change | None:
        if self._journal.is_empty:
            return None
        self.places.prepare()
        root = self.places.catalog.root
        with self._journal.transaction() as db:
            self.places.update()
            stack = self._journal.stacks(root)[0 if kind == "undo" else 1]
            if not stack:
                return None
            target = self._journal.actions[stack[-1]]
            rows = [row._replace(old=row.new, new=row.old) if kind == "undo" else row
                    for row in self._journal.rows_of(target.id)]  # fmt: skip
            rows = [row for row in rows if self._journal.value(row.kind, row.item, row.name) == row.old]
            touched = tuple(dict.fromkeys(image_id for row in rows for image_id in self._images_of(row)))
            text = f"{'undid' if kind == 'undo' else 'redid'}: {target.words}"
            action = self._journal.append(db, kind, text, rows, root=root, n_images=len(touched), target=target.id)
            self.places.register(db, [image_id for image_id in touched if image_id in self.places.item_of])
        return self._announced(Change(text, touched, action))

    def _images_of(self, row: Row) -> list[str]:
        if row.kind == "pair":
            return [image_id for digest in row.name.split() for image_id in self.places.listed(digest)]
        return [self.places.image_of[row.item]] if row.item in self.places.image_of else []

    def _announced(self, change: Change) -> Change:
        self._journal.announce(change)
        return change
