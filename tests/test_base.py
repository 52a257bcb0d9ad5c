"""Scenarios that are based on another file."""

from pathlib import Path

import pytest
import yaml

from recsim.errors import InputError
from recsim.scenario import load
from recsim.scenario.base import over
from recsim.scenario.load import is_follow, read_scenario

SMALL = Path(__file__).parent.parent / "configs" / "small.yaml"


@pytest.fixture
def files(tmp_path):
    """A scenario in a folder of its own, and a function that writes one based on it."""
    raw = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    segments = raw["population"]["segments"]
    (tmp_path / "below" / "data").mkdir(parents=True)
    rows = ["region,language,age_band,adults", *(",".join(str(v) for v in row.values()) for row in segments)]
    (tmp_path / "below" / "data" / "cells.csv").write_text("\n".join(rows) + "\n")
    raw["population"]["segments"] = "data/cells.csv"
    (tmp_path / "below" / "first.yaml").write_text(yaml.safe_dump(raw))

    def write(text, name="second.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_blocks_are_merged_and_the_rest_is_replaced(files, small):
    scenario = load(
        files("base: below/first.yaml\nname: other\nrun: {replicates: 2}\nactivity: {visits_per_day: {value: 5}}\n")
    )
    assert scenario.name == "other" and scenario.run.replicates == 2 and scenario.run.seed == small.run.seed
    assert scenario.activity.visits_per_day.value == 5 and scenario.activity.videos_per_visit.value == 8
    assert [s.adults for s in scenario.population.segments] == [s.adults for s in small.population.segments]
    third = load(files("base: second.yaml\ncampaigns: []\n", "third.yaml"), ["run.seed=9"])
    assert third.run.seed == 9 and third.run.replicates == 2 and third.campaigns == [] and third.name == "other"


def test_a_map_of_the_other_file_lies_in_its_folder(files, small):
    first = files("", "below/unused.yaml").parent / "first.yaml"
    raw = yaml.safe_load(first.read_text(encoding="utf-8"))
    raw["population"]["tiles"] = "data/tiles.csv"
    first.write_text(yaml.safe_dump(raw))
    regions = sorted({s.region for s in small.population.segments})
    rows = [f"{region},0,{k}" for k, region in enumerate(regions)]
    (first.parent / "data" / "tiles.csv").write_text("region,row,column\n" + "\n".join(rows) + "\n")
    assert set(load(files("base: below/first.yaml\n")).population.tiles) == set(regions)


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": {"value": 1, "range": [0, 2]}}, {"a": {"value": 3}}, {"a": {"value": 3}}),
        ({"a": [1, 2], "b": 1}, {"a": [3]}, {"a": [3], "b": 1}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ],
)
def test_what_counts(below, above, expected):
    kept = yaml.safe_dump(below)
    assert over(below, above) == expected and yaml.safe_dump(below) == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nbase: second.yaml\n", r"second\.yaml:2 base: got second\.yaml, which is based on this file"),
        ("base: third.yaml\n", r"third\.yaml:1 base: got second\.yaml, which is based on this file"),
        ("base: below/fist.yaml\n", r"no such file; did you mean .*first\.yaml"),
        ("base: [a]\n", r"second\.yaml:1 base: got \['a'\]; the name of a scenario file is needed"),
        ("base: below/first.yaml\nrun:\n  sead: 3\n", r"second\.yaml:3 run\.sead: got unknown key 'sead'.*did you mean 'seed'"),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(files, text, message):
    files("base: second.yaml\n", "third.yaml")
    with pytest.raises(InputError, match=message) as error:
        load(files(text))
    assert "\n" not in str(error.value)


def test_a_follow_graph_world_is_known_by_its_base(tmp_path):
    (tmp_path / "a.yaml").write_text("base: b.yaml\nname: a\n")
    (tmp_path / "b.yaml").write_text("follow_graph: {}\n")
    assert is_follow(read_scenario(tmp_path / "a.yaml")[0])
