"""Tests that are marked slow for what they cost beside what others of their kind show: `make test` has twelve minutes on two cores.

Names are those of pytest, without the folder. Each has a sister that stays in `make test`: the same test with other parameters, or what
`ALONE` names, another test that shows the property, at a lower layer or in a smaller world. Collection looks after it (`faults`).
"""

from __future__ import annotations

HEAVY = frozenset(
    """
    test_answers.py::test_exploratory_is_decided_by_the_replicates_that_have_a_share[attribute-more2]
    test_answers.py::test_exploratory_is_decided_by_the_replicates_that_have_a_share[dose-more1]
    test_answers_real.py::test_the_command_prints_json_and_writes_a_page
    test_answers_real.py::test_the_same_budget_for_everyone
    test_calibration.py::test_stopped_and_gone_on_with[1]
    test_compare.py::test_all_leaves_out_what_is_not_installed
    test_compare.py::test_figures_and_page_are_complete[one replicate]
    test_compare.py::test_figures_and_page_are_complete[zero dose]
    test_compare.py::test_many_policies_get_ranks_and_a_key
    test_compare.py::test_several_beneficiaries_are_one_family
    test_compare.py::test_the_command_prints_json_and_nothing_else
    test_controls.py::test_nor_for_gates[off]
    test_controls.py::test_nor_for_how_people_respond[cascade]
    test_controls.py::test_nor_for_what_predicts[logistic]
    test_controls.py::test_who_a_candidate_is_does_not_matter[preset chrono]
    test_controls.py::test_who_a_candidate_is_does_not_matter[preset popular_decayed]
    test_ensemble.py::test_order_of_names_and_workers_change_nothing
    test_exchange.py::test_what_was_finished_stays[Ctrl-C]
    test_experiment.py::test_ctrl_c_keeps_finished_replicates
    test_learned.py::test_accounts_of_campaigns_enter_the_log
    test_learned.py::test_controls_hold[linucb]
    test_learned.py::test_match_stands_beside_other_features
    test_learned.py::test_the_feed_is_not_dry_and_learning_pays[als]
    test_learned.py::test_the_feed_is_not_dry_and_learning_pays[bridging]
    test_learned.py::test_the_feed_is_not_dry_and_learning_pays[itemknn]
    test_learned.py::test_the_feed_is_not_dry_and_learning_pays[thompson_beta]
    test_learned.py::test_the_log_is_forgotten_after_its_days
    test_moderation.py::test_controls_hold[account_rate]
    test_moderation.py::test_controls_hold[noise]
    test_moderation.py::test_controls_hold[synchrony]
    test_policies.py::test_blocks_and_empty_inputs[curved]
    test_policies.py::test_blocks_and_empty_inputs[linear]
    test_policies.py::test_blocks_and_empty_inputs[meta_political_2024]
    test_policies.py::test_blocks_and_empty_inputs[msi_2018]
    test_policies.py::test_blocks_and_empty_inputs[popular_decayed]
    test_policies.py::test_blocks_and_empty_inputs[powers]
    test_policies.py::test_blocks_and_empty_inputs[reddit_hot]
    test_policies.py::test_blocks_and_empty_inputs[simsom]
    test_policies.py::test_blocks_and_empty_inputs[whole_powers]
    test_policies.py::test_compiled_equals_plain[curved-rates]
    test_policies.py::test_compiled_equals_plain[linear-rates]
    test_policies.py::test_compiled_equals_plain[meta_political_2024-rates]
    test_policies.py::test_compiled_equals_plain[msi_2018-rates]
    test_policies.py::test_compiled_equals_plain[powers-rates]
    test_policies.py::test_compiled_equals_plain[simsom-rates]
    test_policies.py::test_compiled_equals_plain[whole_powers-rates]
    test_policies.py::test_not_profiled[simsom]
    test_posts.py::test_without_the_campaign[bot]
    test_report.py::test_everything_is_written[zero dose]
    test_report.py::test_robustness_figure
    test_rerank.py::test_block_size_changes_nothing[7-names0]
    test_rerank.py::test_compiled_equals_plain[calibrated]
    test_rerank.py::test_compiled_equals_plain[dpp]
    test_rerank.py::test_compiled_equals_plain[drop_old]
    test_rerank.py::test_compiled_equals_plain[fa_ir]
    test_rerank.py::test_compiled_equals_plain[mmr]
    test_rerank.py::test_each_reranker_changes_a_world[dpp]
    test_rerank.py::test_each_reranker_changes_a_world[fa_ir]
    test_rerank.py::test_mmr_spreads_topics
    test_rerank.py::test_stage_equals_its_twin[cold_start-author_diversity-dpp]
    test_seen.py::test_worlds_are_the_same[demoted]
    test_seen.py::test_worlds_are_the_same[refit]
    test_shadow.py::test_importance_without_a_campaign_and_with_what_it_cannot_measure
    test_shadow.py::test_nothing_is_shown
    test_shadow.py::test_shadow_scores_are_the_policys_own[linear]
    test_shard_checkpoints.py::test_a_lost_shard_costs_an_interval
    test_shards.py::test_a_weight_that_compares_people
    test_shards.py::test_any_number_of_shards[7]
    test_shards.py::test_with_everything[3]
    test_step_hours.py::test_half_of_a_burst_is_left_after_the_half_life[36.0-1]
    test_step_hours.py::test_half_of_a_burst_is_left_after_the_half_life[36.0-2]
    test_step_hours.py::test_half_of_a_burst_is_left_after_the_half_life[36.0-4]
    """.strip()
    .replace("    ", "")
    .splitlines()
)

