"""The heavy ranker that X (then Twitter) published in spring 2023.

Source: twitter/the-algorithm-ml, ``projects/home/recap/README.md`` (5 April 2023) for the weights;
twitter/the-algorithm, ``NaviModelScorer.computeWeightedModelScore`` (snapshot of 7 July 2023) for the treatment of
negative sums; ``OONTweetScalingScorer`` for the out-of-network factor 0.75. The weights in ``ScoredTweetsParam.scala``
are placeholders of 1.0, and the same tree has a parameter default of 1.0 for the out-of-network factor: the README and
the constant are used here.

Heads in this simulator: favourite = like, retweet = share, reply = comment, playback of half a video = watching to the
end, negative feedback = hide, report = report. Profile clicks (12), conversations entered (11, 10) and replies engaged
by the author (75) have no counterpart and count as zero; their weights stay in the published sums. What the
probabilities are is up to the predictor (``platform.predictor.kind``): the production model is not public. Author diversity is re-ranking.
Feedback fatigue (`HeuristicScorer`, ``FeedbackFatigueScorer``): after "see fewer", here a hide, an author's posts are filtered for 14 days
and then count 0.2 of their score, rising by 0.2 every 35 days back to 1 at 154. There it also reaches posts that the
author liked, replied to or shared, which nothing here stands for; posts under trial are tried all the same. A person's
last 64 such authors are remembered. Left out, because nothing here stands for them: the multipliers for replies, verified
authors and creators.
"""

from __future__ import annotations

import math

from recsim.ranking.policy import policy
from recsim.ranking.rerank.author_diversity import author_diversity

NEGATIVE_SUM = 443.0  # 74 + 369
WEIGHT_SUM = 566.005  # all absolute weights, those of heads without a counterpart included
OFFSET = 0.001


def shifted_2023(total):
    """Scores stay positive and in order: a non-negative sum is raised, a negative one squeezed below the offset."""
    return total + OFFSET if total >= 0 else (total + NEGATIVE_SUM) / WEIGHT_SUM * OFFSET


def see_fewer(days, p):
    """What an author's posts count after negative feedback."""
    if days < p.filter_days:
        return 0.0
    return min(1.0, p.fatigue_floor + (1.0 - p.fatigue_floor) * (days - p.filter_days) / p.fatigue_days)


@policy(
    w_like=0.5, w_share=1.0, w_comment=13.5, w_complete=0.005, w_hide=-74.0, w_report=-369.0, out_of_network=0.75,
    filter_days=14.0, fatigue_floor=0.2, fatigue_days=140.0,
    meta={
        "title": "X heavy ranker of April 2023: weighted predicted actions, out-of-network factor, feedback fatigue",
        "source": "twitter/the-algorithm-ml b852108 (weights); twitter/the-algorithm 72eda9a24 (offset, factor)",
        "evidence": "[C]", "date": "2023-04-05", "doors": ("E1", "E2", "E3", "E5"), "inbox": "all", "rerank": (author_diversity,),
        "fatigue": see_fewer,
        "ranges": {"out_of_network": (0, math.inf), "filter_days": (0, math.inf), "fatigue_floor": (0, 1)},
        "positive": ("fatigue_days",),
    },
)  # fmt: skip
def x_2023_04(f, p):
    """Weighted sum of predicted actions, made positive, times the out-of-network factor."""
    good = p.w_like * f.p_like + p.w_share * f.p_share + p.w_comment * f.p_comment + p.w_complete * f.p_complete
    score = shifted_2023(good + p.w_hide * f.p_hide + p.w_report * f.p_report)
    return score if f.in_network else p.out_of_network * score
