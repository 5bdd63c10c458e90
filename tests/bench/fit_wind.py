"""Fit the wind's coefficients to the measured cases, or to all but one, and score that one.

    pip install cma
    NUMBA_NUM_THREADS=1 python tests/bench/fit_wind.py --data FOLDER --leave-out EPA --seconds 300

One thread is fastest on rasters this small. The score of a row is q + FAC2/2 + R/2 - 0.3 |FB|; the
studies (AIJ A, AIJ C, EPA 7x11) weigh the same; AIJ C counts with turbulence (0.7) and without
(0.3). The trees of AIJ G are not part of it: `twin.wind.shelter.POROUS` was set on them by hand.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from twin.wind.flow import FITTED, Coefficients, simulate
from twin.wind.tunnels.cases import read_cases
from twin.wind_validation import score_case

BOUNDS = {
    "zones": {
        "cavity_length": (0.5, 1.6), "cavity_reverse": (0.05, 1), "cavity_along": (0.1, 1.5),
        "cavity_turn": (0.3, 2), "canyon_across": (0.05, 1.5), "canyon_down": (0, 1.5),
        "canyon_step": (0, 2.5), "front_length": (0.3, 2), "front_share": (0.1, 1),
        "front_vortex": (0.05, 1.5), "front_along": (0.2, 3), "front_down": (0, 1.5),
        "front_reach": (0.15, 2), "front_turn": (0.3, 2), "roof_vortex": (0, 1.2),
        "side_vortex": (0, 0.6)},
    "mixing": {"side": (0.01, 0.2), "up": (0.01, 0.5), "above": (0.1, 4), "wall": (0, 0.6),
               "roof": (0, 0.6)},
    "turbulence": {"shear": (0, 5), "wake": (0.01, 0.12), "most": (0, 0.2)},
}
NAMES = [(group, name) for group, some in BOUNDS.items() for name in some]
LOW, HIGH = (np.array([BOUNDS[g][n][end] for g, n in NAMES]) for end in (0, 1))
AROUND = 30  # cells kept around what is built and measured
STUDIES = ("AIJ A", "AIJ C", "EPA 7x11")
PLANES = {"AIJ A": {"y = 0": 1, "z = 0.125 b": 1, "z = 1.25 b": 1},
          "AIJ C": {"z = 0.1 D": 0.3, "z = 0.1 D, with k": 0.7},
          "EPA 7x11": {"all": 1, "z <= 0.5 H": 1}}


def cropped(case):
    ys, xs = np.nonzero(case.height)
    rows, columns = case.y / case.cell, case.x / case.cell
    y0, x0 = (max(int(min(a.min(), b.min())) - AROUND, 0) for a, b in ((ys, rows), (xs, columns)))
    y1, x1 = (int(max(a.max(), b.max())) + AROUND for a, b in ((ys, rows), (xs, columns)))
    return replace(case, height=case.height[y0:y1, x0:x1].copy(), x=case.x - x0 * case.cell,
                   y=case.y - y0 * case.cell)


def coefficients(x):
    found = FITTED
    for (group, name), value in zip(NAMES, x, strict=True):
        found = replace(found, **{group: getattr(found, group)._replace(**{name: float(value)})})
    return found


def rows_of(cases, chosen: Coefficients):
    for case in cases:
        flow = simulate(case.height, case.cell, case.inflow, case.wind_from, margin=0,
                        tolerance=2e-3, coefficients=chosen)
        study = next((s for s in STUDIES if case.name.startswith(s)), "")
        for row in score_case(case, flow):
            weight = PLANES.get(study, {}).get(row["plane"])
            if weight:
                yield study, weight, row


def value(cases, chosen: Coefficients) -> float:
    total = {}
    for study, weight, row in rows_of(cases, chosen):
        score = row["q"] + 0.5 * row["fac2"] + 0.5 * row["r"] - 0.3 * abs(row["fb"])
        total.setdefault(study, []).append((weight, score))
    return float(np.mean([np.average([s for _, s in pairs], weights=[w for w, _ in pairs])
                          for pairs in total.values()]))


def main():
    import cma

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--leave-out", default="", help="begin of a study's name")
    parser.add_argument("--seconds", type=float, default=300.0)
    args = parser.parse_args()
    cases = [cropped(c) for c in read_cases(args.data) if c.height.any()]
    used = [c for c in cases if not (args.leave_out and c.name.startswith(args.leave_out))]
    start = np.clip([(getattr(getattr(FITTED, g), n) - lo) / (hi - lo)
                     for (g, n), lo, hi in zip(NAMES, LOW, HIGH, strict=True)], 0.01, 0.99)
    if args.leave_out:
        start = np.full(len(NAMES), 0.4)  # nothing learned from the case that is left out
    search = cma.CMAEvolutionStrategy(start, 0.15, {"bounds": [0, 1], "popsize": 12, "seed": 7})
    began = time.monotonic()
    while time.monotonic() - began < args.seconds:
        some = search.ask()
        search.tell(some, [-value(used, coefficients(LOW + np.asarray(x) * (HIGH - LOW)))
                           for x in some])
    best = LOW + np.asarray(search.result.xbest) * (HIGH - LOW)
    print({name: float(f"{v:.2g}") for (_, name), v in zip(NAMES, best, strict=True)})
    for study, _, row in rows_of(cases, coefficients(best)):
        mark = "left out" if args.leave_out and study.startswith(args.leave_out) else "used"
        print(mark, row["case"], row["plane"], row["wind_from"],
              {m: round(row[m], 2) for m in ("q", "fac2", "fb", "r", "mae")})


if __name__ == "__main__":
    main()
