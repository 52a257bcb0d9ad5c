"""The results that README and docs/ show, made again, and a list of where every picture comes from.

    python experiments/documents.py                     # what there is, how long it takes, when it was made last
    python experiments/documents.py romania questions   # simulate these and put their pictures and tables into docs/
    python experiments/documents.py all

Pictures go to ``docs/images``, small tables to ``docs/results/NAME``, and ``docs/images/sources.csv`` says of every picture by which
command, from which state of the repository and of which fingerprint it is. Numbers in the texts are written by hand: read the tables
that are printed, and the page. Whole results stay in ``runs/documents``; what is there already is not simulated again, and
a result that was stopped goes on with the same command.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from recsim.errors import InputError, unknown
from recsim.experiment.files import git_state
from recsim.experiment.folder import checksum, write_text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
RESULTS = ROOT / "docs" / "results"
SOURCES = "sources.csv"
COLUMNS = ("picture", "command", "fingerprint", "commit", "date", "sha256")
ROMANIA = "configs/romania.yaml"
MEASURES = "served_only,trust_weight,winsor_users,velocity_cap,political_downrank,oracle_removal"


@dataclasses.dataclass(frozen=True)
class Shown:
    """A result that a page shows.

    Attributes:
        name: for the command line. page: where it is shown.
        command: words after ``python``; the folder is added as ``--out``, unless the command writes into docs/ itself.
        minutes: what it took on two cores, by the clock.
        pictures: file in the result's folder by name in docs/images, both without ``.png``; where the command writes into docs/ itself
            the same name twice.
        tables: files that are kept in docs/results, as they are.
        itself: whether the command writes into docs/ itself.
    """

    name: str
    page: str
    command: Sequence[str]
    minutes: int
    pictures: Mapping[str, str]
    tables: Sequence[str] = ()
    itself: bool = False


def _recsim(*words: str) -> tuple[str, ...]:
    return ("-m", "recsim", *words, "--yes", "--resume")


def _question(name: str, minutes: int, axis: str) -> Shown:
    command = _recsim("sweep", f"experiments/questions/{name}.yaml")
    return Shown(name, "questions.md", command, minutes, {f"question-{name}": f"figures/axis_{axis}"}, ["cells.csv"])


SHOWN = (
    Shown(
        "romania", "romania.md", _recsim("run", ROMANIA), 4,
        {"romania-shift": "figures/shift", "romania-robustness": "figures/robustness", "romania-share-by-day": "figures/share_by_day",
         "romania-windows": "figures/windows"},
        ["summary.json", "summary.csv", "robustness.csv", "by_window.csv", "manifest.json"],
    ),
    Shown(
        "campaigns", "romania.md", _recsim("attribute", ROMANIA, "--replicates", "10"), 11,
        {"romania-campaigns": "figures/attribute"}, ["attribution.csv"],
    ),
    Shown(
        "doors", "romania.md", _recsim("attribute", ROMANIA, "--by", "door", "--replicates", "4"), 5,
        {"romania-doors": "figures/attribute"}, ["attribution.csv"],
    ),
    Shown(
        "delay", "romania.md", _recsim("delay", ROMANIA, "--replicates", "10"), 13,
        {"romania-delay": "figures/delay"}, ["delay.csv"],
    ),
    Shown(
        "tradeoff", "romania.md", _recsim("tradeoff", ROMANIA, "--replicates", "4", "--mitigations", MEASURES), 6,
        {"romania-tradeoff": "figures/tradeoff"}, ["tradeoff.csv"],
    ),
    Shown(
        "budget", "romania.md", ("experiments/same_budget_for_everyone.py", "--replicates", "3", "--resume"), 5,
        {"romania-same-budget": "figures/same_budget"}, ["shifts.csv"],
    ),
    Shown(
        "scale", "romania.md",
        ("experiments/scale_invariance.py", ROMANIA, "--videos-per-day", "24", "--scales", "1:1000", "1:100", "1:10", "--replicates", "12", "6", "3"),
        26, {"scale-check": "scale_invariance"}, ["scale_invariance.json", "by_replicate.csv"],
    ),
    Shown(
        "full", "romania.md",
        _recsim(
            "run", "configs/romania-full.yaml", "--set", "activity.visits_per_day=7.92", "--fixed-parameters", "--checkpoint-every", "15min",
            "--workers", "1", "--threads", "2",
        ),
        325, {"romania-full-shift": "figures/shift", "romania-full-share-by-day": "figures/share_by_day"},
        ["summary.json", "summary.csv", "manifest.json"],
    ),
    _question("bots", 10, "dose"),
    _question("earlier", 12, "removal_days"),
    _question("labels", 6, "labels"),
    _question("feeds", 5, "feed"),
    _question("reviewers", 21, "reviewers"),
    Shown(
        "feeds-compared", "compare.md", _recsim("compare", ROMANIA, "--policies", "all", "--replicates", "3"), 19,
        {"romania-pareto": "figures/pareto_georgescu"}, ["compare.csv"],
    ),
    Shown(
        "ensemble", "compare.md", _recsim("ensemble", ROMANIA), 7,
        {"romania-ensemble": "figures/ensemble_georgescu"}, ["cells.csv"],
    ),
    Shown(
        "assumptions", "studies.md", _recsim("sweep", "configs/studies/romania-assumptions.yaml"), 17,
        {"romania-assumptions": "figures/settings", "romania-assumptions-dose": "figures/axis_dose"}, ["cells.csv"],
    ),
    Shown(
        "calibration", "calibration.md", _recsim("calibrate", "configs/calibrations/romania.yaml"), 30,
        {"calibration-romania-targets": "figures/targets", "calibration-romania-parameters": "figures/parameters"},
        ["calibration.json"],
    ),
    Shown(
        "coverage", "audit-plan.md",
        ("experiments/interval_coverage.py", "--studies", "1000", "--replicates", "10", "--null", "4000", "--balanced", "1000"),
        30, {"coverage": "coverage"}, ["coverage.json", "shifts.npz"],
    ),
    Shown("ranks", "audit-plan.md", ("experiments/calibration_ranks.py",), 30, {"calibration-ranks": "ranks"}, ["ranks.json"]),
    Shown(
        "validation", "validation.md", ("-m", "experiments.validation"), 60,
        {f"validation-{name}": f"validation-{name}" for name in (
            "amplification", "chronological", "concentration", "contamination", "emotion", "puppets", "stylised", "takedown",
            "simsom-published", "simsom-grids",
        )}, itself=True,
    ),
    Shown("measure", "measure.md", ("experiments/measure_an_audit.py",), 1, {"measure": "measured"}, ["measured.csv"]),
    Shown("audits", "audit-design.md", ("experiments/audit_the_audits.py",), 15, {"audits": "audits"}, ["audits.csv"]),
    Shown("speed", "performance.md", ("-m", "benchmarks", "--out", "docs"), 10, {"scaling": "scaling"}, itself=True),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Make what is named, or say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="of results; 'questions': the five studies; 'all'")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "documents", help="folder of the whole results")
    options = parser.parse_args(argv)
    if not options.names:
        print(listed())
        return
    for shown in chosen(options.names):
        make(shown, options.out / shown.name)


def chosen(names: Sequence[str]) -> list[Shown]:
    """The results of these names, in the order of the list.

    Raises:
        InputError: an unknown name.
    """
    known = {s.name: [s] for s in SHOWN}
    known |= {"questions": [s for s in SHOWN if s.page == "questions.md"], "all": list(SHOWN)}
    for name in names:
        if name not in known:
            raise unknown("result", name, known)
    wanted = {s.name for name in names for s in known[name]}
    return [s for s in SHOWN if s.name in wanted]


def listed() -> str:
    """A line per result: name, minutes, page, when its pictures were made."""
    rows = read_sources()
    lines = []
    for s in SHOWN:
        dates = sorted({rows[p]["date"] for p in s.pictures if p in rows})
        lines.append(f"{s.name:<16}{s.minutes:>4} min  {s.page:<16}{', '.join(dates) or 'never'}")
    return "\n".join(lines)


def make(shown: Shown, folder: Path, images: Path = IMAGES, results: Path = RESULTS) -> None:
    """Simulate a result unless it is there, put its pictures and tables into place and write down where they come from.

    Raises:
        InputError: the command failed, or did not write what it should have.
    """
    command = [*shown.command] if shown.itself else [*shown.command, "--out", str(folder)]
    text = shown_command(shown)
    print(f"\n{shown.name}: {text}", flush=True)
    if subprocess.run([sys.executable, *command], cwd=ROOT).returncode:
        raise InputError(f"ended with an error: {text}", shown.name)
    manifest = {} if shown.itself else _manifest(folder)
    commit, changed = git_state()
    commit = manifest.get("git_commit", commit)
    changed = manifest.get("git_uncommitted_changes", changed)
    rows = read_sources(images)
    for picture, file in shown.pictures.items():
        target = images / f"{picture}.png"
        if not shown.itself:
            _copy(folder / f"{file}.png", target)
        rows[picture] = {
            "picture": picture, "command": text, "fingerprint": manifest.get("fingerprint", ""),
            "commit": f"{(commit or 'unknown')[:12]}{' and changes' if changed else ''}", "date": dt.date.today().isoformat(),
            "sha256": digest(target),
        }  # fmt: skip
    for name in shown.tables:
        _copy(folder / name, results / shown.name / name)
    write_sources(rows, images)


def shown_command(shown: Shown) -> str:
    """The command as a page states it: without what says where it goes and that it may take long."""
    return " ".join(["python", *(word for word in shown.command if word not in ("--yes", "--resume"))])


def _manifest(folder: Path) -> dict:
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise InputError("was not written by the command", str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def digest(path: Path) -> str:
    """SHA-256 of a file, its first 16 hexadecimal digits."""
    return checksum(path)[:16]


def read_sources(images: Path = IMAGES) -> dict[str, dict[str, str]]:
    """Rows of the list by picture; empty without a list."""
    path = images / SOURCES
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["picture"]: row for row in csv.DictReader(file)}


def write_sources(rows: Mapping[str, Mapping[str, str]], images: Path = IMAGES) -> None:
    """Write the list, ordered by picture."""
    from io import StringIO

    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[name] for name in sorted(rows))
    write_text(images / SOURCES, text.getvalue())


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
