"""The indices once more, one object at a time, slow and obvious, from the papers.

Each function takes the times, values and errors of one light curve as lists in order of time.
Nothing here imports what is tested.
"""

import inspect
import itertools
import math
from statistics import fmean, median

LN = math.log(10)


def hazen(values, fraction):
    """The k-th of n sorted values (k from 1) is the quantile (k - 1/2) / n."""
    values = sorted(values)
    n = len(values)
    for k in range(1, n):
        low, high = (k - 0.5) / n, (k + 0.5) / n
        if low <= fraction <= high:
            part = (fraction - low) * n
            return values[k - 1] * (1 - part) + values[k] * part
    return values[0] if fraction < 0.5 else values[-1]


def variance(m):
    average = fmean(m)
    return math.fsum((x - average) ** 2 for x in m) / (len(m) - 1)


def wmean(m, e):
    return math.fsum(x / s**2 for x, s in zip(m, e, strict=True)) / math.fsum(s**-2 for s in e)


def mad(m):
    centre = median(m)
    return median(abs(x - centre) for x in m)


def relative(m, quantity):
    return (0.4 * LN) ** 2 if quantity == "mag" else 1 / fmean(m) ** 2


def nxs(m, e, quantity):
    return (variance(m) - fmean(s**2 for s in e)) * relative(m, quantity)


def nxs_err(m, e, quantity):
    n = len(m)
    noise = fmean(s**2 for s in e) * relative(m, quantity)
    f_var = math.sqrt(max(nxs(m, e, quantity), 0))
    return math.hypot(math.sqrt(2 / n) * noise, math.sqrt(noise / n) * 2 * f_var)


def weighted_std(m, e):
    w = [s**-2 for s in e]
    centre = wmean(m, e)
    return math.sqrt(
        sum(w) / (sum(w) ** 2 - sum(x**2 for x in w))
        * sum(x * (y - centre) ** 2 for x, y in zip(w, m, strict=True))
    )  # fmt: skip


def reduced_chi2(m, e):
    centre = wmean(m, e)
    return sum(((x - centre) / s) ** 2 for x, s in zip(m, e, strict=True)) / (len(m) - 1)


def roms(m, e):
    centre = median(m)
    return sum(abs(x - centre) / s for x, s in zip(m, e, strict=True)) / (len(m) - 1)


def peak_to_peak(m, e, quantity):
    if quantity == "mag":
        # Fluxes of the magnitudes at the ends of the error bars; brighter is smaller.
        high = max(10 ** (-0.4 * (x + s - 15)) for x, s in zip(m, e, strict=True))
        low = min(10 ** (-0.4 * (x - s - 15)) for x, s in zip(m, e, strict=True))
    else:
        high = max(x - s for x, s in zip(m, e, strict=True))
        low = min(x + s for x, s in zip(m, e, strict=True))
        if high + low <= 0:
            return math.nan
    return (high - low) / (high + low)


def skew(m):
    n, average, s = len(m), fmean(m), math.sqrt(variance(m))
    return n / ((n - 1) * (n - 2)) * sum(((x - average) / s) ** 3 for x in m)


def kurtosis(m):
    n, average, s = len(m), fmean(m), math.sqrt(variance(m))
    fourth = sum(((x - average) / s) ** 4 for x in m)
    lead = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3))
    return lead * fourth - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))


def beyond(m, number):
    average, s = fmean(m), math.sqrt(variance(m))
    return sum(abs(x - average) > number * s for x in m) / len(m)


def lag1(m):
    average = fmean(m)
    return sum((x - average) * (y - average) for x, y in itertools.pairwise(m)) / sum(
        (x - average) ** 2 for x in m
    )


def eta(m):
    steps = [(y - x) ** 2 for x, y in itertools.pairwise(m)]
    return sum(steps) / (len(m) - 1) / variance(m)


def eta_e(t, m):
    n, total = len(m), 0.0
    for i in range(n - 1):
        if t[i + 1] > t[i]:
            total += ((m[i + 1] - m[i]) / (t[i + 1] - t[i])) ** 2
    return ((t[-1] - t[0]) / (n - 1)) ** 2 * total / (n - 1) / variance(m)


def abbe(m):
    n, average = len(m), fmean(m)
    steps = sum((y - x) ** 2 for x, y in itertools.pairwise(m))
    return n / (2 * (n - 1)) * steps / sum((x - average) ** 2 for x in m)


