"""Reading, checking, drawing and writing scenarios."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from recsim.errors import InputError
from recsim.scenario import dump_yaml, fingerprint, json_schema, load, parse, quantities, realise, template
from recsim.scenario.quantity import Quantity
from recsim.scenario.realise import balanced

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "configs" / "small.yaml"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("campaigns.network.tactics.liek=1", r"^--set campaigns.network.tactics.liek=1: got unknown key 'liek'; allowed: like, comment, share, follow, watch, report, search; did you mean 'like'\?"),
        ("audit.equivalence_pp=3", r"audit.equivalence_pp=3: got unknown key .*; did you mean 'placebo_bound_pp'\?"),
        ("activty.inbox=3", r"unknown key 'activty'; allowed: .*; did you mean 'activity'\?"),
        ("population.scale=2", "population.scale=2: got 2, must be at most 1"),
        ("population.scale=0", "must be above 0"),
        ("population.scale=0.00001", "leaves 5 simulated people"),
        ("activity.visits_per_day=-1", "activity.visits_per_day=-1: got -1, must be above 0"),
        ("activity.visits_per_day=.nan", "got nan; a finite number"),
        ("activity.visits_per_day=.inf", "got inf; a finite number"),
        ("activity.visits_per_day=often", "got the text 'often'; a number is needed"),
        ("response.like_rate=1.4", r"got 1.4, must be in \[0, 1\]"),
        ("campaigns.network.beneficiary=evaa", r"network.beneficiary=evaa: got unknown candidate 'evaa'; allowed: ada, ben, eva; did you mean 'eva'\?"),
        ("campaigns.network.type=bot_netwrk", "got type 'bot_netwrk'; allowed: .*; did you mean 'bot_network'"),
        ("campaigns.network.start=3", "campaigns.network.start=3: got 3, must be at most 0"),
        ("campaigns.network.start=-40", "got day -40; the run has room for -8 to 0; set start to -8 or later, or move days.start back to 2024-10-14"),
        ("campaigns.network.end=-5", "got end -5 before start -3"),
        ("campaigns.network.tactics.like=.5", "add up to 0.7, must add up to 1"),
        ("days.vote=2020-01-01", "got vote 2020-01-01 not after start 2024-11-15"),
        ("days.vote=soon", "got 'soon'; a date such as"),
        ("platform.gates.mode=sof", "got 'sof'; allowed: off, soft, hard; did you mean 'soft'"),
        ("run.replicates=1.5", "whole number is needed"),
        ("run.step_hours=5", "got step_hours 5, must divide 24"),
        ("content.items_per_day=5000", "items_per_day=5000: got 5,000, must be at most 3,600, the fewest real items a day.*real_items_per_day"),
        ("content.language_shares.xx=.1", "got unknown name 'xx'; allowed: aa"),
        ("candidates.ada.key=ben", "key 'ben' twice"),
        ("candidates.ada.id=ben", "id 'ben' twice"),
        ("candidates.ada.id=a b", "use letters, digits"),
        ("campaigns.network.accounts={value: 5, range: [9, 3]}", r"got range \[9, 3\]"),
        ("campaigns.network.accounts={value: 50, range: [3, 9]}", "outside its own range"),
        ("campaigns.network.accounts={value: 5, evidence: documented}", "no source is given"),
        ("campaigns.network.accounts={value: 5, evidense: assumption}", "unknown key 'evidense'"),
        ("candidates=[]", "got 0 entries, must be at least 2"),
        ("population.tiles={north: [0, 0]}", ": has no place for south"),
        ("population.tiles={nort: [0, 0]}", r"population.tiles.nort: got unknown name 'nort'; .*did you mean 'north'\?"),
        ("population.tiles={north: [1, 0], south: [1, 0]}", r"got the place \[1, 0\], where 'north' is"),
        ("population.tiles={north: [1, 0], south: [-1, 0]}", r"must be in \[0, 40\]"),
        ("population.tiles={north: [1.5, 0], south: [1, 0]}", "whole number is needed"),
        ("population.tiles={north: [1], south: [1, 0]}", "population.tiles.north"),
        ("run.draws=balansed", "got 'balansed'; allowed: independent, balanced; did you mean 'balanced'"),
    ],
)  # fmt: skip
def test_one_line_per_problem(override, message):
    with pytest.raises(InputError, match=message) as error:
        load(SMALL, [override])
    for line in str(error.value).splitlines():
        assert f"--set {override}" in line or "..." in line or " twice" in line
        assert "pydantic" not in line and "Input should" not in line and len(line) < 700


def test_a_simulated_item_stands_for_one_real_one_or_more():
    """Whatever a replicate draws: the lowest end of the range counts."""
    with pytest.raises(
        InputError, match=r"items_per_day: got 120, must be at most 100, .* lower items_per_day or raise"
    ):
        load(SMALL, ["content.real_items_per_day={value: 900, range: [100, 2000]}"])
    assert load(SMALL, ["content.real_items_per_day={value: 900, range: [120, 2000]}"]).content.items_represented == 7.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("- 1\n- 2\n", "got a list at the top"),
        ("name: [a\nb: c", r"x.yaml:\d"),
        ("name: a\nname: b\n", "key 'name' stands twice"),
        ("days: {start: 2024-11-31}\n", "a date or time that does not exist .day is out of range"),
        ("{{x}}: 1\n", "got a mapping as a key"),
        ("[a, b]: 1\n", "got a list as a key"),
        ("name: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("name: x\n", "days: is missing"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "x.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load(path)


def test_missing_file_suggests(tmp_path):
    (tmp_path / "romania.yaml").write_text("name: x")
    with pytest.raises(InputError, match=r"did you mean .*romania\.yaml"):
        load(tmp_path / "romani.yaml")
    with pytest.raises(InputError, match="got a directory"):
        load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        load(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("region,language,adults\n", "column 'age_band' is missing"),
        ("region,language,age_band,adults\na,b,c,many\n", "seg.csv:2: got 'many' adults"),
        ("region,language,age_band,adults\na,b,c,-4\n", "must be finite and at least 0"),
        ("region,language,age_band,adults\n", "holds no segments"),
    ],
)
def test_bad_segments(tmp_path, rows, message):
    raw = yaml.safe_load(SMALL.read_text())
    raw["population"]["segments"] = "seg.csv"
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "seg.csv").write_text(rows)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "x.yaml")


def test_segments_of_other_programs(tmp_path):
    """A byte order mark, as spreadsheets write it, is no part of a column's name; other encodings are refused."""
    raw = yaml.safe_load(SMALL.read_text())
    cells = raw["population"]["segments"]
    raw["population"]["segments"] = "seg.csv"
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(raw))
    text = "\n".join(["region,language,age_band,adults", *(",".join(map(str, cell.values())) for cell in cells)])
    (tmp_path / "seg.csv").write_text(text, encoding="utf-8-sig")
    assert load(tmp_path / "x.yaml").population == load(SMALL).population
    (tmp_path / "seg.csv").write_bytes(
        (text + "\nIa\u0219i,aa,18-29,1").encode("latin2", "replace").replace(b"?", b"\xba")
    )
    with pytest.raises(InputError, match=r"seg\.csv: not UTF-8 text"):
        load(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    "override", ["nokey", "candidates.zoe.standing=1", "name.x=1", "days.vote=2024-11-31", "name={[a]: 1}"]
)
def test_bad_overrides(override):
    with pytest.raises(InputError, match="--set"):
        load(SMALL, [override])


