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
from recsim.errors import InputError
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

    def answer(what, policy, how, ask, fewer):
        raise Seen(how, what, {**ask("the scenario"), "policy": policy})

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
        if found is not None:  # what is printed is printed as it comes
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
        lambda scenario, out, replicate, how: given.append((scenario.run.seed, out, replicate, how)),
    )
    main(["log", SMALL, "--out", "l.csv"])
    main(["log", SMALL, "--out", "l.csv", "--replicate", "3", "--set", "run.seed=9"])
    main(["log", SMALL, "--out", "l.csv", "--yes"])
    main(["log", SMALL, "--out", "l.csv", "--quiet"])
    out = Path("l.csv")
    assert given == [(7, out, 0, How()), (9, out, 3, How()), (7, out, 0, How(yes=True)), (7, out, 0, How(quiet=True))]


def test_check_and_show(monkeypatch):
    """And verify's --yes, which like theirs is of the estimate before the work."""
    given = []
    monkeypatch.setattr(
        "recsim.cli.check.check_command", lambda scenario, *rest: given.append((scenario.run.seed, *rest))
    )
    monkeypatch.setattr("recsim.cli.verify.verify_command", lambda *rest: given.append(rest[1:]))
    monkeypatch.setattr("recsim.cli.show.show_command", lambda *rest: given.append(rest))
    for more in ([], ["--quick"], ["--yes"], ["--json"], ["--set", "run.seed=9"]):
        main(["check", SMALL, *more])
    assert given == [
        (7, False, How()), (7, True, How()), (7, False, How(yes=True)), (7, False, How(as_json=True)), (9, False, How()),
    ]  # fmt: skip
    given.clear()
    for more in ([], ["--yes"], ["--json"]):
        main(["verify", "r", *more])
    assert given == [(None, True, How()), (None, True, How(yes=True)), (None, True, How(as_json=True))]
    given.clear()
    for more in ([], ["--yes"], ["--json"], ["--compiled"], ["--measure", SMALL], ["--replicates", "5"]):
        main(["show", "random", *more])
    plain = ("random", False, False, None, 3, False)
    assert given[0] == plain
    changes = [[k for k in range(6) if one[k] != plain[k]] for one in given[1:]]
    assert changes == [[5], [2], [1], [3], [4]] and given[4][3] == Path(SMALL) and given[5][4] == 5


def test_plan(monkeypatch):
    given = []
    monkeypatch.setattr("recsim.cli.plan.plan_command", lambda scenario, out: given.append((scenario, out)))
    cases = [[], ["--out", "p"], ["--policy", "random"], ["--replicates", "3"], ["--scale", "0.0005"], ["--dose", "2"], ["--seed", "9"]]  # fmt: skip
    for more in cases:
        main(["plan", SMALL, *more])
    (plain, nowhere), (same, out), *others = given
    assert nowhere is None and out == Path("p") and same == plain
    policy, replicates, scale, dose, seed = (made for made, _ in others)
    assert policy.platform.policy == "random" != plain.platform.policy
    run = plain.run.model_copy
    assert replicates == plain.model_copy(update={"run": run(update={"replicates": 3})})
    assert seed == plain.model_copy(update={"run": run(update={"seed": 9})})
    assert scale.population.scale == 0.0005 != plain.population.scale
    assert dose.dose.value == 2 != plain.dose.value and dose.campaigns == plain.campaigns


def test_design(monkeypatch):
    """Every number of an audit with accounts goes where it is meant; one that nobody gives is left to its own default."""
    given = []

    def by_formula(*numbers, **named):
        given.append((numbers, named))
        raise InputError("enough")

    monkeypatch.setattr("recsim.audit.design.design", by_formula)
    usual = {"--accounts": "9", "--days": "7", "--effect": "5"}
    more = {
        "--compare": ("compare", "twins"), "--estimand": ("estimand", "E2"), "--items": ("items", 31.0), "--share": ("share_pct", 32.0),
        "--between": ("between_pp", 3.5), "--within": ("within_pp", 3.6), "--shared": ("shared_pp", 3.7), "--persistence": ("persistence", 0.38),
        "--sensitivity": ("sensitivity_pct", 91.0), "--specificity": ("specificity_pct", 92.0), "--power": ("power_pct", 93.0),
        "--level": ("level_pct", 4.5), "--cost-account": ("cost_account", 21.0), "--cost-day": ("cost_day", 22.0),
        "--normal": ("normal", True),
    }  # fmt: skip
    words = [word for pair in usual.items() for word in pair]
    for option, (_, value) in {"": ("", None), **more}.items():
        with pytest.raises(SystemExit):
            main(["design", *words, *([option] if option else []), *([] if value in (None, True) else [str(value)])])
    assert given[0] == ((9, 7, 5.0), {"compare": "arms", "estimand": None, "cost_account": None, "cost_day": None, "normal": False})  # fmt: skip
    for (name, value), (numbers, named) in zip(more.values(), given[1:], strict=True):
        assert numbers == (9, 7, 5.0) and named == {**given[0][1], name: value}


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
