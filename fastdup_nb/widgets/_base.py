"""What all live widgets share: the trait that holds a selection, the modules for the browser, and the static twin."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

import traitlets

from ..errors import ParameterTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


_LOG = logging.getLogger(__name__)
KEEP, DROP = "keep", "drop"


class Selection(traitlets.TraitType):  # type: ignore[type-arg]
    """Image ids, in order. It lives in Python only: a selection of a million must not cross to the browser."""

    default_value = ()
    info_text = "a list of image ids"

    def validate(self, obj: traitlets.HasTraits | None, value: object) -> list[str]:
        """Return the ids as a list."""
        if isinstance(value, str) or not isinstance(value, Iterable):
            self.error(obj, value)
        return [str(image_id) for image_id in value]


class TagBook(Protocol):
    """What a widget needs of the tags of a dataset; ``fastdup_nb.tags.Tags`` is one."""

    @property
    def palette(self) -> Mapping[str, Any]:
        """Tags by name, each with a ``color`` ("#rrggbb") and a ``key`` ("0" to "9" or "")."""

    def of(self, image_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the tags of each image."""

    def tagged(self, tag: str) -> list[str]:
        """Return the ids of the images with a tag."""

    def edit(self, images: object, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> object:
        """Add and remove tags as one action."""

    def judge(self, pairs: Sequence[tuple[str, str]], verdict: str) -> object:
        """Remember of pairs that they are "not duplicates" or "same"."""

    def verdicts_on(self, pairs: Sequence[tuple[str, str]]) -> tuple[int, list[str | None]]:
        """Return the verdict on each of some pairs, or None, and a count that grows with every verdict on any pair."""

    def changed_since(self, mark: tuple[int, int]) -> tuple[tuple[int, int], list[str]]:
        """Return the images whose tags may have changed since a mark, and the mark of now; (0, 0) is the beginning."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each image and tag, with the image ids as the index."""

    def undo(self) -> object:
        """Take the last action back; return it, or None. It has .text and .image_ids."""

    def redo(self) -> object:
        """Do again what was taken back last."""

    def subscribe(self, callback: Callable[[object], None]) -> Callable[[], None]:
        """Call back with each change, until the returned function is called."""


_made: dict[str, tuple[str, list[Any]]] = {}  # cell -> the run that made widgets there, and these


def close_previous(widget: Any) -> None:
    """Close the widgets that an earlier run of the same cell made, now that this one takes their place.

    Without it each run of a cell would leave a gallery behind that still hears of every change, and whose state would
    be saved into the notebook. Where the front end does not tell the cell, nothing is closed.
    """
    cell, run = _find_cell()
    if not cell:
        return
    before, widgets = _made.get(cell, ("", []))
    if before != run:
        for old in widgets:
            old.close()
        widgets = []
    _made[cell] = (run, [*widgets, widget])


def close_parts(widget: Any) -> None:
    """Close the controls in a widget, and how it and they are laid out and styled, which ipywidgets would leave."""
    for child in getattr(widget, "children", ()):
        child.close()
        close_parts(child)
    for name in ("layout", "style"):
        if widget.has_trait(name):
            getattr(widget, name).close()


def _find_cell() -> tuple[str, str]:
    """Return the cell that runs, and the id of this run."""
    kernel: Any = getattr(_find_shell(), "kernel", None)
    parent = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))


def find_name(made: object, otherwise: str) -> str:
    """Return what an object is called in the notebook: a variable, else the output of a cell, such as ``_12``."""
    shell = _find_shell()
    space = dict(shell.user_ns) if shell is not None else {}
    names = [name for name, value in space.items() if value is made and isinstance(name, str)]
    outputs = [name for name in names if name.startswith("_") and name[1:].isdigit()]
    return next(iter([name for name in names if not name.startswith("_")] or outputs), otherwise)


