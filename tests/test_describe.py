"""Descriptions of a scenario: complete, and made from the sources, so that they cannot drift from them."""

from __future__ import annotations

import importlib

import pytest
from conftest import ROOT

from recsim import state
from recsim.audit.describe import SUBMODELS, model_card, odd
from recsim.audit.sources import first_line, phases, state_groups
from recsim.cli import main
from recsim.scenario import quantities


def test_every_phase_and_array_is_told():
    names = [p.name for p in phases()]
    assert names[2:4] == ["labels", "visits"] and len(set(names)) == len(names) >= 13
    assert all(p.about for p in phases())
    groups = state_groups()
    assert {"Latent", "Observed", "Items", "Counters", "Tally"} <= set(groups)
    for name, (about, fields) in groups.items():
        assert about and tuple(f.name for f in fields) == getattr(state, name)._fields
    forms = {f.name: f.form for _, fields in groups.values() for f in fields}
    assert forms["taste"] == "(U, D) float32" and forms["met"] == "(U,) int32"


def test_every_submodel_says_what_it_is():
    for name in SUBMODELS:
        importlib.import_module(name)
        assert len(first_line(name)) > 15


def test_odd_has_its_seven_elements_and_every_number(romania):
    text = odd(romania)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert [h[3] for h in heads] == list("1234567")
    for q in quantities(romania):
        assert f"`{q['key']}`" in text
    for c in romania.campaigns:
        assert c.id in text
    for t in romania.targets:
        assert t.metric in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_votes_are_spoken_of_only_where_the_layer_is_on(small):
    layer = small.opinion.model_copy(update={"enabled": True})
    votes = "An optional layer, reported apart, works out expected votes under assumed sizes of effects."
    assert "Nothing is said about minds or votes." in odd(small) and votes not in odd(small)
    assert votes in odd(small.model_copy(update={"opinion": layer}))


def test_the_card_counts_the_evidence(romania, small):
    for scenario in (romania, small):
        text = model_card(scenario)
        total = sum(q["in_use"] for q in quantities(scenario))
        shares = [int(line.split("|")[2]) for line in text.splitlines() if line.count("|") == 4 and line.split("|")[2].strip().isdigit()]  # fmt: skip
        assert sum(shares) == total and f"of {total} quantities in use" in text


def test_commands(capsys):
    main(["describe", str(ROOT / "configs/small.yaml"), "--odd"])
    assert capsys.readouterr().out.startswith("# ODD protocol: Three invented candidates")
    main(["describe", str(ROOT / "configs/small.yaml"), "--card"])
    assert "must not be used" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["describe", str(ROOT / "configs/small.yaml")])
    assert stop.value.code == 2
