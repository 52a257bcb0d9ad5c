"""SimSoM's choice of what to pass on, as a ranking rule: shares times recency, drawn at random in proportion.

Source: osome-iu/SimSoM, ``libs/simsom/model.py`` (Truong et al., PNAS Nexus 2024, pgae258): a message is chosen with
probability proportional to appeal x shares x exp(-0.4 t^0.4). (Its docstring speaks of a weighted sum; the code
multiplies.) What stands for what here: *appeal* is what people like about a message, which no policy may see, so it is 1
for all and people's own response decides; *shares* are counted on the whole platform, one more for the post itself, where
SimSoM counts copies within a feed; *t* is in steps of ``step_h`` hours. Items by followed accounts compete with a pool
drawn evenly, because a follow graph alone leaves a video feed empty. Drawing in proportion without replacement is done by
dividing the weight by an exponential draw, -log(noise), and taking the largest.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy


def weight(f, p):
    """Shares times recency."""
    age = max(f.age_h, 0.0) / p.step_h
    return (1.0 + f.n_share) * math.exp(-p.rate * age**p.exponent)


@policy(
    rate=0.4, exponent=0.4, step_h=1.0,
    meta={
        "title": "SimSoM's formula: shares x recency, drawn in proportion (appeal unknown to the platform)",
        "source": "osome-iu/SimSoM, libs/simsom/model.py (product of the code)", "evidence": "[C]",
        "date": "2024-07-17", "doors": ("E1", "E3"), "stratum": "region", "inbox": "all", "explores": False,
        "ordering": "order", "sources": {"discovery": 1.0},
        "ranges": {"rate": (0, math.inf)}, "positive": ("exponent", "step_h"),
    },
)  # fmt: skip
def simsom(f, p):
    """The weight over an exponential draw; noise can be 0 but never 1."""
    return weight(f, p) / -math.log(max(f.noise, 3e-8))
