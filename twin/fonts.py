"""Words in pictures: fonts with Chinese, harmless text, readable units, and setting them."""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]
Weight = Literal["normal", "bold"]
Side = Literal["left", "right", "center"]

INK, GREY, MINUS = "#1d2026", "#5b606b", "\u2212"

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
_BOLD = 600  # least weight of a face that counts as bold


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Return the font families to use, best first, with a CJK font where one is installed.

    A CJK family with a bold face sets Latin letters well and stands before DejaVu Sans. One of a
    single weight stands after it, for the characters that nothing else has. Matplotlib keeps a
    list of fonts between runs and does not see one installed later; such fonts are looked for by
    file name. A missing CJK font is said once in the log.
    """
    from matplotlib import font_manager

    manager: Any = font_manager.fontManager
    if not {font.name for font in manager.ttflist}.intersection(CJK):
        for path in font_manager.findSystemFonts():
            if _CJK_FILES.search(Path(path).name) and "serif" not in path.lower():
                try:
                    manager.addfont(path)
                except (OSError, RuntimeError) as error:
                    log.debug("font %s cannot be read: %s", path, error)
    known = {font.name for font in manager.ttflist}
    bold = {font.name for font in manager.ttflist if _is_bold(font.weight)}
    chinese = [name for name in CJK if name in known]
    latin = [name for name in _LATIN if name in known][:1]
    if not chinese:
        log.warning("no font with Chinese characters is installed: such names will show as boxes "
                    "(Debian: apt-get install fonts-noto-cjk)")
    two_weights = [name for name in chinese if name in bold][:2]
    return (*latin, *two_weights, "DejaVu Sans", *([] if two_weights else chinese[:2]))


def _is_bold(weight: int | str) -> bool:
    from matplotlib.font_manager import weight_dict

    return (weight if isinstance(weight, int) else weight_dict.get(weight, 400)) >= _BOLD


def has_cjk() -> bool:
    """Return whether a font with Chinese characters was found."""
    return bool(set(families()).intersection(CJK))


class _NoFindfont(logging.Filter):
    """Holds back what Matplotlib says of each font it looks for."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("findfont:")


@contextmanager
def drawing() -> Iterator[None]:
    """Set fonts and colours for every picture drawn inside, and give them back after.

    A letter that no font has is told by `families`, not once more for every letter; that a
    fallback font has no bold face is not told at all.
    """
    import matplotlib as mpl

    settings = {
        "font.family": list(families()), "font.size": 13, "text.color": INK,
        "axes.labelcolor": INK, "xtick.color": "#4a4e57", "ytick.color": "#4a4e57",
        "axes.unicode_minus": True, "axes.linewidth": 0.6, "text.usetex": False,
        "svg.fonttype": "none",
    }
    quiet = _NoFindfont()
    finder = logging.getLogger("matplotlib.font_manager")
    finder.addFilter(quiet)
    try:
        with warnings.catch_warnings(), mpl.rc_context(settings):
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            yield
    finally:
        finder.removeFilter(quiet)


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


def heading(name: str) -> str:
    """Return a name with its first letter large, as it stands above a panel."""
    return name[:1].upper() + name[1:]


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


# Blanks, single Chinese or Japanese characters, and words of other scripts.
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60"
_TOKENS = re.compile(rf"\s+|[{_WIDE}]|[^\s{_WIDE}]+")


def wrap(text: str, width: int) -> list[str]:
    """Return text in lines of at most ``width`` Latin letters; Chinese ones count as two."""
    lines, line, used = [], "", 0
    for word in _TOKENS.findall(text):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if used + size > width and line.strip():
            lines.append(line.strip())
            line, used = "", 0
        line, used = line + word, used + size
    return [*lines, line.strip()] if line.strip() else lines


def axes_at(figure: Figure, size: tuple[int, int], box: Box) -> Axes:
    """Return axes over a box (x, y, width, height) of the picture in pixels."""
    return figure.add_axes((box[0] / size[0], box[1] / size[1], box[2] / size[0],
                            box[3] / size[1]))


def pixels(figure: Figure, size: tuple[int, int], box: Box) -> Axes:
    """Return axes over a box of the picture, measured in its pixels, with nothing drawn."""
    axes = axes_at(figure, size, box)
    axes.set(xlim=(0, box[2]), ylim=(0, box[3]), zorder=10)
    axes.set_axis_off()
    return axes


def fitted(axes: Axes, x: float, y: float, words: str, height: float, width: float, *,
           weight: Weight = "normal", color: str = INK, ha: Side = "left") -> float:
    """Set a line of text no wider than ``width`` pixels, smaller or cut where needed.

    Parameters
    ----------
    axes
        Axes in pixels, as `pixels` gives them.
    x, y
        Where the baseline starts, or ends for ``ha="right"`` [pixels].
    words
        The text; it may come from a file.
    height, width
        Size of the letters and room for the line [pixels].
    weight, color, ha
        As in Matplotlib.

    Returns
    -------
    float
        Width of the text [pixels].
    """
    words, size = safe(words), height
    while (measured := text_width(axes, words, size, weight)) > width and size > 0.7 * height:
        # Letters grow in steps of whole pixels, so that a line may need several tries.
        size = max(0.7 * height, min(0.97 * size, size * width / measured))
    while len(words) > 2 and measured > width:
        keep = min(len(words) - 2, int(len(words) * width / measured))
        words = words[:max(keep, 1)].rstrip(" \\…") + "…"
        measured = text_width(axes, words, size, weight)
    axes.text(x, y, words, fontsize=points(size, 1), fontweight=weight, color=color, ha=ha)
    return measured


def text_width(axes: Axes, words: str, height: float, weight: Weight = "normal") -> float:
    """Return the width of a line of text [pixels]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure: Any = axes.figure
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    text = axes.text(0, 0, words, fontsize=points(height, 1), fontweight=weight)
    width = text.get_window_extent(figure.canvas.get_renderer()).width
    text.remove()
    return float(width)


def points(height: float, unit: float) -> float:
    """Return the font size in points of text so many pixels high at 1080 lines."""
    return 0.72 * height * unit
