"""Edits to a city, and telling their results apart."""

import lazy_loader as _lazy

import twin as _twin

if not hasattr(_twin, "__all__") or "run" not in _twin.__all__:
    _where = getattr(_twin, "__file__", None) or list(_twin.__path__)
    raise ImportError(
        f"another 'twin' got in the way: {_where}. "
        "Rename that folder or file, or start Python elsewhere."
    )

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
