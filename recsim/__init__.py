"""recsim: a recommender-system audit simulator.

Example:
    >>> import recsim as rs
    >>> s = rs.load("configs/romania.yaml")
    >>> r = rs.run(s, replicates=10)
    >>> r.shift()
    >>> rs.write_report(r)  # figures, tables, report.html and checksums, as the command line does
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsim.audit.check import check
    from recsim.audit.crate import export_crate
    from recsim.audit.design import DesignResult, design
    from recsim.audit.exposure_log import read_log
    from recsim.audit.measure import measure
    from recsim.audit.plan import write_plan
    from recsim.audit.sequential import run_to_width
    from recsim.audit.simulated_log import simulated_log
    from recsim.audit.verify import verify
    from recsim.errors import InputError, RecsimError
    from recsim.experiment.attribution import attribute
    from recsim.experiment.calibration import CalibrationResult, calibrate
    from recsim.experiment.compare import compare
    from recsim.experiment.comparison import Comparison
    from recsim.experiment.delay import delay
    from recsim.experiment.diff import diff
    from recsim.experiment.dose import dose_response
    from recsim.experiment.ensemble import Ensemble, ensemble
    from recsim.experiment.follow import FollowResult, run_follow
    from recsim.experiment.load_result import load_result
    from recsim.experiment.parts import load_study
    from recsim.experiment.result import Result
    from recsim.experiment.run import run
    from recsim.experiment.sets import Answer
    from recsim.experiment.sweep import StudyResult, sweep
    from recsim.experiment.tradeoff import tradeoff
    from recsim.experiment.validate import validate
    from recsim.ranking.array_policy import array_policy
    from recsim.ranking.learned import Learned, View
    from recsim.ranking.policy import Policy, policy
    from recsim.ranking.reranker import Reranker, reranker
    from recsim.report import write_combined, write_report
    from recsim.scenario.follow import FollowScenario
    from recsim.scenario.load import load, load_follow, parse
    from recsim.scenario.schema import Scenario

__version__ = "0.1.0"
_HOME = {
    "InputError": "recsim.errors", "Policy": "recsim.ranking.policy", "RecsimError": "recsim.errors",
    "Result": "recsim.experiment.result", "Scenario": "recsim.scenario.schema",
    "Learned": "recsim.ranking.learned", "View": "recsim.ranking.learned",
    "array_policy": "recsim.ranking.array_policy", "check": "recsim.audit.check",
    "Comparison": "recsim.experiment.comparison", "compare": "recsim.experiment.compare",
    "diff": "recsim.experiment.diff", "load": "recsim.scenario.load", "parse": "recsim.scenario.load",
    "policy": "recsim.ranking.policy", "Reranker": "recsim.ranking.reranker", "reranker": "recsim.ranking.reranker",
    "run": "recsim.experiment.run", "Answer": "recsim.experiment.sets", "attribute": "recsim.experiment.attribution",
    "delay": "recsim.experiment.delay", "dose_response": "recsim.experiment.dose",
    "tradeoff": "recsim.experiment.tradeoff", "FollowResult": "recsim.experiment.follow",
    "run_follow": "recsim.experiment.follow", "FollowScenario": "recsim.scenario.follow",
    "load_follow": "recsim.scenario.load", "StudyResult": "recsim.experiment.sweep", "sweep": "recsim.experiment.sweep",
    "load_study": "recsim.experiment.parts", "CalibrationResult": "recsim.experiment.calibration",
    "calibrate": "recsim.experiment.calibration", "write_report": "recsim.report",
    "Ensemble": "recsim.experiment.ensemble",
    "ensemble": "recsim.experiment.ensemble", "measure": "recsim.audit.measure", "read_log": "recsim.audit.exposure_log",
    "verify": "recsim.audit.verify", "validate": "recsim.experiment.validate", "load_result": "recsim.experiment.load_result",
    "run_to_width": "recsim.audit.sequential", "write_plan": "recsim.audit.plan", "simulated_log": "recsim.audit.simulated_log",
    "write_combined": "recsim.report", "export_crate": "recsim.audit.crate",
    "DesignResult": "recsim.audit.design", "design": "recsim.audit.design",
}  # fmt: skip
__all__ = [
    "Answer",
    "CalibrationResult",
    "Comparison",
    "DesignResult",
    "Ensemble",
    "FollowResult",
    "FollowScenario",
    "InputError",
    "Learned",
    "Policy",
    "RecsimError",
    "Reranker",
    "Result",
    "Scenario",
    "StudyResult",
    "View",
    "array_policy",
    "attribute",
    "calibrate",
    "check",
    "compare",
    "delay",
    "design",
    "diff",
    "dose_response",
    "ensemble",
    "export_crate",
    "load",
    "load_follow",
    "load_result",
    "load_study",
    "measure",
    "parse",
    "policy",
    "read_log",
    "reranker",
    "run",
    "run_follow",
    "run_to_width",
    "simulated_log",
    "sweep",
    "tradeoff",
    "validate",
    "verify",
    "write_combined",
    "write_plan",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import recsim`` and ``--help`` stay fast."""
    if name not in _HOME:
        raise AttributeError(f"module 'recsim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