def excess_abbe(t, m, window=None):
    window = window or (t[-1] - t[0]) / 10
    parts = []
    for now in t:
        part = [y for x, y in zip(t, m, strict=True) if abs(x - now) <= window / 2]
        if len(part) >= 3 and max(part) > min(part):
            parts.append(abbe(part))
    return fmean(parts) - abbe(m) if parts else math.nan


def s_b(m, e):
    centre = wmean(m, e)
    groups = []
    for x, s in zip(m, e, strict=True):
        residual = (x - centre) / s
        if groups and (groups[-1][-1] < 0) == (residual < 0):
            groups[-1].append(residual)
        else:
            groups.append([residual])
    return sum(sum(group) ** 2 for group in groups) / (len(m) * len(groups))


def cssd(m):
    centre, limit = median(m), 2 * 1.482602218505602 * mad(m)
    triples = list(zip(m, m[1:], m[2:], strict=False))
    far = sum(
        all(x > centre + limit for x in three) or all(x < centre - limit for x in three)
        for three in triples
    )
    return far / (len(m) - 2)


# ------------------------------------------------------------------ Stetson


def stetson_mean(m, e):
    """Iterated until it stands still to the last digit."""
    n = len(m)
    centre = wmean(m, e)
    for _ in range(1000):
        delta = [math.sqrt(n / (n - 1)) * (x - centre) / s for x, s in zip(m, e, strict=True)]
        w = [s**-2 / (1 + (abs(d) / 2) ** 2) for d, s in zip(delta, e, strict=True)]
        new = sum(a * b for a, b in zip(w, m, strict=True)) / sum(w)
        if abs(new - centre) < 1e-15 * abs(centre):
            break
        centre = new
    return centre


def deltas(m, e):
    n, centre = len(m), stetson_mean(m, e)
    return [math.sqrt(n / (n - 1)) * (x - centre) / s for x, s in zip(m, e, strict=True)]


def pairs_of(t, gap=None):
    """Places of pairs, and of what is left."""
    if gap is None:
        intervals = [b - a for a, b in itertools.pairwise(t)]
        gap = 2 * hazen(intervals, 0.25)
    pairs, singles, i = [], [], 0
    while i < len(t):
        if i + 1 < len(t) and t[i + 1] - t[i] <= gap:
            pairs.append((i, i + 1))
            i += 2
        else:
            singles.append(i)
            i += 1
    return pairs, singles


def root(product):
    return math.copysign(math.sqrt(abs(product)), product)


def stetson_k(m, e):
    d = deltas(m, e)
    return fmean(abs(x) for x in d) / math.sqrt(fmean(x**2 for x in d))


def stetson_i(t, m, e, gap=None):
    centre = wmean(m, e)
    pairs, _ = pairs_of(t, gap)
    n = len(pairs)
    if n < 2:
        return math.nan
    total = sum((m[i] - centre) / e[i] * (m[j] - centre) / e[j] for i, j in pairs)
    return math.sqrt(1 / (n * (n - 1))) * total


def stetson_j(t, m, e, gap=None, clip=math.inf):
    d = deltas(m, e)
    pairs, singles = pairs_of(t, gap)
    terms = [
        root(d[i] * d[j]) for i, j in pairs if abs(m[i] - m[j]) <= clip * math.hypot(e[i], e[j])
    ]
    terms += [root(d[i] ** 2 - 1) for i in singles]
    return fmean(terms) if terms else math.nan


def stetson_j_time(t, m, e):
    d = deltas(m, e)
    intervals = [b - a for a, b in itertools.pairwise(t)]
    w = [math.exp(-dt / median(intervals)) for dt in intervals]
    terms = [a * root(x * y) for a, x, y in zip(w, d, d[1:], strict=False)]
    return sum(terms) / sum(w)


def trend(t, m):
    centre, average = fmean(t), fmean(m)
    spread = sum((x - centre) ** 2 for x in t)
    return sum((x - centre) * (y - average) for x, y in zip(t, m, strict=True)) / spread


def trend_err(t, m):
    slope, centre, average = trend(t, m), fmean(t), fmean(m)
    left = [y - average - slope * (x - centre) for x, y in zip(t, m, strict=True)]
    return math.sqrt(sum(x**2 for x in left) / (len(m) - 2) / sum((x - centre) ** 2 for x in t))


