"""People look: pick a slate lazily from scores, walk down it, respond, count.

One call handles a range of visits. A visit writes only rows of its own person and the tallies of its own thread.
Slots are chosen and answered in chunks of sixteen so that draws and responses run as vector code; what a person
would do with an item is a fixed potential outcome, so answering a slot she never reaches changes nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.fatigue import hide_author
from recsim.kernels.flags import KERNEL
from recsim.kernels.mathf import log32
from recsim.kernels.philox import draw_lanes, unit_of
from recsim.kernels.response import CHUNK, TYPICAL_SAME, TYPICAL_WATCH, WORN, answers, learned_from, leaving
from recsim.kernels.shown import memory_row, remember
from recsim.kernels.slate import LOWEST, has_seen, is_new, sortable, turn_of, word_of

ENTRY_SLOTS = 5
TRIES = 4
DELIBERATE = 4 | 8 | 16 | 32 | 256
"""Actions that a detector of coordination may read: like, comment, share, follow, report."""
POSITIVE = 4 | 16 | 32
"""What a policy learns from unless it names its own signals: like, share, follow. Comments can be hostile, and most views
are watched on. Bits are as in `recsim.state.ACTIONS`, but the first one (view) is a quick skip."""
F = np.float32
U64 = np.uint64
D_SLOT, D_WOULD, D_LOOK = U64(2), U64(4), U64(5)
INTEREST, EXPLORATION, INBOX, SEARCH, EXTERNAL, SPONSORED, HEATED = 0, 4, 5, 6, 7, 9, 10
SHORT_OF_ACTS = 3
"""Bits of an impression without any act: skipped, watched to the end."""


@njit(**KERNEL)
def look_block(
    first, last, thread, scores, visits, pools, latent, cells, observed, items, position, proof, eligible,
    top_comment, reaction, population, key0, key1, step, first_person, window_start, tally,
):  # fmt: skip
    """Visits ``first`` to ``last - 1`` choose, look and respond.

    Args:
        first, last: range of visits.
        thread: row of the tallies to write.
        scores: (B, P+M) float32, row ``visit - first``: pool positions, then inbox; overwritten.
        visits, pools: see `recsim.kernels.slate`; an advertisement takes the first place of its visit.
        latent, cells, observed, items: groups of `recsim.state`; the person's own rows of ``observed`` are written.
        position: (C, 2) float32, political position of candidates.
        proof: (W,) float32, utility of what is shown beside window items: likes at the start of the step, labels.
        eligible: (W,) bool, whether a gate lets the item be ranked.
        top_comment: (I, 2) int8.
        reaction: see `recsim.kernels.response`.
        population: uint64, hash of the people's population key.
        key0, key1: uint64, Philox key.
        step: uint64.
        first_person: uint64, number of the person in row 0: draws are by number, arrays by row.
        window_start: number of the oldest live item.
        tally: sums, row ``thread`` written; ``tally.reached``, ``tally.met`` and, where they are kept,
            ``tally.impressions`` at the person's own row. Where somebody weighs events, ``tally.valued`` takes them
            times ``observed.weight``, by ``observed.group``. A hide is remembered in ``observed.hidden_author`` where
            there is room. Where a policy
            learns from interactions, each like, share or follow is one entry of ``tally.engaged``; where it has
            named signals of its own, each impression with one of them is an entry, negative if any of them is. And
            ``tally.context`` holds by item the sums of a, a^2 and a x (liked or not) over impressions, where a is the
            person's known interest in the item in units of 1/1024: integers, so that their order cannot matter.
    """
    labels = items.labels
    pool_size = pools.item.shape[1]
    width = pool_size + reaction.inbox
    topics = latent.taste.shape[1]
    blocks = (width + CHUNK - 1) // CHUNK
    code = np.full(blocks * CHUNK, LOWEST, np.int64)
    block_best = np.empty(blocks, np.int64)
    word = np.empty(pool_size, np.uint64)
    bit = np.empty(pool_size, np.uint64)
    shut = np.empty(pool_size, np.uint64)
    known_stratum = -1
    hidden = np.empty(width, np.uint64)
    item = np.zeros(CHUNK, np.int64)
    source = np.zeros(CHUNK, np.int64)
    repeat = np.zeros(CHUNK, np.float32)
    about_what = np.empty(CHUNK, np.uint32)
    by_slot = np.empty((4, CHUNK), np.uint32)
    would = np.empty((4, CHUNK), np.uint32)
    looks = np.empty((4, CHUNK), np.uint32)
    utility = np.empty(CHUNK, np.float32)
    known = np.empty(CHUNK, np.float32)
    acts = np.empty(CHUNK, np.int32)
    parts = np.empty(CHUNK, np.float32)
    odds = np.empty(CHUNK, np.float32)
    topic = np.empty((topics, CHUNK), np.float32)
    change = np.empty(topics, np.float32)
    worn = np.empty(topics, np.float32)
    met = np.zeros(position.shape[0], np.int64)
    of_topic = np.zeros(topics, np.int64)
    moment = step << U64(16)
    keeps_hidden = observed.hidden_author.shape[1] > 0
    keeps_log = tally.context.shape[1] > 0
    keeps_values = tally.signals.shape[0] > 0
    positive = np.int64(POSITIVE)
    negative = np.int64(0)
    if keeps_values:
        positive, negative = tally.signals[0], tally.signals[1]
    weighs = tally.valued.shape[1] > 0
    keeps_acts = tally.acts.shape[1] > 0
    keeps_impressions = tally.impressions.shape[0] > 0
    sells = visits.ad.shape[0] > 0
    memory = observed.seen
    words = memory.shape[1]
    turn = turn_of(window_start, words)
    paged = observed.pages.last.shape[0] > 0
    for visit in range(first, last):
        line = visit - first
        person = visits.person[visit]
        row = np.int64(person)
        if paged:
            row = memory_row(observed, person)
        stratum = visits.stratum[visit]
        actor = first_person + U64(person)
        ad = np.int64(visits.ad[visit]) if sells else np.int64(-1)
        # An advertisement comes again to whoever has seen it; what she did with it is not done a second time.
        again = ad >= 0 and has_seen(memory, row, ad)
        # What has been shown before, or is held back by a gate, is taken out once; the rest competes.
        if stratum != known_stratum:
            known_stratum = stratum
            for column in range(pool_size):
                w = np.int64(pools.item[stratum, column]) - window_start
                shut[column] = U64(w < 0 or not eligible[w])
                i = max(w, 0) + window_start
                word[column] = U64(word_of(i, turn, words))
                bit[column] = U64(i & 63)
        for column in range(pool_size):
            hidden[column] = ((memory[row, word[column]] >> bit[column]) & U64(1)) | shut[column]
        for column in range(pool_size, width):
            i = max(np.int64(observed.inbox[person, column - pool_size]), window_start)
            hidden[column] = (memory[row, word_of(i, turn, words)] >> U64(i & 63)) & U64(1)
        for column in range(width):
            c = sortable(scores[line, column], column)
            code[column] = LOWEST if hidden[column] != U64(0) else c
        for b in range(blocks):
            top = LOWEST
            for column in range(b * CHUNK, (b + 1) * CHUNK):
                top = max(top, code[column])
            block_best[b] = top
        for candidate in range(met.shape[0]):
            met[candidate] = 0
        for d in range(topics):
            of_topic[d] = 0
            change[d] = F(0.0)
            worn[d] = F(0.0)
        mood = F(0.0)
        segment = cells.segment[person]
        language = cells.language[person]
        politics = latent.politics[person]
        susceptibility = latent.susceptibility[person]
        bias = latent.bias[person]
        entry_next = 0
        tried = 0
        examined = 0
        gained = 0
        alike = 0
        gone = False
        tally.feed[thread, 0] += 1
        for start in range(0, reaction.slate, CHUNK):
            wanted = min(CHUNK, reaction.slate - start)
            lanes = (wanted + 7) & ~7
            for slot in range(lanes):
                about_what[slot] = np.uint32(start + slot)
            draw_lanes(actor, about_what, lanes, population, moment | D_SLOT, key0, key1, by_slot)
            chosen = 0
            for slot in range(wanted):
                pick = np.int64(-1)
                origin = INTEREST
                if ad >= 0 and start + slot == 0:
                    pick = ad
                    origin = SPONSORED
                if pick < 0 and visits.entry[visit] > 0 and start + slot < ENTRY_SLOTS:
                    about = visits.about[visit]
                    while entry_next < pools.entry_count[about]:
                        i = np.int64(pools.entry[about, entry_next])
                        entry_next += 1
                        if i >= window_start and is_new(memory, row, i, item, chosen, turn):
                            pick = i
                            origin = SEARCH if visits.entry[visit] == 1 else EXTERNAL
                            break
                if pick < 0 and U64(by_slot[3, slot]) < reaction.heating and pools.heated_count[stratum] > 0:
                    # The word is spread evenly below the share, so it also says which item.
                    number = U64(pools.heated_count[stratum])
                    spot = (U64(by_slot[3, slot]) * number) // reaction.heating
                    for _ in range(TRIES):
                        i = np.int64(pools.heated[stratum, np.int64(spot)])
                        if i >= window_start and is_new(memory, row, i, item, chosen, turn):
                            pick = i
                            origin = HEATED
                            break
                        spot = (spot + U64(1)) % number
                if pick < 0 and unit_of(by_slot[0, slot]) < reaction.exploration and pools.fresh_count[stratum] > 0:
                    number = U64(pools.fresh_count[stratum])
                    spot = (U64(by_slot[1, slot]) * number) >> U64(32)
                    for _ in range(TRIES):
                        i = np.int64(pools.fresh[stratum, np.int64(spot)])
                        if i >= window_start and is_new(memory, row, i, item, chosen, turn):
                            pick = i
                            origin = EXPLORATION
                            break
                        spot = (spot + U64(1)) % number
                while pick < 0:
                    top = LOWEST
                    for b in range(blocks):
                        top = max(top, block_best[b])
                    if top == LOWEST:
                        break
                    column = np.int64(0xFFFF) - (top & np.int64(0xFFFF))
                    code[column] = LOWEST
                    at = column // CHUNK
                    top = LOWEST
                    for other in range(at * CHUNK, (at + 1) * CHUNK):
                        top = max(top, code[other])
                    block_best[at] = top
                    if column < pool_size:
                        i = np.int64(pools.item[stratum, column])
                        origin = np.int64(pools.source[stratum, column])
                    else:
                        i = np.int64(observed.inbox[person, column - pool_size])
                        origin = INBOX
                    # An item can stand in the pool and in the inbox: the second time it may have been shown just now. This is
                    # `is_new` written out: handing arrays to a helper counts references to them, an atomic write for each.
                    fresh = (memory[row, word_of(i, turn, words)] >> U64(i & 63)) & U64(1) == U64(0)
                    for other in range(chosen):
                        fresh = fresh & (item[other] != i)
                    if fresh:
                        pick = i
                if pick < 0:
                    break
                item[slot] = pick
                source[slot] = origin
                candidate = labels.candidate[pick]
                repeat[slot] = F(0.0)
                if candidate >= 0:
                    repeat[slot] = F(met[candidate])
                    met[candidate] += 1
                chosen += 1
            if chosen == 0:
                tried += 1
                tally.feed[thread, 2] += 1
                break
            lanes = (chosen + 7) & ~7
            for slot in range(chosen, lanes):
                item[slot] = item[0]
                repeat[slot] = F(0.0)
            # Potential outcomes of the chunk. Lanes past `chosen` repeat lane 0 and are never used.
            for slot in range(lanes):
                about_what[slot] = items.key[item[slot]]
            draw_lanes(actor, about_what, lanes, population, D_WOULD, key0, key1, would)
            draw_lanes(actor, about_what, lanes, population, D_LOOK, key0, key1, looks)
            for slot in range(lanes):
                i = item[slot]
                for d in range(topics):
                    topic[d, slot] = items.topic[i, d]
                value = reaction.quality * items.quality[i] + reaction.emotion * susceptibility * items.emotion[i]
                value = value + proof[i - window_start]
                value = value - reaction.repetition * repeat[slot] - reaction.typical_utility
                if labels.language[i] != language:
                    value = value - reaction.language_mismatch
                candidate = labels.candidate[i]
                if candidate >= 0:
                    dx = latent.position[person, 0] - position[candidate, 0]
                    dy = latent.position[person, 1] - position[candidate, 1]
                    closeness = F(1.0) - (dx * dx + dy * dy)
                    value = value + reaction.closeness * politics * F(labels.stance[i]) * closeness
                if reaction.position_bias != F(0.0):
                    value = value - reaction.position_bias * (log32(F(start + slot + 1)) - reaction.typical_rank)
                utility[slot] = value
                known[slot] = F(0.0)
            for d in range(topics):
                wants = reaction.affinity * latent.taste[person, d]
                guess = observed.estimate[person, d]
                for slot in range(lanes):
                    utility[slot] += wants * topic[d, slot]
                    known[slot] += guess * topic[d, slot]
            if reaction.fatigue != F(0.0):
                for slot in range(chosen):
                    same = F(0.0)
                    for d in range(topics):
                        same += worn[d] * topic[d, slot]
                        worn[d] = WORN * worn[d] + (F(1.0) - WORN) * topic[d, slot]
                    utility[slot] -= reaction.fatigue * (same - TYPICAL_SAME)
            answers(utility, would, looks, bias, reaction, lanes, acts, parts)
            if again and start == 0:
                acts[0] &= SHORT_OF_ACTS
            for slot in range(chosen):
                mood = reaction.memory * mood + (F(1.0) - reaction.memory) * (parts[slot] - TYPICAL_WATCH)
                acted = F(1.0) if acts[slot] & 60 else F(0.0)
                odds[slot] = (
                    reaction.leave - reaction.satisfaction * mood + reaction.stop * (acted - reaction.typical_act)
                )
            leaves = leaving(by_slot, odds, chosen)
            gone = leaves < chosen
            # Down the slate, one position after another, until she leaves.
            reached = min(leaves + 1, chosen)
            for slot in range(reached):
                i = item[slot]
                w = i - window_start
                act = np.int64(acts[slot])
                part = parts[slot]
                tried += 1
                examined += 1
                tally.items[thread, w, 0] += np.int32(1)
                tally.items[thread, w, 9] += np.int32(part * F(1024.0))
                gained += np.int64(utility[slot] * F(1024.0))
                alike += of_topic[items.primary[i]]
                of_topic[items.primary[i]] += 1
                for k in range(1, 9):
                    tally.items[thread, w, k] += np.int32((act >> k) & 1)
                # What the feed itself has not served counts nothing under such a measure.
                found = reaction.served_only and (source[slot] == SEARCH or source[slot] == EXTERNAL)
                worth = np.int64(1024)
                if weighs:
                    worth = np.int64(0 if found else observed.weight[person])
                    mine = tally.valued[thread, w, observed.group[person]]
                    mine[0] += worth
                    mine[9] += worth * np.int64(part * F(1024.0))
                    if act > 1:
                        for k in range(1, 9):
                            mine[k] += worth * ((act >> k) & 1)
                    public = np.int32(((act >> 2) & 1) + ((act >> 3) & 1) + ((act >> 4) & 1) + ((act >> 5) & 1))
                    tally.acted[person] += public
                    tally.lost[person] += public * np.int32(1024 - worth)
                candidate = labels.candidate[i]
                if candidate >= 0:
                    tally.exposure[thread, segment, candidate, labels.stance[i] + 1] += 1
                    tally.provenance[thread, candidate, labels.kind[i], source[slot]] += 1
                    tally.reached[person] |= U64(1) << U64(candidate)
                    tally.met[person] += np.int32(1)
                    if keeps_impressions:
                        tally.impressions[person, candidate, labels.stance[i] + 1] += np.int32(1)
                if act & 64:
                    for place in range(2):
                        named = top_comment[i, place]
                        if named >= 0:
                            tally.comments[thread, segment, named] += 1
                if act & 32:
                    n = tally.follow_count[thread]
                    if n < tally.follow_person.shape[1]:
                        tally.follow_person[thread, n] = person
                        tally.follow_author[thread, n] = items.author[i]
                    tally.follow_count[thread] = n + 1
                if keeps_hidden and act & 128:
                    hide_author(
                        observed.hidden_author[person], observed.hidden_step[person], observed.hidden_next[person],
                        items.author[i], step,
                    )  # fmt: skip
                if keeps_acts and act & DELIBERATE:
                    n = tally.acts_count[thread]
                    tally.acts[thread, n, 0] = person
                    tally.acts[thread, n, 1] = i
                    tally.acts[thread, n, 2] = act
                    tally.acts_count[thread] = n + 1
                if keeps_log:
                    if act & (positive | negative) and not found:
                        n = tally.engaged_count[thread]
                        tally.engaged_person[thread, n] = person
                        tally.engaged_item[thread, n] = i
                        if keeps_values:
                            tally.engaged_value[thread, n] = np.int8(act & negative == 0)
                        tally.engaged_count[thread] = n + 1
                    guess = np.int64(known[slot] * F(1024.0))
                    tally.context[thread, w, 0] += (guess * worth) >> 10
                    tally.context[thread, w, 1] += (guess * guess * worth) >> 10
                    tally.context[thread, w, 2] += ((guess * worth) >> 10) * ((act >> 2) & 1)
                error = learned_from(acts[slot]) - known[slot]
                for d in range(topics):
                    change[d] += error * items.topic[i, d]
            remember(observed, row, person, item, reached, turn)
            if gone:
                break
            if chosen < wanted:
                tried += 1
                tally.feed[thread, 2] += 1
                break
        pace = reaction.learning_rate / (F(1.0) + reaction.learning_rate * F(examined))
        for d in range(topics):
            observed.estimate[person, d] += pace * change[d]
        tally.feed[thread, 1] += tried
        tally.feed[thread, 3] += examined
        tally.well[thread, 0] += gained
        tally.well[thread, 1] += alike
        tally.well[thread, 2] += examined * (examined - 1) // 2
