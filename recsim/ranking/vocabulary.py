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
CONSTANTS = ("interest_slope", *(f"base_{head}" for head in HEADS))
NEGATIVE = ("hide", "report")


class Feature(NamedTuple):
    """One entry of the vocabulary.

    Attributes:
        scope: what the feature depends on.
        rows: item-level rows it needs.
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
    sign = "-" if head in NEGATIVE else "+"
    return Feature(
        "pair", (f"logit_{head}",), f"sigmoid32({{logit_{head}}} {sign} interest_slope * affinity)", True, "0-1",
        f"predicted chance of the action '{head}' by this person",
    )  # fmt: skip


def _row(name: str, unit: str, doc: str, scope: Literal["item", "author"] = "item") -> Feature:
    return Feature(scope, (name,), f"{{{name}}}", False, unit, doc)


FEATURES: dict[str, Feature] = {
    "affinity": Feature("pair", (), "affinity", True, "about -2 to 4", "estimated interest in the item's topics"),
    **{f"p_{head}": _head(head) for head in HEADS[:7]},
    "e_play": Feature(
        "pair", ("logit_watch", "length_s"), "{length_s} * sigmoid32({logit_watch} + interest_slope * affinity)", True,
        "seconds", "expected watch time of this person",
    ),
    "in_network": Feature("pair", (), "in_network", True, "true or false", "reached through a followed account"),
    "same_language": Feature("pair", ("language",), "({language} == person_language)", False, "true or false", "item in the person's language"),
    "same_region": Feature("pair", ("region",), "({region} == person_region)", False, "true or false", "item from the person's region"),
    "noise": Feature("pair", (), "noise", False, "0-1", "uniform draw keyed by person, item and step"),
    "age_h": _row("age_h", "hours", "time since the item was posted, at the end of the step"),
    "created_h": _row("created_h", "hours", "time of posting since the start; the moment within its step is drawn"),
    "created_s": _row("created_s", "seconds since 1970", "time of posting, UTC; in float32 128 s apart"),
    "length_s": _row("length_s", "seconds", "length of the video"),
    "impressions": _row("impressions", "views", "counted views"),
    "n_like": _row("n_like", "events", "counted likes"),
    "n_comment": _row("n_comment", "events", "counted comments"),
    "n_share": _row("n_share", "events", "counted shares"),
    "n_hide": _row("n_hide", "events", "counted hides"),
    "n_report": _row("n_report", "events", "counted reports"),
    "ups": _row("ups", "votes", "counted likes and one more, the author's own vote"),
    "downs": _row("downs", "votes", "counted hides and reports"),
    "d_like": _row("d_like", "events", "likes, decayed by the predictor's half-life"),
    "d_comment": _row("d_comment", "events", "comments, decayed"),
    "d_share": _row("d_share", "events", "shares, decayed"),
    "d_views": _row("d_views", "views", "views, decayed"),
    "is_candidate": _row("is_candidate", "0 or 1", "about an electoral candidate"),
    "stage": _row("stage", "pools", "exposure pool reached, -1 stopped"),
    "author_followers": _row("author_followers", "people", "followers of the author", "author"),
    **{
        f"base_{head}": Feature("global", (), f"base_{head}", False, "0-1 or seconds", f"mean rate of '{head}' over the last day")
        for head in HEADS
    },
}  # fmt: skip
NEEDS_AFFINITY = {"affinity", "e_play", *(f"p_{head}" for head in HEADS)}


def constants(interest_slope: float, rates: Mapping[str, float]) -> np.ndarray:
    """The constants of one step, in the order of `CONSTANTS`.

    Args:
        interest_slope: slope of the log odds of an action on estimated interest.
        rates: base rate of each head; "play" in seconds.

    Returns:
        (10,) float32.
    """
    return np.array([interest_slope, *(rates[head] for head in HEADS)], np.float32)
