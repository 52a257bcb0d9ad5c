"""The design of an audit with accounts on a real service: what it could have found, and what it would need.

Accounts are sock puppets or donated accounts. Everything is by formula (`design_power`), from numbers that the auditor states
or that are assumed and named as such; nothing is simulated, and no service is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from recsim.audit import design_needed as needed
from recsim.audit import design_power as by
from recsim.errors import InputError, check_range, unknown

ESTIMANDS = {
    "E1": "shift of exposure that inauthentic actors caused",
    "E2": "amplification by one feed against a named other feed",
    "E3": "distance of a share from a declared reference",
}
_OWN = {"arms": "E2", "twins": "E2", "before-after": "E2", "share": "E3"}
ACCOUNTS_ARE = {
    "arms": "accounts in each of two arms", "twins": "pairs of accounts with the same script",
    "before-after": "accounts in all, the same before and after", "share": "accounts in all",
}  # fmt: skip
INDICATIVE = 0.5
"""Power at the effect from which a design is called indicative."""
RULES = (
    f"cannot answer: the comparison does not bear on the estimand; or the design cannot tell how large its own error is (one account, "
    f"a share on one day, before and after with fewer than {needed.LEAST_BEFORE_AFTER} days); or power at the effect below {100 * INDICATIVE:.0f} %",
    "indicative: power from there to the power asked for; before and after at any power, since nothing shows what else changed that day",
    "adequate: the power asked for, or more",
)


class Number(NamedTuple):
    """A number of a design: what stands if nobody states it, with unit, evidence, meaning and bounds."""

    value: float
    unit: str
    evidence: str
    meaning: str
    low: float
    high: float
    option: str


NUMBERS = {
    "items": Number(30, "items a day", "assumption", "about the question, an account", 0.01, 1e6, "--items"),
    "share_pct": Number(50, "%", "assumption", "share of one side, without effect", 0.1, 99.9, "--share"),
    "between_pp": Number(8, "points (SD)", "assumption", "between accounts of one arm", 0, 50, "--between"),
    "within_pp": Number(5, "points (SD)", "assumption", "of one account, day to day", 0, 50, "--within"),
    "shared_pp": Number(5, "points (SD)", "assumption", "between days, shared by all", 0, 50, "--shared"),
    "persistence": Number(0.5, "correlation", "assumption", "of both, from day to day", 0, 1, "--persistence"),
    "sensitivity_pct": Number(100, "%", "assumption", "items of that side labelled so", 0, 100, "--sensitivity"),
    "specificity_pct": Number(100, "%", "assumption", "other items not labelled so", 0, 100, "--specificity"),
    "power_pct": Number(80, "%", "convention", "chance to tell the effect", 50, 99.9, "--power"),
    "level_pct": Number(5, "%", "convention", "false alarms, two-sided", 0.01, 20, "--level"),
}
"""What can be stated, by name. No published audit gives the standard deviations; those here are a worked example's."""
DAYS = (1, 7, 14, 28)
ACCOUNTS = (3, 10, 30, 100)


