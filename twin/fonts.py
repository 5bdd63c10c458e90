"""Fonts and words for pictures: Chinese names, harmless text and units people can read."""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# Fonts with Chinese, Japanese or Korean glyphs, simplified Chinese first.
CJK = ("Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
       "Microsoft YaHei", "Hiragino Sans GB", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
       "SimHei", "Heiti SC", "STHeiti", "Noto Sans SC", "Noto Sans CJK JP", "Noto Sans CJK TC",
       "Droid Sans Fallback", "Arial Unicode MS", "SimSun", "AR PL UMing CN")
_LATIN = ("Inter", "Source Sans 3", "Open Sans", "Noto Sans", "Helvetica Neue", "Segoe UI",
          "Liberation Sans", "Arial")
_CJK_FILES = re.compile(r"cjk|wqy|simhei|simsun|msyh|pingfang|heiti|sourcehan|hiragino|notosanssc"
                        r"|droidsansfallback|uming|arialuni", re.IGNORECASE)


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the font families to use, best first, with a CJK font where one is installed.

    Matplotlib keeps a list of fonts between runs and does not see one installed later; such fonts
    are looked for by file name. A missing CJK font is said once in the log.
    """
    from matplotlib import font_manager

    manager: Any = font_manager.fontManager
    known = {font.name for font in manager.ttflist}
    if not known.intersection(CJK):
        for path in font_manager.findSystemFonts():
            if _CJK_FILES.search(Path(path).name) and "serif" not in path.lower():
                try:
                    manager.addfont(path)
                except (OSError, RuntimeError) as error:
                    log.debug("font %s cannot be read: %s", path, error)
        known = {font.name for font in manager.ttflist}
    chinese = [name for name in CJK if name in known][:2]
    latin = [name for name in _LATIN if name in known][:1]
    if not chinese:
        log.warning("no font with Chinese characters is installed: such names will show as boxes "
                    "(Debian: apt-get install fonts-noto-cjk)")
    # Noto and Source Han carry good Latin letters of their own.
    return (*latin, *chinese, "DejaVu Sans")


def has_cjk() -> bool:
    """Return whether a font with Chinese characters was found."""
    return bool(set(families()).intersection(CJK))


def style() -> dict[str, Any]:
    """Return the Matplotlib settings every picture uses."""
    return {
        "font.family": list(families()), "font.size": 13, "text.color": "#22252b",
        "axes.labelcolor": "#22252b", "xtick.color": "#4a4e57", "ytick.color": "#4a4e57",
        "axes.unicode_minus": True, "axes.linewidth": 0.6, "text.usetex": False,
        "mathtext.default": "regular", "svg.fonttype": "none",
    }


def safe(text: object, longest: int = 200) -> str:
    """Return text from a file as it may be drawn: one line, no controls, no mathtext.

    Parameters
    ----------
    text
        Any text, such as a name from a layer.
    longest
        Number of characters kept; more ends in an ellipsis.
    """
    words = " ".join(str(text).split())
    words = "".join(c for c in words if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    words = words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
    return words.replace("$", r"\$")


def pretty_label(label: str) -> str:
    """Return a label with chemical formulas as people write them."""
    return re.sub(r"\b(CO|NO|SO|O|PM)(2|3|x|10)\b", _lowered, label)


def _lowered(found: re.Match[str]) -> str:
    return found[1] + found[2].translate(str.maketrans("0123x", "₀₁₂₃ₓ"))


_SUPER = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
_WORDS = {"a": "yr", "year": "yr", "degree": "°", "degC": "°C", "degrees": "°",
          "vehicle": "vehicles", "percent": "%"}


def pretty_units(units: str) -> str:
    """Return UDUNITS text as people write it.

    Examples
    --------
    >>> pretty_units("kg m-2 a-1"), pretty_units("m s-1"), pretty_units("1")
    ('kg/(m² yr)', 'm/s', '')
    """
    above: list[str] = []
    below: list[str] = []
    for part in units.split():
        found = re.fullmatch(r"([A-Za-z°%µ_]+)(-?\d+)?", part)
        if not found:
            if part != "1":
                above.append(part)
            continue
        name, power = _WORDS.get(found[1], found[1]), int(found[2] or 1)
        if name == "1":
            continue
        size = str(abs(power)).translate(_SUPER) if abs(power) != 1 else ""
        (above if power > 0 else below).append(name + size)
    top = " ".join(above).replace("W h", "Wh")
    if not below:
        return top
    under = below[0] if len(below) == 1 else f"({' '.join(below)})"
    return f"{top or '1'}/{under}"


def wrap(text: str, width: int) -> list[str]:
    """Return text in lines of at most ``width`` Latin letters; Chinese ones count as two."""
    lines, line, used = [], "", 0
    for word in re.findall(r"\s+|[⺀-鿿豈-﫿！-｠]|[^\s⺀-鿿豈-﫿！-｠]+", text):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if used + size > width and line.strip():
            lines.append(line.strip())
            line, used = "", 0
        line, used = line + word, used + size
    return [*lines, line.strip()] if line.strip() else lines
