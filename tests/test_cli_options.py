"""Every option of the command line arrives where it is meant: one at a time, with a value that no other has."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import fake_world
import pytest
from typer.main import get_command

from recsim import __version__
from recsim.audit.verify import Finding
from recsim.cli import main
from recsim.cli.app import app
from recsim.cli.run import How
from recsim.experiment.sweep import CELLS

COMMANDS = get_command(app).commands
SMALL = str(fake_world.SMALL)
HOW = {
    "--out": ("out", ["o"], Path("o")), "--workers": ("workers", ["3"], 3), "--threads": ("threads", ["5"], 5),
    "--cluster": ("cluster", ["tcp://a:1"], "tcp://a:1"), "--checkpoint-every": ("every", ["2d"], "2d"),
    "--shards": ("shards", ["7"], 7), "--fixed-parameters": ("fixed", [], True), "--resume": ("resume", [], True),
    "--force": ("force", [], True), "--yes": ("yes", [], True), "--json": ("as_json", [], True), "--quiet": ("quiet", [], True),
}  # fmt: skip
WHAT = {
    "--replicates": ("replicates", ["11"], 11), "--scale": ("scale", ["0.25"], 0.25), "--dose": ("dose", ["1.5"], 1.5),
    "--seed": ("seed", ["13"], 13), "--set": ("overrides", ["a.b=1"], ["a.b=1"]), "--ensemble": ("ensemble", ["e"], Path("e")),
    "--defences": ("defences", ["d"], Path("d")),
}  # fmt: skip
"""Option: field of `How` or `What`, words after the option, and what the field then is."""
MORE = {
    ("run", "--policy"): ("policy", ["random"], "random"), ("run", "--plan"): ("plan", ["p"], Path("p")),
    ("run", "--deviation"): ("reason", ["why"], "why"), ("compare", "--policies"): ("policies", ["random"], "random"),
    ("ensemble", "--policies"): ("policies", ["random"], "random"), ("ensemble", "--models"): ("models", ["fatigue"], "fatigue"),
    ("ensemble", "--predictors"): ("predictors", ["oracle"], "oracle"), ("ensemble", "--replicates"): ("replicates", ["4"], 4),
    ("attribute", "--by"): ("by", ["door"], "door"), ("attribute", "--orders"): ("orders", ["6"], 6),
    ("attribute", "--candidate"): ("candidate", ["ada"], "ada"), ("dose", "--campaign"): ("campaign", ["network"], "network"),
    ("dose", "--from"): ("first", ["0.5"], 0.5), ("dose", "--to"): ("last", ["8"], 8.0), ("dose", "--points"): ("points", ["5"], 5),
    ("dose", "--others"): ("others", [], True), ("dose", "--candidate"): ("candidate", ["ada"], "ada"),
    ("delay", "--days"): ("days", ["-2:0"], [-2, -1, 0]), ("delay", "--candidate"): ("candidate", ["ada"], "ada"),
    ("tradeoff", "--mitigations"): ("names", ["friction, cooldown"], ["friction", "cooldown"]),
    ("tradeoff", "--candidate"): ("candidate", ["ada"], "ada"),
    **{(name, "--policy"): ("policy", ["random"], "random") for name in ("attribute", "dose", "delay", "tradeoff")},
    **{(name, "--lock"): ("lock", ["p"], Path("p")) for name in ("attribute", "dose", "delay", "tradeoff")},
    **{(name, "--plan"): ("plan", ["p"], Path("p")) for name in ("attribute", "dose", "delay", "tradeoff")},
    **{(name, "--deviation"): ("reason", ["why"], "why") for name in ("attribute", "dose", "delay", "tradeoff")},
}  # fmt: skip
"""The same of options of one command: by the name that the function behind it gives them."""
ASKED = {"attribute": "attribution", "dose": "dose", "delay": "delay", "tradeoff": "tradeoff"}
HEARD = {
    "run": ("run", "run_command"),
    "compare": ("run", "compare_command"),
    "ensemble": ("ensemble", "ensemble_command"),
}


class Seen(BaseException):
    """In place of the work: what a command was told."""


@pytest.fixture
def told(monkeypatch):
    """Gives a command's words, gets (how, what, everything else by name)."""

    def stop(how):
        raise Seen(how, None, {})

    monkeypatch.setattr(How, "check", stop)  # of sweeps and calibrations, which have no scenario to be told of
    for module, name in HEARD.values():
        real = inspect.signature(getattr(__import__(f"recsim.cli.{module}", fromlist=[name]), name))

        def hear(*given, real=real, **named):
            found = dict(real.bind(*given, **named).arguments)
            found |= found.pop("under")._asdict() if "under" in found else {}
            raise Seen(found.pop("how"), found.pop("what"), found)

        monkeypatch.setattr(f"recsim.cli.{module}.{name}", hear)
    for module in ASKED.values():
        real = inspect.signature(__import__(f"recsim.experiment.{module}", fromlist=["question_of"]).question_of)

        def ask(*given, real=real, **named):
            bound = real.bind(*given, **named)
            bound.apply_defaults()
            return dict(bound.arguments)

        monkeypatch.setattr(f"recsim.experiment.{module}.question_of", ask)

    def answer(what, policy, how, ask, fewer, planning):
        raise Seen(how, what, {**ask("the scenario"), "policy": policy, **planning._asdict()})

    monkeypatch.setattr("recsim.cli.answers.answer_command", answer)

    def tell(command, *words):
        with pytest.raises(Seen) as seen:
            main([command, SMALL, *words])
        return seen.value.args

    return tell


