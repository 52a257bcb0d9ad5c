"""An invented audit with sock puppets, from its log to its figures: what `recsim measure` makes of it, beside what was put in.

    python experiments/measure_an_audit.py --out runs/audit      # seconds

Twelve accounts in each of two arms look at a service for two weeks. The ranked feed shows Ada by 8 points more than the feed of
followed accounts. Accounts differ, days move everybody, and two coders read the items, one in twenty of them wrongly; what they
differ on is settled. Writes ``log.csv``, ``coded.csv`` and ``poll.csv`` as an audit would have them, and ``measured.csv`` and
``measured.png``; prints the figures, and the standard deviations for `recsim design` beside the true ones. Nothing here is
about any service: all numbers are made up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import recsim as rs
from recsim.audit.log_rows import rows_of
from recsim.audit.reference_file import read_reference
from recsim.report.measure_figures import write_measured
from recsim.report.measure_table import measure_lines

CANDIDATES = ("Ada", "Ben", "Cleo")
ARMS = {"following": 0.0, "ranked": 0.08}
"""What each feed adds to Ada's share."""
SHARE, BETWEEN, WITHIN, SHARED = 0.35, 0.08, 0.05, 0.05
"""Ada's share, and its standard deviations between accounts, of an account between days, and of days that all share."""
ITEMS_A_DAY, PUBLISHED = 25, 8
"""Items about candidates that an account is shown on a day; of each candidate that are published on a day."""
WRONG, NOT_CODED = 0.05, 0.03
"""Part of the items that the second coder reads wrongly, and that nobody coded."""


def invented(accounts: int, days: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log of an audit, and its coding sheet.

    Args:
        accounts: of each arm. days: of the audit. seed: of all that is drawn.
    """
    draw = np.random.default_rng(seed)
    shared = draw.normal(0, SHARED, days)
    rows = []
    for arm, added in ARMS.items():
        for account, own in enumerate(draw.normal(0, BETWEEN, accounts)):
            for day in range(days):
                ada = np.clip(SHARE + added + own + shared[day] + draw.normal(0, WITHIN), 0.01, 0.99)
                who = draw.choice(3, ITEMS_A_DAY, p=[ada, 0.6 * (1 - ada), 0.4 * (1 - ada)])
                items = draw.integers(0, PUBLISHED, ITEMS_A_DAY)
                rows += [
                    (f"{arm}-{account:02}", arm, f"2024-11-{1 + day:02}", f"v{day:02}{CANDIDATES[k][0]}{item}")
                    for k, item in zip(who, items, strict=True)
                ]
    log = pd.DataFrame(rows, columns=["person", "arm", "day", "item"])
    return log, _sheet(sorted(log["item"].unique()), draw)


def _sheet(items: list[str], draw: np.random.Generator) -> pd.DataFrame:
    """What two coders wrote down, and what they settled."""
    rows = []
    for item in items:
        if draw.random() < NOT_CODED:
            continue
        true = next(name for name in CANDIDATES if name[0] == item[3])
        wrong = draw.choice([name for name in CANDIDATES if name != true])
        second = wrong if draw.random() < WRONG else true
        rows += [(item, "first", true), (item, "second", second)]
        rows += [(item, "final", true)] if second != true else []
    return pd.DataFrame(rows, columns=["item", "coder", "candidate"])


def main() -> None:
    """Invent, measure, write, print."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--out", type=Path, default=Path("runs/audit"), help="folder to write into")
    ask.add_argument("--accounts", type=int, default=12, help="of each arm")
    ask.add_argument("--days", type=int, default=14)
    ask.add_argument("--seed", type=int, default=1)
    given = ask.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    log, sheet = invented(given.accounts, given.days, given.seed)
    log.to_csv(given.out / "log.csv", index=False)
    sheet.to_csv(given.out / "coded.csv", index=False)
    (given.out / "poll.csv").write_text("candidate,share\nAda,30\nBen,45\nCleo,25\n", encoding="utf-8")

    table = rs.read_log(given.out / "log.csv", coding=given.out / "coded.csv")
    found = rs.measure(table, "following", viewers="puppets", reference=read_reference(given.out / "poll.csv"))
    rows_of(found).to_csv(given.out / "measured.csv", index=False)
    write_measured(found, "log.csv", given.out / "measured.png")
    print("\n".join(measure_lines(found, table.attrs["unused_columns"])))
    print(
        f"\nput in: Ada {100 * ARMS['ranked']:+.0f} pp; --between {100 * BETWEEN:g}, --within {100 * WITHIN:g}, --shared {100 * SHARED:g}"
    )


if __name__ == "__main__":
    main()
