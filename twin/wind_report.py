"""What the validation of the wind says: a section of VALIDATION.md and a picture of the trees."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layers.errors import SourceError
from layers.provenance import now
from layers.version import VERSION
from twin.fonts import GREY, INK, axes_at, drawing, points
from twin.furniture import BACK, footer, header, save
from twin.wind.tunnels.measured import Case
from twin.wind_validation import Readable

PEERS = Path(__file__).parent / "wind" / "tunnels" / "peers.csv"
LEFT_OUT = Path(__file__).parent / "wind" / "tunnels" / "left_out.csv"
SMALL = 0.1  # a bias below it is not named
LINE = "#2a6aa6"
# What the guidelines ask of a model: COST 732 and VDI 3783-9 for the hit rate, Hanna & Chang
# (2012) for the others, whose limits among buildings are the wider ones in brackets.
LIMITS = "q ≥ 0.66, FAC2 ≥ 0.5 (0.3), |FB| ≤ 0.3 (0.67), NMSE ≤ 1.5 (6)"
CITATIONS = (
    "AIJ benchmark cases (A, C, G): Kikumoto et al. (2026), doi:10.1002/2475-8876.70083; Tominaga "
    "et al. (2008), doi:10.1016/j.jweia.2008.02.058. Case A: Meng & Hibi (1998), "
    "doi:10.5359/jawe.1998.76_55, CC BY 4.0, doi:10.5281/zenodo.15050148. Case C: Nonomura et al. "
    "(2003), doi:10.14887/jaweam.2003.0.41.0, CC BY 4.0, doi:10.5281/zenodo.15401792. Case G: "
    "Kurotani et al. (2001), as digitised by the SimScale benchmark repository.",
    "The derived files were processed independently of the AIJ. The AIJ does not guarantee their "
    "quality, accuracy, completeness or fitness for any purpose, and endorses neither them nor "
    "these results.",
    "EPA 7x11: Lawson, Perry & Thompson (2000), EPA/NOAA data report; Brown, Lawson, DeCroix & Lee "
    "(2000), 11th AMS/AWMA conference; readings as distributed with QES by the University of Utah.",
)


def as_markdown(table: pd.DataFrame, *, command: str, cell: float = 2.0, date: str = "",
                picture: str = "") -> str:
    """Return the table of scores, the peers beside it and the misfits as Markdown.

    Parameters
    ----------
    table
        From `validate_wind`.
    command
        What was run, as a reader would type it.
    cell
        Side of the cells [m].
    date
        Day of the run; today when empty.
    picture
        File name of the picture of the trees, beside the text; none when empty.
    """
    peers = pd.read_csv(PEERS)
    parts = [
        f"Run on {date or now()[:10]} with citytwin {VERSION}: `{command}`. Cells of {cell:g} m "
        "at full scale, blocks of 20 m, one set of coefficients for all runs.",
        "Speeds are divided by the speed of the inflow: at the height of the probes in AIJ C, at "
        "roof height in AIJ A and EPA 7x11, at 9 m in AIJ G. q counts predictions within 25 % or "
        "0.06 of the observation (0.0036 for k). FB is positive where the model is too slow. "
        f"A dash means that a metric has no meaning there. The guidelines ask for {LIMITS}.",
        _grid(["case", "points", "wind from", "n", "in walls", "q", "FAC2", "FB", "NMSE", "R",
               "MAE"], [[r["case"], r["plane"], _angle(r["wind_from"]), f"{r['n']:,}",
                         f"{r['walled']:,}", *[_two(r[m]) for m in
                                               ("q", "fac2", "fb", "nmse", "r", "mae")]]
                        for r in table.to_dict("records")]),
        "**Beside other models**, on the same points with the same metrics but where a note says "
        "otherwise:", _peers(table, peers),
        *[f"[{k}] {words}." for k, words in enumerate(dict.fromkeys(peers["source"]), 1)],
        "**What was fitted.** The strengths and lengths of the zones, the mixing and the added "
        "turbulence were fitted together to AIJ A, AIJ C and EPA 7x11 (`tests/bench/fit_wind.py`, "
        "CMA-ES); the mixing behind trees was set on AIJ G. So the tables above say how well one "
        "set of numbers can do for all of them. How well it does on a study it has not seen, each "
        "left out of the fit in turn, started from the middle of every range:",
        _left_out(), "**Where it misses**", "\n".join(f"- {line}" for line in misfits(table)),
    ]
    if picture:
        parts.append(f"![Wind behind a row of trees, computed and measured]({picture})")
    return "\n\n".join([*parts, "**Data**", "\n".join(f"- {line}" for line in CITATIONS)])


def _left_out() -> str:
    """Return the scores of studies that were left out of the fit."""
    rows = pd.read_csv(LEFT_OUT).to_dict("records")
    return _grid(["left out", "points", "n", "q", "FAC2", "FB", "R", "MAE", "fitted on"],
                 [[r["case"], r["plane"], f"{r['n']:,}",
                   *[_two(r[m]) for m in ("q", "fac2", "fb", "r", "mae")], r["date"]]
                  for r in rows])


def misfits(table: pd.DataFrame, worst: int = 5) -> list[str]:
    """Return what the numbers say against the model, in words.

    Parameters
    ----------
    table
        From `validate_wind`.
    worst
        How many rows of least hit rate to name.
    """
    single = table[table["wind_from"].notna() & (table["n"] > 0)]
    lines = []
    for row in single.nsmallest(worst, "q").to_dict("records"):
        lines.append(f"Fewest hits: {_name(row)}: q {row['q']:.2f}, R {_two(row['r'])}"
                     f"{_bias(row['fb'])}.")
    speeds = single[~single["plane"].isin(["u", "v", "w", "k"]) & single["fb"].notna()]
    study = speeds["case"].str.split().str[:2].str.join(" ")  # the runs of AIJ C together
    for (name, plane), part in speeds.groupby([study, "plane"], sort=False):
        low, high = part["fb"].min(), part["fb"].max()
        if max(-low, high) < SMALL:
            continue
        side = "too slow" if low > 0 else "too fast" if high < 0 else "too fast or too slow"
        span = f"FB {low:+.2f}" if len(part) == 1 else f"FB {low:+.2f} to {high:+.2f}"
        lines.append(f"Bias: {name}, {plane}: {side} ({span}).")
    still = pd.read_csv(PEERS).query("peer == 'no model'")
    worse = single.merge(still, on=["case", "plane", "wind_from"], suffixes=("", "_still"))
    for row in worse[worse["q"] < worse["q_still"]].to_dict("records"):
        lines.append(f"Worse than no model: {_name(row)}: q {row['q']:.2f} against "
                     f"{row['q_still']:.2f}.")
    short = single[single["q"] < 0.66]
    lines.append(f"{len(short)} of {len(single)} rows miss the hit rate of 0.66 that the "
                 "guidelines ask of a model.")
    left = int(single.groupby(["case", "wind_from"])["walled"].max().sum())
    if left:
        lines.append(f"{left:,} readings lie in walls of the model and are left out.")
    return lines


def write_section(path: str | Path, heading: str, text: str) -> Path:
    """Write a section of a Markdown file between its own marks, and leave the rest as it is.

    Parameters
    ----------
    path
        The file; it is made when it is not there, and replaced whole.
    heading
        Heading of the section; it also names its marks.
    text
        Markdown below the heading.

    Raises
    ------
    SourceError
        When the marks of the section are broken, or the file cannot be read or written.
    """
    file = Path(path)
    if not heading.strip() or re.search(r"[\r\n]|--", heading):
        raise ValueError("a heading is one line without '--'")
    begin, end = f"<!-- begin: {heading} -->", f"<!-- end: {heading} -->"
    if begin in text or end in text:
        raise ValueError("the text holds the marks of its own section")
    section = f"{begin}\n## {heading}\n\n{text.strip()}\n{end}"
    try:
        old = file.read_text(encoding="utf-8") if file.exists() else "# Validation\n"
        if (old.count(begin), old.count(end)) == (1, 1) and old.index(begin) < old.index(end):
            new = old[:old.index(begin)] + section + old[old.index(end) + len(end):]
        elif begin in old or end in old:
            raise SourceError(f"{file}: the marks of section {heading!r} are broken",
                              mend=f"Leave one {begin} and one {end} after it, or neither")
        else:
            new = f"{old.rstrip()}\n\n{section}\n".lstrip()
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        try:
            partial.write_text(new, encoding="utf-8")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{file} cannot be read or written: {error}") from error
    return file


def draw_trees(case: Case, flow: Readable, path: str | Path) -> Path:
    """Draw the profiles behind the row of trees beside what was measured.

    Parameters
    ----------
    case
        AIJ G.
    flow
        The field computed for it.
    path
        Picture to write, PNG, SVG or PDF.
    """
    from matplotlib.figure import Figure

    size, gap, low, high = (1920, 1080), 22, 150, 780
    poles = np.unique(case.x)
    z = np.linspace(0.25, 12.0, 95)
    wide = (size[0] - 120 - 40) / len(poles)
    top = float(case.canopy.max()) if case.canopy is not None else 0.0
    coming = case.inflow.at(z) / case.reference
    with drawing():
        figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, facecolor=BACK)
        header(figure, size, "Wind behind a row of trees",
               f"{case.name}  ·  speed over the speed at 9 m  ·  cells of {case.cell:g} m")
        for k, x in enumerate(poles):
            axes = axes_at(figure, size, (120 + k * wide, low, wide - gap, high))
            read = flow.at(np.full(z.size, x), np.full(z.size, case.y[0]), z)
            speed = np.sqrt(sum(np.asarray(read[c], dtype=np.float64) ** 2 for c in "uvw"))
            axes.axhspan(0, top, color="#e8efe2", lw=0)
            axes.plot(coming, z, color=GREY, lw=1.2, ls=(0, (4, 3)), label="coming in")
            axes.plot(speed / case.reference, z, color=LINE, lw=2.4, label="computed")
            here = case.x == x
            axes.plot(case.observed["speed"][here] / case.reference, case.z[here], "o", ms=9,
                      mfc="white", mec=INK, mew=1.6, ls="none", label="measured")
            axes.set(xlim=(0, 1.3), ylim=(0, 12), xticks=[0, 0.5, 1.0])
            axes.set_title(f"x = {(x - case.origin[0]) / max(top, 1e-9):.2g} H", loc="left",
                           fontsize=points(18, 1), color=INK, pad=8)
            axes.tick_params(labelsize=points(15, 1), labelleft=k == 0)
            for name in ("top", "right"):
                axes.spines[name].set_visible(False)
            if k == 0:
                axes.set_ylabel("Height [m]", fontsize=points(17, 1))
                axes.legend(loc="upper left", fontsize=points(14, 1), frameon=False)
        footer(figure, size, ["AIJ case G: Kurotani et al. (2001); band: height of the trees"])
        return save(figure, path)


def _grid(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---" if h in ("case", "points", "model") else "---:" for h in head]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def _peers(table: pd.DataFrame, peers: pd.DataFrame) -> str:
    """Return our rows with those of the peers under them."""
    numbers = {words: k for k, words in enumerate(dict.fromkeys(peers["source"]), 1)}
    rows = []
    for ours in table.to_dict("records"):
        same = peers[(peers["case"] == ours["case"]) & (peers["plane"] == ours["plane"])
                     & ((peers["wind_from"] == ours["wind_from"])
                        | (peers["wind_from"].isna() & np.isnan(ours["wind_from"])))]
        if same.empty:
            continue
        named = [ours["case"], ours["plane"], _angle(ours["wind_from"])]
        kept = ("q", "fac2", "fb", "r", "mae")
        rows.append([*named, "**citytwin**", *[f"**{_two(ours[m])}**" for m in kept]])
        rows += [[*named, f"{p['peer']} [{numbers[p['source']]}]", *[_two(p[m]) for m in kept]]
                 for p in same.to_dict("records")]
    return _grid(["case", "points", "wind from", "model", "q", "FAC2", "FB", "R", "MAE"], rows)


def _name(row: Mapping[Hashable, Any]) -> str:
    return f"{row['case']}, {row['plane']}, wind from {_angle(row['wind_from'])}"


def _bias(fb: float) -> str:
    if not np.isfinite(fb):
        return ""
    ratio = (2 - fb) / (2 + fb)
    return f", mean {ratio:.2f} of the measured"


def _angle(value: object) -> str:
    return f"{value:g}°" if isinstance(value, float) and np.isfinite(value) else "all"


def _two(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) and np.isfinite(value) else "–"
