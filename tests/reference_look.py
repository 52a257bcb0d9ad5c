"""Plain twins of what a look at the feed leaves in tallies and in what the platform knows: from slots, one by one.

Every function takes ``visits``, what `reference.look` returned for each visit, and ``people``, whose visit each is.
"""

from __future__ import annotations

import numpy as np

F = np.float32
BITS = ("skip", "complete", "like", "comment", "share", "follow", "open_comments", "hide", "report")
"""Actions in the order of their bits; a skip stands in the place of the view."""
PUBLIC = {"like", "comment", "share", "follow"}
READ = {*PUBLIC, "report"}
"""What detectors may read."""


def slots(visits, people):
    """(person, item, source, actions, watched share) of everything that was examined, in order."""
    for person, (shown, _, _) in zip(people, visits, strict=True):
        for item, source, actions, part, _ in shown:
            yield person, item, source, actions, part


def learned(actions):
    """What one item says about a person's interest: -3 to 3."""
    watched = ("complete" in actions) - ("skip" in actions)
    return watched + ("like" in actions) + bool(actions & {"comment", "share", "follow"}) - 2 * bool(actions & {"hide", "report"})  # fmt: skip


def estimates(visits, people, known, topic, rate):
    """(U, D) float32, interests as the platform knows them after the visits: one gradient step per visit.

    Args:
        known: (U, D) float32, before. topic: (I, D) float32. rate: float32, learning rate.
    """
    after = known.copy()
    for person, (shown, _, _) in zip(people, visits, strict=True):
        change = [F(0)] * known.shape[1]
        for item, _, actions, _, _ in shown:
            guess = F(0)
            for d, t in enumerate(topic[item]):
                guess = guess + known[person, d] * t
            error = F(learned(actions)) - guess
            change = [sum_ + error * t for sum_, t in zip(change, topic[item], strict=True)]
        pace = rate / (F(1) + rate * F(len(shown)))
        for d, sum_ in enumerate(change):
            after[person, d] = after[person, d] + pace * sum_
    return after


def counts(visits, people, segment, items, top_comment, tally):
    """Tables of the tally by name, without the axis of threads: exposure, comments, provenance, reached, met."""
    out = {name: np.zeros(getattr(tally, name).shape[1:], int) for name in ("exposure", "comments", "provenance")}
    reached, met = [set() for _ in tally.reached], np.zeros(len(tally.met), int)
    labels = items.labels
    for person, item, source, actions, _ in slots(visits, people):
        where, who = int(segment[person]), int(labels.candidate[item])
        if who >= 0:
            out["exposure"][where, who, labels.stance[item] + 1] += 1
            out["provenance"][who, labels.kind[item], source] += 1
            reached[person].add(who)
            met[person] += 1
        if "open_comments" in actions:
            for named in top_comment[item]:
                if named >= 0:
                    out["comments"][where, named] += 1
    bits = np.array([sum(1 << who for who in found) for found in reached], np.uint64)
    return out | {"reached": bits, "met": met}


def watched(visits, start, window):
    """Watch time of window items as shares of their length, in 1/1024, each view rounded down."""
    out = [0] * window
    for shown, _, _ in visits:
        for item, _, _, part, _ in shown:
            out[item - start] += int(part * 1024)
    return out


def follows(visits, people, author):
    """[(person, author followed)], in order."""
    return [(person, int(author[item])) for person, item, _, actions, _ in slots(visits, people) if "follow" in actions]


def acts(visits, people):
    """[[person, item, bits]] of whatever detectors may read, in order."""
    return [
        [person, item, sum(1 << k for k, name in enumerate(BITS) if name in actions)]
        for person, item, _, actions, _ in slots(visits, people)
        if actions & READ
    ]


def weighed(visits, people, weight, group, start, shape, nothing):
    """Weighted events (W, G, 10), public acts of each person (U,), and how much of them did not count (U,), in 1/1024.

    Args:
        weight: (U,) in 1/1024. group: (U,). nothing: sources from which nothing counts.
    """
    valued, acted, lost = np.zeros(shape, int), np.zeros(len(weight), int), np.zeros(len(weight), int)
    for person, item, source, actions, part in slots(visits, people):
        worth = 0 if source in nothing else int(weight[person])
        row = valued[item - start, group[person]]
        row[0] += worth
        row[9] += worth * int(part * 1024)
        for k, name in enumerate(BITS):
            row[k] += worth * (k > 0 and name in actions)
        acted[person] += len(actions & PUBLIC)
        lost[person] += len(actions & PUBLIC) * (1024 - worth)
    return valued, acted, lost
