"""Opening a stored result of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recsim.errors import InputError
from recsim.experiment.held import KINDS, kind_in, no_folder
from recsim.scenario.load import is_follow, read_scenario

if TYPE_CHECKING:
    from recsim.experiment.calibration import CalibrationResult
    from recsim.experiment.comparison import Comparison
    from recsim.experiment.ensemble import Ensemble
    from recsim.experiment.follow import FollowResult
    from recsim.experiment.result import Result
    from recsim.experiment.sets import Answer
    from recsim.experiment.sweep import StudyResult


def load_result(
    folder: str | Path,
) -> Result | FollowResult | Comparison | Answer | Ensemble | StudyResult | CalibrationResult:
    """A stored result, whatever its kind; all checksums are compared, nothing is simulated.

    Args:
        folder: of a run, comparison, trade-off, attribution, dose-response, delay curve, ensemble, study or calibration.

    Returns:
        What the function returned that made it, with ``reused=True``: of a run a `Result` (a `FollowResult` if it is one of a
        follow-graph world), of a comparison a `Comparison`, of a trade-off, attribution, dose-response or delay curve an
        `Answer`, of an ensemble an `Ensemble`, of a study a `StudyResult`, of a calibration a `CalibrationResult`.

    Raises:
        InputError: no folder, no complete result in it, or a file that is missing or was changed since it was written.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise no_folder(folder)
    last = kind_in(folder)
    if last is None:
        files = ", ".join(f"{name}.json" for name in KINDS)
        text = f"holds no complete result (none of {files} is there); name the folder of one (recsim list runs)"
        raise InputError(text, str(folder))
    if last == "summary":
        from recsim.experiment.follow import FollowResult
        from recsim.experiment.result import Result

        of_feeds = (folder / "scenario.yaml").is_file() and is_follow(read_scenario(folder / "scenario.yaml")[0])
        return FollowResult.load(folder) if of_feeds else Result.load(folder)
    if last == "compare":
        from recsim.experiment.comparison import Comparison

        return Comparison.load(folder)
    if last == "ensemble":
        from recsim.experiment.ensemble import Ensemble

        return Ensemble.load(folder)
    if last == "study":
        from recsim.experiment.sweep import StudyResult

        return StudyResult.load(folder)
    if last == "calibration":
        from recsim.experiment.calibration import CalibrationResult

        return CalibrationResult.load(folder)
    from recsim.experiment.sets import Answer

    return Answer.load(folder, last)
