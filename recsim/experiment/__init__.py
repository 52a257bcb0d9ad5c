"""Experiments: pairs of worlds over replicates, run directories, summaries."""

from recsim.experiment.result import Result
from recsim.experiment.run import estimate, run

__all__ = ["Result", "estimate", "run"]
