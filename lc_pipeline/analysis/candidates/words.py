"""Why an object is thought to vary, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lc_pipeline.analysis.candidates.columns import brightness, numbers, texts
from lc_pipeline.analysis.candidates.doubts import TOO_LONG, Candidates
from lc_pipeline.analysis.candidates.scoring import Voice
from lc_pipeline.analysis.candidates.usual import usual_at_brightness
from lc_pipeline.analysis.statistics.points import MAD_TO_SIGMA

Floats = NDArray[np.float64]

#: A voice is cited if it says at least this much; it is counted as agreeing if it does alone.
_CITED_SIGMA = 2.5
#: A robust width times this is a Gaussian's standard deviation.
_TO_SIGMA = {"iqr": 0.7413, "mad": MAD_TO_SIGMA, "std": 1.0, "weighted_std": 1.0}
_NAMES = {
    "scatter": "scatter",
    "order": "consecutive points",
    "excursions": "excursions",
    "together": "bands together",
}


def agreeing(candidates: Candidates) -> list[str]:
    """Which voices call each candidate variable by themselves."""
    limit = np.log(candidates.settings.false_positive_rate)
    lists: list[list[str]] = [[] for _ in candidates.rows]
    for voice in candidates.scores.voices:
        label = f"{_NAMES[voice.name]} {'-'.join(voice.measurements)}"
        for number in np.flatnonzero(voice.log_p[candidates.rows] <= limit):
            lists[number].append(label)
    return [", ".join(each) for each in lists]


def find_reasons(candidates: Candidates, units: Mapping[str, str]) -> list[str]:
    """A sentence for each candidate: the voices, the strongest first."""
    said: list[list[tuple[float, str]]] = [[] for _ in candidates.rows]
    for voice in candidates.scores.voices:
        sigma = voice.sigma[candidates.rows]
        words = _WORDS[voice.name](candidates, voice, units)
        for number in range(len(candidates.rows)):
            if np.isfinite(sigma[number]) and words[number]:
                said[number].append(
                    (float(sigma[number]), f"{words[number]} ({_sigmas(sigma[number])})")
                )
    is_transient = candidates.comes_and_goes
    first, last = candidates.fact("first"), candidates.fact("last")
    reasons = []
    for number, each in enumerate(said):
        ordered = sorted(each, key=lambda one: -one[0])
        cited = [words for sigma, words in ordered if sigma >= _CITED_SIGMA]
        if candidates.absolute[number] <= np.log(candidates.settings.false_positive_rate):
            cited.append(_absolute_words(candidates, number))
        if not candidates.by_period[number] <= np.log(candidates.settings.false_positive_rate):
            cited = cited or [words for _, words in ordered[:2]]
        if is_transient[number]:
            cited.append(
                f"detected between MJD {first[number]:.1f} and {last[number]:.1f} only, and there "
                f"nearly always: a transient, or it moved"
            )
        reasons.append("; ".join(filter(None, [*cited, _period_words(candidates, number)])))
    return reasons


def _sigmas(sigma: float) -> str:
    return f"{sigma:.1f} sigma" if sigma < 10 else f"{sigma:.0f} sigma"  # noqa: PLR2004


def _two_digits(number: float) -> str:
    """Two digits, without an exponent as long as that is readable.

    Examples
    --------
    >>> [_two_digits(number) for number in (0.0123, 1.0, 214.0, 2.14e5, 1e-7)]
    ['0.012', '1', '210', '2.1e+05', '1e-07']
    """
    is_plain = 100 <= abs(number) < 1e5  # noqa: PLR2004
    return f"{float(f'{number:.2g}'):.0f}" if is_plain else f"{number:.2g}"


def _scatter(candidates: Candidates, voice: Voice, units: Mapping[str, str]) -> list[str]:
    key = voice.measurements[0]
    for index in candidates.settings.scatter_indices:
        if f"{index}_{key}" in candidates.statistics.colnames:
            values = numbers(candidates.statistics, f"{index}_{key}")
            usual = usual_at_brightness(values, brightness(candidates.statistics, key))
            sigma = values * _TO_SIGMA.get(index, 1.0)
            name = "scatter" if index in _TO_SIGMA else index
            unit = f" {units[key]}" if units.get(key) and index in _TO_SIGMA else ""
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = values / usual
            return [
                f"{name} {_two_digits(sigma[row])}{unit} in {key}, {_two_digits(ratio[row])} times "
                f"what objects of this brightness show"
                for row in candidates.rows
            ]
    return [f"scatters more in {key} than objects of this brightness"] * len(candidates.rows)


def _order(candidates: Candidates, voice: Voice, _: Mapping[str, str]) -> list[str]:
    key = voice.measurements[0]
    inverse_eta, lag1 = candidates.of(f"inverse_eta_{key}"), candidates.of(f"lag1_{key}")
    # Of noise 1/eta is 0.5 and lag-1 is 0; both scatter by a multiple of the root of 1 / n.
    root = np.sqrt(np.maximum(candidates.of(f"n_{key}"), 1))
    is_smooth = inverse_eta > 0.5 + _CITED_SIGMA * 0.5 / root
    is_correlated = lag1 > _CITED_SIGMA / root
    told = np.select(
        [is_smooth, is_correlated],
        [
            [f"agree, 1/eta = {value:.2g}" for value in inverse_eta],
            [f"agree, lag-1 autocorrelation {value:.2g}" for value in lag1],
        ],
        "agree better than those of objects of this brightness",
    )
    return [f"consecutive points in {key} {words}" for words in told]


def _excursions(candidates: Candidates, voice: Voice, _: Mapping[str, str]) -> list[str]:
    key = voice.measurements[0]
    sides = [candidates.fact(f"{side}_{key}") for side in ("n_faint", "n_bright")]
    n, limit = candidates.of(f"n_{key}"), candidates.settings.excursion_sigma
    words = []
    for faint, bright, points in zip(*sides, n, strict=True):
        count, direction = max((faint, "fainter"), (bright, "brighter"))
        words.append(
            f"{count:.0f} of {points:.0f} points in {key} are {direction} by more than "
            f"{limit:g} times its scatter"
            if count > 0
            else ""
        )
    return words


def _together(candidates: Candidates, voice: Voice, _: Mapping[str, str]) -> list[str]:
    first, second = voice.measurements
    r = candidates.of(f"correlation_{first}_{second}")
    stetson_j = candidates.of(f"stetson_j_{first}_{second}")
    n = np.maximum(candidates.of(f"n_{first}_{second}"), 1)
    by_r = [f", correlation {value:.2f}" if np.isfinite(value) else "" for value in r]
    by_j = [f", Stetson's J = {value:.2g}" for value in stetson_j]
    is_told = np.isfinite(stetson_j) & ~(r * np.sqrt(n) > _CITED_SIGMA)
    told = np.where(is_told, by_j, by_r)
    return [f"{first} and {second} vary together{number}" for number in told]


def _absolute_words(candidates: Candidates, number: int) -> str:
    keys = candidates.keys
    chi2 = {key: candidates.of(f"reduced_chi2_{key}")[number] for key in keys}
    known = {key: value for key, value in chi2.items() if np.isfinite(value)}
    if candidates.settings.trust_errors and known:
        key = max(known, key=lambda one: known[one])
        return f"scatters {np.sqrt(known[key]):.2g} times its errors in {key}"
    pairs = [
        (candidates.of(f"correlation_{first}_{second}")[number], first, second)
        for place, first in enumerate(keys)
        for second in keys[place + 1 :]
    ]
    best = max((pair for pair in pairs if np.isfinite(pair[0])), default=None)
    return f"{best[1]} and {best[2]} vary together (correlation {best[0]:.2f})" if best else ""


def _period_words(candidates: Candidates, number: int) -> str:
    if candidates.periods is None:
        return ""
    row = int(candidates.rows[number])
    period = numbers(candidates.periods, "period")[row]
    fap = numbers(candidates.periods, "fap")[row]
    if not (np.isfinite(period) and fap <= candidates.settings.false_positive_rate):
        return ""
    if (alias := texts(candidates.periods, "alias")[row]).startswith(TOO_LONG):
        return f"changes slowly: {alias} in the data"
    method = texts(candidates.periods, "fap_method")[row].partition(":")[0]
    how = f", {method}" if method else ""
    chance = f"{fap:.1g}" if fap > 0 else "below 1e-300"
    return f"period {period:.6g} d (false-alarm probability {chance}{how})"


_WORDS = {
    "scatter": _scatter,
    "order": _order,
    "excursions": _excursions,
    "together": _together,
}
