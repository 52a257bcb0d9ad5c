"""The scenario: reading, checking, drawing, writing. Knows names, never classes of the engine."""

from recsim.scenario.dump import dump_yaml, fingerprint, json_schema, quantities, template
from recsim.scenario.load import load, parse
from recsim.scenario.realise import realise
from recsim.scenario.schema import Scenario

__all__ = [
    "Scenario",
    "dump_yaml",
    "fingerprint",
    "json_schema",
    "load",
    "parse",
    "quantities",
    "realise",
    "template",
]