def test_null_takes_away_what_there_may_be_none_of():
    both = ["moderation.queue.capacity={value: 5, evidence: assumption}", "moderation.queue.capacity=null"]
    assert load(SMALL, both[:1]).moderation.queue.capacity.value == 5
    assert load(SMALL, both).moderation.queue.capacity is None
    with pytest.raises(InputError, match="got nothing; a number is needed"):
        load(SMALL, ["activity.visits_per_day={value: 5}", "activity.visits_per_day=null"])


def test_override_of_a_quantity_loses_its_range():
    q = load(SMALL, ["campaigns.network.actions_per_day=9"]).campaigns[0].actions_per_day
    assert q.value == 9 and q.range is None and q.source == "set on the command line"


@pytest.mark.parametrize("config", ["small.yaml", "romania.yaml"])
def test_round_trip(config, tmp_path):
    scenario = load(ROOT / "configs" / config)
    path = tmp_path / "copy.yaml"
    path.write_text(dump_yaml(scenario))
    again = load(path)
    assert again == scenario and fingerprint(again, {}) == fingerprint(scenario, {})


def test_fingerprint_ignores_replicates_only(small):
    other = small.model_copy(update={"run": small.run.model_copy(update={"replicates": 99})})
    seeded = small.model_copy(update={"run": small.run.model_copy(update={"seed": 99})})
    assert fingerprint(other, {}) == fingerprint(small, {}) != fingerprint(seeded, {})
    assert fingerprint(small, {"a": "1"}) != fingerprint(small, {"a": "2"})


