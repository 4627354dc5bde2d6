"""Packages that only an extra brings: imported where they are needed, with the line that installs them when missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingExtraError

__all__ = ["import_optional"]


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """
    Return an imported module that one of the extras installs.

    Parameters
    ----------
    module : str
        Name of the module, such as ``"pillow_heif"``.
    extra : str
        Extra that installs it, such as ``"heic"``.
    purpose : str
        What it is needed for, as the beginning of the message: ``"Reading HEIC pictures"``.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        The module is not installed, or does not import.

    Examples
    --------
    >>> import_optional("math", extra="heic", purpose="Reading HEIC pictures").sqrt(4)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f'{purpose} needs the package {module}: pip install "fastdup-nb[{extra}]"'
        raise MissingExtraError(message) from error
