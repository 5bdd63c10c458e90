"""What a still says in words: its legend entries, its conditions and the figures of a panel."""

from __future__ import annotations

from collections.abc import Sequence

from layers.provenance import now
from twin.fonts import heading, pretty_label
from twin.scene.build import Scene
from twin.scene.changes import CHANGE
from twin.scene.figures import legend_units, number
from twin.scene.ground import CORRIDOR, SHORE, WATER
from twin.scene.tint import FACADE, PLANTED, ROOF_GREEN, WHITE, tree_colour


def entries(scenes: Sequence[Scene]) -> list[tuple[str, str, str]]:
    """Return the legend entries of what is drawn: colour, words, and ``line`` or ``fill``."""
    most = {kind: max(len(s.changed.get(kind, ())) for s in scenes)
            for kind in (*CHANGE, "planted")}
    wall = "wall without a value" if scenes[0].walls is not None else "wall"
    items = [(FACADE, wall, "fill") if scenes[0].draped else (WHITE, "building", "fill")]
    if any(s.trees.total > len(s.changed.get("planted", ())) for s in scenes):
        drawn, total = (sum(getattr(s.trees, w) for s in scenes) for w in ("drawn", "total"))
        share = "" if drawn == total else f" ({100 * drawn / total:.0f} % of them drawn)"
        items.append((tree_colour(scenes[0]), f"tree{share}", "fill"))
    if most["planted"]:
        items.append((PLANTED, f"planted ({most['planted']:,})", "fill"))
    if scenes[0].shown is None and any(s.green_roof.any() for s in scenes):
        items.append((ROOF_GREEN, "green roof", "fill"))
    if any(s.water for s in scenes):
        lined = scenes[0].shown is not None and scenes[0].shown.over_water
        items.append((SHORE, "water", "line") if lined else (WATER, "water", "fill"))
    items += [(CHANGE[kind], f"{kind} ({most[kind]:,})", "line") for kind in CHANGE if most[kind]]
    if any(s.corridors for s in scenes):
        items.append((CORRIDOR, "corridor", "line"))
    return items


def title_of(name: str, scene: Scene) -> str:
    """Return the name of the place, else that of the scene or of its panel."""
    return scene.place or scene.name or heading(name)


def conditions_of(scene: Scene, date: str = "") -> str:
    """Say what is shown, under which conditions, and when it was drawn.

    Parameters
    ----------
    scene
        The first scene.
    date
        Today when empty.
    """
    wind = ("north", "north-east", "east", "south-east", "south", "south-west", "west",
            "north-west")[round(scene.sun[0] / 45) % 8]
    sun = f"sun in the {wind}, {scene.sun[1]:.0f}\u00b0 high"
    wide, deep = (s / 1000 for s in scene.size)
    legend = scene.legend
    said = ([pretty_label(legend.label), f"{legend.cell:g} m cells", legend.weather] if legend
            else [f"{wide:.1f} \u00d7 {deep:.1f} km", sun])
    return "  ·  ".join(part for part in (*said, date or now()[:10]) if part)


def note_of(scene: Scene, first: Scene) -> tuple[str, str]:
    """Say the total of the result in a scene, then its range and its change from the first."""
    if scene.legend is None or first.legend is None:
        return "", ""
    if scene.legend.parts and first.legend.parts:
        return _note_of_parts(scene, first)
    told, base = scene.legend.total, first.legend.total
    said = f"{told.word}, {told.span}" if told.span else f"{told.word} {told.where}"
    if scene is first or scene.legend.variable != first.legend.variable:
        return told.words, said
    change, share = told.change(base)
    return told.words, f"{said} · {share or change} against A"


def _note_of_parts(scene: Scene, first: Scene) -> tuple[str, str]:
    """Say the means over the roofs and over the open ground, with their changes from the first."""
    legend, base = scene.legend, first.legend
    if legend is None or base is None:
        return "", ""
    compared = scene is not first and legend.variable == base.variable
    said = []
    for (told, _), (old, _) in zip(legend.parts, base.parts, strict=True):
        change, share = told.change(old)
        ground = told.where.removeprefix("of the ")
        said.append(f"{ground} {number(told.value * told.times)}"
                    + (f" ({share or change})" if compared else ""))
    units = legend_units(legend.variable, legend.units)
    return heading(" · ".join(said)), f"{units}, {legend.parts[0].total.word}" + (
        ", change from A" if compared else "")
