"""The opinion layer: off it is nothing, at zero it is zero, exchanged it is exchanged, and it rises with the effect."""

from pathlib import Path

import numpy as np
import pytest
import reference
from helpers import changed, frames_of
from hypothesis import assume, given
from hypothesis import strategies as st

from recsim.audit import controls
from recsim.errors import InputError
from recsim.experiment import run
from recsim.opinion.media import coverage, outlet_votes
from recsim.opinion.voting import (
    SUPPORTIVE,
    VOTE,
    Effects,
    Voters,
    expected_votes,
    heard,
    per_impression,
    squared_distance,
    sweep,
    turnout_of,
    vote_shares,
)
from recsim.report import write
from recsim.report.opinion import HEADING
from recsim.report.table import summary_lines
from recsim.scenario import load, parse
from recsim.scenario.dump import _plain
from recsim.scenario.quantity import assumed

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = np.array([0, 0, 1], np.float32)
EVERYBODY = 10.0
"""A radius within which every message counts."""
TABLES = {"opinion", "opinion_media"}


@pytest.fixture(scope="module")
def switched_on(small):
    return changed(small, opinion={"enabled": True, "confidence_radius": assumed(1.2)}, dose=assumed(20.0))


def electorate(people=60, candidates=4, seed=0, turnout=0.5, most=40):
    """Voters around candidates on the unit circle, and impressions."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, candidates)
    place = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    share = rng.dirichlet(np.ones(candidates))
    first = rng.choice(candidates, people, p=share)
    position = (place[first] + 0.4 * rng.normal(size=(people, 2))).astype(np.float32)
    voters = Voters(position, place, np.tile(share, (people, 1)).astype(np.float32), 0.4, turnout)
    return voters, rng.integers(0, most, (people, candidates, 3)).astype(np.int32)


def votes_of(voters, impressions, effects, radius=EVERYBODY, weights=WEIGHTS):
    return expected_votes(voters, heard(voters, impressions, radius), weights, effects)


# ---- formulas ----------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 2**16), st.integers(2, 6), st.floats(0.2, 3), st.floats(0, 5), st.floats(0, 20), st.floats(0, 20),
    st.tuples(*[st.sampled_from([-1.0, 0.0, 0.5, 1.0])] * 3),
)  # fmt: skip
def test_against_the_plain_twin(seed, candidates, radius, persuasion, mobilisation, demobilisation, weights):
    voters, impressions = electorate(30, candidates, seed)
    effects = Effects(persuasion, mobilisation, demobilisation)
    distance = np.sqrt(squared_distance(voters.position.astype(float), voters.place.astype(float)))
    assume((np.abs(distance - radius) > 1e-5).all())  # nobody so near the edge that float32 and float64 could disagree
    got = votes_of(voters, impressions, effects, radius, np.array(weights, np.float32)) / VOTE
    assert got == pytest.approx(reference.expected_votes(voters, impressions, radius, weights, effects), abs=2e-4)


@given(st.floats(0, 49))
def test_a_hundred_impressions_move_one_half_by_the_effect(effect):
    half = Voters(np.zeros((1, 2), np.float32), np.eye(2, dtype=np.float32), np.full((1, 2), 0.5, np.float32), 0.4, 1.0)
    impressions = np.zeros((1, 2, 3), np.int32)
    impressions[0, 0, SUPPORTIVE] = 100
    moved = vote_shares(votes_of(half, impressions, Effects(persuasion_pp=effect)))[0]
    assert 100 * (moved - 0.5) == pytest.approx(effect, abs=1e-4)
    assert per_impression(0.0) == 0


def test_without_effects_shares_are_the_early_polls():
    """Bayes' rule for the way people were placed: the mean of the chances is the share of first preferences."""
    voters, impressions = electorate(200_000, 3, seed=4)
    share = vote_shares(votes_of(voters, impressions, Effects()))
    assert share == pytest.approx(voters.prior[0], abs=0.005)
    assert turnout_of(votes_of(voters, impressions, Effects()), len(voters.position)) == pytest.approx(0.5, abs=1e-6)


