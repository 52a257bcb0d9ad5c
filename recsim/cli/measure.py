"""``recsim log`` and ``recsim measure``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim.cli.files import new_file
from recsim.cli.progress import progress
from recsim.errors import InputError

if TYPE_CHECKING:
    from recsim.cli.run import How
    from recsim.scenario.schema import Scenario


def log_command(scenario: Scenario, out: Path, replicate: int, how: How) -> None:
    """Say what to expect, simulate one replicate, write its log."""
    from recsim.audit.simulated_log import simulated_log
    from recsim.cli.run import for_estimate
    from recsim.experiment.folder import plain_errors, write_bytes, write_table
    from recsim.experiment.run import estimate

    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"got a file of kind {out.suffix or 'none'!r}; allowed: .parquet, .csv", "--out")
    if replicate < 0:
        raise InputError(f"got {replicate}, must be at least 0", "--replicate")
    new_file(out)
    one = for_estimate(scenario, 1)
    one = one.model_copy(update={"run": one.run.model_copy(update={"luck_branches": 1})})
    how.announce(
        f"{scenario.name}: replicate {replicate}, both arms", estimate(one, 1, 1), "population.scale with --set"
    )
    with progress(how.quiet) as say:
        frame = simulated_log(scenario, replicate, progress=say)
    with plain_errors(out.parent):
        if out.suffix == ".parquet":
            write_table(out, frame)
        else:
            write_bytes(out, frame.to_csv(index=False).encode())
    print(
        f"wrote {out}: {len(frame):,} rows, {frame['person'].nunique():,} simulated people, arms factual and counterfactual"
    )


def schema_lines() -> list[str]:
    """The columns of a log, for reading."""
    from recsim.audit.exposure_log import COLUMNS

    return [
        f"{name:<13}{'required' if column.required else 'optional':<10}{column.holds}\n             {column.meaning}"
        for name, column in COLUMNS.items()
    ]


def measure_command(
    log: Path | None, baseline: str | None, columns: list[str], out: Path | None, schema: bool, as_json: bool
) -> None:
    """Read a log, print the metrics or write them as JSON."""
    if schema:
        print("\n".join(schema_lines()))
        return
    if log is None:
        raise InputError("is missing; name a .parquet or .csv file, or ask for --schema", "LOG")
    from recsim.audit.exposure_log import SEPARATOR, UNUSED, read_log
    from recsim.audit.measure import measure
    from recsim.experiment.folder import plain_errors, write_text
    from recsim.sheets import note

    pairs = [text.partition("=") for text in columns]
    for text, (theirs, between, ours) in zip(columns, pairs, strict=True):
        if not (theirs and between and ours):
            raise InputError(f"got {text!r}; write name_in_the_file=our_name", "--column")
    if out is not None:
        new_file(out)
    frame = read_log(log, {theirs: ours for theirs, _, ours in pairs})
    if said := note(log, frame.attrs[SEPARATOR]):
        sys.stderr.write(f"note: {said}\n")
    found = {UNUSED: frame.attrs[UNUSED], **measure(frame, baseline)}
    text = json.dumps({"log": log.name, **found}, indent=1, allow_nan=False) + "\n"
    if out is not None:
        with plain_errors(out.parent):
            write_text(out, text)
    if as_json:
        sys.stdout.write(text)
    else:
        print("\n".join(lines_of(found)))


def lines_of(found: dict[str, Any]) -> list[str]:
    """For reading, at most 80 columns."""
    from recsim.audit.exposure_log import UNUSED
    from recsim.report.table import millions, number, percent, wrapped

    out: list[str] = []
    for arm in found["arms"]:
        out += [
            f"{arm['arm']}: {arm['people']:,} {'person' if arm['people'] == 1 else 'people'}, {millions(arm['impressions'])} impression{'' if arm['impressions'] == 1 else 's'}",
            f"{'candidate':<22}{'share, %':>9} {'95 % interval':>16}{'per person':>12}{'reach, %':>10}{'times':>8}",
            "-" * 78,
        ]
        for row in sorted(arm["rows"], key=lambda r: -(r["share"] or 0)):
            low, high = number(percent(row["share_low"]), ".1f"), number(percent(row["share_high"]), ".1f")
            out.append(
                f"{row['candidate'][:21]:<22}{number(percent(row['share']), '.1f'):>9} {low + ' to ' + high:>16}"
                f"{number(percent(row['share_of_persons']), '.1f'):>12}{number(percent(row['reach']), '.0f'):>10}"
                f"{number(row['frequency'], '.1f'):>8}"
            )
        hidden = sorted({(s["division"], s["segment"]) for s in arm["segments"] if s["people"] is None})
        content = arm["candidate_content"]
        part = "" if content is None else f"content about candidates {100 * content:.1f} % of impressions; "
        out += wrapped(
            f"{part}parity gap {number(arm['parity_gap_pp'], '.1f')} pp; effective candidates {number(arm['effective_candidates'], '.1f')}; the "
            f"1 % most exposed people hold {number(percent(arm['exposure_top1_share']), '.1f')} %"
        )
        for key, name in (("prevalence", "inauthentic content"), ("rank_weighted_stance", "rank-weighted stance")):
            if key in arm:
                low, high = number(arm[f"{key}_low"], ".3f"), number(arm[f"{key}_high"], ".3f")
                out += wrapped(f"{name}: {number(arm[key], '.3f')} ({low} to {high})")
        if hidden:
            out += wrapped(
                f"fewer than {found['least_people']} people, not shown: " + ", ".join(f"{d} {s}" for d, s in hidden)
            )
        out.append("")
    for one in found["comparisons"]:
        how = "the same people" if one["paired"] else "different people"
        out += [
            f"{one['arm']} against {one['baseline']} ({how}); total variation {number(one['tv_distance'], '.3f')}",
            f"{'candidate':<22}{'difference, pp':>15} {'95 % interval':>18}{'ratio':>8}{'reach, %':>10}",
            "-" * 74,
        ]
        for row in sorted(one["rows"], key=lambda r: -abs(r["difference_pp"] or 0)):
            span = f"{number(row['difference_low'], '+.2f')} to {number(row['difference_high'], '+.2f')}"
            out.append(
                f"{row['candidate'][:21]:<22}{number(row['difference_pp'], '+.2f'):>15} {span:>18}"
                f"{number(row['amplification'], '.2f'):>8}{number(row['amplification_reach_pct'], '+.1f'):>10}"
            )
        out.append("")
    if found[UNUSED]:
        out += wrapped(f"columns not used (recsim measure --schema lists those that are): {', '.join(found[UNUSED])}")
    out += wrapped(
        "Intervals are over people of one world: they do not cover what another day or another draw of luck would have "
        "shown. A difference between arms is an effect only if people were assigned by chance."
    )
    return out
