"""Plain twins of the kernels, written from the formulas and not from the compiled code.

Python integers and lists; float32 only where a comparison with a draw must see the same number.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.kernels.mathf import exp32, log32, sigmoid32

F = np.float32
MASK = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 as published: ten rounds, Weyl key schedule."""
    c, k = list(counter), list(key)
    for _ in range(10):
        hi0, lo0 = divmod(0xD2511F53 * c[0], 1 << 32)
        hi1, lo1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return tuple(c)


def unit(word):
    return F(word >> 8) * F(2.0**-24)


def draws(actor, obj, population, step, decision, key):
    return philox((int(actor), int(obj), int(population), (int(step) << 16) | decision), (int(key[0]), int(key[1])))


def visits(order, stratum, region, rates, preference, factor, search, external, standing, population, key, step):
    out = []
    for person in order:
        a, b, c, d = draws(person, 0, population, step, 1, key)
        if unit(a) >= F(1) - exp32(-(rates[person] * factor[region[person]])):
            continue
        entry = 1 if unit(b) < search else 2 if unit(b) < search + external else 0
        about = preference[person]
        if unit(d) < F(0.5):
            about = next((c_ for c_ in range(len(standing) - 1) if unit(c) < standing[c_]), len(standing) - 1)
        out.append((person, stratum[person], entry, about))
    return out


def gumbel(word):
    return -log32(-log32(unit(word) + F(5.9604644775390625e-08)))


def largest(scores, wanted):
    """Places of the largest scores, ties to the smaller place."""
    return sorted(sorted(scores, key=lambda w: (-scores[w], w))[:wanted])


def noisy(values, keys, obj, noise, population, key, step):
    """A value each and noise x Gumbel, drawn by the item's key; by window place."""
    return {
        w: F(value + noise * gumbel(draws(keys[w], obj, population, step, 6, key)[0])) for w, value in values.items()
    }


def trending(heat, unit_, eligible, keys, noise, population, key, step):
    """Window places of eligible items, most recent engagement first, ties to the smaller place; ``unit_``: engagements of
    one real item that 1 stands for.
    """
    logs = {w: log32(F(1) + F(unit_) * F(heat[w])) for w in range(len(eligible)) if eligible[w]}
    scores = noisy(logs, keys, 0xFFFF, noise, population, key, step)
    return sorted(scores, key=lambda w: (-scores[w], w))


def by_language(language, wanted, languages):
    """Window places of the wanted items, a list for each language."""
    return [[w for w in range(len(wanted)) if wanted[w] and language[w] == one] for one in range(languages)]


def by_topic(places, first, second, topics):
    """Places whose item has the topic as first or second, a list for each topic."""
    return [[w for w in places if d in (first[w], second[w])] for d in range(topics)]


def search_results(candidate, places, heat, sought, most):
    """Window places for a search about a candidate: hers and those picked after such searches, most engagement first, then
    the newest.
    """
    found = {w: F(heat[w] + sought[1][w]) for w in places if sought[0][w] == candidate or sought[1][w] > 0}
    return sorted(found, key=lambda w: (-found[w], -w))[:most]


def drawn(places, wanted, taken, rounds, stratum, first, population, key, step):
    """Up to ``wanted`` of ``places`` that are not taken, each draw one of all of them, four draws a round."""
    out = []
    for place in range(first, first + rounds):
        if len(out) >= min(wanted, len(places)):
            break
        for word in draws(stratum, place, population, step, 12, key):
            w = places[(word * len(places)) >> 32]
            if len(out) < wanted and w not in taken and w not in out:
                out.append(w)
    return out


