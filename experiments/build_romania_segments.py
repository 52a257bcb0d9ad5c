"""Rebuild ``configs/data/romania_segments.csv``: adults by region x language x age band; regions or counties.

Adults of a region are its registered voters (abroad: voters present, since registers abroad are not comparable).
The postal row counts as abroad; the file holds no voters present for it, so it adds nobody. Ages follow the voters
present. Hungarian speakers: documented shares of six counties (census 2021, residents), the remaining Hungarians of
the census spread evenly over the other counties of Transylvania, Banat and Crisana (assumption), none elsewhere and
none abroad (assumption); `population.language_factor` spans 0.9-1.1 for both. No vote column is read.

    python experiments/build_romania_segments.py            # write both files
    python experiments/build_romania_segments.py --check    # verify that the stored files are what this script makes
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "configs" / "data"
AGES = {"18-24": "18_24", "25-34": "25_34", "35-44": "35_44", "45-64": "45_64", "65+": "65plus"}
COLUMNS = ["county_code", "development_region", "registered_permanent", "voters_present"]
COLUMNS += [f"{sex}_{code}" for sex in "mf" for code in AGES.values()]
HUNGARIAN = {"HR": 0.795, "CV": 0.667, "MS": 0.318, "SM": 0.283, "BH": 0.204, "SJ": 0.191}
"""Share of residents of Hungarian ethnicity, census 2021 (civilek.info, spotmedia.ro)."""
HUNGARIANS, RESIDENTS = 1_002_151, 19_053_815
"""Census 2021 (INS)."""
OTHER_COUNTIES = ("AB", "BN", "BV", "CJ", "HD", "MM", "SB", "AR", "CS", "TM")
ABROAD = ("SR", "CORESPONDENTA")
FILES = {"development_region": "romania_segments.csv", "county_code": "romania_county_segments.csv"}
"""What a region of the table is, and its file."""


def read_counties() -> list[dict[str, str]]:
    """Population columns of the county file."""
    with (DATA / "romania_r1_by_county.csv").open(newline="", encoding="utf-8") as file:
        return [{name: row[name] for name in COLUMNS} for row in csv.DictReader(file)]


def build(counties: list[dict[str, str]], by: str = "development_region") -> str:
    """The segment table as CSV text; regions are development regions, or counties and the capital."""
    adults: dict[str, float] = {}
    hungarian: dict[str, float] = {}
    ages: dict[str, dict[str, float]] = {}
    home = [c for c in counties if c["county_code"] not in ABROAD]
    registered = sum(float(c["registered_permanent"]) for c in home)
    # Registered voters stand for residents: the documented counties first, then the rest of the census total.
    national = HUNGARIANS / RESIDENTS * registered
    known = sum(HUNGARIAN.get(c["county_code"], 0.0) * float(c["registered_permanent"]) for c in home)
    others = sum(float(c["registered_permanent"]) for c in home if c["county_code"] in OTHER_COUNTIES)
    rest = max(0.0, national - known) / others
    for county in counties:
        code = county["county_code"]
        region = "Abroad" if code in ABROAD else county[by]
        size = float(county["voters_present"] if code in ABROAD else county["registered_permanent"])
        share = HUNGARIAN.get(code, rest if code in OTHER_COUNTIES else 0.0)
        adults[region] = adults.get(region, 0.0) + size
        hungarian[region] = hungarian.get(region, 0.0) + size * share
        band = ages.setdefault(region, dict.fromkeys(AGES, 0.0))
        for name, column in AGES.items():
            band[name] += float(county[f"m_{column}"] or 0) + float(county[f"f_{column}"] or 0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["region", "language", "age_band", "adults"])
    for region in sorted(adults):
        voters = sum(ages[region].values())
        for language in ("hu", "ro"):
            share = hungarian[region] / adults[region]
            part = adults[region] * (share if language == "hu" else 1 - share)
            for name, present in ages[region].items():
                if part > 0:
                    writer.writerow([region, language, name, round(part * present / voters)])
    return out.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the stored files instead of writing")
    check, wrong = parser.parse_args().check, 0
    for by, name in FILES.items():
        path, text = DATA / name, build(read_counties(), by)
        if check:
            same = path.read_text(encoding="utf-8") == text
            print(f"{name} is up to date" if same else f"{name} differs; run without --check")
            wrong += not same
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}: {text.count(chr(10)) - 1} segments")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
