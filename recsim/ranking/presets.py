"""The policies that ship with recsim, one small file each, by name."""

from __future__ import annotations

from recsim.ranking.als import als
from recsim.ranking.chrono_following import chrono_following
from recsim.ranking.dsa38_regional import dsa38_regional
from recsim.ranking.itemknn import itemknn
from recsim.ranking.linucb import linucb
from recsim.ranking.policy import Policy
from recsim.ranking.popular_decayed import popular_decayed
from recsim.ranking.random_order import random
from recsim.ranking.thompson_beta import thompson_beta
from recsim.ranking.tiktok_value import tiktok_value
from recsim.ranking.two_tower import two_tower
from recsim.ranking.x_2023_04 import x_2023_04
from recsim.ranking.x_2026_08 import x_2026_08

PRESETS: dict[str, Policy] = {
    made.name: made
    for made in (
        tiktok_value,
        x_2026_08,
        x_2023_04,
        two_tower,
        itemknn,
        als,
        linucb,
        thompson_beta,
        dsa38_regional,
        chrono_following,
        popular_decayed,
        random,
    )
}
