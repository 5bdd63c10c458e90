"""From a city to numbers per cell, pictures and files.

The names of this package are imported when first used, so that ``import twin`` is quick.
"""

import lazy_loader as _lazy

import layers as _layers

if not getattr(_layers, "__citytwin__", False):
    _where = getattr(_layers, "__file__", None) or list(_layers.__path__)
    raise ImportError(
        f"another 'layers' got in the way: {_where}. "
        "Rename that folder or file, or start Python elsewhere."
    )

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
