"""A small writer of SVG: shapes and text with absolute coordinates, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

FONT = "DejaVu Sans, Liberation Sans, Arial, sans-serif"
CHARACTER_PX = 0.62
"""Width of a character of that font, as a share of its size; a bit more than the mean."""


class Svg:
    """One picture; shapes lie in the order in which they are drawn."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._width = width
        self._height = height
        self._parts = [f"<title>{escape(title)}</title>"]

    def rect(self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0) -> None:
        """Draw a filled rectangle."""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" fill="{fill}"'
            + (f' fill-opacity="{opacity:g}"' if opacity < 1 else "")
            + "/>"
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1.0) -> None:
        """Draw a straight line."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width:g}" fill="none"/>'
        )

    def curve(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.5, dash: str = "") -> None:
        """Draw straight lines from point to point."""
        if not points:
            return
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path d="{path}" stroke="{colour}" stroke-width="{width:g}" fill="none" stroke-linejoin="round"{dashes}/>'
        )

    def ticks(self, xs: Iterable[float], y: float, height: float, colour: str, width: float = 1.0) -> None:
        """Draw short upright lines, all in one path."""
        path = "".join(f"M{x:.1f} {y:.1f}v{height:g}" for x in xs)
        if path:
            self._parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="{width:g}" fill="none"/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: int = 12,
        *,
        anchor: str = "start",
        colour: str = "#222",
        bold: bool = False,
        upright: bool = False,
    ) -> None:
        """Write one line; ``y`` is its base line. ``upright`` turns it to run from below to above."""
        turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if upright else ""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill={quoteattr(colour)}'
            f"{weight}{turned}>{escape(_printable(words))}</text>"
        )

    def written(self) -> str:
        """Return the whole picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self._width}" height="{self._height}" '
            f'viewBox="0 0 {self._width} {self._height}" font-family="{FONT}">\n'
            f'<rect width="{self._width}" height="{self._height}" fill="#fff"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def text_width(words: str, size: int) -> float:
    """Return about how wide a line is."""
    return len(words) * size * CHARACTER_PX


def _printable(words: str) -> str:
    return "".join(each if each.isprintable() else " " for each in words)


def nice_step(span: float, most: int) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that divides ``span`` into ``most`` parts at most."""
    step = 10.0**-9
    while True:
        for factor in (1, 2, 5):
            if span / (step * factor) <= most:
                return step * factor
        step *= 10