def test_a_candidate_without_voters_gets_none():
    voters, impressions = electorate(50, 3)
    prior = np.tile(np.array([0.7, 0.3, 0.0], np.float32), (50, 1))
    votes = votes_of(voters._replace(prior=prior), impressions, Effects(persuasion_pp=5.0))
    assert votes[2] == 0 and votes[:2].sum() == pytest.approx(25 * VOTE, rel=1e-6)


# ---- what must hold whatever the numbers -------------------------------------------------------------------------


@given(st.integers(0, 2**16), st.floats(0, 3))
def test_at_zero_impressions_do_nothing(seed, radius):
    voters, a = electorate(seed=seed)
    _, b = electorate(seed=seed + 1)
    assert np.array_equal(votes_of(voters, a, Effects(), radius), votes_of(voters, b, Effects(), radius))


@given(st.integers(0, 2**16), st.sampled_from(sweep([0, 2.0], [0.4], [0.4])))
def test_radius_zero_lets_nothing_count(seed, effects):
    voters, impressions = electorate(seed=seed)
    none = votes_of(voters, np.zeros_like(impressions), effects, 0.0)
    assert np.array_equal(votes_of(voters, impressions, effects, 0.0), none)
    assert (
        heard(voters, impressions, 0.0).sum() == 0 and heard(voters, impressions, EVERYBODY).sum() == impressions.sum()
    )


@given(st.integers(0, 2**16), st.permutations(range(4)), st.sampled_from(sweep([2.0], [0.4], [0.4])))
def test_exchanging_candidates_exchanges_votes(seed, order, effects):
    voters, impressions = electorate(seed=seed)
    order = list(order)
    other = voters._replace(place=voters.place[order], prior=voters.prior[:, order])
    a = votes_of(voters, impressions, effects)
    b = votes_of(other, impressions[:, order], effects)
    # Only the order of four additions per person differs; the world keeps even that by ordering candidates by key.
    assert np.abs(a[order] - b).max() <= 2 * len(impressions)


@given(st.integers(0, 2**16), st.permutations(range(60)))
def test_the_order_of_people_changes_nothing(seed, order):
    voters, impressions = electorate(seed=seed)
    order = list(order)
    other = voters._replace(position=voters.position[order], prior=voters.prior[order])
    effects = Effects(2.0, 0.4, 0.4)
    assert np.array_equal(votes_of(voters, impressions, effects), votes_of(other, impressions[order], effects))


@given(
    st.integers(0, 2**16), st.integers(0, 3), st.sampled_from(["persuasion_pp", "mobilisation_pp", "demobilisation_pp"])
)
def test_swing_rises_with_the_effect(seed, who, effect):
    """One candidate gets more support (or criticism) than in the other world, everything else alike."""
    voters, without = electorate(seed=seed, most=5)
    more = without.copy()
    more[:, who, 0 if effect == "demobilisation_pp" else SUPPORTIVE] += 50
    swings = []
    for size in (0.0, 0.1, 0.5, 2.0):
        effects = Effects(**{effect: size})
        swings.append(
            vote_shares(votes_of(voters, more, effects))[who] - vote_shares(votes_of(voters, without, effects))[who]
        )
    sign = -1 if effect == "demobilisation_pp" else 1
    assert swings[0] == 0 and (np.diff(sign * np.array(swings)) > 0).all()


