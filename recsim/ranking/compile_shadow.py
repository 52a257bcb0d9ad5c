"""Shadow policies: several sets of parameters scored beside the one that people see, from the same features.

Predicting actions is what scoring costs, and predictions do not depend on a policy's parameters. So the features of
a pair are computed once and every set of parameters is applied to them.
"""

from __future__ import annotations

from recsim.rng import Decision

INBOX_SCRATCH = """\
    inbox_topic = np.empty((item_topic.shape[1], slots), np.float32)
    inbox_rows = np.empty((item_rows.shape[0], slots), np.float32)
    inbox_key = np.empty(slots, np.uint32)
"""


def inbox_lines(who: str, slots: str, topic: str, rows: str, keys: str) -> str:
    """Lines of a loop over visits that lay a person's inbox side by side; the score loop and its shadows share them.

    Args:
        who: name of the person. slots: how many of the inbox. topic, rows, keys: names of the arrays that take it.
    """
    return f"""\
        for j in range({slots}):
            i = max(np.int64(inbox[{who}, j]), window_start)
            {keys}[j] = item_key[i]
            for d in range(item_topic.shape[1]):
                {topic}[d, j] = item_topic[i, d]
            for k in range(item_rows.shape[0]):
                {rows}[k, j] = item_rows[k, i - window_start]
"""


def drawing_lines(row: str) -> str:
    """Lines that draw the feature ``noise`` of n items; ``row``, (n,) or longer, takes it and is called ``drawn`` there."""
    return f"""
    drawn = {row}
    draw_units(number, keys, n, (step << np.uint64(16)) | np.uint64({int(Decision.POLICY_NOISE)}), key0, key1, drawn)"""


def shadow_text(
    settle: str,
    affinity: str,
    lane: str,
    reads: tuple[str, ...],
    values: tuple[str, ...],
    constant: tuple[bool, ...],
    parameters: int,
    product: str,
) -> str:
    """The part of a generated module that scores with many sets of parameters; never compiled unless called.

    Args:
        settle, affinity, lane: lines of the score loop. reads: names of the features. values: expression of each.
        constant: whether it is a figure of the whole platform, the same for all pairs.
        parameters: how many the policy has (at least one). product: multipliers of the score.
    """
    lines = [f"        features[{k}, j] = F({text})" for k, text in enumerate(values) if not constant[k]]
    draws = drawing_lines(f"features[{reads.index('noise')}]") if "noise" in reads else ""
    fill = "\n".join(lines) or "        features[0, j] = F(0.0)"
    given = ", ".join(text if constant[k] else f"features[{k}, j]" for k, text in enumerate(values))
    weights = ", ".join(f"params[k, {n}]" for n in range(parameters))
    return f'''

@njit(**HELPER)
def shadow_fill(person, number, person_language, person_region, estimate, topic, rows, keys, n, in_network, constants, params,
                key0, key1, step, interest, features, out, offset):
    """Scores of n items for every set of parameters: params (K, Q), features (F', n) scratch, out (K, P+M) written from column offset."""
{settle}{affinity}{draws}
    for j in range(n):
        {lane}
{fill}
    for k in range(params.shape[0]):
        p = Parameters({weights}{"," if parameters == 1 else ""})
        for j in range(n):
            f = Features({given}{"," if len(values) == 1 else ""})
            out[k, offset + j] = score_of(f, p){product}


@njit(**KERNEL)
def shadow_block(first, last, person, stratum, estimate, pool_topic, pool_rows, pool_key, pool_count, inbox,
                 item_topic, item_rows, item_key, window_start, person_language, person_region, constants, params,
                 key0, key1, step, first_person, scores):
    """As score_block, with params (K, Q) and scores (B, K, P+M) float32."""
    size = pool_topic.shape[2]
    slots = scores.shape[2] - size
    interest = np.empty(max(size, slots) + 1, np.float32)
    features = np.empty(({len(values)}, max(size, slots) + 1), np.float32)
{INBOX_SCRATCH}    for visit in range(first, last):
        who = person[visit]
        number = first_person + np.uint64(who)
        s = stratum[visit]
        table = scores[visit - first]
        n = np.int64(pool_count[s])
        shadow_fill(who, number, person_language[who], person_region[who], estimate, pool_topic[s], pool_rows[s], pool_key[s],
                    n, False, constants, params, key0, key1, step, interest, features, table, 0)
{inbox_lines("who", "slots", "inbox_topic", "inbox_rows", "inbox_key")}        shadow_fill(who, number, person_language[who], person_region[who], estimate, inbox_topic, inbox_rows, inbox_key, slots,
                    True, constants, params, key0, key1, step, interest, features, table, size)
        for k in range(params.shape[0]):
            for j in range(n, size):
                table[k, j] = LOWEST
            for j in range(slots):
                if inbox[who, j] < window_start:
                    table[k, size + j] = LOWEST
'''
