"""``recsim design``: what an audit with accounts on a real service could find, by formula."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsim.cli.files import new_file
from recsim.cli.options import Json
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.audit.design import DesignResult

Accounts = Annotated[
    int | None,
    typer.Option(help="accounts in each arm; pairs of twins; accounts in all with before-after and share"),
]
Days = Annotated[int | None, typer.Option(help="days in all; with before-after half of them before")]
Effect = Annotated[float | None, typer.Option(help="the effect that matters to you, percentage points")]
Compare = Annotated[
    str,
    typer.Option(
        help="arms (two groups, the same days), twins (pairs with one script), before-after, share (one group against a "
        "declared reference)"
    ),
]
Estimand = Annotated[
    str | None,
    typer.Option(
        help="what is claimed: E1 shift that inauthentic actors caused, E2 amplification against another feed, E3 distance "
        "from a reference (default: what the comparison can bear on)"
    ),
]
Items = Annotated[
    float | None, typer.Option(help="items about the question that an account is shown a day (30, assumed)")
]  # fmt: skip
Share = Annotated[
    float | None, typer.Option(help="share of these for one side without the effect, % (50, assumed)")
]  # fmt: skip
Between = Annotated[float | None, typer.Option(help="SD between accounts of one arm, points (8, assumed)")]
Within = Annotated[float | None, typer.Option(help="SD of one account from day to day, points (5, assumed)")]
Shared = Annotated[float | None, typer.Option(help="SD between days that all accounts share, points (5, assumed)")]
Persistence = Annotated[
    float | None, typer.Option(help="correlation from one day to the next, 0 to 1 (0.5, assumed)")
]  # fmt: skip
Sensitivity = Annotated[float | None, typer.Option(help="items of that side labelled so, % (100, assumed)")]
Specificity = Annotated[float | None, typer.Option(help="other items not labelled so, % (100, assumed)")]
Power = Annotated[float | None, typer.Option(help="chance to tell the effect that is asked for, % (80)")]
Level = Annotated[float | None, typer.Option(help="chance of a false alarm, two-sided, % (5)")]
OfAccount = Annotated[
    float | None, typer.Option("--cost-account", help="cost of setting up one account; with --cost-day: cheapest split")
]  # fmt: skip
OfDay = Annotated[float | None, typer.Option("--cost-day", help="cost of running one account for a day, same unit")]
Normal = Annotated[
    bool, typer.Option("--normal", help="normal approximation instead of Student's t; too sure with few accounts")
]  # fmt: skip
PublishedOnes = Annotated[
    bool, typer.Option("--published", help="judge published audits instead, under the same assumptions")
]  # fmt: skip
Picture = Annotated[Path | None, typer.Option(help="figure to write, .png or .svg")]


def design(
    accounts: Accounts = None,
    days: Days = None,
    effect: Effect = None,
    compare: Compare = "arms",
    estimand: Estimand = None,
    items: Items = None,
    share: Share = None,
    between: Between = None,
    within: Within = None,
    shared: Shared = None,
    persistence: Persistence = None,
    sensitivity: Sensitivity = None,
    specificity: Specificity = None,
    power: Power = None,
    level: Level = None,
    cost_account: OfAccount = None,
    cost_day: OfDay = None,
    normal: Normal = False,
    published: PublishedOnes = False,
    out: Picture = None,
    json_: Json = False,
) -> None:
    """Say what an audit with accounts (sock puppets, donated accounts) on a real service could find."""
    numbers = {
        "items": items, "share_pct": share, "between_pp": between, "within_pp": within, "shared_pp": shared,
        "persistence": persistence, "sensitivity_pct": sensitivity, "specificity_pct": specificity, "power_pct": power,
        "level_pct": level,
    }  # fmt: skip
    stated = {name: value for name, value in numbers.items() if value is not None}
    needed = {"--accounts": accounts, "--days": days, "--effect": effect}
    if published:
        others = {
            **needed, "--items": items, "--compare": None if compare == "arms" else compare, "--estimand": estimand,
            "--normal": normal or None, "--cost-account": cost_account, "--cost-day": cost_day, "--out": out,
        }  # fmt: skip
        _published(stated, others, json_)
        return
    missing = [option for option, value in needed.items() if value is None]
    if missing:
        raise InputError("is missing; for example: recsim design --accounts 9 --days 7 --effect 5", missing[0])
    from recsim.audit.design import design as by_formula

    found = by_formula(
        accounts, days, effect, compare=compare, estimand=estimand, cost_account=cost_account, cost_day=cost_day,  # type: ignore[arg-type]
        normal=normal, **stated,
    )  # fmt: skip
    if out is not None:
        _draw(found, out)
    if json_:
        sys.stdout.write(json.dumps(found.to_dict(), indent=1, allow_nan=False) + "\n")
    else:
        print("\n".join(lines_of(found)))
        if out is not None:
            print(f"wrote {out}")


def _draw(found: DesignResult, out: Path) -> None:
    new_file(out, (".png", ".svg"))
    from recsim.experiment.folder import plain_errors
    from recsim.report.design_figures import write_figure

    with plain_errors(out.parent):
        write_figure(found, out)


def _published(stated: dict[str, float], others: dict[str, Any], as_json: bool) -> None:
    from recsim.audit.design_published import back_test

    given = [option for option, value in others.items() if value is not None]
    if given:
        raise InputError("cannot stand with --published, whose designs have their own; leave it out", given[0])
    rows = back_test(**stated)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1, allow_nan=False) + "\n")
    else:
        print("\n".join(published_lines(rows)))


def _points(value: float | None) -> str:
    from math import isfinite

    return "-" if value is None or not isfinite(value) else f"{value:.1f}"


def _chance(value: float) -> str:
    return "-" if value != value else f"{100 * value:.0f} %"


def lines_of(found: DesignResult) -> list[str]:
    """For reading, at most 80 columns."""
    from recsim.audit.design import ACCOUNTS_ARE, ESTIMANDS, RULES
    from recsim.report.strings import counted
    from recsim.report.table import wrapped

    s = found.settings
    effect = f"{s['effect_pp']:g} points"
    out = [
        *wrapped(f"{s['accounts']} {ACCOUNTS_ARE[s['compare']]}, {counted(s['days'], 'day')}, compare {s['compare']}"),
        *wrapped(f"claim {s['estimand']}: {ESTIMANDS[s['estimand']]}"),
        "",
        *wrapped(f"{found.verdict.upper()}. {' '.join(found.reasons)}", ""),
        "",
        f"{'minimum detectable effect, points':<58}{_points(found.mde_pp):>8}",
        f"{'  with any number of accounts on these days':<58}{_points(found.floor_accounts_pp):>8}",
        f"{'  with these accounts on any number of days':<58}{_points(found.floor_days_pp):>8}",
        f"{f'power at {effect}':<58}{_chance(found.power):>8}",
        f"{'interval that it would report, +/- points':<58}{_points(found.interval_pp):>8}",
        f"{f'a significant result at {effect}: wrong sign':<58}{_chance(found.wrong_sign):>8}",
        f"{'                              and too large by a factor of':<58}{_points(found.exaggeration):>8}",
        f"{'false alarms, if items are taken as independent':<58}{_chance(found.alarm_over_items):>8}",
        f"{'false alarms, if only accounts are':<58}{_chance(found.alarm_over_accounts):>8}",
        "",
        f"{'what the standard error is made of, points':<58}{_points(found.error_pp):>8}",
    ]
    words = {
        "accounts": "between accounts", "account_days": "of an account between days", "items": "counting items",
        "days": "between days, shared by all accounts",
    }  # fmt: skip
    out += [f"  {words[name]:<56}{_points(value):>8}" for name, value in found.parts_pp.items()]
    out += [
        "",
        f"to find {effect}: on days",
        "  days" + f"{'accounts needed':>20}{'detectable with any number, points':>38}",
    ]
    out += [
        f"  {row['days']:>4}{row['accounts'] if row['accounts'] else 'no number':>20}{_points(row['floor_pp']):>38}"
        for row in found.needed_accounts
    ]
    out += ["", f"to find {effect}: with accounts", f"  {'accounts':>8}{'days needed':>16}"]
    out += [
        f"  {row['accounts']:>8}{row['days'] if row['days'] else 'over a year':>16}" for row in found.needed_days
    ]  # fmt: skip
    if found.cheapest is not None:
        best = found.cheapest
        text = f"{best.accounts} {ACCOUNTS_ARE[s['compare']]} for {counted(best.days, 'day')}, {best.cost:,.0f} in all"
        out += ["", *wrapped(f"cheapest that finds {effect}: {text}")]
    elif s["cost_account"] is not None:
        out += ["", *wrapped(f"cheapest that finds {effect}: there is none within a year")]
    out += ["", "what this rests on"]
    for row in found.numbers:
        evidence = row["evidence"] if row["in_use"] else "cancels here"
        value = f"{row['value']:.4g} {row['unit']}"
        out.append(f"  {row['option']:<14}{value:<17}{evidence:<13}{row['meaning']}")
    if s["normal"]:
        out += wrapped("--normal: variances are taken as known, which is too sure with few accounts or days", "  ")
    return [*out, "", *(line for rule in RULES for line in wrapped(f"rule: {rule}.")), "", *wrapped(CAUTION)]


CAUTION = (
    "Donated accounts differ more than scripted ones, and donors choose to take part: no number of them mends that. Scripted "
    "accounts show what such accounts are shown, not what people are. Accounts that are banned or lost do not count."
)


def published_lines(rows: list[dict[str, Any]]) -> list[str]:
    """For reading, at most 80 columns."""
    from recsim.report.strings import counted
    from recsim.report.table import wrapped

    out: list[str] = []
    for row in rows:
        one, low = row["design"], row["counted_low"]
        s = one["settings"]
        out += [row["name"], *wrapped(f"found: {row['found']} ({row['source']})", "  ")]
        if low is not None:
            out += wrapped(
                f"if items were independent: {100 * low:.0f} to {100 * row['counted_high']:.0f} %; they are not", "  "
            )
        alarm = one["alarm_over_items"]
        out += wrapped(
            f"{counted(s['accounts'], 'account')}{' an arm' if s['compare'] == 'arms' else ''}, {counted(s['days'], 'day')}, compare "
            f"{s['compare']}: detectable {'nothing' if one['mde_pp'] is None else _points(one['mde_pp']) + ' points'}; at {s['effect_pp']:g} points power {_chance(one['power'])}; items taken as independent "
            f"would alarm falsely {_chance(alarm if alarm is not None else float('nan'))}",
            "  ",
        )
        if row["assumed"]:
            given = "; ".join(f"{name} {one['value']:g} ({one['why']})" for name, one in row["assumed"].items())
            out += wrapped(f"assumed: {given}", "  ")
        out += [*wrapped(f"{one['verdict'].upper()}. {' '.join(one['reasons'])}", "  "), ""]
    out += wrapped(
        "The standard deviations are assumed in every row (recsim design prints them; --between and the like set them). A verdict is "
        "about what a design can show under them, not about whether its finding is right."
    )
    return out


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(design)
