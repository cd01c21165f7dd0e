"""Which columns are magnitudes and fluxes, and which are their errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from astropy import units as u

from lc_pipeline.catalogs import names as known
from lc_pipeline.catalogs.file_columns import FileColumns, listed
from lc_pipeline.survey import Quantity

_OTHER_QUANTITIES = frozenset(
    re.findall(
        r"\w+",
        "ra dec de decl alpha delta x y pos position radec fwhm theta a b pa ellip ellipticity "
        "sky bkg background pm pmra pmdec parallax plx time mjd jd airmass seeing radius color "
        "colour",
    )
)
#: What tells columns of the same name apart.
_NUMBERED = re.compile(r" \(\d+\)$")


def recognise_brightness(columns: FileColumns) -> list[tuple[str, str | None, Quantity]]:
    """Find values, their errors and quantities, in column order.

    Values with errors win over values without, and then magnitudes over fluxes.
    """
    numbers = [name for name in columns.names if columns.is_number(name)]
    found: list[tuple[str, str | None, Quantity]] = []
    # Whatever calls itself a magnitude or flux comes before what only has the name of a band or
    # a unit: b may be the minor axis, z a redshift, and A_V has the unit of a magnitude.
    for tell in (_called, _taken_for):
        found = found or [
            (name, _error_of(columns, name, numbers), kind)
            for name in numbers
            if (kind := tell(columns, name, numbers))
        ]
    errors = {error for _, error, _ in found}
    found = [triple for triple in found if triple[0] not in errors]
    quantities: tuple[Quantity, ...] = ("mag", "flux")
    for quantity in quantities:
        lone = [index for index, triple in enumerate(found) if triple[2] == quantity]
        if len(lone) == 1 and found[lone[0]][1] is None:
            taken = {error for _, error, _ in found}
            free = [name for name in numbers if name not in taken]
            matches = [known.same_names(alias, free) for alias in known.LONE_ERRORS[quantity]]
            errors_left = [name for name in free if _may_be_its_error(name)]
            error = next((match[0] for match in matches if match), None)
            if error or len(errors_left) == 1:
                found[lone[0]] = (found[lone[0]][0], error or errors_left[0], quantity)
    found = [
        (value, error or _error_behind(value, quantity, columns.names, numbers), quantity)
        for value, error, quantity in found
    ]
    if any(error for _, error, _ in found):
        _say_left_out(columns, [value for value, error, _ in found if not error], "without errors")
        found = [triple for triple in found if triple[1]]
    if {quantity for _, _, quantity in found} == {"mag", "flux"}:
        fluxes = [value for value, _, quantity in found if quantity == "flux"]
        _say_left_out(columns, fluxes, "since there are magnitudes")
        found = [triple for triple in found if triple[2] == "mag"]
    return found


def _may_be_its_error(name: str) -> bool:
    """Say whether an error can be that of a brightness: not of a position or a shape."""
    return known.is_error_name(name) and not _OTHER_QUANTITIES.intersection(known.words_of(name))


def _error_behind(
    value: str, quantity: Quantity, names: Sequence[str], numbers: Sequence[str]
) -> str | None:
    """Find an error that stands right behind its value and says of itself no more than that."""
    place = names.index(value) + 1
    behind = names[place] if place < len(names) else ""
    bare = known.squeeze(_NUMBERED.sub("", behind))
    is_error = bare in {known.squeeze(name) for name in known.LONE_ERRORS[quantity]}
    return behind if is_error and behind in numbers else None


def _say_left_out(columns: FileColumns, names: Sequence[str], why: str) -> None:
    if names:
        columns.notes.append(f"left out {why}: {listed(names, 8)}")


def _called(columns: FileColumns, name: str, _: Sequence[str]) -> Quantity | None:
    """Tell a magnitude or flux by its UCD or name."""
    ucd = columns.ucd(name)
    if any(word.startswith(("stat.", "arith.")) for word in ucd):
        return None
    if ucd[0].startswith(("phot.mag", "phot.flux", "phot.count")):
        return "mag" if ucd[0].startswith("phot.mag") else "flux"
    by_name = known.quantity_of_name(name)
    return by_name and (quantity_of_unit(columns.unit(name)) or by_name)


def _taken_for(columns: FileColumns, name: str, numbers: Sequence[str]) -> Quantity | None:
    """Take what has an error, and the name of a band or a unit of brightness, for one."""
    if known.is_error_name(name) or known.find_error(name, numbers) is None:
        return None
    if known.is_band(name):
        # z may be a redshift and y a pixel, unless there are other bands beside them.
        others = [other for other in numbers if known.is_band(other) and other not in (name, "y")]
        return "mag" if name not in ("z", "y") or others else None
    return quantity_of_unit(columns.unit(name))


def _error_of(columns: FileColumns, value: str, numbers: Sequence[str]) -> str | None:
    if error := known.find_error(value, numbers):
        return error
    wanted = ["stat.error", *columns.ucd(value)]
    by_ucd = [name for name in numbers if columns.ucd(name) == wanted]
    return by_ucd[0] if len(by_ucd) == 1 else None


def quantity_of(unit: str, name: str) -> Quantity | None:
    """Tell a magnitude from a flux by unit, else by name.

    Examples
    --------
    >>> quantity_of("uJy", "brightness"), quantity_of("", "mag_inst_R"), quantity_of("", "x")
    ('flux', 'mag', None)
    """
    if by_unit := quantity_of_unit(unit):
        return by_unit
    return known.quantity_of_name(name) or ("mag" if known.is_band(name) else None)


def quantity_of_unit(unit: str) -> Quantity | None:
    """Tell a magnitude from a flux by its unit; None if the unit does not say."""
    if not unit:
        return None
    if unit.replace(" ", "").lower() in ("mag", "mmag", "vegamag", "abmag", "stmag"):
        return "mag"
    parsed = u.Unit(unit, parse_strict="silent")
    if isinstance(parsed, u.UnrecognizedUnit):
        return "mag" if unit.lower().startswith("mag") else None
    if isinstance(parsed, u.MagUnit) or parsed.is_equivalent(u.mag):
        return "mag"
    fluxes = (
        *(u.Jy, u.Jy / u.beam, u.adu, u.ct, u.electron, u.photon),
        *(u.W / u.m**2, u.W / u.m**3, u.maggy),
    )
    rates = tuple(one / u.s for one in (u.adu, u.ct, u.electron, u.photon))
    return "flux" if any(parsed.is_equivalent(one) for one in (*fluxes, *rates)) else None