def options_of(command):
    return [p.opts[0] for p in COMMANDS[command].params if p.opts[0].startswith("--")]


WORKING = [*HEARD, *ASKED, "sweep", "calibrate"]
APART = {("sweep", "--replicates"), ("sweep", "--set"), ("sweep", "--cells"), ("calibrate", "--worlds")}
"""Read elsewhere than in `How`."""
CASES = [(command, option) for command in WORKING for option in options_of(command) if (command, option) not in APART]


@pytest.mark.parametrize(("command", "option"), CASES, ids=lambda v: v)
def test_each_option_is_one_field(told, command, option):
    how, what, rest = told(command)
    new_how, new_what, new_rest = told(command, option, *(MORE.get((command, option)) or (HOW | WHAT)[option])[1])
    if (command, option) in MORE:
        name, _, value = MORE[command, option]
        assert rest[name] != value and new_rest == {**rest, name: value} and (new_how, new_what) == (how, what)
    elif option in HOW:
        name, _, value = HOW[option]
        assert (
            getattr(how, name) != value
            and new_how == how._replace(**{name: value})
            and (new_what, new_rest) == (what, rest)
        )
    else:
        name, _, value = WHAT[option]
        assert getattr(what, name) != value and new_what == what._replace(**{name: value}) and new_how == how
        # Defences are also what is asked about.
        assert new_rest == (rest | {"defences": value} if option == "--defences" else rest)


def test_what_nobody_gives_is_left_to_the_scenario(told):
    how, what, _ = told("run")
    assert how == How(None, None, None, False, False, False, False, False, False, None, None, 1)
    assert what[:6] == (Path(SMALL), [], None, None, None, None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], (None, True)), (["--files-only"], (None, False)), (["--replicate", "2"], (2, True))],
    ids=["plain", "files only", "replicate"],
)
def test_verify(monkeypatch, capsys, words, expected):
    given = []

    def verify(folder, replicate, again, progress, found):
        given.append((folder, replicate, again))
        one = Finding("files", True, "all there")
        if found is not None:
            found(one)
        return [one]

    monkeypatch.setattr("recsim.audit.verify.verify", verify)
    main(["verify", "r", *words])
    assert given == [(Path("r"), *expected)] and "all there" in capsys.readouterr().out
    main(["verify", "r", "--json", *words])
    assert json.loads(capsys.readouterr().out)["findings"][0]["check"] == "files" and given[1] == given[0]


