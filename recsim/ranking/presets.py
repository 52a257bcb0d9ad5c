"""The policies that ship with recsim, one small file each, by name."""

from __future__ import annotations

from recsim.ranking.als import als
from recsim.ranking.bridging import bridging
from recsim.ranking.chrono import chrono
from recsim.ranking.chrono_following import chrono_following
from recsim.ranking.dsa38_regional import dsa38_regional
from recsim.ranking.hn_arc import hn_arc
from recsim.ranking.hn_popular import hn_popular
from recsim.ranking.itemknn import itemknn
from recsim.ranking.lemmy_hot import lemmy_hot
from recsim.ranking.linucb import linucb
from recsim.ranking.mastodon_trends import mastodon_trends
from recsim.ranking.meta_political_2024 import meta_political_2024
from recsim.ranking.msi import msi_2018, msi_2020
from recsim.ranking.policy import Policy
from recsim.ranking.popular_decayed import popular_decayed
from recsim.ranking.random_order import random
from recsim.ranking.reddit_best import reddit_best
from recsim.ranking.reddit_hot import reddit_hot
from recsim.ranking.simsom import simsom
from recsim.ranking.simsom_feed import simsom_feed
from recsim.ranking.thompson_beta import thompson_beta
from recsim.ranking.tiktok_value import tiktok_value
from recsim.ranking.two_tower import two_tower
from recsim.ranking.x_2023_04 import x_2023_04
from recsim.ranking.x_2026_08 import x_2026_08
from recsim.ranking.yt_watchtime import yt_watchtime

FIRST = (tiktok_value, dsa38_regional, chrono_following, popular_decayed, random)
PREDICTING = (x_2026_08, x_2023_04, msi_2018, msi_2020, meta_political_2024, yt_watchtime, two_tower)
LEARNING = (itemknn, als, linucb, thompson_beta, bridging)
FORMULAS = (chrono, reddit_hot, reddit_best, hn_popular, hn_arc, lemmy_hot, mastodon_trends, simsom)
PRESETS: dict[str, Policy] = {made.name: made for made in (*FIRST, *PREDICTING, *LEARNING, *FORMULAS)}
FEED_PRESETS: dict[str, Policy] = {made.name: made for made in (simsom_feed,)}
"""Policies of follow-graph worlds."""