def test_realise(romania):
    drawn = realise(romania, 1, 0)
    assert realise(romania, 1, 0) == drawn != realise(romania, 1, 1)
    assert realise(romania, 1, 0, fixed=True) == romania
    central, values = quantities(romania), quantities(drawn)
    moved = 0
    for a, b in zip(central, values, strict=True):
        if a["range"] is None:
            renormalised = any(
                part in a["key"] for part in ("tactics", "comment_targets", "candidate_content", "retrieval")
            )
            assert a["value"] == b["value"] or renormalised, a["key"]
        else:
            moved += a["value"] != b["value"]
            assert (
                a["range"][0] - 1e-9
                <= b["value"]
                <= a["range"][1] * (1.35 if "tactics" in a["key"] or "targets" in a["key"] else 1) + 1e-9
            ), a["key"]
    assert moved > 60


def test_realised_mixes_add_up(romania):
    for replicate in range(5):
        s = realise(romania, 3, replicate)
        t, c = s.campaigns[0].tactics, s.campaigns[0].comment_targets
        assert t.like.value + t.comment.value + t.share.value + t.follow.value == pytest.approx(1)
        assert c.own.value + c.rivals.value + c.popular.value == pytest.approx(1)


def test_mitigations_in_any_order_are_drawn_alike():
    ranged = "parameters: {full_age_days: {value: 30, range: [10, 60], evidence: assumption}}"
    two = [f"{{kind: trust_weight, {ranged}}}", "served_only"]
    one, other = (
        realise(load(SMALL, [f"platform.mitigations=[{', '.join(order)}]"]), 1, 0).platform.mitigations
        for order in (two, two[::-1])
    )
    assert one[0] == other[1] and one[0].parameters["full_age_days"].value != 30


def test_realise_hangs_on_keys_alone(romania):
    drawn = realise(romania, 1, 0)
    reversed_ = romania.model_copy(
        update={"candidates": romania.candidates[::-1], "campaigns": romania.campaigns[::-1]}
    )
    other = realise(reversed_, 1, 0)
    assert other.candidates[::-1] == drawn.candidates and other.campaigns[::-1] == drawn.campaigns
    renamed = romania.model_copy(
        update={"candidates": [c.model_copy(update={"id": f"x{c.id}"}) for c in romania.candidates]}
    )
    assert [c.standing for c in realise(renamed, 1, 0).candidates] == [c.standing for c in drawn.candidates]


def with_draws(scenario, kind):
    return scenario.model_copy(update={"run": scenario.run.model_copy(update={"draws": kind})})


def test_balanced_draws_hold_every_part_of_a_range(romania):
    """Ten replicates in a row one value from each tenth, a hundred one from each hundredth; nothing goes together."""
    paths = [f"p{k}" for k in range(12)]
    u = np.array([[draw(p) for p in paths] for draw in (balanced(5, r) for r in range(200))])
    assert ((u >= 0) & (u < 1)).all() and u.std(axis=0) == pytest.approx(np.sqrt(1 / 12), abs=1e-3)
    for start in range(0, 200, 10):
        assert (np.sort(np.floor(10 * u[start : start + 10]), axis=0) == np.arange(10)[:, None]).all()
    for start in (0, 100):
        assert (np.sort(np.floor(100 * u[start : start + 100]), axis=0) == np.arange(100)[:, None]).all()
    between = np.corrcoef(u.T)[np.triu_indices(12, 1)]
    assert np.abs(between).max() < 4 / np.sqrt(200) and len({tuple(row) for row in np.floor(10 * u[:10].T)}) == 12
    # Each value by itself is uniform over seeds.
    alone = np.sort([balanced(seed, 3)("p") for seed in range(400)])
    assert np.abs(alone - (np.arange(400) + 0.5) / 400).max() < 1.63 / np.sqrt(400)  # Kolmogorov-Smirnov at 1 %


