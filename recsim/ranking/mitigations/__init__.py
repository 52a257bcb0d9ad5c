"""Mitigations that wrap any policy, by name."""

from recsim.ranking.mitigation import Mitigation
from recsim.ranking.mitigations.counting import (
    cluster_once,
    median_segments,
    served_only,
    trimmed_segments,
)
from recsim.ranking.mitigations.reach import (
    candidate_account_exclusion,
    cooldown,
    friction,
    political_downrank,
    velocity_cap,
)
from recsim.ranking.mitigations.weights import (
    new_account_discount,
    oracle_removal,
    rate_limit,
    trust_weight,
    winsor_users,
)

MITIGATIONS: dict[str, Mitigation] = {
    m.name: m
    for m in (
        trust_weight, new_account_discount, winsor_users, rate_limit, served_only, cluster_once, median_segments,
        trimmed_segments, velocity_cap, cooldown, friction, political_downrank, candidate_account_exclusion,
        oracle_removal,
    )
}  # fmt: skip
