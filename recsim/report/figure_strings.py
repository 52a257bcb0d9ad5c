"""Every label, title and caption of the figures, in one place beside the sentences of the report; said by `strings.say`."""

from __future__ import annotations

FIGURES = {
    # what several figures share
    "caption_run": "Campaign window: days {window_first_day} to 0; {size}; {people:,} "
    "simulated people; policy {policy}",
    "threshold_line": "threshold {threshold:g} pp", "interval": "95 % interval", "luck_band": "luck band: no campaign, other luck (+/- 1 SD)",
    "day_axis": "day relative to the vote (0)",
    # a run: shift by candidate
    "shift_title": "What the campaigns changed, in this model",
    "shift_axis": "shift of exposure share, percentage points (factual - counterfactual)",
    "shift_other": "other candidate, 95 % interval", "shift_promoted": "beneficiary of the campaigns, 95 % interval",
    "shift_caption": "By how many points each candidate's share of all views about candidates is larger or smaller with the campaigns than "
    "without them. A bar that crosses zero: no shift can be told. {rest}.",
    # convergence
    "convergence_title": "How the estimate settles as replicates are added",
    "convergence_axis": "shift, percentage points\n(mean so far)", "convergence_width": "half-width,\npercentage points",
    "convergence_replicates": "number of replicates", "convergence_mean": "{name}, mean", "convergence_interval": "{name}, 95 % interval",
    "convergence_asked": "half-width asked for: {asked:.2g} pp",
    "convergence_caption": "The estimated shift after two, three and more replicates, with its 95 % interval, and below how far the interval "
    "reaches to either side. A curve that still drifts, or a width above the dashed line, asks for more replicates. Wide first intervals are "
    "cut. {rest}.",
    # other assumptions
    "robustness_title": "Under other platform assumptions (smaller, noisier worlds)",
    "robustness_axis": "shift of {name}, percentage points (mean +/- SD of {replicates} replicates)",
    "robustness_cell": "gates {gate}, prior {prior:g}, {weights}",
    "robustness_headline": "headline (full size, default assumptions)",
    "robustness_caption": "The same question under other gates, prior strengths and head weights, in smaller worlds: a single number alone "
    "would be an artefact of one choice. {rest}.",
    # by day
    "day_title": "Exposure share by day", "day_share": "share of candidate impressions, %\n(centred 3-day mean)",
    "day_with": "{name}, campaigns act", "day_without": "{name}, without them",
    "share_by_day_caption": "Share of the views about candidates, day by day; dashed lines: a campaign's first day, black line: the vote. "
    "Before the campaigns both worlds are one. {rest}.",
    # map and regions
    "tiles_title": "Shift of {name} by region", "tiles_axis": "shift of exposure share, percentage points (factual - counterfactual)",
    "tiles_value": "{shift:+.1f}", "tiles_span": "{low:+.1f} to {high:+.1f}", "tiles_undefined": "no views",
    "tiles_apart": "95 % interval leaves out zero (per region, not adjusted)",
    "tiles_hidden": "fewer than {least} simulated people: not printed",
    "tiles_caption": "The shift in every region, as tiles that lie roughly as the regions do; percentage points, with the 95 % interval where "
    "there is room. White is no shift, orange more exposure with the campaigns, purple less. {rest}.",
    "regions_title": "Shift by region: the largest overall", "regions_axis": "shift of exposure share, percentage points, 95 % interval",
    "regions_caption": "The largest shifts in each region; regions of fewer than 50 simulated people are left out. {rest}.",
    # activity
    "activity_title": "Campaign activity against exposure", "activity_actions": "counted actions a day\n(real units, log scale)",
    "activity_views": "excess views a day,\nmillion (real units)",
    "activity_caption": "Above, the inauthentic actions of each campaign that counted; below, the views of the beneficiary that there would "
    "not have been without the campaigns. {rest}.",
    # stances
    "stances_title": "Shift by stance of the items: the largest", "stances_axis": "part of the shift, percentage points (the three add up to the shift)",
    "stance_supportive": "supportive items", "stance_neutral": "neutral items", "stance_critical": "critical items",
    "stances_caption": "Whether a candidate's additional exposure came from items that support, merely mention or criticise the candidate. {rest}.",
    # Lorenz curves
    "lorenz_items": "views over items", "lorenz_creators": "views over creators", "lorenz_people": "candidates' views over people",
    "lorenz_equal": "all alike", "lorenz_counterfactual": "without the campaigns", "lorenz_factual": "with them",
    "lorenz_note_counterfactual": "without: Gini {gini:.2f}, top tenth {top:.0f} %",
    "lorenz_note_factual": "with: Gini {gini:.2f}, top tenth {top:.0f} %",
    "lorenz_held": "views that they hold, %", "lorenz_smallest": "of them, fewest views first, %",
    "lorenz_caption": "How unequally views fall: the further a curve sags below the straight line, the more a few items, creators or people "
    "hold. Items and creators: all views of people; people: views about candidates. {rest}.",
    # opinion
    "opinion_title": "Opinion layer: assumed effect sizes, not a finding",
    "opinion_axis": "swing of expected votes among the simulated\npeople, votes in a million",
    "opinion_persuasion": "persuasion: points at one half\nper 100 counted impressions",
    "opinion_mobilisation": "mobilisation: points of turnout\nper 100 supportive impressions",
    "opinion_demobilisation": "demobilisation: points of turnout\nper 100 impressions that put off",
    "opinion_others": "every other candidate", "opinion_one": "{name}, 95 % interval", "opinion_promoted": "{name} (beneficiary), 95 % interval",
    "opinion_outlet": "outlet leaning to {name}", "opinion_study": "published effect of a contact or message", "opinion_unverified": "{name} (not verified)",
    "opinion_caption": "Swing against assumed effect sizes, each from zero; 0 at 0 by construction. {rest}.",
    # attribution
    "caption_answer": "days {window_first_day} to 0; {size}; {people:,} simulated people; "
    "policy {policy}; 95 % intervals",
    "attribute_direct": "direct, no door", "attribute_alone": "{name} alone", "attribute_rest": "all other interactions", "attribute_total": "total",
    "attribute_title": "How the shift of {name} adds up", "attribute_parts": "Parts of the {kind}",
    "attribute_part": "part (Shapley value)", "attribute_none": "added to none", "attribute_all": "added to all others",
    "attribute_axis": "exposure shift, percentage points (whiskers: 95 % interval)",
    "attribute_bar_direct": "direct channel", "attribute_bar_alone": "alone", "attribute_bar_interaction": "interaction",
    "attribute_caption": "Harsanyi dividends from zero to the shift of {name}, and Shapley values of the {kind}; whiskers that leave the picture "
    "are cut; {rest}.",
    # dose
    "dose_title": "Dose and response", "dose_mean": "mean shift", "dose_shift": "shift of {name},\npercentage points",
    "dose_crossing_interval": "crosses the threshold: interval", "dose_crossing": "crosses it at x {dose:.2g}",
    "dose_saturation": "no larger dose differs from x {dose:.2g} on", "dose_per_euro": "excess views per euro, on average",
    "dose_further": "of each further euro", "dose_euro_axis": "excess views\nper euro",
    "dose_axis": "dose: multiplier of the accounts of {what} (logarithmic)", "dose_all": "all removed campaigns",
    "dose_ratio_axis": "realised: fake per organic action on the candidate's items",
    "dose_caption": "Shift by dose of {what}, mean and 95 % interval; {rest}.",
    # delay
    "delay_title": "What acting earlier would have changed, in this model", "delay_removed": "removed on that day",
    "delay_declared": "removed as the scenario says", "delay_saved": "share of the excess views saved, 95 % interval (Fieller)",
    "delay_saved_axis": "saved, % of the\nexcess views", "delay_axis": "day of removal relative to the vote (0); dashed: a campaign starts",
    "delay_caption": "Shift and, where it can be told, share of excess views saved by day of removal; wide intervals are cut; {rest}.",
    # trade-off
    "tradeoff_title": "What each measure saves, and what it costs without any campaign",
    "tradeoff_share": "efficacy: share of the shift of\n{name} taken away, %", "tradeoff_points": "shift of {name} taken away,\npercentage points",
    "tradeoff_article": "Art. {article}: {text}", "tradeoff_no_article": "no article stated",
    "tradeoff_works": "filled: makes the shift smaller (Holm)", "tradeoff_open": "open: no difference shown",
    "tradeoff_all": "nothing of the shift is left", "tradeoff_counted": "actions of people that count", "tradeoff_axis": "change of {what}, {unit}",
    "tradeoff_caption": "What each mitigation takes away of the shift, against its cost in worlds without campaigns; up and right is better; "
    "whiskers that leave the picture are cut; {rest}.",
    # comparison
    "caption_compare": "same {replicates} worlds x {luck_branches} luck branches for every policy; {people:,} simulated people; own policy of the "
    "scenario: {own_policy}",
    "compare_own": "{policy} (own)", "compare_title": "What the same campaigns change for {name} under each feed",
    "compare_axis": "shift of exposure share, percentage points (thick: 95 %; thin: simultaneous, Bonferroni)",
    "compare_own_shown": "own policy, shift shown", "compare_own_not": "own policy, no shift shown", "compare_other_shown": "other policy, shift shown",
    "compare_other_not": "other policy, no shift shown",
    "compare_caption": "Shift of {name} under each policy; filled: shown after Holm's adjustment; {rest}.",
    "pareto_title": "How far the bots move exposure, and what the feed gives people",
    "pareto_axis": "manipulability: absolute shift of {name}, percentage points", "pareto_cost": "{what},\nagainst the own policy, {unit}",
    "pareto_own": "own policy of the scenario", "pareto_best": "on the frontier (by means)", "pareto_other": "other policy", "pareto_frontier": "frontier",
    "pareto_caption": "Absolute shift of {name} against what the feed gives people without the campaigns, relative to the own policy; whiskers: 95 % "
    "intervals, cut where they leave the picture; {rest}.",
    "costs_title": "What each feed gives people (x: with the campaigns)", "costs_caption": "Costs by policy, 95 % intervals; {rest}.",
    # ensemble
    "ensemble_title": "The same campaigns under other policies, predictors and models of a visit",
    "ensemble_axis": "shift of {name}, percentage points (mean +/- standard error of {replicates} small worlds)", "ensemble_own": "{policy} (own)",
    "ensemble_predictor": "predictor: {name}", "ensemble_visit": "visit: {name}", "ensemble_threshold": "declared threshold",
    # follow-graph worlds
    "caption_follow": "{size}; {people:,} people; policy {policy}",
    "steps_title": "Exposure by step", "steps_axis": "step", "steps_mean": "{arm}, mean of replicates",
    "steps_averaged": "steps that results are means of", "steps_illegal": "illegal, % of different posts\nin people's feeds",
    "steps_inauthentic": "inauthentic, % of the slots\nof people's feeds",
    "steps_caption": "Share of people's feeds by step; thin: each replicate; {rest}.",
    "quality_title": "Relative quality, reckoned in two ways", "quality_axis": "relative quality, one point per replicate, line: mean",
    "quality_slots": "1 - inauthentic share of slots", "quality_ratio": "quality with / quality without",
    "quality_caption": "Relative quality by replicate; {rest}.",
    # studies
    "caption_study": "{cells} cells x {size}; {people:,} simulated people; 95 % intervals over "
    "replicates",
    "study_setting": "one setting, mean of its replicates", "study_part": "mean of a part of the range",
    "study_value": "mean over all settings with this value", "study_shift": "shift of {name}, percentage points",
    "study_against_title": "Shift against {axis}", "study_by_title": "Shift by {axis}",
    "study_axis_caption": "Mean shift by {axis}, over all other settings; {rest}.",
    "study_verdict_exceeds": "interval above the threshold ({number})", "study_verdict_inconclusive": "inconclusive ({number})",
    "study_verdict_below": "below it either way ({number})", "study_verdict_undefined": "undefined ({number})",
    "study_settings_axis": "settings, in order of their mean shift, %", "study_settings_title": "In how much of the settings it holds",
    "study_settings_caption": "Every setting of the study; whiskers that leave the picture are cut; {rest}.",
    "study_mu_star": "mean absolute elementary effect", "study_sigma": "SD of the effects: not linear, or interactions",
    "study_total": "total, with all interactions", "study_first": "alone (first order)",
    "study_morris_axis": "percentage points of shift over the whole range",
    "study_sobol_axis": "part of the variance of the mean shift, 0-1", "study_sensitivity_title": "What the shift of {name} hangs on",
    "study_sensitivity_caption": "{method} design; 95 % bootstrap intervals over the design; {rest}.",
}  # fmt: skip
"""Texts by name; the name begins with the figure's."""