def test_balanced_draws_of_a_scenario(romania):
    """Another draw of the same ranges; an earlier replicate does not change when later ones are added."""
    spread = with_draws(romania, "balanced")
    drawn = [realise(spread, 1, r) for r in range(10)]
    rates = np.array([s.response.like_rate.value for s in drawn])
    low, high = romania.response.like_rate.range
    assert (np.sort(np.floor(10 * (rates - low) / (high - low))) == np.arange(10)).all()
    assert realise(spread, 1, 3) == drawn[3] and realise(spread, 1, 3, fixed=True) == spread
    assert drawn[0].response.like_rate != realise(romania, 1, 0).response.like_rate
    turned = spread.model_copy(update={"candidates": spread.candidates[::-1]})
    assert realise(turned, 1, 3).candidates[::-1] == drawn[3].candidates
    assert load(SMALL).run.draws == "independent"


def test_log_range_is_drawn_in_logs():
    q = Quantity(value=10, range=(1, 100), scale="log")
    assert q.at(0.5).value == pytest.approx(10) and q.at(0).value == pytest.approx(1)
    with pytest.raises(ValueError, match="must start above 0"):
        Quantity(value=1, range=(0, 100), scale="log")


def test_template_and_schema(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(template())
    assert load(path).name == "my-scenario"
    top = json_schema()["$defs"]["Scenario"]
    assert top["properties"]["run"] and "description" in top["properties"]["days"]


KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "number": int | float,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def against(schema, value, defs, at=""):
    """What JSON Schema has against a value; the keywords that pydantic writes."""
    if "$ref" in schema:
        return against(defs[schema["$ref"].rpartition("/")[2]], value, defs, at)
    found = []
    if "if" in schema:
        found += against(schema["else" if against(schema["if"], value, defs) else "then"], value, defs, at)
    for several in ("anyOf", "oneOf"):
        tried = [against(one, value, defs, at) for one in schema.get(several, [])]
        found += min(tried, key=len) if tried and all(tried) else []
    kind = schema.get("type")  # in Python a boolean is an integer, too
    if kind and (not isinstance(value, KINDS[kind]) or isinstance(value, bool) != (kind == "boolean")):
        return [*found, f"{at}: {value!r} is no {kind}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at}: {value!r}")
    if isinstance(value, dict):
        own, other = schema.get("properties", {}), schema.get("additionalProperties", {})
        found += [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            if name in own or other:
                found += against(own.get(name, other or {}), member, defs, f"{at}.{name}")
            elif other is False:
                found.append(f"{at}: unknown {name}")
    if isinstance(value, list):
        found += [
            text
            for n, member in enumerate(value)
            for text in against(schema.get("items", {}), member, defs, f"{at}.{n}")
        ]
    return found


def test_the_schema_takes_what_can_be_loaded():
    """Bare numbers, a base, tables in files, names of mitigations, attacks; and no slips."""
    schema = json_schema()

    def problems(text):
        return against(schema, json.loads(json.dumps(yaml.safe_load(text), default=str)), schema["$defs"])

    files = [p for p in sorted((ROOT / "configs").glob("*.yaml")) if p.name != "romania-defences.yaml"]
    assert len(files) == 6
    for path in files:
        assert problems(path.read_text(encoding="utf-8")) == [], path.name
    raw = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    network = {
        k: v
        for k, v in raw["campaigns"][0].items()
        if k not in ("tactics", "targets", "comment_targets", "report_targets")
    }
    raw |= {"dose": 2, "campaigns": [{**network, "attack": "random"}]}
    raw["platform"] = {"mitigations": ["trust_weight", {"kind": "oracle_removal"}]}
    raw["population"]["tiles"] = "tiles.csv"
    assert problems(yaml.safe_dump(raw)) == []
    for slip in ({"dosis": 1}, {"dose": "two"}, {"population": {"people": 5}}, {"campaigns": [network]}):
        assert problems(yaml.safe_dump({**raw, **slip})), slip


def test_parse_of_a_mapping():
    raw = yaml.safe_load(SMALL.read_text())
    assert parse(raw) == load(SMALL)


# ---- the Romanian scenario ---------------------------------------------------------------------------------------


def test_every_number_of_romania_carries_evidence(romania):
    skipped = ("audit.robustness",)
    raw = yaml.safe_load((ROOT / "configs" / "romania.yaml").read_text())
    bare = []

    def walk(value, path):
        if isinstance(value, dict) and "value" in value:
            assert value.get("evidence") in ("documented", "published formula", "assumption", "computed"), path
        elif isinstance(value, dict):
            for name, member in value.items():
                walk(member, f"{path}.{name}".lstrip("."))
        elif isinstance(value, list):
            for number, member in enumerate(value):
                walk(member, f"{path}.{number}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            bare.append(path)

    walk(raw, "")
    settings = {
        "run.seed", "run.replicates", "run.luck_branches", "run.step_hours", "population.scale", "activity.inbox",
        "content.items_per_day", "content.creators", "content.topics", "content.lifetime_days",
        "candidate_content.supporters_per_candidate", "candidate_content.media_outlets", "platform.retrieval.pool",
        "platform.retrieval.slate", "platform.retrieval.refresh_hours", "population.utc_offset_h.Abroad",
        "audit.shadow_places", "audit.stopping.first", "audit.stopping.batch", "audit.stopping.most", "campaigns.0.segment_topic", "campaigns.1.segment_topic",
        "campaigns.0.bursts_per_day", "campaigns.1.bursts_per_day", "campaigns.0.shared_address_accounts",
        "campaigns.1.shared_address_accounts",
    }  # fmt: skip
    claims = [
        p for p in bare
        if p not in settings and not p.startswith((*skipped, "targets")) and not p.endswith((".start", ".end"))
        and ".hours." not in p and not p.startswith(("population.tiles.", "audit.windows."))
    ]  # fmt: skip
    assert claims == []
    assert all(q["evidence"] != "unstated" for q in quantities(romania) if not q["key"].startswith(skipped))


def test_what_is_switched_off_is_not_in_use():
    def unused(*sets):
        return {q["key"] for q in quantities(load(SMALL, list(sets))) if not q["in_use"]}

    base = unused()
    assert {"opinion.turnout", "response.stop", "response.memory", "moderation.queue.delay_h", "campaigns.network.costs.like",
            "campaigns.network.report_targets.own"} <= base  # fmt: skip
    assert (
        not {"campaigns.network.accounts", "campaigns.network.comment_targets.own", "response.quality", "dose"} & base
    )
    assert not any(key.startswith("opinion.") for key in unused("opinion.enabled=true"))
    assert base - unused("response.model=cascade") == {"response.position_bias", "response.stop"}
    assert base - unused("campaigns.network.costs.like=0.1") == {"campaigns.network.costs.like"}
    assert base - unused("moderation.reviewers={aa: {count: 3}}") == {"moderation.queue.delay_h"}
    bought = "campaigns=[{id: b, type: purchased_engagement, beneficiary: eva, start: -2, likes: 5, costs: {account: 1, like: 1}}]"
    assert "campaigns.b.costs.account" in unused(bought) and "campaigns.b.costs.like" not in unused(bought)
    # A share that is drawn may be above zero in some worlds.
    drawn = unused("campaigns.network.replacement_share={value: 0, range: [0, 0.5], evidence: assumption}")
    assert base - drawn == {"campaigns.network.replacement_days"}
    placed = "run.ensemble={name: e, members: [{campaigns.network.replacement_share: %g}, {}]}"
    assert base - unused(placed % 0.5) == {"campaigns.network.replacement_days"} and unused(placed % 0) == base
    # Without gates new items are still tried in the first pool.
    gates = {key for key in unused("platform.gates.mode='off'") if key.startswith("platform.gates.")}
    assert {"platform.gates.slope", "platform.gates.stages.0.pass_share", "platform.gates.stages.1.viewers"} <= gates
    assert "platform.gates.stages.0.viewers" not in gates
    assert not any(
        key.startswith("platform.gates.")
        for key in unused("platform.gates.mode='off'", "audit.robustness.enabled=true")
    )


def test_there_is_a_first_pool():
    with pytest.raises(InputError, match="got 0 entries, must be at least 1"):
        load(SMALL, ["platform.gates.stages=[]"])


def test_documented_numbers_have_sources(romania):
    for q in quantities(romania):
        if q["evidence"] == "documented":
            assert len(q["source"]) > 8, q["key"]


def test_romania_is_whole(romania):
    assert len(romania.candidates) == 14 and romania.days.count == 55
    assert {c.type for c in romania.campaigns} == {
        "bot_network",
        "purchased_engagement",
        "paid_influencers",
        "volunteers",
    }
    assert len({s.region for s in romania.population.segments}) == 9


def test_romania_by_county(romania):
    """Counties have the people of their regions, and a place each on the map."""
    names = {"segments": "data/romania_county_segments.csv", "tiles": "data/romania_county_tiles.csv"}
    found = load(ROOT / "configs" / "romania.yaml", [f"population.{k}={v}" for k, v in names.items()])
    assert len(found.population.tiles) == 43 == len(set(found.population.tiles.values()))
    assert sum(c.adults for c in found.population.segments) == pytest.approx(sum(c.adults for c in romania.population.segments), abs=300)  # fmt: skip
    assert found.population.simulated("region")["Abroad"] == pytest.approx(
        romania.population.simulated("region")["Abroad"], rel=0.02
    )
    assert parse(yaml.safe_load(dump_yaml(found))) == found


@pytest.mark.parametrize(
    "text, message", [("region,row\nx,1", "column 'column' is missing"), ("region,row,column\nx,1,b", "x.csv:2.*whole")]
)
def test_bad_tiles(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "s.yaml").write_text(SMALL.read_text())
    with pytest.raises(InputError, match=message):
        load(tmp_path / "s.yaml", ["population.tiles=x.csv"])
    with pytest.raises(InputError, match="tiles file cannot be read"):
        load(tmp_path / "s.yaml", ["population.tiles=nowhere.csv"])


def test_segments_are_reproducible():
    import importlib.util

    spec = importlib.util.spec_from_file_location("build", ROOT / "experiments" / "build_romania_segments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not any("vote" in c and c != "voters_present" for c in module.COLUMNS)
    assert all(set(row) == set(module.COLUMNS) for row in module.read_counties())
    text = module.build(module.read_counties())
    assert text == (ROOT / "configs" / "data" / "romania_segments.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    north_east = sum(float(r["adults"]) for r in rows if r["region"] == "Nord-Est")
    assert north_east == pytest.approx(3_261_988, abs=20)
    hungarian = sum(float(r["adults"]) for r in rows if r["language"] == "hu") / sum(float(r["adults"]) for r in rows)
    assert 0.045 < hungarian < 0.06


def test_segments_of_european_spreadsheets(tmp_path):
    """Semicolons and a decimal comma; a workbook is refused with what to do."""
    raw = yaml.safe_load(SMALL.read_text())
    cells = raw["population"]["segments"]
    raw["population"]["segments"] = "seg.csv"
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(raw))
    rows = [";".join(str(part).replace(".", ",") for part in cell.values()) for cell in cells]
    rows[0] = rows[0].rpartition(";")[0] + f";{cells[0]['adults'] + 0.5}".replace(".", ",")
    (tmp_path / "seg.csv").write_text("\n".join([";".join(cells[0]), *rows]), encoding="utf-8-sig")
    found = load(tmp_path / "x.yaml").population.segments
    assert found[0].adults == cells[0]["adults"] + 0.5 and found[1:] == load(SMALL).population.segments[1:]
    with pytest.raises(InputError, match=r"seg.xlsx: segments file is a spreadsheet; a CSV file is needed \(in Excel"):
        load(tmp_path / "x.yaml", ["population.segments=seg.xlsx"])
    with pytest.raises(InputError, match=r"segments file cannot be read: .*; did you mean .*seg.csv"):
        load(tmp_path / "x.yaml", ["population.segments=segs.csv"])
