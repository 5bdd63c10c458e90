"""The sun in plan: what roofs and open ground get over a year, each roof from its own cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from layers.city import City
from layers.errors import MissingInput
from layers.provenance import now
from twin.fonts import axes_at, drawing, heading, pixels, pretty_label
from twin.furniture import BACK, footer, header, save
from twin.plan_panels import dress
from twin.result import Twin
from twin.scene.drape import check_owners
from twin.scene.figures import legend_units, values_of, weather_of
from twin.scene.palette import extend, palette
from twin.scene.parts import parts_of
from twin.scene.planview import draw_draped
from twin.scene.shown import Shown
from twin.side_column import side_column
from twin.views import drawn_city, finest_view

OTHER = ("Traffic",)  # sources of nothing that is drawn here
_COLUMN, _GAP = 400, 40  # width of the column and of the gap before it [pixels at 1080]


def draw_sun(twin: Twin, path: str | Path, *, city: City | None = None,
             variable: str = "sun.irradiation", limits: tuple[float, float] | None = None,
             size: tuple[int, int] = (2560, 1720), title: str = "", subtitle: str = "",
             label: str = "", words: Mapping[str, str] | None = None,
             sources: Sequence[str] | None = None, date: str = "") -> Path:
    """Draw the irradiation of a year on roofs and open ground in plan and write the picture.

    Parameters
    ----------
    twin
        Results with the field of the sun.
    path
        File to write, PNG, SVG or PDF by its ending.
    city
        The city of the twin, for water, green and the edge of the study area; the twin's own
        buildings and roads when None.
    variable
        What is drawn: ``"sun.irradiation"``, ``"sun.sun_hours"`` or ``"sun.sky_view"``.
    limits
        Ends of the colours [units of the variable]; round ones when None. Two pictures to be
        compared need the same.
    size
        Width and height [pixels].
    title, subtitle, label
        Head line, line of conditions, and words of the colour bar; made of what is drawn, the
        place, the cells, the weather and the date when empty.
    words
        What stands in for our own words, such as ``{"roofs": "屋顶", "open ground": "地面"}``.
    sources
        Licence lines; those of the city when None.
    date
        Date on the picture; today when empty.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    MissingInput
        When the twin has no field of the sun, no buildings to draw, or is of another city.
    """
    from matplotlib.figure import Figure

    city = drawn_city(twin, city)
    view = finest_view(city, twin, variable)
    if "building" not in view:
        raise MissingInput(f"{variable!r} does not lie on roofs and ground",
                           mend="Take sun.irradiation, sun.sun_hours or sun.sky_view")
    values, owner = values_of(view, variable), values_of(view, "building")
    check_owners(city, owner, variable)
    colours, ends = palette(variable), limits or palette(variable).limits(values)
    shown = Shown(values, colours.ramp(*ends), *ends, smooth=True, over_water=True, owner=owner)
    name = pretty_label(str(values.attrs["long_name"]))
    said = [city.name, f"{float(twin.fields['sun'].attrs['cell']):g} m cells",
            weather_of(view, variable), date or now()[:10]]
    unit = size[1] / 1080
    west, south, east, north = city.area.bounds
    column, gap, rim, head, foot = (v * unit for v in (_COLUMN, _GAP, 40, 122, 62))
    wide = min(size[0] - 2 * rim - gap - column,
               (size[1] - head - foot) * (east - west) / (north - south))
    high = wide * (north - south) / (east - west)
    left = rim + (size[0] - 2 * rim - wide - gap - column) / 2
    box = (left, foot + (size[1] - head - foot - high) / 2, wide, high)
    lines = city.sources if sources is None else sources
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, title or name, subtitle or "  ·  ".join(part for part in said if part))
        draw_draped(axes_at(figure, size, box), city, shown,
                    size=min(4096, round(max(wide, high))))
        dress(pixels(figure, size, (0, 0, *size)), box, "", "", east - west, unit)
        side_column(figure, size, (left + wide + gap, box[1], column, min(high, 800 * unit)),
                    parts_of(view, variable, ends), shown.ramp, ends, extend(*ends, values),
                    label or heading(name), legend_units(variable, values.attrs["units"]),
                    words=words)
        footer(figure, size, [line for line in lines if not line.startswith(OTHER)])
        return save(figure, path)
