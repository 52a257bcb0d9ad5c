"""What every table of a run holds, column by column; for reports, and for whoever opens a Parquet file years later."""

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
TABLES = {
    "exposure": Table("a day, segment, candidate and stance", {
        "stance": Column("text", "critical, neutral, supportive"),
        "impressions": Column("simulated impressions", "positions of the feed that people examined"),
        "comment_exposures": Column("simulated openings", "openings of comments in which a top comment names the candidate"),
    }),
    "provenance": Table("a day, candidate, kind of author and source", {
        "kind": Column("text", "kind of author: organic, official, supporter, media, influencer, volunteer, bot, impersonation, advertisement"),
        "source": Column("text", "how the item came into the visit: interest, trending, discovery, regional, exploration, inbox, search, external, ranked, advertisement, heated"),
        "impressions": Column("simulated impressions", "of candidate content"),
    }),
    "engagement": Table("a day, candidate, action and origin", {
        "action": Column("text", "view, complete, like, comment, share, follow, open_comments, hide, report, watch"),
        "origin": Column("text", "human, inauthentic, volunteer"),
        "count": Column("simulated events", "on items about the candidate"),
    }),
    "campaigns": Table("a day, campaign and tactic", {
        "tactic": Column("text", "what was done; ad: impressions bought, stopped, shown"),
        "attempted": Column("simulated actions", "tried"),
        "prevented": Column("simulated actions", "stopped before they counted"),
        "counted": Column("simulated actions", "that counted"),
        "spend_eur": Column("euro", "paid, in simulated units"),
    }),
    "moderation": Table("a day and campaign", {
        "accounts_removed": Column("accounts", "of the campaign, removed on the day"),
    }),
    "reach": Table("a window, region and candidate", {
        "window": Column("text", "campaign: first action to the vote"),
        "people_reached": Column("simulated people", "with at least one impression"),
    }),
    "followers": Table("a day and candidate", {
        "followers": Column("simulated followers", "of the official account"),
    }),
    "facts": Table("a figure of a world", {
        "name": Column("text", "see the list of metrics"),
        "value": Column("as the metric", ""),
    }),
    "lorenz": Table("a kind of unit and point of its Lorenz curve", {
        "of": Column("text", "items, creators (views of people), people (impressions of content about candidates)"),
        "smallest": Column("0-1", "part of the units, those with the least first, units with nothing included"),
        "held": Column("0-1", "part of the total that they hold"),
        "gini": Column("0-1", "Gini coefficient of the curve's units, the same in all its rows"),
    }),
    "persons": Table("a figure of single people, mean over them, and candidate", {
        "name": Column("text", "calibration: KL of what they were shown in the window from what before, bits; share: of a candidate, everybody alike"),
        "value": Column("as the figure", "mean over people"),
        "people": Column("simulated people", "for whom it is defined"),
    }),
    "shadows": Table("a shadow policy and candidate", {
        "shadow": Column("text", "other parameters, scored beside the policy and never shown"),
        "places": Column("positions", "among the first places that the shadow would have given"),
    }),
    "reviews": Table("a day, kind of case and language", {
        "case": Column("text", "account, item, account_appeal, item_appeal"),
        "decided": Column("cases", "on the day"),
        "rightly_found": Column("cases", "abuse, and found so"),
        "wrongly_found": Column("cases", "none, and found abuse"),
        "missed": Column("cases", "abuse, and not found so"),
        "waiting": Column("cases", "at the end of the day"),
        "waited_h": Column("hours", "mean wait of those decided"),
    }),
    "detections": Table("a day and detector", {
        "detector": Column("text", "its id"),
        "flagged": Column("accounts", "called inauthentic, summed over the day's runs"),
        "inauthentic_flagged": Column("accounts", "rightly so"),
        "inauthentic": Column("accounts", "at work and with actions in the log"),
        "people_flagged": Column("simulated people", "called inauthentic"),
    }),
    "collateral": Table("a day, region and language", {
        "sanctioned": Column("simulated people", "under a sanction"),
        "actions": Column("simulated actions", "of people"),
        "uncounted_actions": Column("simulated actions", "part of them that did not count, by weight"),
    }),
    "held": Table("a day and language", {
        "item_steps": Column("items x steps", "of genuine creators"),
        "held": Column("items x steps", "not recommended"),
        "demoted": Column("items x steps", "recommended less"),
        "withdrawn": Column("items x steps", "taken down"),
    }),
    "opinion": Table("assumed effect sizes and candidate", {
        "persuasion_pp": Column("percentage points", "assumed effect of 100 impressions"),
        "mobilisation_pp": Column("percentage points", "assumed effect of 100 supportive impressions on turnout"),
        "demobilisation_pp": Column("percentage points", "assumed effect of 100 discouraging impressions on turnout"),
        "supportive_counted": Column("impressions", "that counted"),
        "putting_off_counted": Column("impressions", "that counted as putting off"),
        "vote_share": Column("0-1", "expected share of votes"),
        "turnout": Column("0-1", "expected turnout"),
    }),
    "opinion_media": Table("assumed effect sizes and candidate, with a traditional outlet", {
        "persuasion_pp": Column("percentage points", "assumed effect of 100 impressions"),
        "mobilisation_pp": Column("percentage points", "assumed effect on turnout"),
        "vote_share_even": Column("0-1", "expected share with an outlet that treats all alike"),
        "vote_share_leaning": Column("0-1", "expected share with an outlet that leans"),
    }),
    "study": Table("a cell, replicate, luck branch and candidate of a study; beside these a column per axis", {
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
        "inauthentic_actions": Column("actions", "of all removed campaigns that counted, whole run, real units; bought impressions too"),
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


def described(table: str, column: str) -> Column | None:
    """What a column holds; None if nobody says."""
    own = TABLES[table].columns if table in TABLES else {}
    return own.get(column) or COMMON.get(column)
