"""Draws: known answers, an independent implementation, invariances."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from recsim import rng
from recsim.kernels import normal, philox
from recsim.rng import Decision, Key
from recsim.scenario.realise import philox_word
from recsim.scenario.references import hash32 as scenario_hash

ANSWERS = [
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
WORD = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(("counter", "key", "expected"), ANSWERS)
def test_known_answers(counter, key, expected):
    wanted = tuple(int(w, 16) for w in expected.split())
    assert tuple(int(w) for w in philox.philox4(*map(np.uint64, (*counter, *key)))) == wanted
    assert philox_word(counter, key) == wanted
    assert reference.philox(counter, key) == wanted


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_kernel_equals_twins(counter, key):
    compiled = tuple(int(w) for w in philox.philox4(*map(np.uint64, (*counter, *key))))
    assert compiled == reference.philox(counter, key) == philox_word(counter, key)


@pytest.mark.parametrize("n", [0, 1, 16])
def test_draws_of_neighbouring_actors_equal_single_calls(n):
    population, moment, key = 2**32 - 1, (1655 << 16) | 8, (7, 2**32 - 2)
    for first in (0, 2**32 - n - 1):
        out = np.full(17, -1, np.float32)
        philox.actor_units(first, n, *map(np.uint64, (population, moment, *key)), out)
        words = [reference.philox((first + j, 0, population, moment), key)[0] for j in range(n)]
        assert out[:n].tolist() == [float(reference.unit(word)) for word in words] and (out[n:] == -1).all()


@pytest.mark.parametrize("n", [0, 1, 7, 40])
def test_draws_of_a_row_equal_single_calls(n):
    """With words at both ends of their range; nothing is written past n."""
    g = np.random.default_rng(n)
    obj, high = g.integers(0, 2**32, 41).astype(np.uint32), np.uint64(2**32 - 1)
    obj[:2] = 0, 2**32 - 1
    for actor, moment, key in ((0, 0, (0, 0)), (2**31 - 1, high, (high, high)), (77, (8 << 16) | 900, (3, 1 << 20))):
        out = np.full(41, -1, np.float32)
        philox.draw_units(np.int32(actor), obj, n, np.uint64(moment), *map(np.uint64, key), out)
        wanted = [reference.philox((actor, int(obj[j]), 0, int(moment)), tuple(map(int, key)))[0] for j in range(n)]
        assert out[:n].tolist() == [float(reference.unit(word)) for word in wanted]
        assert (out[n:] == -1).all()
        words = np.full((4, 41), 7, np.uint32)
        population = np.uint64(actor ^ 0xABC)
        philox.draw_lanes(np.uint64(actor), obj, n, population, np.uint64(moment), *map(np.uint64, key), words)
        for j in range(n):
            expected = reference.philox((actor, int(obj[j]), int(population), int(moment)), tuple(map(int, key)))
            assert tuple(words[:, j].tolist()) == expected
            assert philox.unit_of(words[2, j]) == reference.unit(expected[2])
        assert (words[:, n:] == 7).all()


def test_against_an_independent_implementation():
    randomgen = pytest.importorskip("randomgen")
    # Counter and key as one integer each, least significant word first; the counter goes up before the first block.
    counter, key = (6, 7, 8, 9), (10, 11)
    bits = randomgen.Philox(
        counter=sum(c << 32 * n for n, c in enumerate(counter)), key=key[0] | key[1] << 32, number=4, width=32
    )
    raw = [int(v) for v in bits.random_raw(4)]
    ours = reference.philox((7, 7, 8, 9), key)
    assert raw == list(ours)


def test_a_draw_depends_on_its_event_alone():
    key, some = Key(3, 1), np.array([5, 9, 2], np.uint32)
    alone = [rng.words(key, Decision.VISIT, 77, some[n : n + 1], 4, 8)[0] for n in range(3)]
    assert np.array_equal(rng.words(key, Decision.VISIT, 77, some, 4, 8), np.array(alone))
    more = rng.words(key, Decision.VISIT, 77, np.arange(10, dtype=np.uint32), 4, 8)
    assert np.array_equal(more[some], np.array(alone))


@pytest.mark.parametrize("change", [{"seed": 4}, {"replicate": 2}, {"branch": 1}])
def test_keys_separate(change):
    who = np.arange(100, dtype=np.uint32)
    a = rng.words(Key(3, 1), Decision.ACT, 1, who)
    b = rng.words(Key(3, 1)._replace(**change), Decision.ACT, 1, who)
    assert (a != b).mean() > 0.99


def test_decisions_are_distinct_and_fit():
    values = [int(d) for d in Decision]
    assert len(set(values)) == len(values) and max(values) < 1 << 16


def test_step_out_of_range():
    with pytest.raises(ValueError, match="65536"):
        rng.moment(65536, Decision.ACT)


def test_hashes_of_the_two_layers_agree():
    assert all(rng.hash32(t) == scenario_hash(t) for t in ("people", "supply", "a", "ă"))


def test_uniforms_are_uniform():
    u = rng.uniforms(Key(1, 0), Decision.TASTE, 5, np.arange(50_000, dtype=np.uint32))
    assert u.dtype == np.float32 and u.min() >= 0 and u.max() < 1
    assert np.allclose(u.mean(axis=0), 0.5, atol=0.006)
    assert abs(np.corrcoef(u.T) - np.eye(4)).max() < 0.02


def test_normal_quantiles():
    from scipy.stats import norm

    u = (np.arange(1 << 16) / (1 << 16)).astype(np.float32)
    out = np.empty_like(u)
    normal.quantiles(u, out)
    expected = norm.ppf(u.astype(float) + 2.0**-25)
    assert np.allclose(out, expected, rtol=2e-5, atol=2e-5)
