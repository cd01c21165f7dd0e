"""How often noise alone would make so high a peak.

Baluev (2008, MNRAS 385, 1279, doi:10.1111/j.1365-2966.2008.12689.x) counts how often the
periodogram of noise crosses a level upwards on its way through the frequencies. That count is a
sharp upper limit of the false-alarm probability, without any guess at a number of "independent
frequencies". His result for one sinusoid follows from Rice's formula for a projection of a random
unit vector onto a plane that turns with frequency; the same formula holds for the subspace of any
number of harmonics in any number of bands (several harmonics: Baluev 2009, MNRAS 395, 1541,
doi:10.1111/j.1365-2966.2009.14634.x).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaln, gammaln

#: Name of the method, for tables.
METHOD = "Baluev 2008, 2009: expected upcrossings of the noise, times the numbers of terms tried"
#: Logarithms of probabilities: below, a sum stands for the exact formula; below, betainc is 0.
_SMALL, _FAR = -30.0, -650.0


def log_false_alarm_probability(
    power: ArrayLike,
    *,
    n_points: int,
    n_means: int,
    n_terms: int,
    n_parameters: int,
    bandwidth: float,
    time_scatter: float,
) -> NDArray[np.float64]:
    """Natural logarithm of the false-alarm probability of the highest peak.

    With z the power, d parameters beside the means, m = n - n_means - d degrees of freedom left
    and K harmonics, noise crosses z upwards on average

        tau = F T_eff g Gamma((d + m) / 2) / (Gamma(d / 2) Gamma((m + 1) / 2))
              z**((d - 1) / 2) (1 - z)**((m - 1) / 2)

    times in the bandwidth F, where T_eff = sqrt(4 pi) times the standard deviation of the times
    and g = sqrt((K + 1)(2 K + 1) / 6), the root mean square of the multiples 1 ... K. For d = 2
    this is Baluev's formula to the letter. The probability is 1 - (1 - p) exp(-tau), with p that
    of one frequency.

    Parameters
    ----------
    power : array_like of float
        Fraction of chi-squared that the model takes away.
    n_points : int
        Values in all bands.
    n_means : int
        Bands.
    n_terms : int
        Harmonics, K.
    n_parameters : int
        d: two a harmonic and band.
    bandwidth : float, 1/d
        Highest minus lowest frequency.
    time_scatter : float, d
        Weighted standard deviation of the times.

    Examples
    --------
    >>> found = log_false_alarm_probability(
    ...     0.3, n_points=100, n_means=1, n_terms=1, n_parameters=2, bandwidth=5, time_scatter=20
    ... )
    >>> from astropy.timeseries.periodograms.lombscargle._statistics import fap_baluev
    >>> times = np.tile([-20.0, 20.0], 50)
    >>> bool(np.isclose(np.exp(found), fap_baluev(0.3, 5, times, np.ones(100), np.ones(100))))
    True
    """
    z = np.clip(np.asarray(power, dtype=float), 1e-12, 1 - 1e-12)
    d, m = n_parameters, n_points - n_means - n_parameters
    if m < 1 or d < 1:
        return np.zeros_like(z)
    multiple = np.sqrt((n_terms + 1) * (2 * n_terms + 1) / 6)
    log_tau = (
        np.log(max(bandwidth, 1e-300) * np.sqrt(4 * np.pi) * max(time_scatter, 1e-300) * multiple)
        + gammaln((d + m) / 2)
        - gammaln(d / 2)
        - gammaln((m + 1) / 2)
        + (d - 1) / 2 * np.log(z)
        + (m - 1) / 2 * np.log1p(-z)
    )
    log_single = _log_beta_tail(z, d / 2, m / 2)
    # 1 - (1 - p) exp(-tau), without losing what is small.
    tau, single = np.exp(np.minimum(log_tau, 700)), np.exp(log_single)
    exact = np.log(np.maximum(-np.expm1(-tau) + single * np.exp(-tau), 1e-300))
    small = np.logaddexp(log_tau, log_single)
    return np.asarray(np.where(small < _SMALL, small, exact))


def _log_beta_tail(z: NDArray[np.float64], a: float, b: float) -> NDArray[np.float64]:
    """Logarithm of the probability that a beta variate exceeds z."""
    tail = betainc(b, a, 1 - z)
    # Far out betainc is 0: the leading term of the tail's series.
    leading = b * np.log1p(-z) + (a - 1) * np.log(z) - np.log(b) - betaln(a, b)
    log_tail = np.log(np.maximum(tail, 1e-300))
    return np.asarray(np.where(log_tail > _FAR, log_tail, leading))
