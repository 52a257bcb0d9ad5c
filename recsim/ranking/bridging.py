"""Bridging: what people who otherwise disagree both like counts for more, as X's Community Notes decide about notes.

Source: twitter/communitynotes, ``matrix_factorization.py`` and ``documentation/under-the-hood/ranking-notes.md``: a rating is
explained by mu + i_u + i_n + f_u f_n; what liking on one side of the axis f explains is not in the intercept i_n. Squared
error and penalties are means, over ratings and over parameters, as in the code (the page writes sums): 0.15 on intercepts,
0.03 on factors, until the loss changes by less than 1e-7. Raters with fewer than 10 ratings and items with fewer than 5
raters are left out (items, then raters, then items again). Fitted from scratch each time. Status: helpful from an intercept of
0.40 with a factor nearer to 0 than 0.50; not helpful below -0.05 - 0.8 |f|.

Ours: the solver (alternating exact minima in a fixed order; there Adam), once a day (there hourly), and what is rated: a video,
1 for a like, a share, a follow or watching to the end, 0 for a hide, a report or a quick skip; of several, the negative one
counts. As a ranker: the default feed times exp(``bridge`` x intercept), and times or divided by exp(``label``) for the two
statuses; both numbers are ours. Counts are of simulated people and videos. Left out: the second fit without raters who
disagree with the outcome, the checks of both sides, of busy and of correlated raters, tags, and the time-outs of a status.

Likes by accounts of a campaign are ratings (doors E2, E5); they raise an intercept only as far as they look like agreement of
different sides.
"""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType

import numpy as np

from recsim.kernels.bridging import fit_ratings
from recsim.ranking.learned import Learned, View, distinct_pairs
from recsim.ranking.policy import check_names
from recsim.ranking.tiktok_value import tiktok_value

EVERYTHING = 1 << 30
ROUNDS = 200
LEAST_RATINGS, LEAST_RATERS = 10, 5


def agreement(view: View) -> Learned:
    """Intercept and factor of every live item; 0 for those with too few raters."""
    pairs = distinct_pairs(view, EVERYTHING)
    rater, item, value = pairs.actor, pairs.place, pairs.value
    for items_first, least in ((True, LEAST_RATERS), (False, LEAST_RATINGS), (True, LEAST_RATERS)):
        place = item if items_first else rater
        kept = (np.bincount(place) >= least)[place] if len(place) else np.zeros(0, bool)
        rater, item, value = rater[kept], item[kept], value[kept]
    out = np.zeros((2, view.last - view.first), np.float32)
    if not len(rater):
        return Learned(rows={"note_intercept": out[0], "note_factor": out[1]})
    # Numbers of those who are left, without gaps; ratings stay in the order of raters.
    raters, items = np.flatnonzero(np.bincount(rater)), np.flatnonzero(np.bincount(item))
    by_actor, of_item = np.searchsorted(raters, rater), np.searchsorted(items, item)
    items, rating = pairs.items[items], value.astype(np.float64)
    by_item = np.argsort(of_item, kind="stable")
    live = items >= view.first
    factor = np.zeros(len(items))
    # Small and of both signs, as a function of the item; expired ones follow from the raters' factors.
    spread = math.sqrt(6 / (len(items) + 1))
    factor[live] = (2.0 * view.draw(0)[items[live] - view.first, 0].astype(np.float64) - 1.0) * spread
    intercept, rater_factor = np.zeros(len(items)), np.zeros(len(raters))
    fit_ratings(
        np.searchsorted(by_actor, np.arange(len(raters) + 1)), of_item, rating,
        np.searchsorted(of_item[by_item], np.arange(len(items) + 1)), by_actor[by_item], rating[by_item],
        view.parameters["intercept_penalty"], view.parameters["factor_penalty"], 1e-7, ROUNDS,
        np.zeros(len(raters)), rater_factor, intercept, factor,
    )  # fmt: skip
    if 2 * np.count_nonzero(rater_factor < 0) < np.count_nonzero(rater_factor):
        factor = -factor  # the larger group of raters is negative: only the difference of signs is determined
    places = items[live] - view.first
    out[0, places], out[1, places] = intercept[live], factor[live]
    return Learned(rows={"note_intercept": out[0], "note_factor": out[1]})


def status(intercept, factor, p):
    """1 helpful, -1 not helpful, 0 undecided."""
    away = abs(factor)
    below = -1.0 if intercept < p.not_helpful - p.not_helpful_slope * away else 0.0
    return 1.0 if intercept >= p.helpful and away < p.polarised else below


def agreed(f, p):
    """What agreement makes of the score."""
    return math.exp(p.bridge * f.note_intercept + p.label * status(f.note_intercept, f.note_factor, p))


bridging = dataclasses.replace(
    tiktok_value, name="bridging", multiply=(agreed,),
    parameters=MappingProxyType({
        **tiktok_value.parameters, "bridge": 3.0, "label": 0.5, "helpful": 0.4, "polarised": 0.5, "not_helpful": -0.05,
        "not_helpful_slope": 0.8, "intercept_penalty": 0.15, "factor_penalty": 0.03,
    }),
    title="the default feed, raised where people who otherwise disagree agree (Community Notes)",
    source="twitter/communitynotes 273c895 (model, penalties, thresholds); ratings and use as a ranker ours",
    evidence="[C]", date="2026-07-17", doors=("E1", "E2", "E4", "E5"), refit=agreement, refit_hours=24.0, log_days=5.0,
    positive=("intercept_penalty", "factor_penalty"),
    learns=("note_intercept", "note_factor"),
    signals=MappingProxyType({
        "like": 1, "share": 1, "follow": 1, "complete": 1, "hide": -1, "report": -1, "skip": -1,
    }),
)  # fmt: skip
check_names(bridging)
