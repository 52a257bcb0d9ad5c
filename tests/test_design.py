"""Audits with accounts: published values, a toy service in NumPy on which the stated power is the realised one, and bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from PIL import Image
from scipy.stats import nct
from scipy.stats import t as student

from recsim.audit import design_needed as needed
from recsim.audit import design_power as by
from recsim.audit.design import NUMBERS, RULES, design
from recsim.audit.design_published import PUBLISHED, back_test, exact_interval
from recsim.cli import main
from recsim.report.design_figures import detectable_by_accounts, write_figure

MODEL = by.Model(share=0.5, between=0.08, within=0.05, shared=0.05, persistence=0.5)
ROOT = Path(__file__).resolve().parent.parent


# ---- published values ---------------------------------------------------------------------------------------------


def test_accounts_that_find_five_points():
    """The worked answer of the design note: p .5, SDs of 8 and 5 points, 30 items a day; with variances known."""
    found = design(9, 7, 5, normal=True)
    accounts = {row["days"]: row["accounts"] for row in found.needed_accounts}
    assert (accounts[1], accounts[7], accounts[28]) == (109, 54, 44)
    assert needed.accounts_needed(found.aim(), math.inf) == 41  # however long
    student_ = {row["days"]: row["accounts"] for row in design(9, 7, 5).needed_accounts}
    assert (student_[1], student_[7], student_[28]) == (110, 55, 45)


def test_intraclass_correlation_of_a_tenth():
    """172 accounts of an arm, and 38 points with three; items within an account: p (1 - p) (1 - .1) / 100."""
    aim = needed.Aim("arms", by.Model(0.5, math.sqrt(0.1 * 0.25), 0, 0, 0), 100 / 0.9, 0.05, 0.05, 0.8, normal=True)
    assert needed.accounts_needed(aim, 1) == 172
    assert aim.detectable(3, 1) == pytest.approx(0.38, abs=0.005)
    assert aim._replace(normal=False).detectable(3, 1) > 0.5  # Student's t with four degrees of freedom asks for more


@pytest.mark.parametrize("days, floor", [(14, 11.7), (56, 6.3)])
def test_floor_of_before_and_after(days, floor):
    found = design(9, days, 5, compare="before-after", normal=True)
    assert found.floor_accounts_pp == pytest.approx(floor, abs=0.05)
    assert found.mde_pp > found.floor_accounts_pp > 5
    assert next(row for row in found.needed_accounts if row["days"] == days)["accounts"] is None


@pytest.mark.parametrize("accounts, alarm", [(3, 0.10), (20, 0.52), (100, 0.76)])
def test_more_accounts_make_a_wrong_test_surer(accounts, alarm):
    """Published from a simulation: before and after, 14 days, accounts taken as independent."""
    assert design(accounts, 14, 5, compare="before-after").alarm_over_accounts == pytest.approx(alarm, abs=0.02)
    assert design(accounts, 14, 5).alarm_over_accounts == 0.05


@pytest.mark.parametrize("found, of, low, high", [(23, 27, 66, 96), (48, 65, 62, 84)])
def test_intervals_of_independent_items(found, of, low, high):
    assert [100 * x for x in exact_interval(found, of)] == pytest.approx(
        [low, high], abs=0.6
    )  # 48 of 65 starts at 61.5
    assert exact_interval(0, of)[0] == 0 and exact_interval(of, of)[1] == 1


def test_published_designs():
    rows = {row["name"]: row for row in back_test()}
    assert len(rows) == len(PUBLISHED) == 6
    romania = rows["Global Witness, Romania, December 2024"]
    assert romania["design"]["verdict"] == "cannot answer" and romania["design"]["mde_pp"] is None
    assert romania["counted_low"] == pytest.approx(0.663, abs=0.001) and romania["assumed"] == {}
    large = rows["Ye, Luceri and Ferrara 2025, X, United States"]["design"]
    assert large["verdict"] == "indicative" and 0.5 < large["power"] < 0.8  # thirty accounts an arm, five points
    assert rows["Morosini et al. 2026, X"]["design"]["verdict"] == "adequate"
    alike = {row["name"]: row["design"]["mde_pp"] for row in back_test(between_pp=2)}
    for name, row in rows.items():
        stated = {n["name"] for n in row["design"]["numbers"] if n["evidence"] == "stated"}
        assert stated <= {"items"} and "between_pp" not in row["assumed"]
        assert all(one["why"] for one in row["assumed"].values())
        if row["design"]["mde_pp"] is not None:
            assert alike[name] < row["design"]["mde_pp"]
    json.dumps(list(rows.values()), allow_nan=False)


# ---- a toy service ------------------------------------------------------------------------------------------------


def days_of(draw, shape, days, sd, rho):
    """AR(1) shocks with the standard deviation sd on every day."""
    out = np.empty((*shape, days))
    out[..., 0] = draw.normal(0, sd, shape)
    for d in range(1, days):
        out[..., d] = rho * out[..., d - 1] + draw.normal(0, sd * math.sqrt(1 - rho**2), shape)
    return out


def shown(draw, worlds, accounts, days, items, effect, compare, m):
    """(worlds, 2 or 1, accounts, days) shares of items that accounts are shown; the effect is in the second arm or half."""
    arms = 2 if compare in ("arms", "twins") else 1
    between = draw.normal(0, m.between, (worlds, 1 if compare == "twins" else arms, accounts, 1))
    blocks = by.halves(days) if compare == "before-after" else (days,)  # far apart: shocks of their own
    shared = np.concatenate([days_of(draw, (worlds, 1, 1), d, m.shared, m.persistence) for d in blocks], axis=-1)
    own = np.concatenate([days_of(draw, (worlds, arms, accounts), d, m.within, m.persistence) for d in blocks], axis=-1)
    mean = m.share + between + shared + own
    if compare == "before-after":
        mean[..., int(blocks[0]) :] += effect
    else:
        mean[:, -1] += effect
    return draw.binomial(items, np.clip(mean, 0, 1)) / items


def correlations(days, lasting, counted, rho):
    distance = np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
    return (lasting * rho**distance + counted * np.eye(days)) / (lasting + counted)


def centred(days):
    return np.eye(days) - 1 / days


def analysed(y, compare, items, m):
    """Estimate and standard error of each world, with what daily means are made of known but for their scale."""
    n, days = y.shape[2:]
    counted = m.of_an_item / items
    if compare == "arms":
        means = y.mean(axis=3)
        return means[:, 1].mean(1) - means[:, 0].mean(1), np.sqrt(means.var(axis=2, ddof=1).sum(axis=1) / n)
    if compare == "twins":
        each = y[:, 1].mean(axis=2) - y[:, 0].mean(axis=2)
        return each.mean(axis=1), each.std(axis=1, ddof=1) / math.sqrt(n)
    y = y[:, 0]
    daily = y.mean(axis=1)
    lasting = m.shared**2 + m.within**2 / n
    if compare == "before-after":
        before = int(by.halves(days)[0])
        squares, degrees, size = 0.0, 0.0, 0.0
        for part in (daily[:, :before], daily[:, before:]):
            d = part.shape[1]
            r = correlations(d, lasting, counted / n, m.persistence)
            squares = squares + ((part - part.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
            degrees, size = degrees + np.trace(centred(d) @ r), size + r.sum() / d**2
        return daily[:, before:].mean(1) - daily[:, :before].mean(1), np.sqrt(squares / degrees * size)
    means, r = y.mean(axis=2), correlations(days, lasting, counted / n, m.persistence)
    of_days = ((daily - daily.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / np.trace(centred(days) @ r) * r.sum()
    rest = y - means[:, :, None] - daily[:, None, :] + means.mean(axis=1)[:, None, None]
    r = correlations(days, m.within**2, counted, m.persistence)
    twice = (rest**2).sum(axis=(1, 2)) / (n - 1) / np.trace(centred(days) @ r) * r.sum() / n
    return means.mean(axis=1) - m.share, np.sqrt(means.var(axis=1, ddof=1) / n + (of_days - twice) / days**2)


DESIGNS = [  # comparison, accounts, days, effect
    ("arms", 54, 7, 0.05), ("arms", 9, 7, 0.13), ("arms", 3, 14, 0.25), ("arms", 30, 1, 0.06), ("twins", 12, 14, 0.05),
    ("before-after", 20, 28, 0.10), ("before-after", 6, 57, 0.06), ("before-after", 40, 14, 0.12), ("share", 30, 28, 0.08),
    ("share", 12, 60, 0.09),
]  # fmt: skip


@pytest.mark.parametrize("compare, accounts, days, effect", DESIGNS)
def test_the_stated_power_is_the_realised_one(compare, accounts, days, effect):
    """And 95 intervals of 100 hold the truth, and 5 of 100 tests alarm where nothing is."""
    draw = np.random.default_rng([accounts, days, by.COMPARISONS.index(compare)])
    parts = by.parts_of(compare, MODEL, accounts, days, 30)
    rounds, worlds = 20, 100
    found, covered, alarms, estimates = [], [], [], []
    for true in (effect, 0.0):
        for _ in range(rounds):
            y = shown(draw, worlds, accounts, days, 30, true, compare, MODEL)
            estimate, error = analysed(y, compare, 30, MODEL)
            reach = by.critical(parts.free, 0.05) * error
            covered.append(np.abs(estimate - true) <= reach)
            (found if true else alarms).append(np.abs(estimate) > reach)
            estimates.append(estimate - true)
    assert np.mean(found) == pytest.approx(by.power_of(parts, effect, 0.05), abs=0.045)  # .03 and twice its error
    assert 0.94 <= np.mean(covered) <= 0.97
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.02)
    # The binomial part of accounts that differ is a little below p (1 - p) / m, so the formula errs to the safe side.
    assert 0.93 <= np.std(estimates) / math.sqrt(parts.total) <= 1.03


def test_what_a_wrong_test_does():
    """Accounts taken as independent in a before-after without any effect, as `alarm_over_accounts` says."""
    draw = np.random.default_rng(7)
    for accounts in (3, 40):
        y = np.concatenate([shown(draw, 200, accounts, 14, 30, 0.0, "before-after", MODEL)[:, 0] for _ in range(10)])
        each = y[..., 7:].mean(axis=2) - y[..., :7].mean(axis=2)
        ratio = each.mean(axis=1) / each.std(axis=1, ddof=1) * math.sqrt(accounts)
        alarms = np.mean(np.abs(ratio) > student.ppf(0.975, accounts - 1))
        parts = by.parts_of("before-after", MODEL, accounts, 14, 30)
        assert alarms == pytest.approx(by.alarm_over_accounts("before-after", parts, accounts, 0.05), abs=0.03)


def test_adjacent_halves_are_no_worse_than_stated():
    """Without days between the halves the last day before is like the first after, and the difference varies less."""
    draw = np.random.default_rng(8)
    shocks = days_of(draw, (20_000,), 14, 0.05, 0.5)
    apart = by.parts_of("before-after", MODEL, 10**6, 14, 30).total
    together = np.var(shocks[:, 7:].mean(1) - shocks[:, :7].mean(1))
    assert 0.8 * apart < together < apart


def test_labels_that_err():
    """A share corrected for known errors of the labels is right, and its variance is the stated one."""
    model = MODEL._replace(share=0.3, between=0, within=0, shared=0, sensitivity=0.82, specificity=0.9)
    draw = np.random.default_rng(9)
    truly = draw.random((4000, 200)) < 0.3
    labelled = np.where(truly, draw.random(truly.shape) < 0.82, draw.random(truly.shape) < 0.1).mean(axis=1)
    corrected = (labelled + 0.9 - 1) / (0.82 + 0.9 - 1)
    assert corrected.mean() == pytest.approx(0.3, abs=0.003)
    assert corrected.var() == pytest.approx(model.of_an_item / 200, rel=0.08)
    assert design(9, 7, 5, sensitivity_pct=82, specificity_pct=82).mde_pp > design(9, 7, 5).mde_pp


# ---- formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("free", [1, 2.5, 4, 16, 200])
def test_power_is_that_of_the_noncentral_t(free):
    for ratio in (0.0, 0.7, 2.8, 6.0):
        t = student.ppf(0.975, free)
        expected = nct.sf(t, free, ratio) + nct.cdf(-t, free, ratio) if ratio else 0.05
        assert by.power_at(ratio, free, 0.05) == pytest.approx(expected, abs=2e-6)
    assert by.power_at(by.multiple(free, 0.05, 0.8), free, 0.05) == pytest.approx(0.8, abs=1e-6)


def test_results_that_mislead():
    """Estimates and their errors drawn: sign and size of those that are called significant."""
    draw = np.random.default_rng(5)
    for ratio, free in ((0.8, 6.0), (2.0, 30.0)):
        estimate = draw.normal(ratio, 1, 400_000)
        error = np.sqrt(draw.chisquare(free, estimate.size) / free)
        significant = np.abs(estimate) > student.ppf(0.975, free) * error
        found = by.misleading(ratio, free, 0.05)
        assert found.wrong_sign == pytest.approx(np.mean(estimate[significant] < 0), abs=0.004)
        assert found.exaggeration == pytest.approx(np.mean(np.abs(estimate[significant])) / ratio, rel=0.01)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_sums_over_days_against_matrices(rho):
    for days in (2, 7, 30):
        r = correlations(days, 1.0, 0.0, rho)
        assert by.averaged(days, rho) == pytest.approx(r.mean())
        m = centred(days)
        expected = np.trace(m @ r) ** 2 / np.trace(m @ r @ m @ r)
        assert by.free_of_days(rho, (days,)) == pytest.approx(expected)
        assert by.free_of_days(rho, (days, days)) == pytest.approx(2 * expected)
    assert by.averaged(math.inf, 0.5) == 0 and by.averaged(9, 1.0) == 1
    assert by.free_of_days(0.0, (7, 7)) == pytest.approx(12) and by.free_of_days(rho, (2,)) == 1


@given(
    compare=st.sampled_from(by.COMPARISONS), accounts=st.integers(2, 400), days=st.integers(2, 120), items=st.floats(1, 200),
    share=st.floats(0.05, 0.95), sds=st.tuples(*[st.floats(0.001, 0.1)] * 3), rho=st.floats(0, 0.95), more=st.integers(1, 50),
)  # fmt: skip
def test_more_is_never_worse(compare, accounts, days, items, share, sds, rho, more):
    model = by.Model(share, *sds, rho)
    aim = needed.Aim(compare, model, items, 0.05, 0.05, 0.8)
    here = aim.detectable(accounts, days)
    slack = 1 + 1e-6
    assert aim.detectable(accounts + more, days) <= here * slack
    assert aim.detectable(accounts, days + 2 * more) <= here * slack
    assert aim._replace(items=items + more).detectable(accounts, days) <= here * slack
    assert aim.detectable(math.inf, days) <= here * slack and aim.detectable(accounts, math.inf) <= here * slack
    for name in ("between", "within", "shared"):
        worse = aim._replace(model=model._replace(**{name: getattr(model, name) + 0.02}))
        assert here <= worse.detectable(accounts, days) * slack
    if math.isfinite(here):
        parts = by.parts_of(compare, model, accounts, days, items)
        assert by.power_of(parts, here, 0.05) == pytest.approx(0.8, abs=1e-4)
        assert (
            by.power_of(parts, 1.1 * here, 0.05) > by.power_of(parts, here, 0.05) > by.power_of(parts, 0.9 * here, 0.05)
        )


def test_what_is_needed_is_the_least():
    for compare, days in (("arms", 7), ("twins", 14), ("before-after", 60), ("share", 90)):
        aim = needed.Aim(compare, MODEL._replace(shared=0.02), 30, 0.05, 0.05, 0.8)
        accounts = needed.accounts_needed(aim, days)
        assert aim.reached(accounts, days) and not aim.reached(accounts - 1, days)
        least = needed.days_needed(aim, accounts)
        assert least <= days and aim.reached(accounts, least)
        assert least == aim.least_days or not aim.reached(accounts, least - 1)


@pytest.mark.parametrize("compare", by.COMPARISONS)
def test_the_cheapest_split_is_the_cheapest(compare):
    aim = needed.Aim(compare, MODEL._replace(shared=0.01), 30, 0.05, 0.05, 0.8)
    best = needed.cheapest(aim, 20, 3)
    costs = {}
    for days in range(aim.least_days, needed.LONGEST + 1, 1 if compare == "arms" else 3):
        accounts = needed.accounts_needed(aim, days)
        if accounts is not None:
            costs[days] = aim.groups * accounts * (20 + 3 * days)
    assert best.cost <= min(costs.values()) and (compare != "arms" or best.cost == costs[best.days])
    assert best.cost == aim.groups * best.accounts * (20 + 3 * best.days)
    assert aim.reached(best.accounts, best.days) and not aim.reached(best.accounts - 1, best.days)


def best_days(model, items, of_account, of_day, tau):
    """Variances as known and tau as a constant; `cheapest` searches."""
    inside = model.within**2 * tau + model.of_an_item / items
    return math.sqrt(of_account / of_day * inside) / model.between


def test_the_cheapest_days_by_formula():
    """sqrt((c_p / c_d) (s_w^2 tau + p (1 - p) / m) / s_b^2) is where the search ends, but for whole accounts."""
    aim = needed.Aim("arms", MODEL, 30, 0.01, 0.05, 0.8, normal=True)  # a small effect: many accounts, so no rounding
    for of_account, of_day in ((20, 3), (200, 2)):
        best = needed.cheapest(aim, of_account, of_day)
        tau = best.days * by.averaged(best.days, 0.5)
        assert best.days == pytest.approx(best_days(MODEL, 30, of_account, of_day, tau), rel=0.25, abs=1)


# ---- verdicts, words, files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, verdict, said",
    [
        ({"accounts": 60, "days": 7}, "adequate", "Power at 5 points is 8"),
        ({"accounts": 40, "days": 7}, "indicative", "asked for: 80 %"),
        ({"accounts": 9, "days": 7}, "cannot answer", "19 %"),
        ({"accounts": 300, "days": 28, "estimand": "E1"}, "cannot answer", "one state"),
        ({"accounts": 300, "days": 28, "estimand": "E3"}, "cannot answer", "compare arms does not bear on it"),
        ({"accounts": 300, "days": 28, "compare": "share", "estimand": "E2"}, "cannot answer", "the other feed"),
        ({"accounts": 300, "days": 9, "compare": "before-after", "shared_pp": 0}, "cannot answer", "at least 10 days"),
        ({"accounts": 300, "days": 60, "compare": "before-after", "shared_pp": 1}, "indicative", "what else changed"),
        ({"accounts": 1, "days": 60}, "cannot answer", "how accounts differ"),
        ({"accounts": 1, "days": 60, "compare": "before-after"}, "cannot answer", "how accounts differ"),
        ({"accounts": 50, "days": 1, "compare": "share"}, "cannot answer", "how days differ"),
        ({"accounts": 200, "days": 60, "compare": "share", "shared_pp": 1}, "adequate", "Power"),
    ],
)
def test_verdicts(settings, verdict, said):
    found = design(effect_pp=5, **settings)
    assert found.verdict == verdict and said in " ".join(found.reasons)


def test_what_it_rests_on():
    found = design(9, 7, 5, between_pp=4)
    rows = {row["name"]: row for row in found.numbers}
    assert set(rows) == set(NUMBERS)
    assert rows["between_pp"] == {
        "name": "between_pp", "value": 4, "unit": "points (SD)", "evidence": "stated", "meaning": "between accounts of one arm",
        "option": "--between", "in_use": True,
    }  # fmt: skip
    assert rows["within_pp"]["evidence"] == "assumption" and not rows["shared_pp"]["in_use"]
    assert sum(v**2 for v in found.parts_pp.values()) == pytest.approx(found.error_pp**2)
    assert found.to_dict()["rules"] == list(RULES)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--days", "7", "--effect", "5"], "--accounts: is missing; for example"),
        (["--accounts", "0"], "--accounts: got 0, must be a whole number from 1 to 100,000"),
        (["--days", "4000"], "--days: got 4000, must be a whole number from 1 to 3,650"),
        (["--effect", "0"], "--effect: got 0, must be above 0 and at most 100"),
        (["--effect", "nan"], "--effect: got nan"),
        (["--effect", "60", "--share", "50"], "--effect: got 60; from 50 % a share cannot move so far"),
        (["--share", "100"], "--share: got 100, must be 0.1 to 99.9"),
        (["--between", "50"], "--between: got 50, with --within and --shared an SD of 50.5 points"),
        (["--persistence", "-0.1"], "--persistence: got -0.1, must be 0 to 1"),
        (["--sensitivity", "50", "--specificity", "50"], "--sensitivity: got 50 with --specificity 50; together"),
        (["--compare", "arm"], "--compare: got unknown comparison 'arm'"),
        (["--estimand", "E4"], "--estimand: got unknown estimand 'E4'; allowed: E1, E2, E3"),
        (["--cost-day", "3"], "--cost-day: needs --cost-account too"),
        (["--cost-day", "0", "--cost-account", "0"], "one of them must be above 0"),
        (["--out", "x.pdf"], "--out: got a file of kind '.pdf'; allowed: .png, .svg"),
        (["--published"], "--accounts: cannot stand with --published"),
        (["--accounts", "many"], "a whole number is needed"),
    ],
)
def test_bad_input_is_one_line(arguments, said, capsys):
    usual = {"--accounts": "9", "--days": "7", "--effect": "5"}
    if "is missing" not in said:
        arguments = [*arguments, *(x for option, v in usual.items() if option not in arguments for x in (option, v))]
    with pytest.raises(SystemExit) as stop:
        main(["design", *arguments])
    printed = capsys.readouterr()
    assert stop.value.code == 2 and printed.out == ""
    assert printed.err.count("\n") == 1 and printed.err.startswith("error: ")
    assert said in printed.err


def test_every_number_can_be_stated(capsys):
    """One at a time; the others stay assumed."""
    values = {
        "--items": 20, "--share": 40, "--between": 6, "--within": 4, "--shared": 3, "--persistence": 0.3, "--sensitivity": 90,
        "--specificity": 95, "--power": 90, "--level": 1,
    }  # fmt: skip
    assert list(values) == [number.option for number in NUMBERS.values()]
    usual = ["design", "--accounts", "9", "--days", "7", "--effect", "5", "--json"]
    for option, value in values.items():
        main([*usual, option, str(value)])
        rows = json.loads(capsys.readouterr().out)["numbers"]
        assert [(row["option"], row["value"]) for row in rows if row["evidence"] == "stated"] == [(option, value)]
    main([*usual, "--normal"])
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["normal"] and found["mde_pp"] == design(9, 7, 5, normal=True).mde_pp


def test_commands(tmp_path, capsys):
    out = tmp_path / "design.png"
    usual = [
        "design",
        "--accounts",
        "9",
        "--days",
        "7",
        "--items",
        "30",
        "--effect",
        "5",
        "--cost-account",
        "20",
        "--cost-day",
        "3",
    ]
    main([*usual, "--out", str(out)])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)
    text = "\n".join(lines)
    assert "CANNOT ANSWER. Power at 5 points is 19 %" in text and "cheapest that finds 5 points: 69 accounts" in text
    for row in design(9, 7, 5, items=30).numbers:
        line = next(line for line in lines if line.startswith(f"  {row['option']}"))
        assert f"{row['value']:g} {row['unit']}" in line and (row["evidence"] in line or "cancels" in line)
    assert imread(out).std() > 0.05
    with pytest.raises(SystemExit):  # nothing is written over
        main([*usual, "--out", str(out)])
    assert "already exists" in capsys.readouterr().err
    main([*usual, "--json"])
    assert json.loads(capsys.readouterr().out)["cheapest"] == {"accounts": 69, "days": 3, "cost": 4002}
    main(["design", "--published", "--between", "4"])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines) and "66 to 96 %" in "\n".join(lines)
    for option in (["--items", "20"], ["--normal"], ["--estimand", "E2"], ["--compare", "share"], ["--cost-day", "3"]):
        with pytest.raises(SystemExit):  # nothing that is given is passed over
            main(["design", "--published", *option])
        assert f"{option[0]}: cannot stand with --published" in capsys.readouterr().err
    main(["design", "--published", "--json"])
    assert len(json.loads(capsys.readouterr().out)) == len(PUBLISHED)
    main(["design", "--accounts", "1", "--days", "1", "--effect", "5", "--compare", "before-after"])
    assert "at least 10 days" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("compare, floors", [("arms", 0), ("twins", 0), ("before-after", 3), ("share", 4)])
def test_the_figure(compare, floors, tmp_path):
    found = design(12, 21, 5, compare=compare)
    figure = detectable_by_accounts(found)
    (axes,) = figure.axes
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "21 days" in labels and "effect that matters: 5 points" in labels
    assert f"this design: {found.mde_pp:.1f} points" in labels
    assert ("any number of accounts (dotted)" in labels) == bool(floors)
    assert axes.get_ylabel().startswith("smallest effect found with 80 % power") and "SD in points" in axes.get_xlabel()
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert len(dotted) == floors
    own = next(line for line in axes.lines if line.get_label() == "21 days")
    x, y = own.get_data()
    assert y[list(x).index(12)] == pytest.approx(found.mde_pp) if 12 in x else True
    assert (np.diff(y[np.isfinite(y)]) <= 1e-9).all() and found.mde_pp < axes.get_ylim()[1]
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        write_figure(found, tmp_path / name)
    for kind in ("png", "svg"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    said, mark = (
        (tmp_path / "a.svg").read_text(encoding="utf-8"),
        "recsim design, by formula, nothing is simulated · 12 ",
    )
    assert "What an audit with accounts could find" in said and mark in said and "recsim simulation" not in said
    with Image.open(tmp_path / "a.png") as picture:  # out of its page, too, it says what it is
        assert picture.info["Description"].startswith(mark) and picture.info["Description"].endswith(" · 21 days")