def test_what_only_sweeps_and_calibrations_have(monkeypatch):
    plan = SimpleNamespace(
        study=SimpleNamespace(name="s", fixed_parameters=False),
        cells=[],
        replicates=1,
        expected=lambda *_: {"tasks": 0},
    )
    calibration = SimpleNamespace(
        name="c",
        fixed_parameters=False,
        method=SimpleNamespace(simulations=1, waves=1, points=1, generations=1, particles=1),
    )
    designs = []

    def read_design(study, replicates, settings):
        designs.append((study, replicates, settings))
        return plan

    def stop(*given):
        raise Seen(*given)

    monkeypatch.setattr("recsim.experiment.sweep.read_design", read_design)
    monkeypatch.setattr("recsim.experiment.sweep.simulate_study", stop)
    monkeypatch.setattr("recsim.experiment.calibration.read_calibration", lambda file: (calibration, None, {}))
    monkeypatch.setattr("recsim.experiment.calibration.expected", lambda *_: {})
    monkeypatch.setattr("recsim.experiment.calibration.run_calibration", stop)
    monkeypatch.setattr(How, "announce", lambda *_: None)
    kept = []
    for words in ([], ["--cells", "k", "--replicates", "4", "--set", "run.seed=9"]):
        with pytest.raises(Seen) as seen:
            main(["sweep", SMALL, *words])
        kept.append(seen.value.args[3])
    assert designs == [(Path(SMALL), None, {}), (Path(SMALL), 4, {"run.seed": 9})]
    assert [Path(one) for one in kept] == [Path(CELLS), Path("k")]
    for words, worlds in (([], None), (["--worlds", "w"], Path("w"))):
        with pytest.raises(Seen) as seen:
            main(["calibrate", SMALL, *words])
        assert seen.value.args[5] == worlds


def test_log(monkeypatch):
    given = []
    monkeypatch.setattr(
        "recsim.cli.measure.log_command",
        lambda scenario, *more: given.append((scenario.run.seed, scenario.platform.policy, *more)),
    )
    main(["log", SMALL, "--out", "l.csv"])
    more = ["--policy", "random", "--yes", "--quiet", "--by-day", "--before"]
    main(["log", SMALL, "--out", "l.csv", "--replicate", "3", "--set", "run.seed=9", *more])
    assert given == [
        (7, "tiktok_value", Path("l.csv"), 0, How(), False, False),
        (9, "random", Path("l.csv"), 3, How(yes=True, quiet=True), True, True),
    ]


def test_check(monkeypatch):
    given = []
    monkeypatch.setattr(
        "recsim.cli.check.check_command",
        lambda scenario, *more: given.append((scenario.run.seed, scenario.platform.policy, *more)),
    )
    main(["check", SMALL])
    main(["check", SMALL, "--policy", "random", "--set", "run.seed=9", "--quick", "--yes", "--json"])
    assert given == [
        (7, "tiktok_value", False, How()),
        (9, "random", True, How(yes=True, as_json=True)),
    ]


def test_plan(monkeypatch):
    given = []
    monkeypatch.setattr("recsim.cli.plan.plan_command", lambda scenario, out: given.append((scenario, out)))
    numbers = ["--replicates", "11", "--scale", "0.002", "--dose", "1.5", "--seed", "13"]
    main(["plan", SMALL, "--out", "p.yaml", "--policy", "random", *numbers, "--set", "run.luck_branches=1"])
    ((made, out),) = given
    run = made.run
    assert (run.replicates, made.population.scale, made.dose.value, run.seed, run.luck_branches) == (
        11,
        0.002,
        1.5,
        13,
        1,
    )
    assert made.platform.policy == "random" and out == Path("p.yaml")


def test_show(monkeypatch):
    given = []
    monkeypatch.setattr("recsim.cli.show.show_command", lambda *more: given.append(more))
    main(["show", "random"])
    main(["show", "random", "--compiled", "--measure", SMALL, "--replicates", "4", "--yes", "--json"])
    assert given == [("random", False, False, None, 3, False), ("random", True, True, Path(SMALL), 4, True)]


def test_version(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"recsim {__version__}\n"


def test_debug_shows_where(monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("a screw is loose")

    monkeypatch.setattr("recsim.cli.check.check_command", fail)
    with pytest.raises(SystemExit) as stop:
        main(["check", SMALL])
    error = capsys.readouterr().err
    assert (
        stop.value.code == 1
        and error == "error: RuntimeError: a screw is loose (a fault of recsim; --debug shows where)\n"
    )
    for words in (["--debug", "check", SMALL], ["check", SMALL, "--debug"]):
        with pytest.raises(RuntimeError, match="a screw is loose"):
            main(words)


def test_every_other_option_stands_in_some_test():
    """Of commands that simulate they are above; of the others each is given somewhere, beside the command's name."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    for command in sorted(COMMANDS.keys() - set(WORKING)):
        for option in options_of(command):
            assert any(f'"{option}"' in text and f'"{command}"' in text for text in texts), f"{command} {option}"
