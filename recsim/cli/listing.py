"""What can be listed."""

from __future__ import annotations

from recsim.errors import unknown


def rows_of(what: str) -> list[dict]:
    """Rows of ``recsim list WHAT``.

    Raises:
        InputError: nothing of that name can be listed.
    """
    if what == "policies":
        from recsim.ranking.registry import listing

        return listing()
    if what == "rerankers":
        from recsim.ranking.registry import reranker_listing

        return reranker_listing()
    if what == "mitigations":
        from recsim.ranking.registry import mitigation_listing

        return mitigation_listing()
    if what == "metrics":
        from recsim.metrics import listing as metrics

        return metrics()
    if what == "campaigns":
        from recsim.scenario import campaigns as c

        kinds = (
            c.BotNetwork, c.PurchasedEngagement, c.PaidInfluencers, c.Impersonation, c.Advertising, c.Volunteers,
        )  # fmt: skip
        return [
            {
                "name": k.model_fields["type"].default, "what": (k.__doc__ or "").splitlines()[0],
                "counterfactual": str(k.model_fields["counterfactual"].default),
                "keys": [n for n in k.model_fields if n not in ("id", "key", "type")],
            }
            for k in kinds
        ]  # fmt: skip
    raise unknown("list", what, ["policies", "rerankers", "mitigations", "campaigns", "metrics"])