def pool(stratum, cell, quotas, size, trial_size, value, open_, trial, trends, items, population, key, step):
    """One whole pool and its items under trial.

    Args:
        cell: language, topic and region of the stratum, -1 for none. quotas: `recsim.kernels.retrieval.Quotas`.
        open_, trial: window places by language. trends: window places, best first, in all languages. items: window items: keys, languages, regions, first
            and second topics.

    Returns:
        Source by window place, and window places under trial in the order drawn.
    """
    language, topic, region = cell
    keys, languages, regions, first, second = items
    ranked = open_[language] if topic < 0 else [w for w in open_[language] if topic in (first[w], second[w])]
    chosen = {}
    for wanted, places, source in (
        (quotas.interest, ranked, 8 if topic < 0 else 0),
        (quotas.regional, [w for w in open_[language] if regions[w] == region], 3),
    ):
        free = {w: value[w] for w in places if w not in chosen}
        scores = noisy(free, keys, stratum, quotas.noise, population, key, step) if wanted else {}
        chosen |= dict.fromkeys(largest(scores, min(wanted, size - len(chosen))), source)

    # A region's people are served in their language, everybody else in all.
    best = [w for w in trends if region < 0 or languages[w] == language][: 2 * quotas.trending]
    fits = [w for w in best if w not in chosen]
    chosen |= dict.fromkeys(fits[: min(quotas.trending, size - len(chosen))], 1)
    all_ = sorted(w for places in open_ for w in places) if region < 0 else open_[language]
    left = min(size, len(all_)) - len(chosen)
    found = drawn(all_, left, chosen, 4 * size, stratum, 0, population, key, step) if left > 0 else []
    chosen |= dict.fromkeys(found, 2)
    fresh = drawn(trial[language], trial_size, {}, 4 * trial_size, stratum, 1 << 20, population, key, step)
    return chosen, fresh


def count(events, candidate, total, human, by_candidate, start, end, length):
    """Totals after folding events[t][w][action]; comments' places are tested apart.

    Returns:
        Watch time in 2^-14 s, of lengths to the nearest 1/16 s.
    """
    watched = 0
    for item in range(start, end):
        summed = events[:, item - start].sum(axis=0)
        if summed[0] == 0:
            continue
        total[item] += summed
        human[item] += summed[[0, 2]]
        by_candidate[candidate[item] if candidate[item] >= 0 else -1] += summed
        watched += int(summed[9]) * math.floor(16 * float(length[item]) + 0.5)
    return watched


def well(visits, primary):
    """Utility in 1/1024, pairs of one visit with the same main topic, all pairs; from `look`'s results by visit."""
    utility = alike = pairs = 0
    for shown, _, _ in visits:
        topics = [int(primary[row[0]]) for row in shown]
        utility += sum(int(F(row[4]) * F(1024)) for row in shown)
        alike += sum(a == b for k, a in enumerate(topics) for b in topics[:k])
        pairs += sum(1 for k in range(len(topics)) for _ in range(k))
    return [utility, alike, pairs]


def impressions(visits, persons, labels, shape):
    """Impressions by person, candidate and stance (critical, neutral, supportive); from `look`'s results by visit."""
    out = np.zeros(shape, int)
    for person, (shown, _, _) in zip(persons, visits, strict=True):
        for row in shown:
            if labels.candidate[row[0]] >= 0:
                out[person, labels.candidate[row[0]], labels.stance[row[0]] + 1] += 1
    return out


