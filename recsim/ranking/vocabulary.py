"""The feature vocabulary: everything a policy may look at, and how it is computed.

A policy gets the features it names, and only those are computed. What is latent (taste, quality, position) is not
here, so no policy can read it. Features of a person's behaviour or identity count as profiling (DSA Art. 38 with
GDPR Art. 4(4)); language and region are context of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

HEADS = ("like", "comment", "share", "follow", "complete", "hide", "report", "watch", "play")
TRUTHS = (
    "true_like", "true_comment", "true_share", "true_follow", "true_hide", "true_report", "true_skip", "act_slope",
    "hide_slope", "skip_slope", "watched_mean", "watched_slope", "keeps_shares",
)  # fmt: skip
"""Numbers of the response model (log odds and slopes), which only the oracle predictor knows."""
CONSTANTS = ("interest_slope", *(f"base_{head}" for head in HEADS), *TRUTHS)
NEGATIVE = ("hide", "report")


class Feature(NamedTuple):
    """One entry of the vocabulary.

    Attributes:
        scope: what the feature depends on.
        rows: item-level rows it needs; ``against_x`` is the odds against the action x, (1 - p) / p.
        expression: how the score loop computes it; ``{row}`` stands for that row's value.
        profiling: whether it tells people apart by behaviour or identity.
        unit: unit or range.
        doc: one line.
    """

    scope: Literal["pair", "item", "author", "global"]
    rows: tuple[str, ...]
    expression: str
    profiling: bool
    unit: str
    doc: str


def _head(head: str) -> Feature:
    sign = "" if head in NEGATIVE else "-"
    # 1 / (1 + exp(-(log odds + interest))), with the item's part of the power worked out once per item: heads share the rest.
    return Feature(
        "pair", (f"against_{head}",), f"(F(1.0) / (F(1.0) + {{against_{head}}} * exp32({sign}(interest_slope * affinity))))",
        True, "0-1", f"predicted chance of the action '{head}' by this person",
    )  # fmt: skip


def _row(name: str, unit: str, doc: str, scope: Literal["item", "author"] = "item") -> Feature:
    return Feature(scope, (name,), f"{{{name}}}", False, unit, doc)


FEATURES: dict[str, Feature] = {
    "affinity": Feature("pair", (), "affinity", True, "about -2 to 4", "estimated interest in the item's topics"),
    "cosine": Feature("pair", (), "affinity * inverse_norm", True, "-1 to 1", "cosine of estimated interest and the item's topics"),
    **{f"p_{head}": _head(head) for head in HEADS[:7]},
    "e_play": Feature(
        "pair", ("against_watch", "length_s"),
        "({length_s} / (F(1.0) + {against_watch} * exp32(-(interest_slope * affinity))))", True, "seconds",
        "expected watch time of this person",
    ),
    "person": Feature("pair", (), "F(number)", True, "number", "who is looking; exact up to 16 million"),
    "in_network": Feature("pair", (), "in_network", True, "true or false", "reached through a followed account"),
    "same_language": Feature("pair", ("language",), "({language} == person_language)", False, "true or false", "item in the person's language"),
    "same_region": Feature("pair", ("region",), "({region} == person_region)", False, "true or false", "item from the person's region"),
    "noise": Feature("pair", (), "noise", False, "0-1", "uniform draw keyed by person, item and step"),
    "match": Feature("pair", ("typical_match",), "match", True, "as learned", "learned match of person and item; needs a refit"),
    "typical_match": _row("typical_match", "as learned", "mean of match over people"),
    "age_h": _row("age_h", "hours", "time since the item was posted, at the end of the step"),
    "created_h": _row("created_h", "hours", "time of posting since the start; the moment within its step is drawn"),
    "created_s": _row("created_s", "seconds since 1970", "time of posting, UTC; in float32 128 s apart"),
    "length_s": _row("length_s", "seconds", "length of the video"),
    "impressions": _row("impressions", "views", "counted views, of one real item"),
    "n_like": _row("n_like", "events", "counted likes, of one real item"),
    "n_comment": _row("n_comment", "events", "counted comments, of one real item"),
    "n_share": _row("n_share", "events", "counted shares, of one real item"),
    "n_hide": _row("n_hide", "events", "counted hides, of one real item"),
    "n_report": _row("n_report", "events", "counted reports, of one real item"),
    "ups": _row("ups", "votes", "counted likes of one real item and one more, the author's own vote"),
    "downs": _row("downs", "votes", "counted hides and reports of one real item"),
    "d_like": _row("d_like", "events", "likes of one real item, decayed by the predictor's half-life"),
    "d_comment": _row("d_comment", "events", "comments, decayed"),
    "d_share": _row("d_share", "events", "shares, decayed"),
    "d_views": _row("d_views", "views", "views, decayed"),
    "item": _row("item", "number", "number of the item; exact up to 16 million"),
    "topic": _row("topic", "number", "main topic"),
    "language": _row("language", "number", "language of the item, most spoken first"),
    "candidate": _row("candidate", "number", "candidate the item is about, in the order of keys; -1 none"),
    "stance": _row("stance", "-1, 0, 1", "critical, neutral or supportive of that candidate"),
    "author": _row("author", "number", "who posted it", "author"),
    "is_candidate": _row("is_candidate", "0 or 1", "about an electoral candidate"),
    "stage": _row("stage", "pools", "exposure pool reached, -1 stopped"),
    "author_followers": _row("author_followers", "people", "followers of the author", "author"),
    **{
        f"base_{head}": Feature("global", (), f"base_{head}", False, "0-1 or seconds", f"mean rate of '{head}' over the last day")
        for head in HEADS
    },
}  # fmt: skip
SLOTS: dict[str, Feature] = {
    "slot_age": Feature("pair", (), "F(0.0)", False, "steps", "age of the item in this feed"),
    "slot_appeal": Feature("pair", (), "F(0.0)", False, "0-1", "appeal of the item, the same to everybody"),
    "slot_shares": Feature("pair", (), "F(0.0)", False, "copies", "copies that came into this feed, or of the whole platform"),
}  # fmt: skip
"""Features of a slot of a follow-graph world; there are no others there, and none of these in a ranked world."""
NEEDS_AFFINITY = {"affinity", "cosine", "e_play", *(f"p_{head}" for head in HEADS)}
PREDICTED = {"e_play", *(f"p_{head}" for head in HEADS)}
"""Features that come from the predictor."""

# The oracle's formulas: chances of the response model itself, before position, repetition and chance.
_UTILITY = "({utility} + affinity)"
_STAYS = f"(F(1.0) - sigmoid32(true_skip - skip_slope * {_UTILITY}))"
_MEAN = f"(watched_mean * exp32(watched_slope * {_UTILITY}))"
_TRUE = {
    **{f"p_{head}": f"{_STAYS} * sigmoid32(true_{head} + bias + act_slope * {_UTILITY})" for head in HEADS[:4]},
    **{f"p_{head}": f"sigmoid32(true_{head} - hide_slope * {_UTILITY})" for head in NEGATIVE},
    "p_share": f"{_STAYS} * sigmoid32(true_share + bias + act_slope * {_UTILITY}) * keeps_shares",
    "p_complete": f"{_STAYS} * exp32(F(-1.0) / {_MEAN})",
    "e_play": f"{{length_s}} * (F(0.05) + {_STAYS} * ({_MEAN} * (F(1.0) - exp32(F(-1.0) / {_MEAN})) - F(0.05)))",
}
ORACLE: dict[str, Feature] = {
    name: FEATURES[name]._replace(rows=("utility", "length_s") if name == "e_play" else ("utility",), expression=text)
    for name, text in _TRUE.items()
}


def features_of(predictor: str) -> dict[str, Feature]:
    """The vocabulary as one predictor computes it.

    Args:
        predictor: "rates" (empirical-Bayes rates), "logistic" (online logistic regression): both give an item-level log
            odds to which learned interest is added; "oracle": the response model's own chances, an upper bound that
            no platform has. Under the oracle ``affinity`` is the part of true utility that depends on person and item.
    """
    return {**FEATURES, **ORACLE} if predictor == "oracle" else FEATURES


def constants(
    interest_slope: float, rates: Mapping[str, float], truths: Mapping[str, float] | None = None
) -> np.ndarray:
    """The constants of one step, in the order of `CONSTANTS`.

    Args:
        interest_slope: slope of the log odds of an action on estimated interest.
        rates: base rate of each head; "play" in seconds.
        truths: numbers of the response model by the names in `TRUTHS`; zeros if nobody may know them.

    Returns:
        (23,) float32.
    """
    known = truths or dict.fromkeys(TRUTHS, 0.0)
    return np.array([interest_slope, *(rates[head] for head in HEADS), *(known[t] for t in TRUTHS)], np.float32)
