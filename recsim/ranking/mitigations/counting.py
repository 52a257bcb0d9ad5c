"""Counting: which events count, and how counts of groups of accounts are put together."""

from __future__ import annotations

from recsim.ranking.mitigation import Aggregate, Mitigation


def _cap(p):
    return float(p.cap), float(p.recall)


def _median(p):
    return Aggregate("median", int(p.groups))


def _trimmed(p):
    return Aggregate("trimmed", int(p.groups), int(p.trim))


served_only = Mitigation(
    name="served_only", title="an event counts only on an item that the account was served", article="35(1)(d)",
    closes=("E1", "E2"), evidence="[C]", source="X 2026, comment in the published code", served_only=True,
)  # fmt: skip
cluster_once = Mitigation(
    name="cluster_once", title="a recognised cluster of accounts counts once per item", article="35(1)(d)",
    closes=("E1", "E4"), source="our design: one vote per household or co-engagement cluster",
    parameters={"cap": 1.0, "recall": 0.5},
    units={"cap": "events per real item, kind and cluster, of accounts that count in full", "recall": "share of inauthentic accounts recognised, 0-1"},
    cluster_cap=_cap,
)  # fmt: skip
median_segments = Mitigation(
    name="median_segments", title="counts are the median over random groups of accounts", article="35(1)(d)",
    closes=("E1",), source="our design: bounded as long as fewer than half of the groups are polluted",
    parameters={"groups": 9.0}, units={"groups": "groups"}, aggregate=_median,
)  # fmt: skip
trimmed_segments = Mitigation(
    name="trimmed_segments", title="counts are a trimmed mean over random groups of accounts", article="35(1)(d)",
    closes=("E1",), source="our design", parameters={"groups": 9.0, "trim": 2.0},
    units={"groups": "groups", "trim": "groups dropped at either end"}, aggregate=_trimmed,
)  # fmt: skip
