"""Districts of a file on the cells of a twin."""

from __future__ import annotations

import shapely
from pyproj import CRS
from scipy.sparse import csr_array

from layers.errors import LayerError, nearest
from twin.carbon.account import district_shares
from twin.grid import Grid
from twin.overlay import overlap
from twin.result import Twin

NAMES = ("name", "名称", "NAME")


def grid_of(found: Twin) -> Grid:
    """Return the grid of a twin, its whole box as the study area.

    Parameters
    ----------
    found
        The twin.
    """
    x, y = (found.cells[axis].to_numpy() for axis in ("x", "y"))
    size = float(found.record["cell_size"])
    west, south = float(x[0]) - size / 2, float(y[0]) - size / 2
    return Grid(CRS.from_cf(found.cells["spatial_ref"].attrs), west, south, size, len(x), len(y),
                shapely.box(west, south, west + len(x) * size, south + len(y) * size))


def districts_of(found: Twin, file: str | None, column: str | None = None
                 ) -> tuple[list[str], csr_array] | None:
    """Return the districts of a file with the share of each cell in them, None without a file.

    Parameters
    ----------
    found
        The twin.
    file
        Polygons, in any CRS.
    column
        Column of their names; ``name`` or their numbers when None.

    Raises
    ------
    LayerError
        When there is no such column, or no district meets the study area.
    """
    if not file:
        return None
    from layers.vectors import read_vector

    polygons = read_vector(file)
    text = [str(c) for c in polygons.columns if c != polygons.geometry.name]
    name = column or next((c for c in NAMES if c in text), "")
    if column and column not in text:
        raise LayerError(f"{file} has no column {column!r}{nearest(column, text)}",
                         mend=f"It has {', '.join(text[:10])}")
    grid = grid_of(found)
    polygons = polygons.to_crs(grid.crs)
    names = [str(n) for n in polygons[name]] if name else [str(i + 1) for i in range(len(polygons))]
    return district_shares(overlap(polygons, grid), names,
                           found.cells["cell_area"].to_numpy().ravel())
