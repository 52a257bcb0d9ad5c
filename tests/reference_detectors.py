"""Plain twins of the detectors, written from the formulas: dicts, sets and Python integers."""

from __future__ import annotations

import itertools

import reference

ACTS = (2, 3, 4, 5, 8)  # like, comment, share, follow, report


def first_steps(rows, by_action):
    """{target: {account: step of the first action}}."""
    out = {}
    for actor, item, action, step in rows:
        if action in ACTS:
            who = out.setdefault((item, action) if by_action else item, {})
            who[actor] = min(step, who.get(actor, step))
    return out


def components(accounts, links):
    """Sets of linked accounts, two or more."""
    near = {a: {a} for a in accounts}
    for a, b in links:
        near[a].add(b)
        near[b].add(a)
    out, seen = [], set()
    for a in accounts:
        if a in seen:
            continue
        group, grown = {a}, {a}
        while grown:
            grown = set().union(*(near[b] for b in grown)) - group
            group |= grown
        seen |= group
        if len(group) > 1:
            out.append(frozenset(group))
    return out


def common_targets(rows, accounts, by_action, window, cap, least):
    """{(i, j): common targets}, {account: targets}; i comes before j in the scrambled order."""
    first = first_steps(rows, by_action)
    size = {a: sum(a in who for who in first.values()) for a in range(accounts)}
    place = {a: k for k, a in enumerate(sorted(range(accounts), key=lambda a: (a * 2654435761 % 2**32, a)))}
    common = {}
    for who in first.values():
        for i, j in itertools.permutations([a for a in who if size[a] >= least], 2):
            if place[i] < place[j] and abs(who[i] - who[j]) <= window:
                between = [a for a in who if size[a] >= least and who[a] == who[j] and place[i] < place[a] < place[j]]
                if len(between) < cap:
                    common[i, j] = common.get((i, j), 0) + 1
    return common, size, sum(size.values())


def synchrony(rows, accounts, window, similarity, common, smallest, cap):
    pairs, size, _ = common_targets(rows, accounts, True, window, cap, common)
    links, score = [], [0] * accounts
    for (i, j), c in pairs.items():
        if c >= common:
            union = size[i] + size[j] - c
            for a in (i, j):
                score[a] = max(score[a], 1024 * c // union)
            if 1024 * c >= round(1024 * similarity) * union:
                links.append((i, j))
    return [g for g in components(range(accounts), links) if len(g) >= smallest], score


def cliques(rows, accounts, window, npmi, overlap, common, pseudo_count, inclusion, items, smallest, cap, log):
    """``log(n)``: logarithm in 1/65536."""
    pairs, size, total = common_targets(rows, accounts, False, window, cap, common)
    links, score = [], [0] * accounts
    for (i, j), c in pairs.items():
        if c >= common and 1024 * c >= round(1024 * overlap) * min(size[i], size[j]):
            shared = log(c) + log(total) - log(size[i] + pseudo_count) - log(size[j] + pseudo_count)
            rarity = max(log(total) - log(c), 1)
            for a in (i, j):
                score[a] = max(score[a], shared * 1024 // rarity)
            if shared * 1024 >= round(1024 * npmi) * rarity:
                links.append((i, j))
    chose = {a: {t for t, who in first_steps(rows, False).items() if a in who} for a in range(accounts)}
    out = []
    for group in components(range(accounts), links):
        while True:
            count = {}
            for a in group:
                for t in chose[a]:
                    count[t] = count.get(t, 0) + 1
            held = {
                t for t, n in count.items()
                if 1024 * n >= round(1024 * inclusion) * len(group) and n >= min(len(group), 4)
            }  # fmt: skip
            stays = {a for a in group if 1024 * len(chose[a] & held) >= round(1024 * inclusion) * len(held)}
            if len(held) < items or len(group) < smallest:
                stays = set()
            if stays == group:
                break
            group = stays
        if group:
            out.append(frozenset(group))
    return out, score


def edge_weights(edges, log):
    """Weight of an edge at each item, 1 / log(d + 5) in 1/65536."""
    degree = {}
    for _, item in edges:
        degree[item] = degree.get(item, 0) + 1
    return {item: round(2**32 / log(d + 5)) for item, d in degree.items()}


def density(edges, weight, accounts, items):
    """(f(S), |S|)."""
    return sum(weight[i] for a, i in edges if a in accounts and i in items), len(accounts) + len(items)


def peeled(edges, log):
    """Accounts and items of the best prefix of greedy peeling."""
    weight = edge_weights(edges, log)
    left = [(0, a) for a in sorted({a for a, _ in edges})] + [(1, i) for i in sorted({i for _, i in edges})]

    def sets(nodes):
        return {n for side, n in nodes if side == 0}, {n for side, n in nodes if side == 1}

    best, (top, size) = list(left), density(edges, weight, *sets(left))
    while len(left) > 1:
        accounts, items = sets(left)
        mine = {
            (side, n): sum(weight[i] for a, i in edges if (a if side == 0 else i) == n and a in accounts and i in items)
            for side, n in left
        }
        left.remove(min(left, key=lambda node: (mine[node], node)))
        f, n = density(edges, weight, *sets(left))
        if f * size > top * n:
            best, top, size = list(left), f, n
    return sets(best)


def trust(edges, accounts, seeds, steps, total=1 << 40):
    """Integers that start at the seeds and walk account, item, account; remainders to the first neighbours."""
    of_account = {a: sorted(i for b, i in edges if b == a) for a in range(accounts)}
    of_item = {i: sorted(a for a, j in edges if j == i) for i in {i for _, i in edges}}

    def give(amounts, near):
        out = {}
        for node, amount in amounts.items():
            for k, other in enumerate(near[node]):
                out[other] = out.get(other, 0) + amount // len(near[node]) + (k < amount % len(near[node]))
        return out

    have = {a: total // len(seeds) + (k < total % len(seeds)) for k, a in enumerate(sorted(seeds))}
    for _ in range(steps):
        have = give(give(have, of_account), of_item)
    return [have.get(a, 0) for a in range(accounts)]


def account_rate(rows, accounts, created, age_steps, day_steps):
    most = [0] * accounts
    for a in range(accounts):
        days = {}
        for actor, _, action, step in rows:
            if actor == a and action in ACTS and step - created[a] < age_steps:
                days[step // day_steps] = days.get(step // day_steps, 0) + 1
        most[a] = max(days.values(), default=0)
    return most


def noise(inauthentic, population, number, which, recall, false_positive_rate, key):
    out = []
    for bad, home, n in zip(inauthentic, population, number, strict=True):
        u = reference.unit(reference.draws(n, which, home, 0, 71, key)[0])
        out.append(bool(u < reference.F(recall if bad else false_positive_rate)))
    return out
