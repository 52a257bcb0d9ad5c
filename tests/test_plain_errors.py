"""Bad input is answered in one line: what was got, where it stands, what to do; no name of a class of Python."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest
import yaml

from recsim.cli import main
from recsim.cli.run import What
from recsim.errors import InputError
from recsim.experiment.folder import readable, verified
from recsim.experiment.study import read_study
from recsim.scenario import load, load_any
from recsim.scenario.campaigns import Campaign
from recsim.scenario.problems import CAMPAIGNS
from recsim.scenario.schema import Scenario

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "configs" / "small.yaml"
FEEDS = ROOT / "configs" / "simsom-er.yaml"


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and "Error" not in error, error
    return error


def changed(tmp_path, **blocks):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(SMALL.read_text()) | blocks, sort_keys=False))
    return path


# ---- names that only the engine knows ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("platform.policy=tiktok_values", "got unknown policy 'tiktok_values'; allowed: "),
        ("platform.parameters.w_lik=3", "got unknown parameter 'w_lik' of policy tiktok_value; allowed: "),
        ("platform.mitigations=[served_onl]", "did you mean 'served_only'?"),
        ("platform.rerank=[mmrr]", "did you mean 'mmr'?"),
        ("moderation.detectors=[{id: a, kind: clique}]", "did you mean 'cliques'?"),
        ("audit.shadows=[{id: a, parameters: {w_lik: 1}}]", "did you mean 'w_like'?"),
        ("audit.robustness={head_weights: [{id: a, parameters: {w_lik: 1}}]}", "did you mean 'w_like'?"),
    ],
)
def test_names_are_looked_up(capsys, tmp_path, setting, text):
    for command in (["validate", SMALL], ["plan", SMALL, "--out", tmp_path / "plan.yaml"]):
        error = refused(capsys, *command, "--set", setting)
        assert error.startswith(f"error: --set {setting}") and text in error
    assert not (tmp_path / "plan.yaml").exists()


@pytest.mark.parametrize(
    ("policy", "setting", "text"),
    [
        ("itemknn", "platform.parameters.neighbours=-1", "got -1, must be 1 to 10000"),
        ("tiktok_value", "platform.parameters.heated_views=1.5", "got 1.5, must be 0 to 1"),
        ("tiktok_value", "platform.parameters.heated_items={value: 0.5, range: [0.5, 2]}", "got 2, must be 0 to 1"),
        ("two_tower", "platform.parameters.temperature=0", "got 0, must be above 0"),
        ("als", "platform.parameters.factors=0.5", "got 0.5, must be 1 to 1000"),
        ("x_2026_08", "platform.parameters.dpp_theta=-0.1", "got -0.1, must be 0 to 1"),
        ("simsom", "platform.parameters.exponent=0", "got 0, must be above 0"),
        (
            "random",
            "platform.mitigations=[{kind: friction, parameters: {reduction: {value: 0.5, range: [0, 2]}}}]",
            "got 2, must be 0 to 1",
        ),
        (
            "random",
            "platform.mitigations=[{kind: median_segments, parameters: {groups: {value: 9, range: [9, 100]}}}]",
            "got 100 groups",
        ),
        ("msi_2020", "audit.shadows=[{id: a, parameters: {warm_share: 1.5}}]", "got 1.5, must be 0 to 1"),
    ],
)
def test_parameters_of_policies_have_ranges(capsys, policy, setting, text):
    error = refused(capsys, "validate", SMALL, "--set", f"platform.policy={policy}", "--set", setting)
    assert error.startswith(f"error: --set {setting}") and text in error


def test_a_range_of_ones_own_parameter_is_held(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "import recsim\n\n@recsim.policy(half_h=24.0, meta={META})\ndef mine_ranged(f, p):\n    return 0.5 ** (f.age_h / p.half_h)\n"
    for name, meta in (
        ("mine_a", '{"positive": ("half_h",)}'),
        ("mine_b", '{"ranges": {"half": (0, 1)}}'),
        ("mine_c", '{"ranges": {"half_h": (0, 1)}}'),
    ):
        (tmp_path / f"{name}.py").write_text(text.replace("{META}", meta))
    assert "--param half_h: got 0, must be above 0" in refused(
        capsys, "score", "mine_a:mine_ranged", "x.csv", "--param", "half_h=0"
    )
    assert "got unknown parameter 'half'; allowed: half_h; did you mean 'half_h'?" in refused(
        capsys, "show", "mine_b:mine_ranged"
    )
    assert "policy mine_ranged, half_h: got 24, must be 0 to 1" in refused(capsys, "show", "mine_c:mine_ranged")


def test_names_of_a_follow_graph_world_are_looked_up(capsys):
    error = refused(capsys, "validate", FEEDS, "--set", "platform.parameters.rat=1")
    assert "--set platform.parameters.rat=1: got unknown parameter 'rat' of policy simsom_feed" in error


def test_names_in_a_file_have_a_line(capsys, tmp_path):
    path = changed(tmp_path, platform={"policy": "tiktok_values"})
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "tiktok_values" in text)
    for command in (
        *(
            ("run",),
            ("validate",),
            ("plan",),
            ("check",),
            ("describe", "--odd"),
            ("log", "--out", tmp_path / "log.csv"),
        ),
        *(("compare",), ("ensemble",), ("attribute",), ("dose",), ("delay",), ("tradeoff",)),
    ):
        error = refused(capsys, command[0], path, *command[1:])
        assert f"{path}:{line} platform.policy: got unknown policy" in error, command
    assert "error: --policy: got unknown policy" in refused(capsys, "run", path, "--policy", "tiktok_valu")


@pytest.mark.parametrize("policy", ["dsa38_regional", "random", "x_2026_08"])
def test_the_shipped_scenario_takes_another_policy(capsys, policy):
    """Its head weights are those of the default policy."""
    made = What(ROOT / "configs" / "romania.yaml", [], 1, None, None, None).scenario(policy)
    assert made.platform.policy == policy and not made.audit.robustness.head_weights
    note = f"note: audit.robustness.head_weights without likes only: policy {policy} does not have these parameters\n"
    assert capsys.readouterr().err == note


def test_a_file_of_ones_own_that_cannot_be_imported(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_syntax.py").write_text("import recsim\n\ndef bad(f, p)\n    return 1\n")
    (tmp_path / "mine_other.py").write_text("import recsim\n\nx = nothing\n")
    assert "mine_syntax.py:3: expected ':'" in refused(capsys, "show", "mine_syntax:bad")
    with pytest.raises(SystemExit) as stop:
        main(["show", "mine_other:bad"])
    assert stop.value.code == 2 and "error: mine_other.py:3: NameError: name 'nothing'" in capsys.readouterr().err


# ---- a first scenario and its plan -------------------------------------------------------------------------------


def test_what_init_writes_can_be_planned(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["init", "my.yaml"])
    assert (
        "recsim run my.yaml\n" in Path("my.yaml").read_text() and "my-scenario.yaml" not in Path("my.yaml").read_text()
    )
    main(["plan", "my.yaml"])
    assert "question: Do the bots" in capsys.readouterr().out
    line = next(n for n, text in enumerate(SMALL.read_text().splitlines(), 1) if text.startswith("audit:"))
    assert f"{SMALL}:{line} audit.question: is empty" in refused(capsys, "plan", SMALL)


# ---- where a problem lies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("campaigns.network.acounts=5", "--set campaigns.network.acounts=5: got unknown key"),
        ("campaigns.network.tactics={liek: 1}", "--set campaigns.network.tactics={liek: 1} campaigns.network.tactics."),
        ("days.vote=2020-01-01", "--set days.vote=2020-01-01 days: got vote"),
        ("moderation.reviewers.aa.hours=[8, 9]", "--set moderation.reviewers.aa.hours=[8, 9] moderation.reviewers.aa.count: is"),
    ],
)  # fmt: skip
def test_settings_are_named(setting, where):
    with pytest.raises(InputError) as error:
        load(SMALL, ["run.seed=4", setting])
    assert where in str(error.value) and "small.yaml" not in str(error.value)


def test_kinds_of_campaigns_are_those_of_the_schema():
    union = typing.get_args(typing.get_args(Campaign)[0])
    kinds = {typing.get_args(one.model_fields["type"].annotation)[0]: one for one in union}
    assert CAMPAIGNS[Scenario] == kinds and len(kinds) == 6


@pytest.mark.parametrize("kind", ["impersonation", "advertising", "volunteers", "bot_network"])
def test_problems_of_campaigns_have_a_line(tmp_path, kind):
    one = {"id": "one", "type": kind, "beneficiary": "eva", "start": "soon"}
    path = changed(tmp_path, campaigns=[one | {"acounts": 3}])
    lines = {text.split(":")[0].strip(" -"): n for n, text in enumerate(path.read_text().splitlines(), 1)}
    with pytest.raises(InputError) as error:
        load(path)
    assert f"{path}:{lines['start']} campaigns.one.start: got the text 'soon'" in str(error.value)
    assert f"{path}:{lines['acounts']} campaigns.one.acounts: got unknown key 'acounts'" in str(error.value)
    if kind == "volunteers":  # a field of this kind has its name
        assert "campaigns.one.volunteers: is missing" in str(error.value)
    path = changed(tmp_path, campaigns=[one | {"type": kind[:-1]}])
    with pytest.raises(InputError, match=rf"campaigns.one.type: .*impersonation, advertising.*did you mean '{kind}'"):
        load(path)


def test_a_base_that_is_missing_says_who_asks(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: x\nbase: nix.yaml\n")
    (tmp_path / "b5.yaml").write_text("name: y\n")
    with pytest.raises(InputError, match=r"mine\.yaml:2 base: got nix\.yaml: no such file$"):
        load(tmp_path / "mine.yaml")


def test_a_file_for_another_command(capsys):
    study, calibration = ROOT / "configs/studies/small-doses.yaml", ROOT / "configs/calibrations/romania.yaml"
    for command, file, text in (
        ("sweep", SMALL, "is a scenario; use recsim run"), ("calibrate", SMALL, "is a scenario; use recsim run"),
        ("run", study, "is a study; use recsim sweep"), ("run", calibration, "is a calibration; use recsim calibrate"),
        ("sweep", calibration, "is a calibration; use recsim calibrate"), ("validate", study, "use recsim sweep"),
    ):  # fmt: skip
        assert text in refused(capsys, command, file)


# ---- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("run.replicates=4h", "got the text '4h'; a whole number is needed"),
        ("run.replicates=4.5", "got 4.5; a whole number is needed"),
        ("run.replicates=", "got nothing; a whole number is needed"),
        ("run=[1]", "got a list; a mapping is needed"),
        ("dose=true", "got true; a number is needed"),
        ("dose=", "got nothing; a number is needed"),
        ("audit.threshold_pp=0", "got 0, must be above 0"),
        ("platform.gates.mode=on", "got true; allowed: off, soft, hard"),
        ("campaigns.network.start=-30", "set start to -8 or later, or move days.start back to 2024-10-24"),
        ("nam=x", "base, follow_graph; did you mean 'name'?"),
    ],
)
def test_plain_words(setting, text):
    with pytest.raises(InputError) as error:
        load_any(SMALL, [setting])
    assert text in str(error.value) and "NoneType" not in str(error.value) and "1e-12" not in str(error.value)


def test_the_named_start_is_early_enough():
    assert load(SMALL, ["campaigns.network.start=-30", "days.start=2024-10-24"]).days.count == 32
    with pytest.raises(InputError, match="room for -29 to 0"):
        load(SMALL, ["campaigns.network.start=-30", "days.start=2024-10-25"])


def test_off_is_a_word(tmp_path):
    """YAML 1.1 reads off as false: in files, settings, lists and the values of a study."""
    path = changed(tmp_path, platform={"gates": {"mode": False}}, audit={"robustness": {"gates": [False, "soft"]}})
    assert load(path).platform.gates.mode == "off" and load(path).audit.robustness.gates == ["off", "soft"]
    assert load(SMALL, ["platform.gates.mode=off"]).platform.gates.mode == "off"
    from recsim.experiment.sweep import read_design

    axes = [{"key": "platform.gates.mode", "values": [False, "soft"]}]
    study = {"name": "s", "scenario": str(SMALL), "axes": axes, "replicates": 1}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    assert len(read_design(tmp_path / "study.yaml", None, {}).cells) == 2 and read_study(tmp_path / "study.yaml")


def test_advice_is_given_where_it_fits(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("name: a\nname: b\n")
    with pytest.raises(InputError, match=r"x\.yaml:2: key 'name' stands twice \(lines 1 and 2\); remove one$"):
        load(path)
    path.write_text("name: [a\nb: c")
    with pytest.raises(InputError, match="check indentation, colons and brackets there"):
        load(path)


def test_numbers_of_the_command_line(capsys):
    assert "--replicates: got 'ten'; a whole number is needed" in refused(capsys, "run", SMALL, "--replicates", "ten")
    assert "--scale: got 'x'; a number is needed" in refused(capsys, "run", SMALL, "--scale=x")
    assert "--replicates: got '1'; must be at least 2" in refused(capsys, "show", "chrono", "--replicates", "1")


def test_broken_folders_are_named_by_file(tmp_path):
    def read():
        with readable(tmp_path, "run"):
            verified(tmp_path, "summary.json", "run")

    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(InputError, match=r"summary\.json is damaged"):
        read()
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match=r"manifest\.json is missing") as error:
        read()
    assert "Error" not in str(error.value)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="it lacks 'sha256'"):
        read()