def after_cell(call: Callable[[], object]) -> None:
    """Call something once, when the cell that runs has ended; at no time where no cell runs."""
    shell = _find_shell()
    if shell is None:
        return

    def once(*_: object) -> None:
        shell.events.unregister("post_run_cell", once)
        call()

    shell.events.register("post_run_cell", once)


def _find_shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


class Listeners:
    """Functions to call with each change of tags that a person makes in one widget."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []

    def add(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Add a function; return the one that takes it away again."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def tell(self, change: object) -> None:
        """Call all of them; the fault of one is logged and does no harm to the others."""
        for callback in list(self._callbacks):
            try:
                callback(change)
            except Exception:
                _LOG.exception("A function given to on_tag failed")


def exclude(tag: str) -> list[str]:
    """Return the tags that an image loses when it gets *tag*: what is kept is not dropped."""
    return {KEEP: [DROP], DROP: [KEEP]}.get(tag, [])


@cache
def read_module(*names: str) -> str:
    """Return files of this package joined into one ES module or style sheet."""
    folder = files(__package__)
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def publish_with_twin(widget: object, twin: str, text: str) -> None:
    """Show a static twin of a widget as an output of its own, then the widget, which hides it while it lives.

    So front ends without our JavaScript, pages without a kernel and saved notebooks all show *twin*.

    Parameters
    ----------
    widget : Widget
        It hides what has the class ``fdnb-twin-<its model id>``.
    twin : str
        HTML, escaped.
    text : str
        The same in words, for readers of plain text.
    """
    from IPython.display import publish_display_data

    html = f'<div class="fdnb-twin fdnb-twin-{widget.model_id}">{twin}</div>'  # type: ignore[attr-defined]
    publish_display_data({"text/html": html, "text/plain": text})  # type: ignore[no-untyped-call]
    bundle = widget._repr_mimebundle_() if hasattr(widget, "_repr_mimebundle_") else None
    if bundle is None:  # a control of ipywidgets 7
        super(type(widget), widget)._ipython_display_()  # type: ignore[misc]
        return
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    publish_display_data({**data, "text/plain": text}, metadata)  # type: ignore[no-untyped-call]


def link(first: object, second: object) -> Callable[[], None]:
    """Keep the selections of two widgets the same, such as those of a map and a gallery.

    Parameters
    ----------
    first, second : Map or Gallery
        Widgets with a trait ``selection``; the second takes over the selection of the first at once.

    Returns
    -------
    callable
        Call it to end the link.

    Examples
    --------
    >>> import traitlets
    >>> class Box(traitlets.HasTraits):
    ...     selection = Selection()
    >>> one, two = Box(selection=["a.jpg"]), Box()
    >>> unlink = link(one, two)
    >>> two.selection = ["b.jpg", "c.jpg"]
    >>> one.selection
    ['b.jpg', 'c.jpg']
    """
    for widget in (first, second):
        if not (isinstance(widget, traitlets.HasTraits) and widget.has_trait("selection")):
            got = type(widget).__name__
            raise ParameterTypeError(f"link joins widgets with a selection, ds.map() and ds.gallery(...). Got {got}.")
    copies = _copy_selection(first, second), _copy_selection(second, first)
    copies[0]({})
    first.observe(copies[0], "selection")  # type: ignore[attr-defined]
    second.observe(copies[1], "selection")  # type: ignore[attr-defined]

    def unlink() -> None:
        with contextlib.suppress(ValueError):  # it was called before
            first.unobserve(copies[0], "selection")  # type: ignore[attr-defined]
            second.unobserve(copies[1], "selection")  # type: ignore[attr-defined]

    return unlink


def _copy_selection(source: object, target: object) -> Callable[[object], None]:
    """Return what makes the target follow; unlike ``traitlets.link`` it bears changes from several threads at once."""

    def copy(_: object) -> None:
        if target.selection != source.selection:  # type: ignore[attr-defined]
            target.selection = source.selection  # type: ignore[attr-defined]

    return copy