@dataclass(frozen=True)
class DesignResult:
    """What an audit with accounts could find.

    Attributes:
        settings: what was asked: accounts, days, effect_pp, compare, estimand, normal, cost_account, cost_day.
        numbers: what it rests on; of each name, value, unit, evidence ("stated", "assumption", "convention"), meaning, option,
            in_use (whether this comparison depends on it).
        error_pp: standard error of the difference, percentage points. free: degrees of freedom with which it is estimated.
        parts_pp: standard error by part (accounts, account_days, items, days), points; their squares add up.
        mde_pp: minimum detectable effect, points; infinite if the design cannot estimate its own error.
        floor_accounts_pp, floor_days_pp: the same with accounts, or days, without limit.
        power: chance, 0-1, to tell the effect. interval_pp: half-length of the interval that the audit would report.
        wrong_sign, exaggeration: of results that are called significant at this effect; NaN where power is 0.
        alarm_over_accounts, alarm_over_items: chance of a false alarm if accounts, or items, are taken as independent.
        needed_accounts: by days, the accounts that find the effect (None: no number does) and the floor.
        needed_days: by accounts, the days (None: more than a year).
        cheapest: accounts, days, cost of the cheapest design; None without costs or if there is none.
        verdict: adequate, indicative or cannot answer. reasons: why, one sentence each.
    """

    settings: dict[str, Any]
    numbers: list[dict[str, Any]]
    error_pp: float
    free: float
    parts_pp: dict[str, float]
    mde_pp: float
    floor_accounts_pp: float
    floor_days_pp: float
    power: float
    interval_pp: float
    wrong_sign: float
    exaggeration: float
    alarm_over_accounts: float
    alarm_over_items: float
    needed_accounts: list[dict[str, Any]]
    needed_days: list[dict[str, Any]]
    cheapest: needed.Split | None
    verdict: str
    reasons: list[str]

    def aim(self) -> needed.Aim:
        """The question in shares, for the functions of `design_needed`."""
        return _aim(self.settings, {row["name"]: row["value"] for row in self.numbers})

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is infinite or undefined is None."""
        whole = {name: getattr(self, name) for name in self.__dataclass_fields__}
        whole["cheapest"] = None if self.cheapest is None else self.cheapest._asdict()
        return {**_known(whole), "rules": list(RULES)}


def design(
    accounts: int,
    days: int,
    effect_pp: float,
    *,
    compare: by.Compare = "arms",
    estimand: str | None = None,
    items: float | None = None,
    share_pct: float | None = None,
    between_pp: float | None = None,
    within_pp: float | None = None,
    shared_pp: float | None = None,
    persistence: float | None = None,
    sensitivity_pct: float | None = None,
    specificity_pct: float | None = None,
    power_pct: float | None = None,
    level_pct: float | None = None,
    cost_account: float | None = None,
    cost_day: float | None = None,
    normal: bool = False,
) -> DesignResult:
    """What an audit with so many accounts on so many days could find on a real service, by formula.

    Args:
        accounts: of each arm (``arms``), pairs (``twins``), or in all (``before-after``, ``share``); 1 to 100,000.
        days: in all, 1 to 3,650; of before-after half of them before.
        effect_pp: the effect that matters to the auditor, percentage points, above 0 and at most 100.
        compare: ``arms``, two groups of accounts on the same days; ``twins``, pairs that differ in the arm alone;
            ``before-after``, the same accounts before and after; ``share``, one group against a declared reference.
        estimand: what is claimed: E1 a shift that inauthentic actors caused, E2 amplification against another feed, E3 distance
            from a reference; default: what the comparison can bear on.
        items: about the question, shown to an account a day; default 30, an assumption.
        share_pct: of these for one side without the effect, %; default 50.
        between_pp, within_pp, shared_pp: SD between accounts, of an account between days, of days shared by all accounts,
            percentage points; default 8, 5, 5, assumptions.
        persistence: correlation of both day parts from one day to the next, 0-1; default 0.5, an assumption.
        sensitivity_pct, specificity_pct: of the labels, %, taken as known; default 100. Together above 100.
        power_pct, level_pct: %, default 80 and 5 (two-sided).
        cost_account, cost_day: of setting up an account and of running one for a day, in one unit; both or neither.
        normal: the normal approximation, as if variances were known, instead of Student's t.

    Returns:
        The minimum detectable effect, power, what the effect would need, and the verdict by `RULES`.

    Raises:
        InputError: a number out of its bounds, or numbers that cannot be together.

    Source:
        Variance of concurrent and sequential comparisons of clustered shares; Satterthwaite 1946; Gelman and Carlin 2014.

    Example:
        >>> design(accounts=9, days=7, effect_pp=5).verdict
        'cannot answer'
    """
    stated: dict[str, float | None] = {
        "items": items, "share_pct": share_pct, "between_pp": between_pp, "within_pp": within_pp, "shared_pp": shared_pp,
        "persistence": persistence, "sensitivity_pct": sensitivity_pct, "specificity_pct": specificity_pct,
        "power_pct": power_pct, "level_pct": level_pct,
    }  # fmt: skip
    settings: dict[str, Any] = {
        "accounts": _whole(accounts, "--accounts", needed.MOST_ACCOUNTS), "days": _whole(days, "--days", by.MOST_DAYS),
        "effect_pp": _number(effect_pp, "--effect", 0, 100, positive=True), "compare": compare,
        "estimand": _estimand(compare, estimand), "normal": bool(normal), "cost_account": cost_account, "cost_day": cost_day,
    }  # fmt: skip
    values = {
        name: _number(
            number.value if (given := stated[name]) is None else given, number.option, number.low, number.high
        )
        for name, number in NUMBERS.items()
    }
    _check_together(settings, values)
    aim = _aim(settings, values)
    n, d = settings["accounts"], settings["days"]
    parts = by.parts_of(compare, aim.model, n, d, aim.items)
    error = math.sqrt(parts.total)
    power = by.power_of(parts, aim.effect, aim.level, aim.normal)
    free = math.inf if aim.normal else parts.free
    ratio = aim.effect / error if 0 < error < math.inf else math.nan
    found = by.misleading(ratio, free, aim.level) if power > 0 else by.Misleading(math.nan, math.nan)
    verdict, reasons = _verdict(settings, aim, parts, power)
    costs = None if cost_account is None or cost_day is None else needed.cheapest(aim, cost_account, cost_day)
    return DesignResult(
        settings=settings, numbers=[_row(name, values[name], stated[name], compare) for name in NUMBERS],
        error_pp=100 * error, free=parts.free,
        parts_pp={name: 100 * math.sqrt(getattr(parts, name)) for name in ("accounts", "account_days", "items", "days")},
        mde_pp=100 * aim.detectable(n, d), floor_accounts_pp=100 * aim.detectable(math.inf, d),
        floor_days_pp=100 * aim.detectable(n, math.inf), power=power,
        interval_pp=100 * error * by.critical(free, aim.level) if parts.free >= 1 else math.inf,
        wrong_sign=found.wrong_sign, exaggeration=found.exaggeration,
        alarm_over_accounts=by.alarm_over_accounts(compare, parts, n, aim.level),
        alarm_over_items=by.alarm_over_items(parts, aim.level),
        needed_accounts=[
            {"days": t, "accounts": needed.accounts_needed(aim, t), "floor_pp": 100 * aim.detectable(math.inf, t)}
            for t in sorted({*DAYS, d}) if t >= aim.least_days
        ],
        needed_days=[{"accounts": k, "days": needed.days_needed(aim, k)} for k in sorted({*ACCOUNTS, n})],
        cheapest=costs, verdict=verdict, reasons=reasons,
    )  # fmt: skip


def _aim(settings: dict[str, Any], values: dict[str, float]) -> needed.Aim:
    part = {name: value / 100 for name, value in values.items()}
    model = by.Model(
        part["share_pct"], part["between_pp"], part["within_pp"], part["shared_pp"], values["persistence"],
        part["sensitivity_pct"], part["specificity_pct"],
    )  # fmt: skip
    return needed.Aim(
        settings["compare"], model, values["items"], settings["effect_pp"] / 100, part["level_pct"], part["power_pct"],
        settings["normal"],
    )  # fmt: skip


def _row(name: str, value: float, stated: float | None, compare: str) -> dict[str, Any]:
    number = NUMBERS[name]
    cancels = {"between_pp": ("twins", "before-after"), "shared_pp": ("arms", "twins")}
    return {
        "name": name, "value": value, "unit": number.unit, "evidence": number.evidence if stated is None else "stated",
        "meaning": number.meaning, "option": number.option, "in_use": compare not in cancels.get(name, ()),
    }  # fmt: skip


def _verdict(settings: dict[str, Any], aim: needed.Aim, parts: by.Parts, power: float) -> tuple[str, list[str]]:
    """The word and the sentences, by `RULES`."""
    compare, estimand, days = settings["compare"], settings["estimand"], settings["days"]
    against: list[str] = []
    if estimand == "E1":
        against.append(
            "No accounts on a real service show what inauthentic actors caused: the same service without them is not there to "
            "compare with, and more accounts only repeat its one state."
        )
    elif (estimand == "E3") != (compare == "share"):
        wanted = "one group of accounts against that reference" if estimand == "E3" else "accounts on the other feed"
        against.append(f"{estimand} needs {wanted}: compare {compare} does not bear on it.")
    if days < aim.least_days:
        against.append(f"Before and after need at least {aim.least_days} days: what is seen may be how days differ.")
    if parts.free < 1:
        against.append(
            "With one account nothing shows how accounts differ."
            if settings["accounts"] < 2
            else "These days are too few to show how days differ, which all accounts share."
        )
    if against:
        return "cannot answer", against
    asked = f"{100 * aim.power:.3g} %"
    sentence = f"Power at {100 * aim.effect:.3g} points is {100 * power:.0f} %; asked for: {asked}."
    if power < INDICATIVE:
        return "cannot answer", [sentence]
    if power < aim.power:
        return "indicative", [sentence]
    if compare == "before-after":
        return "indicative", [
            sentence,
            "Without accounts of another arm on the same days, nothing shows what else changed.",
        ]
    return "adequate", [sentence]


def _estimand(compare: str, estimand: str | None) -> str:
    if compare not in by.COMPARISONS:
        raise unknown("comparison", compare, by.COMPARISONS, "--compare")
    if estimand is not None and estimand not in ESTIMANDS:
        raise unknown("estimand", estimand, ESTIMANDS, "--estimand")
    return estimand or _OWN[compare]


def _whole(value: int, option: str, most: int) -> int:
    if isinstance(value, bool) or not 1 <= value <= most or value != int(value):
        raise InputError(f"got {value}, must be a whole number from 1 to {most:,}", option)
    return int(value)


def _number(value: float, option: str, low: float, high: float, *, positive: bool = False) -> float:
    check_range(value, low, high, option, positive=positive)
    return float(value)


def _check_together(settings: dict[str, Any], values: dict[str, float]) -> None:
    """Refuse what cannot be together."""
    share, effect = values["share_pct"], settings["effect_pp"]
    spread = math.hypot(values["between_pp"], values["within_pp"], values["shared_pp"])
    widest = math.sqrt(share * (100 - share))
    if spread >= widest:
        raise InputError(
            f"got {values['between_pp']:g}, with --within and --shared an SD of {spread:.1f} points in all; shares around {share:g} % "
            f"cannot vary by more than {widest:.1f}; lower one of them",
            "--between",
        )
    if share + effect > 100 and share - effect < 0:
        raise InputError(f"got {effect:g}; from {share:g} % a share cannot move so far; lower it", "--effect")
    if values["sensitivity_pct"] + values["specificity_pct"] <= 100:
        raise InputError(
            f"got {values['sensitivity_pct']:g} with --specificity {values['specificity_pct']:g}; together they must be above 100, "
            "else labels say nothing",
            "--sensitivity",
        )
    costs: dict[str, Any] = {"--cost-account": settings["cost_account"], "--cost-day": settings["cost_day"]}
    for option, cost in costs.items():
        if cost is not None:
            _number(cost, option, 0, 1e12)
    missing = [option for option, cost in costs.items() if cost is None]
    if len(missing) == 1:
        raise InputError(
            f"needs {missing[0]} too: one cost alone has no cheapest split", next(o for o in costs if o not in missing)
        )
    if not missing and sum(costs.values()) <= 0:
        raise InputError("got 0 and --cost-day 0; one of them must be above 0", "--cost-account")


def _known(value: Any) -> Any:
    """The same with None for numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