def test_only_messages_about_near_candidates_count():
    """A voter hears of the candidate beside her, good and bad, and not of the one across; the edge is outside."""
    place = np.array([[1, 0], [0, 1]], np.float32)
    voters = Voters(np.array([[1, 0], [0, 0]], np.float32), place, np.full((2, 2), 0.5, np.float32), 0.4, 0.5)
    impressions = np.arange(12).reshape(2, 2, 3).astype(np.int32)
    assert heard(voters, impressions, 0.5).tolist() == [[[0, 1, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]
    assert not heard(voters, impressions, 1.0)[1].any() and (heard(voters, impressions, 1.5) == impressions).all()


# ---- the outlet --------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**16), st.integers(0, 3), st.floats(0, 1), st.floats(0, 1))
def test_coverage(seed, lean, position, distortion):
    voters, _ = electorate(seed=seed)
    place = np.float32(position) * voters.place[lean]
    shares = coverage(place, voters, distortion)
    assert shares.sum() == pytest.approx(1, abs=1e-6) and (shares >= 0).all()
    assert coverage(place, voters, 0.0) == pytest.approx(np.full(4, 0.25))
    assert coverage(np.zeros(2, np.float32), voters, 1.0) == pytest.approx(
        np.full(4, 0.25), abs=1e-5
    )  # Hotelling's centre
    if position == 1:
        assert shares[lean] == shares.max()


def test_an_outlet_moves_votes_only_by_distortion_and_reach():
    voters, impressions = electorate(500, 3, seed=2)
    counted = heard(voters, impressions, EVERYBODY)
    place, effects = voters.place[1], Effects(persuasion_pp=2.0)

    def swing(distortion, reach, effects=effects, radius=EVERYBODY):
        shares = coverage(place, voters, distortion)
        with_it = outlet_votes(voters, counted, WEIGHTS, effects, radius, reach, place, shares, 300.0)
        return vote_shares(with_it)[1] - vote_shares(expected_votes(voters, counted, WEIGHTS, effects))[1]

    assert abs(swing(0.0, 1.0)) < 1e-6  # the same for everybody moves nobody between candidates
    assert 0 < swing(0.5, 0.4) < swing(0.5, 0.8) < swing(1.0, 0.8)
    assert swing(1.0, 0.0) == 0 and swing(1.0, 0.8, Effects()) == 0 and swing(1.0, 0.8, radius=0.0) == 0


# ---- in a world --------------------------------------------------------------------------------------------------


def test_off_by_default_and_without_effect_on_anything_else(small):
    off, on = frames_of(small), frames_of(changed(small, opinion={"enabled": True}))
    assert not small.opinion.enabled and not TABLES & set(off) and set(on) == set(off) | TABLES
    assert controls.same(off, {name: frame for name, frame in on.items() if name not in TABLES})


def test_impressions_add_up_to_exposure(switched_on):
    """With every message counted, the supportive impressions are those of the exposure table, in every arm."""
    wide = changed(switched_on, opinion={"confidence_radius": assumed(EVERYBODY)}, run={"luck_branches": 2})
    frames = frames_of(wide)
    e, o = (f.astype({"arm": str, "candidate": str}) for f in (frames["exposure"], frames["opinion"]))
    e = e[(e["arm"] != "shared") & (e["stance"].astype(str) == "supportive")]
    keys = ["arm", "branch", "candidate"]
    counted = o[(o["persuasion_pp"] == 0) & (o["mobilisation_pp"] == 0) & (o["demobilisation_pp"] == 0)]
    assert len(counted) == 2 * 2 * 3
    assert (
        counted.set_index(keys)["supportive_counted"]
        .sort_index()
        .equals(e.groupby(keys)["impressions"].sum().rename("supportive_counted").sort_index())
    )


@pytest.mark.parametrize("control", ["exchanged", "reordered", "threads"])
def test_controls(switched_on, control):
    ok, note = getattr(controls, control)(switched_on)
    assert ok, note


def test_zero_dose_is_bitwise_zero(switched_on):
    frames = frames_of(changed(switched_on, dose=assumed(0.0)))
    o = frames["opinion"]
    arms = [
        o[o["arm"].astype(str) == arm].drop(columns="arm").reset_index(drop=True)
        for arm in ("factual", "counterfactual")
    ]
    assert len(arms[0]) == 30 and arms[0].equals(arms[1])


def test_swing_of_a_run(switched_on, tmp_path):
    """Exactly zero at zero in every replicate; elsewhere of the sign that added support has; reported apart."""
    result = run(changed(switched_on, run={"replicates": 2, "luck_branches": 2}), out=tmp_path / "r", workers=1)
    o = result.frames["opinion"].astype({"arm": str, "candidate": str})
    wide = o.pivot_table(index=["persuasion_pp", "mobilisation_pp", "demobilisation_pp", "replicate", "branch", "candidate"],
                         columns="arm", values=["vote_share", "turnout"])  # fmt: skip
    assert (
        wide.loc[(0.0, 0.0, 0.0)].xs("factual", axis=1, level=1)
        == wide.loc[(0.0, 0.0, 0.0)].xs("counterfactual", axis=1, level=1)
    ).all(axis=None)
    opinion = result.summary["opinion"]
    effects = {(e["effect"], e["effect_pp"]): {row["id"]: row for row in e["candidates"]} for e in opinion["effects"]}
    for effect in ("persuasion", "mobilisation", "demobilisation"):
        assert all(row["swing_pp"] == row["ci_low"] == row["ci_high"] == 0 for row in effects[effect, 0.0].values())
    eva = [effects["persuasion", size]["eva"]["swing_pp"] for size in (0.0, 0.1, 0.5, 2.0)]
    assert opinion["added_exposures"]["eva"] > 0 and 0 < eva[1] < eva[2] < eva[3]
    assert sum(row["swing_pp"] for row in effects["persuasion", 2.0].values()) == pytest.approx(0, abs=1e-9)
    outlet = [effects["persuasion", size]["eva"]["media_swing_pp"] for size in (0.0, 0.1, 0.5, 2.0)]
    assert outlet[0] == 0 and 0 < outlet[1] < outlet[2] < outlet[3]

    write(result)
    page = (result.folder / "report.html").read_text()
    before, _, section = page.partition(f"<h2>{HEADING}</h2>")
    assert "In this model, if one hundred" in section and "Kalla &amp; Broockman 2018" in section
    assert "if one hundred" not in before and before.count('id="opinion"') == 0 and section.count('id="opinion"') == 1
    assert (result.folder / "opinion.parquet").exists() and (result.folder / "figures" / "opinion.svg").exists()
    lines = summary_lines(result)
    assert HEADING in lines and any("Published: Kalla & Broockman 2018" in line for line in lines)
    assert all(len(line) <= 80 for line in lines if "/" not in line)


def test_nothing_is_said_when_it_is_off(small, tmp_path):
    result = run(changed(small, run={"replicates": 2}), out=tmp_path / "r", workers=1)
    write(result)
    assert result.summary["opinion"] is None and HEADING not in summary_lines(result)
    assert HEADING not in (result.folder / "report.html").read_text()
    assert not (result.folder / "opinion.parquet").exists() and not (result.folder / "figures" / "opinion.svg").exists()


# ---- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"persuasion_pp": [0.1, 0.5]}, "got the effect sizes [0.1, 0.5]; they must begin with 0 and rise"),
        ({"mobilisation_pp": [0, 0.4, 0.1]}, "got the effect sizes [0, 0.4, 0.1]; they must begin with 0 and rise"),
        ({"demobilisation_pp": []}, "got the effect sizes []; they must begin with 0 and rise"),
        ({"persuasion_pp": [0, 50]}, "got 50, must be in [0, 49]"),
        ({"persuasion_pp": [0, {"value": 1, "range": [0, 2]}]}, "got an effect size with a range"),
        ({"stances": {"critical": -2}}, "got -2, must be in [-1, 1]"),
        ({"media": {"reach": 1.4}}, "got 1.4, must be in [0, 1]"),
        ({"media": {"reech": 0.4}}, "did you mean 'reach'?"),
        ({"enabled": True, "persuasion_pp": [0], "mobilisation_pp": [0], "demobilisation_pp": [0]}, "got no effect size above 0"),
    ],
)  # fmt: skip
def test_bad_settings(small, setting, message):
    with pytest.raises(InputError) as error:
        parse({**_plain(small), "opinion": setting})
    assert message in str(error.value) and "opinion" in str(error.value) and "\n" not in str(error.value)


def test_it_is_switched_on_from_the_command_line():
    scenario = load(ROOT / "configs" / "small.yaml", ["opinion.enabled=true", "opinion.persuasion_pp=[0, 1]"])
    assert scenario.opinion.enabled and [q.value for q in scenario.opinion.persuasion_pp] == [0, 1]
    assert not load(ROOT / "configs" / "romania.yaml").opinion.enabled
