"""What a city is made of: layers with typed columns, read from files, OpenStreetMap or a sample.

This package knows nothing of grids. Its names are imported when first used.
"""

import lazy_loader as _lazy

__citytwin__ = True

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