#: By name: of what it needs of times, values, errors and quantity. L is without N / N_all.
OF_ONE = {
    "mean": lambda m: fmean(m),  # noqa: PLW0108
    "mean_err": lambda m: math.sqrt(variance(m) / len(m)),
    "weighted_mean": wmean,
    "weighted_mean_err": lambda e: 1 / math.sqrt(sum(s**-2 for s in e)),
    "median": lambda m: median(m),  # noqa: PLW0108
    "median_err": lambda m: math.sqrt(math.pi / 2 / len(m)) * 1.482602218505602 * mad(m),
    "std": lambda m: math.sqrt(variance(m)),
    "weighted_std": weighted_std,
    "mad": mad,
    "iqr": lambda m: hazen(m, 0.75) - hazen(m, 0.25),
    "reduced_chi2": reduced_chi2,
    "roms": roms,
    "nxs": nxs,
    "nxs_err": nxs_err,
    "amplitude": lambda m: (max(m) - min(m)) / 2,
    "robust_amplitude": lambda m: (hazen(m, 0.95) - hazen(m, 0.05)) / 2,
    "peak_to_peak": peak_to_peak,
    "v_int": lambda m: math.sqrt(variance(m)) / fmean(m) if fmean(m) > 0 else math.nan,
    "eta_int": reduced_chi2,
    "skew": skew,
    "kurtosis": kurtosis,
    "beyond_1_sigma": lambda m: beyond(m, 1),
    "beyond_2_sigma": lambda m: beyond(m, 2),
    "beyond_3_sigma": lambda m: beyond(m, 3),
    "lag1": lag1,
    "eta": eta,
    "inverse_eta": lambda m: 1 / eta(m),
    "eta_e": eta_e,
    "excess_abbe": excess_abbe,
    "s_b": s_b,
    "cssd": cssd,
    "stetson_i": stetson_i,
    "stetson_j": stetson_j,
    "stetson_k": stetson_k,
    "stetson_l": lambda t, m, e: stetson_j(t, m, e) * stetson_k(m, e) / math.sqrt(2 / math.pi),
    "stetson_j_time": stetson_j_time,
    "stetson_l_time": lambda t, m, e: (
        stetson_j_time(t, m, e) * stetson_k(m, e) / math.sqrt(2 / math.pi)
    ),
    "stetson_j_clip": lambda t, m, e: stetson_j(t, m, e, clip=5),
    "stetson_l_clip": lambda t, m, e: (
        stetson_j(t, m, e, clip=5) * stetson_k(m, e) / math.sqrt(2 / math.pi)
    ),
    "trend": trend,
    "trend_err": trend_err,
}


def covariance(a, b, sign):
    mean_a, mean_b = fmean(a), fmean(b)
    return sign * sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)) / (len(a) - 1)


def pair_j(a, ea, b, eb, sign):
    return sign * fmean(root(x * y) for x, y in zip(deltas(a, ea), deltas(b, eb),
                                                                  strict=True))  # fmt: skip


def pair_k(a, ea, b, eb):
    d = deltas(a, ea) + deltas(b, eb)
    return fmean(abs(x) for x in d) / math.sqrt(fmean(x**2 for x in d))


def pair_i(a, ea, b, eb, sign):
    n, mean_a, mean_b = len(a), wmean(a, ea), wmean(b, eb)
    total = sum(
        (x - mean_a) / s * (y - mean_b) / u for x, s, y, u in zip(a, ea, b, eb, strict=True)
    )
    return sign * math.sqrt(1 / (n * (n - 1))) * total


#: By name: of what it needs of values and errors of both, and the sign of the second.
OF_TWO = {
    "correlation": lambda a, b, sign: covariance(a, b, sign) / math.sqrt(variance(a) * variance(b)),
    "covariance": covariance,
    "stetson_i": pair_i,
    "stetson_j": pair_j,
    "stetson_l": lambda a, ea, b, eb, sign: (
        pair_j(a, ea, b, eb, sign) * pair_k(a, ea, b, eb) / math.sqrt(2 / math.pi)
    ),
}


def of_one(name, t, m, e, quantity):
    return _call(OF_ONE[name], {"t": t, "m": m, "e": e, "quantity": quantity})


def of_two(name, a, ea, b, eb, sign):
    return _call(OF_TWO[name], {"a": a, "ea": ea, "b": b, "eb": eb, "sign": sign})


def _call(function, known):
    wanted = inspect.signature(function).parameters
    return function(**{name: value for name, value in known.items() if name in wanted})
