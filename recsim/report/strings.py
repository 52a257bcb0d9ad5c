"""Every sentence of the audit report, in one place, so that it can be translated: `say` puts values into them.

Those of the figures are in `figure_strings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recsim.report.figure_strings import FIGURES

ENGLISH = {
    # headings, by section
    "general": "General", "independence": "Independence", "summary": "Summary", "risk_statement": "The risk",
    "risk_analysis": "Audit risk", "criteria": "Criteria", "plan": "Plan and deviations", "methods": "Methods", "sampling": "Sampling",
    "results": "Results", "mitigation": "Mitigation", "recommender_cards": "What the recommender looks at",
    "assurance": "What could not be examined", "validity": "Validity", "recommendations": "Recommendations", "data": "Data dictionary",
    "evidence": "Evidence", "claims": "What may be claimed", "notes": "The auditor’s own words", "figures": "Figures", "contents": "Contents", "assumed": "Numbers and their evidence",
    "not_in_use": "not in use",
    # page
    "skip": "Skip to the report", "theme": "Dark or light", "filter": "Filter rows", "download": "Data of this figure (CSV)",
    "true": "yes", "false": "no", "unknown": "not known", "none": "none",
    "subtitle": "Shift of exposure by inauthentic campaigns, simulated with recsim {version}",
    "not_declared": "not declared",
    # general
    "service": "Service modelled", "period": "Period simulated", "window": "Campaign window",
    "window_is": "day {first} to 0 relative to the vote", "scope": "Scope",
    "scope_is": "{people} simulated people for {real}, {candidates} candidates", "question": "Question", "commit": "Commit of recsim",
    "fingerprint": "Fingerprint",
    "removed": "Campaigns that the counterfactual is without, and what stands in their place.",
    # independence
    "declared_later": "not declared in the scenario; see “{section}”",
    "auditor_name": "Who ran it", "auditor_organisation": "For", "auditor_funding": "Paid by", "auditor_interests": "Interests",
    # summary
    "finding": "{name}: {shift} percentage points",
    "finding_interval": "95 % interval {low} to {high}, covering {covers}",
    "finding_no_interval": "no interval: fewer than two replicates have a share",
    "finding_band": "{low} to {high} under {cells} other platform assumptions",
    "exceeds": "In this model the shift exceeds {threshold}.",
    "below": "In this model the shift is below {threshold}, either way.",
    "inconclusive": "Whether the shift in this model reaches {threshold} cannot be told.",
    "lowered": "In this model the campaigns lower the share of {name} by more than {threshold}; the rule counts only shifts upward as “exceeds”.",
    "threshold_declared": "the declared threshold of {threshold} pp",
    "threshold_default": "the threshold of {threshold} pp, a default of recsim that nobody declared and so no materiality threshold in the sense of Delegated Regulation (EU) 2024/436,",
    "below_few": "With {replicates} this says a little too much: in the world that was measured (docs/audit-plan.md), of studies of ten replicates 13 in a hundred called a shift "
    "exactly at the threshold below it, where 5 are meant.",
    "finding_within": "The rule for “below” uses 90 % intervals, Student’s and the studentised bootstrap’s, whichever reaches further: {low} to {high}.",
    "too_few_for_below": "It lies within the threshold, but {replicates} are too few to call a shift below it: the spread between worlds is not "
    "known well enough with fewer than {least}.",
    "finding_views": "Views by people of content about {name} in the window: {without} without the campaigns, {with_} with them. By stance: "
    "supportive {supportive}, neutral {neutral}, critical {critical} points.",
    "finding_next": "With a probability of about 95 % (92 to 94 where it was measured) one further world would lie between {low} and {high} points.",
    "finding_luck": "Luck alone moves this share by {luck} points (SD) between two worlds without campaigns. A comparison of before and "
    "after would have said {naive} points.",
    "misses": "of 30 replicates or more about one in twenty misses, of ten about one in ten did where it was measured, with skewed effects, and of five one in five",
    "few": "fewer than 30 replicates with a share",
    "exploratory": "Exploratory: {replicates}; 30 or more are needed for a claim. With fewer, 95 % intervals hold the mean less often (docs/audit-plan.md).",
    "dose_zero": "The dose is 0: the campaigns do not act in this run, so both worlds are the same.",
    "nothing_removed": "No campaign is removed in the counterfactual, so both worlds are the same.",
    # risk
    "risk": "Risk", "factors": "Factors", "regional": "Regions", "linguistic": "Languages", "severity": "Severity, in this model",
    "probability": "Probability, in this model",
    "severity_is": "{name}: {shift} percentage points of exposure, {excess} excess views",
    "no_probability": "{name}: not known, fewer than two replicates have a share",
    "probability_is": "{name}: one further world reaches {threshold} with a chance of {chance}",
    # audit risk
    "power_is": "Power of this simulation: with {replicates} and the spread seen between them, a shift of {threshold} pp of {name} would be told "
    "from zero with a chance of {power} (two-sided Student's t test at 5 %). This is not the chance to show an excess: “exceeds” asks that the whole interval lie above "
    "the threshold, which a shift just at it hardly ever shows. Nor is one less this chance the detection risk of an audit of the service (Delegated Regulation (EU) "
    "2024/436, Art. 9), which depends on the audit's own tests.",
    "no_power": "Power for {name}: not known; it needs the spread between two replicates or more.",
    "enough_is": "Replicates that would be enough for {name}, by the spread seen and Student's t: {width} for a 95 % interval of +/- {half} pp, {power} to tell a shift "
    "of {threshold} pp from zero with a chance of {chance} %. In brackets: what the spread, itself known only roughly from {replicates}, leaves open.",
    "inherent_is": "Inherent and control risk are those of the real service; a simulation cannot assess them.",
    # criteria
    "outcome": "Outcome",
    "outcome_is": "share of human impressions of candidate content in the campaign window, factual less counterfactual, percentage points",
    "threshold": "Materiality threshold", "threshold_is": "{value} ({evidence})", "reason": "Reason", "threshold_undeclared": "none: the threshold is recsim's default, nobody declared one",
    "rule": "Rule",
    "rule_is": "exceeds: the 95 % interval lies above the threshold; below: the 90 % intervals (Student’s and the studentised "
    "bootstrap’s) lie within it either way, from 10 replicates; else inconclusive, a shift wholly below minus the threshold included, which is said in words",
    # plan
    "planned": "A plan ({lock}) that says it was made on {made}: {replicates}. The lock shows that it was not changed since, not when it was made.",
    "planned_first": "That plan is of {first}.",
    "planned_other": "{folder}: a plan ({lock}) that says it was made on {made}: {replicates}.",
    "not_planned_others": "No plan was locked for {names}.",
    "not_planned": "No plan was locked beforehand: the tests confirm nothing that was asked before there was a result.",
    "as_planned": "Nothing that recsim compares (question, settings, sources, stored results of this folder) differs from the plan.",
    "deviated": "Done otherwise than planned. Reason given: “{reason}”.",
    "stopped": "Stopped at {replicates} replicates: {reason} (half-width asked for: {asked} pp). The rule looks at widths only; error rates of "
    "the tests are nominal.",
    # methods
    "paired": "Two worlds share people, supply, luck and every day until {days} days before the vote. From then on the campaigns act in one "
    "and not in the other, in {branches} each, over {replicates}. The replicate is the unit of all "
    "statistics. Candidates are treated alike: their positions are drawn anew in every replicate.",
    "models": "Predictor of actions: {predictor}; model of a visit: {response}; steps of {hours} h. {in_place}",
    "calibrated_is": "Calibrated parameters: the ensemble {name}, {members} parameter sets, tolerance {tolerance} stated errors; each replicate takes one set in "
    "turn. Fitted to: {targets}.",
    "evidence_is": "Of {total} numbers in use {documented} are documented, {published} are published formulas, {computed} are computed from such, "
    "{assumed} are assumptions{unstated}; {off} more belong to what is switched off. Each is listed below with its source; ranges are drawn from once per replicate.",
    "odd_is": "The full description in the ODD protocol: {command}",
    "assumed_is": "Every quantity with its evidence. Not in use: it belongs to something that is switched off.",
    # sampling
    "sampling_is": "{replicates} from seed {seed}, {branches} each; {people} simulated people for {real}; {steps} "
    "steps; {undefined} without a defined share. These are simulated worlds and people, no sample of a service's data: whether "
    "a sample is representative (Delegated Regulation (EU) 2024/436, Art. 12) is to be shown for the latter. People are drawn from cells of region, language and age band:",
    "divisions_are": "Expected simulated people by part of the population; fewer than 50 are not tested.",
    # results
    "candidates_are": "Share of human impressions of candidate content in the window, without and with the campaigns; shift with 95 % "
    "interval over replicates (per candidate, not simultaneous); SD between worlds; luck band; reach; views in real units.",
    "distance_is": "Total variation distance between the two worlds: {tv} (95 % interval {span}). Dose ratio: {dose} inauthentic actions "
    "per organic action on the beneficiary's items.",
    "tests_are": "Tests of no shift: Student's t, adjusted within the family (Holm for beneficiaries, Benjamini-Hochberg for the others), "
    "sign flips. The 95 % interval of the shift is Student's and, from 10 replicates, the bootstrap-t, whichever reaches further, since effects are skewed; so an unadjusted p below 0.05 can stand beside an interval that includes zero, never the reverse, and verdicts go by the interval; BCa interval from 30; equivalence: p that the shift is at least {bound} pp either way; pairing: times the "
    "replicates that unpaired worlds would need for the same interval.",
    "segments_are": "Whether the shift of a beneficiary differs between parts of the people: largest less smallest mean, test that all are "
    "the same (Hotelling's T² over replicates, Friedman's ranks where they are too few), adjusted by Benjamini-Hochberg.",
    "windows_are": "The shift on the days of declared windows (days relative to the vote), parts of the campaign window: secondary questions, all of them one "
    "family, adjusted by Benjamini-Hochberg.",
    "halved": "What stays: {name}'s daily shift was {base} points at the end of the last days at work of the campaigns. Half of it was gone "
    "after {days} days{span}; {left} days were looked at.",
    "half_life_span": " ({low} to {high})", "half_life_few": " (no interval: it needs {least} replicates)",
    "not_halved": "What stays: {name}'s daily shift was {base} points at the end of the last days at work of the campaigns. Half of it was not "
    "gone within the {left} days that were left.",
    "no_half_life": "How long the shift of {name} stays after the campaigns cannot be told: {reason}.",
    "metrics": "All metrics",
    "metrics_are": "Every metric with its number in the list of formulas (docs/measure.md), with and without the campaigns and the change: mean "
    "over replicates, 95 % interval, SD between worlds, 95 % prediction for one further world. Parts of the people with fewer than {least} "
    "simulated people are not printed. People only, no accounts of campaigns.",
    "metrics_elsewhere": "Other metrics need other runs: M6 recsim compare, M20 recsim dose, M21 recsim tradeoff. M23 is for lists of results and "
    "is computed on logs only.",
    "runs_are": "This run and others beside it, each against its own counterfactual. Intervals are per run, not simultaneous; differences "
    "between runs of one seed are best read with recsim diff, replicate by replicate.",
    "differs_is": "The result in {folder} was made with other settings than this run: {keys}.", "this_run": "this run", "more": "and {number} more",
    "all_shared": "all luck shared",
    # several results in one report
    "combined_is": "One report about {number}: {names}. Where a section does not name another, it is about {first}. Commands that read "
    "scenario.yaml are to be run in the folder of that result.",
    "comparison": "Comparison of policies", "answers": "Attribution, dose and delay",
    "answer_from": "Result in {folder}, {replicates}, fingerprint {fingerprint}.",
    "comparison_is": "The same worlds under every policy, {replicates} of each; own policy of the scenario: {own}. Result in {folder}, "
    "fingerprint {fingerprint}.",
    "comparison_shifts": "Shares without and with the campaigns, shift and its 95 % interval (per policy, not simultaneous); p adjusted by Holm "
    "over {family} shifts; difference to the own policy in the same worlds, in words after Holm over {differences} differences: “no difference "
    "shown” is not proof of equality; chance that one further world reaches {threshold} pp. DSA Art. 38 asks very large platforms for at least one option of each recommender that is not based on profiling (GDPR Art. 4(4)); "
    "whether a feed is, is decided here by recsim's own rule (docs/policies.md).",
    "comparison_costs": "What each feed gives people without the campaigns; * differs from the own policy (Holm over the policies, each column by "
    "itself). In brackets: change with the campaigns.",
    "profiling_head": "profiling", "profiled_short": "profiled", "not_profiled_short": "not\u00a0profiled", "own_policy": "own policy",
    "kind_run": "run", "kind_comparison": "comparison of policies", "kind_tradeoff": "trade-off", "kind_ensemble": "ensemble",
    "kind_attribution": "attribution", "kind_dose": "dose and response", "kind_delay": "earlier removal",
    "kind_study": "study", "kind_calibration": "calibration", "kind_check": "controls", "kind_importance": "importance of parameters",
    "sources_are": "The results that this report was made of. Each lies in a folder of its own, which is not part of this one; the commands are to "
    "be run in that folder. SHA256SUMS there lists the files of the result, and its own checksum stands here.",
    "sources_table": "Results, what made them, and how to do them again and check them.",
    "again_combined": "To write this report again, where these folders lie:", "again_notes": "({file}: the one in this folder.)",
    "files_combined": "SHA256SUMS in this folder lists what is here: report.html, report.json, the figures, files of evidence if it took some, and notes.yaml if the auditor gave one. To check them:",
    "pack_is": "Files of evidence that this report took, as they were, in the folder evidence/ beside it. The commands make them again, in the "
    "folder named under “of”.",
    "pack_table": "Files of evidence and what made them.",
    "all_sums_are": "SHA-256 of the files of each result; stored replicates and pages are in its SHA256SUMS.",
    "other_settings": "{name} was made with other settings than {of}: {keys}. What it says is about those.",
    "other_sources": "{name} was made by other sources of recsim ({theirs}) than {of} ({ours}): that these would give the same is not shown.",
    "other_otherwise": "{name} has the settings and sources of {of}, and yet another fingerprint: other versions of packages, other code of "
    "a policy, or parameters held fixed.",
    # mitigation
    "in_place": "Measures around the ranking (platform.mitigations): {names}. Moderation at work (block moderation): {moderation}.",
    "not_compared": "None was compared in this run. With and without, for each measure that the scenario does not have: {command}. For one that it has, make the world "
    "without it the reference: --set platform.mitigations=[], and name it under --mitigations (with its default parameters then), or put a measure of moderation out of force by "
    "--set and back in a file of defences. Art. 14 of Delegated Regulation (EU) 2024/436 asks how risks were addressed before and after measures of the real service; this "
    "asks the same of simulated worlds.",
    "compared_are": "What each mitigation takes away of the shift, percentage points, in the same worlds; share of the shift; p adjusted "
    "(Holm).",
    "compared_in": "Compared in {folder}, {replicates}, fingerprint {fingerprint}.",
    "mitigation_costs": "What each mitigation costs (DSA Art. 35), without and with it: change in worlds without campaigns with its 95 % interval; "
    "* after Holm over the mitigations.",
    # card
    "card_of": "{policy} ({folders})",
    "card_is": "{title}. Source: {source} {evidence} ({tags}).",
    "reads": "Reads: {names}.", "profiled": "Based on profiling (recsim's rule for DSA Art. 38).", "not_profiled": "Not based on profiling (recsim's rule for DSA Art. 38).",
    "doors": "Doors for inauthentic engagement: {names}.",
    "parameters_are": "Parameters of this policy, all of them. DSA Art. 27 asks for the main ones and why they weigh what they do; how much each moves the ranking is measured by: {command}",
    "parameters_measured": "Parameters of this policy, all of them. DSA Art. 27 asks for the main ones and why they weigh what they do; how much each moves the ranking, as "
    "{file} measured it, stands below.",
    "importance_is": "Measured importance ({file}): each parameter raised and lowered by a factor of {factor} by itself, {replicates}; the first {places} places of "
    "the same visits, before any re-ranking; pools, counters and gates stay as they are. The most important first, by the part of these places that changes when the parameter "
    "rises. Elasticity: per cent by which a share of candidate places changes per per cent of the parameter, with its 95 % interval over replicates (per row, not simultaneous); shift "
    "by the campaigns in these places, percentage points, with the parameter lower, as it is, and higher. report.json has all candidates.",
    "importance_few": "With {replicates} these intervals are wide and rest on Student's t alone.",
    "not_measured": "Not measured (zero, at a limit, or acting beside the score): {names}.",
    "political_content": "all candidates, of all places",
    "reranked": "The best {top} entries of a visit are re-ranked, in this order: {names}.",
    # assurance, validity
    "not_examined": "This run could not examine:",
    "patterns_are": "Figures of the simulated platform beside documented or published ones. Outside is outside: nothing was tuned away.",
    "no_patterns": "The scenario names no documented figures to be held against.",
    "band_is": "Under {cells} other combinations of gates, prior and head weights the mean shift of {name} lies between {low} and {high} "
    "percentage points.",
    "band_own": "The declared combination, at the same size: {shift} percentage points.",
    "no_band": "No table of other platform assumptions was made in this run.",
    "ensemble_is": "Over {cells} combinations of policies, predictors and models of a visit, in small worlds, the mean shift of {name} lies "
    "between {low} and {high} percentage points.",
    "controls_are": "Controls are not part of this run. They are made on a small copy of the scenario, to be kept with the evidence: zero dose, exchanged candidates, reordered lists, "
    "threads, a placebo that must lie within +/- {bound} pp, accounting: {command}",
    "check_passed": "Controls of {of} ({file}): none failed. They were made on a small copy of the scenario, and must hold whatever the answer; a control that passed does not "
    "show that the model is right.",
    "check_failed": "A control or an account FAILED: {names}.",
    "check_failed_is": "So says {file}, of {of}. A control must hold whatever the answer: until it is known why one did not, no number of this report is to be relied on. An "
    "account says whether the sizes of a scenario fit one another: where one fails, the simulated platform does not work as it is meant to.",
    "check_failed_claims": "A control or an account failed ({names}): no step below stands until it is known why.",
    "check_lacking": "Not in this file: {names}. Another version of recsim made it, or it was shortened.",
    "check_quick": "It was made with --quick: figures of the scenario's own size were not looked at.",
    "check_table": "What recsim check found: controls, accounts, and figures beside documented ones; placebo bound +/- {bound} pp. Outside is no failure: nothing was tuned away.",
    "about_from": "Result in {folder}: {size}, fingerprint {fingerprint}.",
    "calibration_used": "The parameter sets of {of} are those of this calibration.",
    "calibration_not_used": "The parameter sets of {of} are not those of this calibration.",
    "calibration_none": "{of} takes no parameter sets from a calibration: its numbers are as declared.",
    "limits": "Simulated evidence under stated assumptions. It does not establish the conduct of any real service or person, nor any effect "
    "on votes. Ranking weights and exposure pools of real platforms are not public.",
    # the auditor's own words
    "notes_are": "Written by the auditor, added to the finished result and printed as given ({file}, SHA-256 {sum}). recsim computed and checked none of it, "
    "and no number of this report depends on it.",
    "notes_before": "It was given when the run had {before}; now it has {now}.",
    "notes_past": "The auditor holds this to be valid until {until}, which is past.",
    "notes_none": "None were given. Who audits, third parties consulted, limitations, recommendations and how long this is valid can be added to the finished "
    "result without simulating again: recsim report RUN_DIR --notes FILE (recsim init --notes writes an example).",
    "not_given": "not given", "notes_auditor": "Auditor", "notes_organisation": "Organisation", "notes_contact": "Contact", "notes_service": "Service audited",
    "notes_until": "Valid until", "notes_third_parties": "Third parties consulted or relied on", "notes_limitations": "Limitations, as the auditor states them",
    "notes_response": "What the audited provider answered, as the auditor states it",
    "recommendations_are": "The auditor’s own words, too: recsim recommends nothing. Of the evidence that is named it says only where something of that name stands, "
    "not whether it bears the recommendation.",
    "recommendations_table": "Recommendations of the auditor.",
    "evidence_compared": "compared in this report, under Mitigation", "evidence_held": "part of the results of this report", "evidence_elsewhere": "nothing of that name in this report",
    "no_recommendations": "recsim gives evidence and a comparison with the threshold. Recommendations, and the audit opinion, are the "
    "auditor's.",
    # evidence
    "again": "To redo it, with the scenario.yaml of this folder:", "verify": "To check that nothing was changed and that a replicate done "
    "again is the same:", "bits": "Bits", "sources": "SHA-256 of the simulation sources", "versions": "Versions", "files_are": "Files and "
    "their SHA-256; SHA256SUMS in this folder lists all of them.", "uncommitted": "the sources had uncommitted changes",
    "own_policies_are": "A policy here is code from outside recsim, kept in {files}. recsim does not run it from there unasked: read it first; "
    "PYTHONPATH in the command allows it.",
    "tables_are": "{table}: one row per {row}; {rows} rows. Counts are simulated: real units are counts / population.scale.",
    "sheets_are": "{table}: one row per {row}; {rows} rows. Units are as each column says.",
    # claims
    "claims_are": "The ladder of claims, the steps that this run reaches, and why. Nobody's simulation reaches the last.",
    "shift_of": "Shift of {name}",
    # draws
    "draws_are": "Which declared range goes with the shift: rank correlations (Spearman) between what the replicates drew and the shift of each beneficiary, "
    "the {shown} largest of {all}; p adjusted (Benjamini-Hochberg) over all of them. Exploratory: nobody asked for these beforehand, ranges are drawn together, and a "
    "correlation is no effect; a study answers that (docs/studies.md).",
    "reached": "reached", "not_reached": "not reached",
}  # fmt: skip


def counted(number: int | str, one: str, many: str | None = None) -> str:
    """A number and what it counts: "1 replicate", "10 replicates"; the number may be text already."""
    return f"{number} {one if str(number) == '1' else many or one + 's'}"


def size_of(s: Mapping[str, Any]) -> str:
    """Replicates and luck branches of a summary."""
    return f"{counted(s['replicates'], 'replicate')} x {counted(s['luck_branches'], 'luck branch', 'luck branches')}"


def say(key: str, **values: Any) -> str:
    """A sentence with its values in place.

    Raises:
        KeyError: there is no such sentence, or a value is missing.
    """
    return (ENGLISH[key] if key in ENGLISH else FIGURES[key]).format(**values)
