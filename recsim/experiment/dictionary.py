"""What every table of a run holds, column by column; for reports, and for whoever opens a Parquet or CSV file years later."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """Unit or kind of value, and meaning."""

    unit: str
    meaning: str


class Table(NamedTuple):
    """What one row is, and its own columns; `COMMON` come first where they apply."""

    row: str
    columns: dict[str, Column]


COMMON = {
    "replicate": Column("number", "independent draw of everything random, from 0"),
    "branch": Column("number", "luck branch after the fork, from 0"),
    "arm": Column("text", "shared (before the fork), factual, counterfactual"),
    "day": Column("days", "relative to the vote, which is 0"),
    "region": Column("text", "where people live"),
    "language": Column("text", "language of the people, or of the case or item"),
    "age_band": Column("text", "age band of the people"),
    "candidate": Column("text", "id of the candidate; none: no candidate"),
    "campaign": Column("text", "id of the campaign"),
    "people": Column("simulated people", "how many there are"),
}
FURTHER = "Student's and, from 10, the studentised bootstrap's, whichever reaches further"
SHIFT = {
    "shift_pp": Column("percentage points", "difference of the shares, factual - counterfactual, mean over replicates"),
    "ci_low": Column("percentage points", f"its 95 % interval over replicates: {FURTHER}"),
    "ci_high": Column("percentage points", f"its 95 % interval over replicates: {FURTHER}"),
}
"""Columns of every table of shifts."""
PARTS = {
    "people": Column("simulated people", "expected in this part; empty, as all of the row, where fewer than 50"),
    "share_factual": Column("0-1", "part of the impressions of candidate content in this part, with the campaigns"),
    "share_counterfactual": Column("0-1", "the same without them"),
    **SHIFT,
    "simulated_impressions": Column(
        "simulated impressions",
        "of the candidate, both arms, all replicates and branches; what the row rests on, not scaled",
    ),
}
"""Columns of the tables of `Result.by`, after the part itself."""
TABLES = {
    "summary": Table("candidate", {
        "share_factual": Column("0-1", "part of the impressions of candidate content in the window, with the campaigns"),
        "share_counterfactual": Column("0-1", "the same without them"),
        **SHIFT,
        "luck_band_pp": Column("percentage points", "SD of the share's difference between two campaign-free luck branches"),
        "sd_worlds": Column("percentage points", "SD of the shift between replicates"),
        "impressions_factual": Column("impressions, real units", "of the candidate's content in the window, mean over replicates and branches"),
        "impressions_counterfactual": Column("impressions, real units", "the same without the campaigns"),
        "excess_impressions": Column("impressions, real units", "difference of the two"),
        "excess_ci_low": Column("impressions, real units", "its 95 % interval"),
        "excess_ci_high": Column("impressions, real units", "its 95 % interval"),
        "reach_factual": Column("0-1", "part of the people with at least one impression in the window"),
        "reach_counterfactual": Column("0-1", "the same without the campaigns"),
        "frequency_factual": Column("impressions per person", "of those reached"),
        "frequency_counterfactual": Column("impressions per person", "the same without the campaigns"),
        "comment_exposures_factual": Column("openings, real units", "of comments in which a top comment names the candidate"),
        "comment_exposures_counterfactual": Column("openings, real units", "the same without the campaigns"),
        "prediction_low": Column("percentage points", "95 % prediction for the shift of one further world"),
        "prediction_high": Column("percentage points", "95 % prediction for the shift of one further world"),
        "equivalence_low": Column("percentage points", f"90 % interval of the shift, by which below is judged: {FURTHER}"),
        "equivalence_high": Column("percentage points", f"90 % interval of the shift, by which below is judged: {FURTHER}"),
        "shift_supportive_pp": Column("percentage points", "part of the shift from supportive items; the three add up"),
        "shift_neutral_pp": Column("percentage points", "part of the shift from neutral items"),
        "shift_critical_pp": Column("percentage points", "part of the shift from critical items"),
        "naive_pp": Column("percentage points", "what a comparison of before and after would say"),
        "naive_error_pp": Column("percentage points", "by how much that is off"),
        "naive_error_ci_low": Column("percentage points", "its 95 % interval"),
        "naive_error_ci_high": Column("percentage points", "its 95 % interval"),
        "beneficiary": Column("true or false", "promoted by a campaign that the counterfactual is without"),
        "dose_ratio": Column("ratio", "dose ratio: inauthentic per organic action on the candidate's items; beneficiaries only"),
        "verdict": Column("text", "against the threshold: exceeds, below, inconclusive"),
    }),
    "shift_by_replicate": Table("replicate and candidate", {
        "share_factual": Column("0-1", "part of the impressions of candidate content in the window, with the campaigns, mean over luck branches"),
        "share_counterfactual": Column("0-1", "the same without them"),
        "shift_pp": Column("percentage points", "difference of the two, of this replicate; empty where a world has no candidate content"),
        "excess_impressions": Column("impressions, real units", "of the candidate's content in the window, with less without, mean over luck branches"),
    }),
    "draws": Table("replicate and drawn number; only where something is drawn", {
        "key": Column("text", "dotted key of the scenario"),
        "value": Column("as the key", "what the worlds of the replicate were built with"),
    }),
    **{f"by_{name}": Table(f"{row} and candidate", PARTS) for name, row in (("region", "region"), ("language", "language"), ("age_band", "age band"))},
    "by_day": Table("day of the window and candidate; centred three-day means", PARTS | {
        "simulated_impressions": Column("simulated impressions", "of the candidate on the three days, both arms, all replicates and branches; not scaled; days overlap"),
    }),
    "by_stance": Table("stance and candidate", PARTS | {
        "stance": Column("text", "critical, neutral, supportive"),
        "share_factual": Column("0-1", "part of all impressions of candidate content that are the candidate's with this stance, with the campaigns"),
    }),
    "by_window": Table("declared window and candidate; only where one is declared", PARTS | {
        "window": Column("text", "id of the window in audit.windows"),
        "share_factual": Column("0-1", "part of the impressions of candidate content on the window's days, with the campaigns"),
        "simulated_impressions": Column("simulated impressions", "of the candidate on the window's days, both arms, all replicates and branches; not scaled"),
    }),
    "robustness": Table("combination of platform assumptions and candidate, at a smaller size", {
        "gates": Column("text", "mode of the exposure pools: off, soft, hard"),
        "prior_events": Column("events", "strength of the prior of predicted actions"),
        "head_weights": Column("text", "weights of predicted actions: as declared, or the id of others"),
        "declared": Column("true or false", "whether these are the scenario's own assumptions"),
        **SHIFT,
        "ci_low": Column("percentage points", "its 95 % interval over replicates: Student's"),
        "ci_high": Column("percentage points", "its 95 % interval over replicates: Student's"),
        "sd": Column("percentage points", "SD of the shift between replicates"),
        "replicates": Column("number", "in which the shift is defined"),
    }),
    "metrics": Table("metric, candidate, world and part of the people", {
        "number": Column("text", "in the list of metrics, such as M2"),
        "metric": Column("text", "its name"),
        "world": Column("text", "factual, counterfactual, or change: the difference"),
        "part": Column("text", "part of the people or of the views; empty: all"),
        "unit": Column("text", "of the estimate and everything beside it"),
        "estimate": Column("as the unit", "mean over replicates"),
        "ci_low": Column("as the unit", "its 95 % interval"),
        "ci_high": Column("as the unit", "its 95 % interval"),
        "sd_worlds": Column("as the unit", "SD between replicates"),
        "prediction_low": Column("as the unit", "95 % prediction for one further world"),
        "prediction_high": Column("as the unit", "95 % prediction for one further world"),
        "replicates": Column("number", "in which it is defined"),
        "undefined": Column("number", "of replicates in which it is not"),
        "note": Column("text", "why there is no estimate, or how its interval was made"),
    }),
    "exposure": Table("day, segment, candidate and stance", {
        "stance": Column("text", "critical, neutral, supportive"),
        "impressions": Column("simulated impressions", "positions of the feed that people examined"),
        "comment_exposures": Column("simulated openings", "openings of comments in which a top comment names the candidate"),
    }),
    "provenance": Table("day, candidate, kind of author and source", {
        "kind": Column("text", "kind of author: organic, official, supporter, media, influencer, volunteer, bot, impersonation, advertisement"),
        "source": Column("text", "how the item came into the visit: interest, trending, discovery, regional, exploration, inbox, search, external, ranked, advertisement, heated"),
        "impressions": Column("simulated impressions", "of candidate content"),
    }),
    "engagement": Table("day, candidate, action and origin", {
        "action": Column("text", "view, complete, like, comment, share, follow, open_comments, hide, report"),
        "origin": Column("text", "human, inauthentic, volunteer"),
        "count": Column("simulated events", "on items about the candidate"),
    }),
    "campaigns": Table("day, campaign and tactic", {
        "tactic": Column("text", "what was done; ad: impressions bought, stopped, shown; account: bought in place of a removed one"),
        "attempted": Column("simulated actions", "tried"),
        "prevented": Column("simulated actions", "stopped before they counted"),
        "counted": Column("simulated actions", "that counted"),
        "spend_eur": Column("euro", "paid, for as many real actions as the simulated ones stand for"),
    }),
    "moderation": Table("day and campaign", {
        "accounts_removed": Column("real accounts", "of the campaign's network, removed as a whole on the day"),
    }),
    "reach": Table("window, region and candidate", {
        "window": Column("text", "campaign: first action to the vote"),
        "people_reached": Column("simulated people", "with at least one impression"),
    }),
    "followers": Table("day and candidate", {
        "followers": Column("simulated followers", "of the official account"),
    }),
    "facts": Table("figure of a world", {
        "name": Column("text", "see docs/outputs.md, facts of what a feed gives people, and docs/measure.md"),
        "value": Column("as the metric", ""),
    }),
    "lorenz": Table("kind of unit and point of its Lorenz curve", {
        "of": Column("text", "items, creators (views of people), people (impressions of content about candidates)"),
        "smallest": Column("0-1", "part of the units, those with the least first, units with nothing included"),
        "held": Column("0-1", "part of the total that they hold"),
        "gini": Column("0-1", "Gini coefficient of the curve's units, the same in all its rows"),
    }),
    "persons": Table("figure of single people, mean over them, and candidate", {
        "name": Column("text", "calibration: KL of what they were shown in the window from what before, bits; share: of a candidate, everybody alike"),
        "value": Column("as the figure", "mean over people"),
        "people": Column("simulated people", "for whom it is defined"),
    }),
    "shadows": Table("shadow policy and candidate", {
        "shadow": Column("text", "other parameters, scored beside the policy and never shown"),
        "places": Column("positions", "among the first places that the shadow would have given"),
    }),
    "reviews": Table("day, kind of case and language", {
        "case": Column("text", "account, item, account_appeal, item_appeal"),
        "decided": Column("cases", "on the day"),
        "rightly_found": Column("cases", "abuse, and found so"),
        "wrongly_found": Column("cases", "none, and found abuse"),
        "missed": Column("cases", "abuse, and not found so"),
        "waiting": Column("cases", "at the end of the day"),
        "waited_h": Column("hours", "mean wait of those decided"),
    }),
    "detections": Table("day and detector", {
        "detector": Column("text", "its id"),
        "flagged": Column("accounts", "called inauthentic, summed over the day's runs"),
        "inauthentic_flagged": Column("accounts", "rightly so"),
        "inauthentic": Column("accounts", "at work and with actions in the log"),
        "people_flagged": Column("simulated people", "called inauthentic, summed over the day's runs"),
        "people": Column("simulated people", "looked at, summed over the day's runs"),
    }),
    "collateral": Table("day, region and language", {
        "sanctioned": Column("simulated people", "under a sanction"),
        "actions": Column("simulated actions", "of people"),
        "uncounted_actions": Column("simulated actions", "part of them that did not count, by weight"),
    }),
    "held": Table("day and language", {
        "item_steps": Column("items x steps", "of genuine creators"),
        "held": Column("items x steps", "not recommended"),
        "demoted": Column("items x steps", "recommended less"),
        "withdrawn": Column("items x steps", "taken down"),
    }),
    "opinion": Table("assumed effect sizes and candidate", {
        "persuasion_pp": Column("percentage points", "assumed effect of 100 impressions"),
        "mobilisation_pp": Column("percentage points", "assumed effect of 100 supportive impressions on turnout"),
        "demobilisation_pp": Column("percentage points", "assumed effect of 100 critical or demobilising impressions on turnout"),
        "supportive_counted": Column("impressions", "that counted"),
        "putting_off_counted": Column("impressions", "critical or demobilising, that counted"),
        "vote_share": Column("0-1", "expected share of votes"),
        "turnout": Column("0-1", "expected turnout"),
    }),
    "opinion_media": Table("assumed effect sizes and candidate, with a traditional outlet", {
        "persuasion_pp": Column("percentage points", "assumed effect of 100 impressions"),
        "mobilisation_pp": Column("percentage points", "assumed effect on turnout"),
        "vote_share_even": Column("0-1", "expected share with an outlet that treats all alike"),
        "vote_share_leaning": Column("0-1", "expected share with an outlet that leans"),
    }),
    "study": Table("cell, replicate, luck branch and candidate of a study; beside these a column per axis", {
        "cell": Column("number", "of the setting, from 0, as in cells.csv"),
        "share_factual": Column("0-1", "part of the impressions of candidate content in the window, with the campaigns"),
        "share_counterfactual": Column("0-1", "the same without them"),
        "shift_pp": Column("percentage points", "difference of the two"),
        "impressions_factual": Column("impressions", "of the candidate's content in the window, real units"),
        "impressions_counterfactual": Column("impressions", "the same without the campaigns"),
        "comment_exposures_factual": Column("openings", "of comments in which a top comment names the candidate, real units"),
        "comment_exposures_counterfactual": Column("openings", "the same without the campaigns"),
        "reach_factual": Column("0-1", "part of the people with at least one impression in the window"),
        "reach_counterfactual": Column("0-1", "the same without the campaigns"),
        "inauthentic_actions": Column("actions", "of all removed campaigns that counted, whole run, real units; bought impressions are none"),
        "fact_watch_s_per_person_day": Column("s", "watch time per person and day, with the campaigns; as all facts"),
        "fact_watch_s_per_view": Column("s", "watch time per view"),
        "fact_videos_per_day": Column("videos", "per person and day"),
        "fact_utility_per_view": Column("utility units", "mean utility of what is examined"),
        "fact_like_rate": Column("0-1", "likes per view"),
        "fact_effective_topics": Column("topics", "effective number over all views"),
        "fact_effective_topics_visit": Column("topics", "effective number within a visit"),
        "fact_gini_views": Column("0-1", "Gini coefficient of views over items"),
        "fact_small_creator_share": Column("0-1", "part of the views that small creators have"),
        "fact_emotional_share": Column("0-1", "part of the views that the most emotional tenth has"),
        "fact_candidate_feed_share": Column("0-1", "part of the feed that is about candidates"),
        "fact_candidate_exposure_top1_share": Column("0-1", "part of candidate exposure that the top hundredth of people has"),
        "fact_largest_reach": Column("0-1", "part of the people whom the most seen item reached"),
        "fact_empty_share": Column("0-1", "part of the positions of slates left empty"),
    }),
}  # fmt: skip
CSV = (
    "summary",
    "shift_by_replicate",
    "draws",
    "by_region",
    "by_language",
    "by_age_band",
    "by_day",
    "by_stance",
    "by_window",
    "metrics",
    "robustness",
)
"""Tables that are CSV files; all others are Parquet."""


def described(table: str, column: str) -> Column | None:
    """What a column holds; None if nobody says."""
    own = TABLES[table].columns if table in TABLES else {}
    return own.get(column) or COMMON.get(column)