ALONE = {
    "test_answers_real.py::test_the_command_prints_json_and_writes_a_page": "test_answers.py::test_stored_shown_again_and_complete",
    "test_answers_real.py::test_the_same_budget_for_everyone": "test_answers_real.py::test_the_world_without_campaigns_does_not_know_for_whom_they_would_have_acted",
    "test_calibration.py::test_stopped_and_gone_on_with": "test_calibration.py::test_a_stored_one_is_shown_and_its_worlds_are_used_again",
    "test_compare.py::test_all_leaves_out_what_is_not_installed": "test_compare.py::test_all_stands_for_what_is_installed",
    "test_compare.py::test_many_policies_get_ranks_and_a_key": "test_compare.py::test_labels_cover_neither_each_other_nor_points",
    "test_compare.py::test_several_beneficiaries_are_one_family": "test_compare.py::test_contrasts_are_those_of_the_replicates",
    "test_compare.py::test_the_command_prints_json_and_nothing_else": "test_experiment.py::test_run_json_is_only_json",
    "test_ensemble.py::test_order_of_names_and_workers_change_nothing": "test_compare.py::test_neither_workers_nor_the_order_of_policies_change_a_byte",
    "test_exchange.py::test_what_was_finished_stays": "test_experiment_stop.py::test_ctrl_c_keeps_finished_replicates_and_is_passed_on",
    "test_experiment.py::test_ctrl_c_keeps_finished_replicates": "test_experiment_stop.py::test_ctrl_c_keeps_finished_replicates_and_is_passed_on",
    "test_learned.py::test_accounts_of_campaigns_enter_the_log": "test_doors.py::test_a_policy_behind_its_door_learns_from_people_alone",
    "test_learned.py::test_the_log_is_forgotten_after_its_days": "test_learned.py::test_a_refit_has_the_days_of_its_log",
    "test_learned.py::test_match_stands_beside_other_features": "test_learned.py::test_the_average_alone_can_be_read",
    "test_moderation.py::test_controls_hold": "test_controls_detector.py::test_controls_hold_with_a_detector",
    "test_report.py::test_robustness_figure": "test_report.py::test_robustness_table",
    "test_rerank.py::test_block_size_changes_nothing": "test_rerank.py::test_a_short_chain_equals_its_twin_in_blocks_too",
    "test_rerank.py::test_mmr_spreads_topics": "test_rerank.py::test_published_values",
    "test_rerank.py::test_stage_equals_its_twin": "test_rerank.py::test_a_short_chain_equals_its_twin_in_blocks_too",
    "test_shadow.py::test_importance_without_a_campaign_and_with_what_it_cannot_measure": "test_shadow.py::test_what_is_not_measured_hangs_on_the_factor",
    "test_shadow.py::test_nothing_is_shown": "test_shadow.py::test_zero_dose_under_shadows",
    "test_shard_checkpoints.py::test_a_lost_shard_costs_an_interval": "test_shard_checkpoints.py::test_what_one_shard_alone_has_is_not_used",
    "test_shards.py::test_a_weight_that_compares_people": "test_shards.py::test_with_everything_in_a_few_days",
    "test_shards.py::test_with_everything": "test_shards.py::test_with_everything_in_a_few_days",
}
"""Tests all of whose variants are slow, by their functions, and for each another one, not slow, that shows the property."""


def faults(slow: set[str], stay: set[str], whole: set[str]) -> list[str]:
    """What is wrong with `HEAVY` and `ALONE`, one line each.

    Args:
        slow, stay: names of collected tests that are slow and that are not. whole: files all of whose tests were collected; of others nothing is said.
    """

    def function(name: str) -> str:
        return name.partition("[")[0]

    def known(name: str) -> bool:
        return name.partition("::")[0] in whole

    left = {function(name) for name in stay}
    lines = []
    for name in sorted(filter(known, HEAVY)):
        if name not in slow | stay:
            lines.append(f"HEAVY names {name}, which is not there")
        elif function(name) not in left and function(name) not in ALONE:
            lines.append(
                f"no variant of {function(name)} stays in make test, and ALONE names no other test that shows it"
            )
    for one, other in sorted(ALONE.items()):
        if known(one) and one in left:
            lines.append(f"ALONE names {one}, of which a variant stays")
        if known(one) and not any(function(name) == one for name in HEAVY):
            lines.append(f"ALONE names {one}, which HEAVY does not")
        if known(other) and other not in left:
            lines.append(f"ALONE says that {other} shows what {one} does, and it is not in make test")
    return lines
