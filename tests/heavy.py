"""Tests that are marked slow for what they cost beside what others of their kind show: `make test` has twelve minutes on two cores.

Each has a sister that stays in `make test`: another parameter, or a lower layer. Names are those of pytest, without the folder.
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
    test_ensemble.py::test_order_of_names_and_workers_change_nothing
    test_exchange.py::test_what_was_finished_stays[Ctrl-C]
    test_experiment.py::test_ctrl_c_keeps_finished_replicates
    test_experiment_stop.py::test_ctrl_c_keeps_finished_replicates_and_is_passed_on[2]
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
    test_policies.py::test_blocks_and_empty_inputs[linear]
    test_policies.py::test_blocks_and_empty_inputs[reddit_hot]
    test_policies.py::test_blocks_and_empty_inputs[simsom]
    test_policies.py::test_compiled_equals_plain[curved-rates]
    test_policies.py::test_compiled_equals_plain[linear-rates]
    test_policies.py::test_compiled_equals_plain[meta_political_2024-rates]
    test_policies.py::test_compiled_equals_plain[msi_2018-rates]
    test_policies.py::test_compiled_equals_plain[powers-rates]
    test_policies.py::test_compiled_equals_plain[simsom-rates]
    test_policies.py::test_compiled_equals_plain[tiktok_value-oracle]
    test_policies.py::test_compiled_equals_plain[whole_powers-rates]
    test_policies.py::test_compiled_equals_plain[x_2023_04-oracle]
    test_posts.py::test_without_the_campaign[bot]
    test_report.py::test_everything_is_written[zero dose]
    test_report.py::test_robustness_figure
    test_rerank.py::test_block_size_changes_nothing[7-names0]
    test_rerank.py::test_compiled_equals_plain[calibrated]
    test_rerank.py::test_compiled_equals_plain[dpp]
    test_rerank.py::test_compiled_equals_plain[drop_old]
    test_rerank.py::test_compiled_equals_plain[fa_ir]
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
    """.strip()
    .replace("    ", "")
    .splitlines()
)
