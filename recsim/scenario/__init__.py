"""The scenario: reading, checking, drawing, writing. Knows names, never classes of the engine."""

from recsim.scenario.dump import dump_yaml, fingerprint, json_schema, quantities, template
from recsim.scenario.follow import FollowScenario
from recsim.scenario.load import load, load_any, load_follow, parse, parse_follow
from recsim.scenario.realise import realise
from recsim.scenario.schema import Scenario

__all__ = [
    "FollowScenario",
    "Scenario",
    "dump_yaml",
    "fingerprint",
    "json_schema",
    "load",
    "load_any",
    "load_follow",
    "parse",
    "parse_follow",
    "quantities",
    "realise",
    "template",
]
