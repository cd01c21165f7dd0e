"""HTML in which whatever is not said to be HTML is escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from lc_pipeline.analysis.plots import as_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
#: Colours kept in a picture of points, and in one of densities.
FEW_COLOURS, MANY_COLOURS = 48, 256

_VOID = frozenset(("br", "img", "meta"))


class Html(str):
    """A text that is HTML already. Any other text is escaped when it becomes part of one."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: object) -> Html:
    """Make an element; children that are not :class:`Html` are escaped, None is left out.

    In names of attributes a trailing underscore is dropped, others become hyphens; an attribute
    that is None or False is left out.

    Examples
    --------
    >>> tag("td", "5 < 6", class_="number", data_value=5)
    '<td class="number" data-value="5">5 &lt; 6</td>'
    >>> tag("p", tag("b", "x"), None)
    '<p><b>x</b></p>'
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(children)}</{name}>")


def join(parts: Iterable[str | None], between: str = "") -> Html:
    """Put pieces side by side, escaping what is not HTML."""
    return Html(
        between.join(
            part if isinstance(part, Html) else html.escape(part)
            for part in parts
            if part is not None
        )
    )


def anchor(object_key: str) -> str:
    """Name of an object's section: the key, with whatever an address cannot have written as %.

    Examples
    --------
    >>> anchor("V* RR Lyr")
    'object-V%2A%20RR%20Lyr'
    """
    return f"object-{quote(object_key, safe='')}"


def picture(figure: Figure, words: str, *, colours: int = FEW_COLOURS) -> Html:
    """Put a figure into the page; `words` say what it shows, for who cannot see it."""
    encoded = base64.b64encode(as_png(figure, DPI, colours=colours)).decode()
    width, height = (int(side) for side in figure.get_size_inches() * DPI)
    image = tag(
        "img", src=f"data:image/png;base64,{encoded}", alt=words, width=width, height=height
    )
    return tag("figure", image, tag("figcaption", words))


@dataclass(frozen=True)
class Cell:
    """One entry of a table."""

    content: str | Html
    value: float | None = None
    """What it is sorted by, if it is a number."""


def table(
    heads: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[str | Cell]],
    name: str,
    *,
    class_: str | None = None,
) -> Html:
    """Make a table that scrolls in a box of its own, and is sorted by a click on its heads.

    Parameters
    ----------
    heads : sequence of tuple of str
        What each column is called, and a longer description.
    rows : iterable of sequence of str or Cell
    name : str
        What the table shows.
    class_ : str, optional
    """
    rows = list(rows)
    numeric = {
        column
        for row in rows
        for column, each in enumerate(row)
        if isinstance(each, Cell) and each.value is not None
    }
    classes = ["number" if column in numeric else None for column in range(len(heads))]
    head = tag(
        "tr",
        *(
            tag("th", said, title=long or None, scope="col", class_=kind)
            for (said, long), kind in zip(heads, classes, strict=True)
        ),
    )
    body = [tag("tr", *(_cell(cell) for cell in row)) for row in rows]
    whole = tag("table", tag("thead", head), tag("tbody", *body), class_=class_)
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=name)


def _cell(cell: str | Cell) -> Html:
    if not isinstance(cell, Cell):
        return tag("td", cell)
    if cell.value is None:
        return tag("td", cell.content)
    return tag("td", cell.content, class_="number", data_value=f"{cell.value:.17g}")
