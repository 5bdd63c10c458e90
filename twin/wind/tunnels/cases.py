"""The measured cases at full scale: a lone block, nine blocks, an array of cubes, a row of trees.

Blocks become 20 m wide, speeds stay those of the tunnel: the flow round sharp edges depends on
neither size nor speed. x points east and the wind of the first run of each study goes that way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from layers.errors import GridError, SourceError
from twin.wind.tunnels.measured import (
    MEND,
    Case,
    Profile,
    Target,
    read_sheet,
    read_table,
    stamp_blocks,
)

BLOCK = 20.0  # what the unit block of every tunnel becomes [m]
EPA_BLOCK = 150.0  # side of a cube [mm]
EPA_FIRST = -300.0  # points farther upwind belong to the approach [mm]

# Case G: the pines of Kurotani et al. (2001), as the AIJ set them for models. The height of the
# trees and the poles come with the data; speeds are divided by the speed at 9 m, and the wind that
# comes in follows a power law. Thickness, leaf area density and drag coefficient are recalled from
# Mochida et al. (2008), tag R: take them as good to 30 %.
TREE, TREE_THICK, TREE_LEAF, TREE_DRAG = 7.0, 2.0, 1.17, 0.8
POLE_TOP, POLE_SPEED, POLE_POWER = 9.0, 5.6, 0.22
DRAG = 0.2  # the coefficient the leaf area density is restated for


def read_cases(folder: str | Path, cell: float = 2.0) -> list[Case]:
    """Read the cases whose folders are there.

    Parameters
    ----------
    folder
        Holds ``aij_a``, ``aij_c``, ``epa_7x11`` and ``aij_g``, or some of them.
    cell
        Side of a cell; it must divide the block of 20 m [m].

    Returns
    -------
    list of Case
        One a run, in the order of the folders above; AIJ C has nine.

    Raises
    ------
    SourceError
        When the folder holds none of them, or a file or a column is missing.
    GridError
        When the cell does not divide the block.
    """
    count = BLOCK / cell if cell > 0 else 0.0
    if count < 1 or abs(count - round(count)) > 1e-6:
        raise GridError(f"the cell must divide the block of {BLOCK:g} m, got {cell:g} m",
                        mend="Take 1, 2, 2.5 or 4 m")
    home = Path(folder)
    if not home.is_dir():
        raise SourceError(f"there is no folder {home}", mend=MEND)
    there = [read for name, read in READERS.items() if (home / name).is_dir()]
    if not there:
        raise SourceError(f"{home}: expected one of the folders {', '.join(READERS)}, found none",
                          mend=MEND)
    return [case for read in there for case in read(home, cell)]


def absent_cases(folder: str | Path) -> list[str]:
    """Return the names of the case folders that are not there."""
    return [name for name in READERS if not (Path(folder) / name).is_dir()]


def _aij_a(folder: Path, cell: float) -> list[Case]:
    """Read the single block of 1:1:2 of Meng & Hibi (1998)."""
    wind = read_table(folder / "aij_a" / "inflow.csv", ["z_over_b", "U_mps", "k_m2s2"])
    data = read_table(folder / "aij_a" / "points.csv",
                      ["x_over_b", "y_over_b", "z_over_b", "U_mps", "V_mps", "W_mps", "k_m2s2"],
                      ["plane"])
    half = BLOCK / 2
    height, origin = stamp_blocks([(-half, half, -half, half, 2 * BLOCK)], cell, 270.0)
    z = wind["z_over_b"].to_numpy()
    u, v, w = (data[c].to_numpy() for c in ("U_mps", "V_mps", "W_mps"))
    plane, every = data["plane"].astype(str).to_numpy(), np.ones(len(data), dtype=bool)
    targets = [Target("all", "speed", every),
               *[Target(said, "speed", plane == name) for name, said in (
                   ("vertical-centerplane", "y = 0"), ("horizontal-0.125b", "z = 0.125 b"),
                   ("horizontal-1.25b", "z = 1.25 b"))],
               *[Target(q, q, every) for q in "uvwk"]]
    return [Case("AIJ A", "vector", 270.0, height, cell,
                 Profile(z * BLOCK, wind["U_mps"].to_numpy(), k=wind["k_m2s2"].to_numpy()),
                 data["x_over_b"].to_numpy() * BLOCK + origin[0],
                 data["y_over_b"].to_numpy() * BLOCK + origin[1],
                 data["z_over_b"].to_numpy() * BLOCK,
                 {"u": u, "v": v, "w": w, "speed": np.sqrt(u * u + v * v + w * w),
                  "k": data["k_m2s2"].to_numpy()},
                 float(np.interp(2.0, z, wind["U_mps"])), tuple(targets), origin)]


def _aij_c(folder: Path, cell: float) -> list[Case]:
    """Read the nine blocks of Nonomura et al. (2003): three centre blocks, three winds."""
    home, scale = folder / "aij_c", BLOCK / 0.2
    wind = read_table(home / "inflow.csv", ["z_m", "U_mps", "sigma_u"])
    sides, variants = ["xmin_m", "xmax_m", "ymin_m", "ymax_m"], ("0H", "1H", "2H")
    blocks = read_table(home / "blocks.csv", sides, ["height_m"])
    data = read_table(home / "points.csv", ["wind_from_deg", "x_m", "y_m", "z_m",
                                            *[f"ratio_{v}" for v in variants]])
    z, speed = wind["z_m"].to_numpy(), wind["U_mps"].to_numpy()
    reference = float(np.interp(data["z_m"].iloc[0], z, speed))
    profile = Profile(z * scale, speed, sigma_u=wind["sigma_u"].to_numpy())
    cases = []
    for number, variant in enumerate(variants):
        told = [str(h).split("|") for h in blocks["height_m"]]
        try:
            high = [float(h[number] if len(h) == len(variants) else h[0]) for h in told]
        except ValueError as error:
            raise SourceError(f"{home / 'blocks.csv'}: 'height_m' holds one height or three with "
                              "| between", mend=MEND) from error
        boxes = [(w * scale, e * scale, s * scale, n * scale, h * scale)
                 for (w, e, s, n), h in zip(blocks[sides].to_numpy().tolist(), high, strict=True)]
        for angle in sorted(set(data["wind_from_deg"].tolist())):
            part = data[data["wind_from_deg"] == angle]
            height, origin = stamp_blocks(boxes, cell, angle)
            every = np.ones(len(part), dtype=bool)
            cases.append(Case(
                f"AIJ C {variant}", "scalar", angle, height, cell, profile,
                part["x_m"].to_numpy() * scale + origin[0],
                part["y_m"].to_numpy() * scale + origin[1], part["z_m"].to_numpy() * scale,
                {"speed": part[f"ratio_{variant}"].to_numpy() * reference}, reference,
                (Target("z = 0.1 D", "speed", every),), origin))
    return cases


def _epa(folder: Path, cell: float) -> list[Case]:
    """Read the 7 by 11 cubes of Lawson, Perry & Thompson (2000); repeated readings are averaged."""
    file, keys = folder / "epa_7x11" / "velocity_points.csv", ["x_mm", "y_mm", "z_mm"]
    raw = read_table(file, [*keys, "mean_mps", "rms_raw_mps"], ["comp"])
    mean = raw.pivot_table(index=keys, columns="comp", values="mean_mps").reset_index()
    gone = [c for c in "UVW" if c not in mean.columns]
    if gone:
        raise SourceError(f"{file}: no row of component {gone[0]}", mend=MEND)
    profile = _epa_profile(raw, mean, file)
    data, scale = mean[mean["x_mm"] > EPA_FIRST], BLOCK / EPA_BLOCK
    boxes = [(col * 2 * BLOCK, (col * 2 + 1) * BLOCK, (row * 2 - 0.5) * BLOCK,
              (row * 2 + 0.5) * BLOCK, BLOCK) for col in range(7) for row in range(-5, 6)]
    height, origin = stamp_blocks(boxes, cell, 270.0)
    x, y, z = (data[c].to_numpy() * scale for c in keys)
    u, v, w = (data[c].to_numpy() for c in "UVW")
    speed = np.sqrt(u * u + v * v + w * w)
    whole = np.isfinite(speed)
    targets = (Target("all", "speed", whole),
               Target("z <= 0.5 H", "speed", whole & (z <= 0.5 * BLOCK + 1e-6)),
               Target("above roofs", "speed", whole & (z > BLOCK + 1e-6)),
               *[Target(q, q, np.isfinite(c)) for q, c in (("u", u), ("v", v), ("w", w))])
    return [Case("EPA 7x11", "vector", 270.0, height, cell, profile, x + origin[0],
                 y + origin[1], z, {"u": u, "v": v, "w": w, "speed": speed},
                 float(np.interp(BLOCK, profile.z, profile.speed)), targets, origin)]


def _epa_profile(raw: pd.DataFrame, mean: pd.DataFrame, file: Path) -> Profile:
    """Take the approach at x = -500 mm, y = 0; k from the raw rms of the three components.

    The two readings of U at 15 mm (0.19 and 0.20 m/s) are not used. At x = -375 mm, nearer to the
    cubes that hold the wind back, the same height has 1.07 m/s, and the readings above fall to no
    such value. In their place stands the reading at 30 mm times the ratio of 15 to 30 mm at
    x = -375 mm, and the k of 30 mm.
    """
    rms = raw.pivot_table(index=["x_mm", "y_mm", "z_mm"], columns="comp",
                          values="rms_raw_mps").reset_index()
    axis = mean["y_mm"] == 0.0
    speeds = {x: dict(zip(mean["z_mm"][axis & (mean["x_mm"] == x)].tolist(),
                          mean["U"][axis & (mean["x_mm"] == x)].tolist(), strict=True))
              for x in (-500.0, -375.0)}
    try:
        first = speeds[-500.0][30.0] * speeds[-375.0][15.0] / speeds[-375.0][30.0]
    except KeyError as error:
        raise SourceError(f"{file}: the approach at x = -500 and -375 mm, y = 0 lacks z = {error} "
                          "mm", mend=MEND) from error
    far = rms[(rms["x_mm"] == -500.0) & (rms["y_mm"] == 0.0)].dropna()
    heights = far["z_mm"].tolist()
    k = 0.5 * (far[["U", "V", "W"]].to_numpy() ** 2).sum(axis=1)
    k[np.array(heights) == 15.0] = k[np.array(heights) == 30.0]
    speed = [first if z == 15.0 else speeds[-500.0][z] for z in heights]
    return Profile(np.array(heights) * BLOCK / EPA_BLOCK, np.array(speed), k=k)


def _aij_g(folder: Path, cell: float) -> list[Case]:
    """Read the row of trees: 7 poles behind it with 4 heights.

    The workbooks hold the measurement. The folders beside them hold a model's result, which is no
    measurement and is not read; so is the speed in ``pole0_inflow.csv``, of which only k is taken.
    The leaf area density is restated for a drag coefficient of 0.2 and the width of whole cells,
    so that the trees have the drag of the study.
    """
    home = folder / "aij_g"
    speed = read_sheet(home / "AIJ_Case_G_Normalised_Velocity.xlsx")
    k = read_sheet(home / "AIJ_Case_G_Normalised_TKE.xlsx")
    if speed.shape != k.shape:
        raise SourceError(f"{home}: the two workbooks hold {speed.size} speeds and {k.size} k",
                          mend=MEND)
    wind = read_table(home / "pole0_inflow.csv", ["tke", "height"]).sort_values("height")
    wide = cell * np.ceil(TREE_THICK / cell)
    row = (-0.5 * wide, 0.5 * wide, -15 * TREE, 15 * TREE, TREE)
    trees, origin = stamp_blocks([row], cell, 270.0, spread=2.0)
    canopy = np.broadcast_to(trees.max(axis=0), trees.shape).astype(np.float32)
    leaf = np.where(canopy > 0, TREE_LEAF * TREE_DRAG / DRAG * TREE_THICK / wide, 0.0)
    z = np.concatenate([np.arange(0.5, 12.0, 0.5), np.arange(12.0, 200.1, 4.0)])
    profile = Profile(z, POLE_SPEED * (z / POLE_TOP) ** POLE_POWER,
                      k=np.interp(z, wind["height"], wind["tke"]))
    x, high = np.meshgrid(speed.columns.to_numpy(dtype=float), speed.index.to_numpy(dtype=float))
    every = np.ones(x.size, dtype=bool)
    return [Case("AIJ G", "vector", 270.0, np.zeros_like(trees), cell, profile,
                 x.ravel() * TREE + origin[0], np.full(x.size, origin[1]), high.ravel(),
                 {"speed": speed.to_numpy().ravel() * POLE_SPEED,
                  "k": k.to_numpy().ravel() * POLE_SPEED ** 2}, POLE_SPEED,
                 (Target("all", "speed", every), Target("k", "k", every)), origin, canopy,
                 leaf.astype(np.float32))]


READERS: dict[str, Callable[[Path, float], list[Case]]] = {
    "aij_a": _aij_a, "aij_c": _aij_c, "epa_7x11": _epa, "aij_g": _aij_g,
}
