"""What the validation of the carbon account says: a section of VALIDATION.md."""

from __future__ import annotations

from collections.abc import Sequence

from layers.provenance import now
from layers.version import VERSION
from twin.carbon_validation import Row

NOTES = (
    "Inventories are of other ground than the model's: whole cities and countries, with their "
    "suburbs, motorways and detached houses. A ratio tells the order of magnitude, no more.",
    "Traffic per head is left out: only what is driven inside the centre counts, and its residents "
    "stand closer than in a whole city.",
    "Concentration is that of a whole region in Los Angeles, suburbs and open land with it; the "
    "embedded city is all centre, so that what is spread everywhere is spread more evenly.",
)


def misfits(rows: Sequence[Row]) -> list[str]:
    """Return every row that lies further off than half or double, and broken sums, in words."""
    lines = []
    for r in rows:
        if r["case"] == "conservation":
            wrong = abs(r["ratio"] - 1) > 1e-9
        elif r["case"] == "nesting":
            wrong = r["ratio"] < 1
        else:
            wrong = not 0.5 <= r["ratio"] <= 2
        if wrong:
            lines.append(f"Misses: {r['case']}, {r['quantity']}: {r['got']:.4g} for "
                         f"{r['expected']:.4g} ({r['source']}).")
    return lines or ["No row misses: sums agree to 1e-9, boundaries nest, the others lie between "
                     "half and double of what they are held to."]


def as_markdown(rows: Sequence[Row], *, command: str, date: str = "") -> str:
    """Return the rows and misfits as Markdown.

    Parameters
    ----------
    rows
        From `twin.carbon_validation.validate_rows`.
    command
        What was run, as a reader would type it.
    date
        Day of the run; today when empty.
    """
    body = [f"| {r['case']} | {r['quantity']} | {r['expected']:.4g} | {r['got']:.4g} | "
            f"{r['ratio']:.3f} | {r['source']} |" for r in rows]
    return "\n\n".join([
        f"Run on {date or now()[:10]} with citytwin {VERSION}: `{command}`.",
        "\n".join(["| case | quantity | held to | citytwin | ratio | source |",
                   "|---|---|---|---|---|---|", *body]),
        *misfits(rows), *NOTES])
