"""Random order: the control. Source: our own baseline; each person, item and step has its own draw."""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    meta={
        "title": "random order",
        "source": "our baseline",
        "evidence": "[D]",
        "doors": (),
        "stratum": "region",
        "inbox": "none",
        "ordering": "order",
        "sources": {"discovery": 1.0},
    },
)
def random(f, p):
    """A uniform draw."""
    return f.noise