def expected_votes(voters, impressions, radius, weights, effects):
    """Expected votes of each candidate, person by person in double precision, from the formulas of docs/opinion.md."""
    votes = [0.0] * len(voters.place)
    e = effects.persuasion_pp / 100
    b = math.log((1 + 2 * e) / (1 - 2 * e)) / 100
    for i, x in enumerate(voters.position.astype(float)):
        weight, turnout = [], []
        for c, y in enumerate(voters.place.astype(float)):
            n = [int(k) if math.dist(x, y) < radius else 0 for k in impressions[i, c]]
            near = -((x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2) / (2 * voters.spread**2)
            weight.append(
                float(voters.prior[i, c]) * math.exp(near + b * sum(w * k for w, k in zip(weights, n, strict=True)))
            )
            moved = (effects.mobilisation_pp * n[2] - effects.demobilisation_pp * n[0]) / 1e4
            turnout.append(min(1.0, max(0.0, voters.turnout + moved)))
        for c in range(len(votes)):
            votes[c] += weight[c] / sum(weight) * turnout[c]
    return votes


def top_comments(abouts, item_key, population, key):
    """Whom the two top comments of an item name: reservoir sampling, comment after comment."""
    top = [-1, -1]
    for ordinal, about in enumerate(abouts):
        place = ordinal
        if ordinal >= 2:
            place = draws(item_key, ordinal, population, 0, 11, key)[0] * (ordinal + 1) >> 32
        if place < 2:
            top[place] = about
    return top


def passes(value, threshold, slope, hard, item_key, stage, population, key):
    """Whether an item that has filled its pool is promoted."""
    if hard:
        return value >= threshold
    return unit(draws(item_key, stage, population, 0, 7, key)[0]) < sigmoid32(slope * (value - threshold))


def retrieval_value(score, ratio, age_h, half_life_h):
    """The score, or for ratios its logarithm less ln 2 for each half-life of age."""
    return log32(max(score, F(1e-12))) - F(math.log(2)) / half_life_h * age_h if ratio else score


def demoted(score, factor):
    """A score that is lowered by a factor below 1, also where it is negative."""
    return score * factor if score >= 0 or factor == 1 else score / max(factor, F(1e-6))


def logit_rate(events, views, base, prior, cap):
    rate = min((events + prior) / (views + prior / base), cap * base, 0.95)
    return math.log(rate / (1 - rate))


def soft_threshold(values, slope, share):
    """Root of mean logistic = share, by a fine bisection in double precision."""
    low, high = min(values) - 20 / slope, max(values) + 20 / slope
    for _ in range(200):
        middle = (low + high) / 2
        mean = sum(1 / (1 + math.exp(-slope * (v - middle))) for v in values) / len(values)
        low, high = (middle, high) if mean > share else (low, middle)
    return (low + high) / 2


def poisson(u, rate):
    """Inversion of one uniform, as the campaigns use it."""
    term = exp32(F(-rate))
    edge, n = term, 0
    while u >= edge and n < 64:
        n += 1
        term = term * F(rate) / F(n)
        edge = edge + term
    return n


def look(visit, scores, w_):
    """One person's visit, slot by slot. ``w_`` is the world's arrays by name; state is changed in place.

    Returns:
        List of (item, source, set of actions, watched share, utility) for each examined slot, and whether the feed ran dry.
    """
    person, stratum = int(w_["visits"].person[visit]), int(w_["visits"].stratum[visit])
    items, labels, r, pools = w_["items"], w_["items"].labels, w_["reaction"], w_["pools"]
    latent, observed, start, key = w_["latent"], w_["observed"], w_["window_start"], w_["key"]
    seen, size = w_["seen"][person], pools.item.shape[1]
    ranked = []
    for column, score in enumerate(scores):
        inside = column < size
        i = int(pools.item[stratum, column]) if inside else int(observed.inbox[person, column - size])
        if i < start or score == -np.inf or (inside and not w_["eligible"][i - start]) or i in seen:
            continue
        ranked.append((-score, column, i, int(pools.source[stratum, column]) if inside else 5))
    ranked.sort(key=lambda row: row[:2])
    entry = int(w_["visits"].entry[visit])
    about = int(w_["visits"].about[visit])
    results = [int(i) for i in pools.entry[about, : pools.entry_count[about]]] if entry else []
    shown, met, left, served = [], {}, False, []
    ad = int(w_["visits"].ad[visit]) if len(w_["visits"].ad) else -1
    again = ad in seen
    worn, mood = [F(0)] * latent.taste.shape[1], F(0)
    for slot in range(int(r.slate)):
        if slot % 16 == 0:
            chunk: list[int] = []
        words = draws(person, slot, w_["population"], w_["step"], 2, key)
        pick = (ad, 9) if ad >= 0 and slot == 0 else None
        if pick is None and entry and slot < 5:
            while results and pick is None:
                i = results.pop(0)
                if i >= start and i not in seen and i not in chunk:
                    pick = (i, 6 if entry == 1 else 7)
        heated, share = int(pools.heated_count[stratum]), int(r.heating)
        if pick is None and int(words[3]) < share and heated:
            for k in range(4):
                i = int(pools.heated[stratum, (int(words[3]) * heated // share + k) % heated])
                if i >= start and i not in seen and i not in chunk:
                    pick = (i, 10)
                    break
        fresh = int(pools.fresh_count[stratum])
        if pick is None and unit(words[0]) < r.exploration and fresh:
            for k in range(4):
                i = int(pools.fresh[stratum, ((words[1] * fresh >> 32) + k) % fresh])
                if i >= start and i not in seen and i not in chunk:
                    pick = (i, 4)
                    break
        while pick is None and ranked:
            _, _, i, source = ranked.pop(0)
            if i not in chunk and i not in served:
                pick = (i, source)
        if pick is None:
            return shown, True, False
        item, source = pick
        chunk.append(item)
        served.append(item)
        c = int(labels.candidate[item])
        repeat = met.get(c, 0) if c >= 0 else 0
        met[c] = met.get(c, 0) + 1
        value = r.quality * items.quality[item] + r.emotion * latent.susceptibility[person] * items.emotion[item]
        value = value + r.social_proof * w_["social"][item - start]
        value = value - r.repetition * F(repeat) - r.typical_utility
        if labels.language[item] != w_["cells"].language[person]:
            value = value - r.language_mismatch
        if c >= 0:
            dx, dy = latent.position[person] - w_["position"][c]
            value = value + r.closeness * latent.politics[person] * F(labels.stance[item]) * (
                F(1) - (dx * dx + dy * dy)
            )
        if r.position_bias:
            value = value - r.position_bias * (log32(F(slot + 1)) - r.typical_rank)
        for d in range(latent.taste.shape[1]):
            value = value + (r.affinity * latent.taste[person, d]) * items.topic[item, d]
        if r.fatigue:
            same = F(0)
            for d, t in enumerate(items.topic[item]):
                same = same + worn[d] * t
                worn[d] = F(0.8) * worn[d] + (F(1) - F(0.8)) * t
            value = value - r.fatigue * (same - F(0.3))
        would = [unit(x) for x in draws(person, items.key[item], w_["population"], 0, 4, key)]
        look_ = [unit(x) for x in draws(person, items.key[item], w_["population"], 0, 5, key)]
        skips = look_[2] < sigmoid32(r.skip + -r.skip_slope * value)
        mean = r.watched_mean * exp32(r.watched_slope * value)
        part = F(0.1) * look_[3] if skips else min(F(1), -log32(F(1) - look_[3]) * mean)
        actions = {"skip"} if skips else set()
        if not skips:
            if part >= 1:
                actions.add("complete")
            for u, name in zip(would, ("like", "comment", "share", "follow"), strict=True):
                bias = getattr(r, name) + latent.bias[person]
                if u < sigmoid32(bias + r.act_slope * value):
                    actions.add(name)
        if look_[0] < sigmoid32(r.open_comments + r.open_slope * value):
            actions.add("open_comments")
        p_report = sigmoid32(r.report + -r.hide_slope * value)
        p_hide = sigmoid32(r.hide + -r.hide_slope * value)
        if look_[1] < p_report:
            actions.add("report")
        elif look_[1] < p_report + p_hide:
            actions.add("hide")
        if again and slot == 0:
            actions &= {"skip", "complete"}
        shown.append((item, source, actions, float(part), value))
        seen.add(item)
        mood = r.memory * mood + (F(1) - r.memory) * (part - F(0.45))
        acted = F(1) if actions & {"like", "comment", "share", "follow"} else F(0)
        odds = r.leave - r.satisfaction * mood + r.stop * (acted - r.typical_act)
        if unit(words[2]) < sigmoid32(odds):
            left = True
            break
    return shown, False, left


def best_entries(row, size, items, seen, eligible, start, most):
    """The best entries of one visit: (column, item, score), best first, and columns of items that stand there better.

    Args:
        row: scores. size: places of the pool. items: item of each column. seen: set of items. eligible: by window place.
    """
    competing = []
    for column, score in enumerate(row):
        i = int(items[column])
        if score == -np.inf or i < start or i in seen or (column < size and not eligible[i - start]):
            continue
        competing.append((-float(score), column, i))
    competing.sort()
    taken, twins, known = [], [], set()
    for value, column, i in competing:
        if i in known:
            twins.append(column)
        else:
            known.add(i)
            taken.append((column, i, -value))
    return taken[:most], twins, [column for column, _, _ in taken[most:]]


class Shown:
    """What people have been shown: a set of item numbers each, and nothing else."""

    def __init__(self, people):
        self.items = [set() for _ in range(people)]

    def remember(self, person, item):
        self.items[person].add(item)

    def live(self, person, start, end):
        return {i for i in self.items[person] if start <= i < end}
