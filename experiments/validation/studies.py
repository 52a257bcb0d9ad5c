"""All studies, in the order of the page. A new one is another line."""

from __future__ import annotations

from experiments.validation import (
    amplification,
    chronological,
    concentration,
    contamination,
    emotion,
    puppets,
    stylised,
)
from experiments.validation.study import Study

STUDIES: dict[str, Study] = {
    one.STUDY.name: one.STUDY
    for one in (amplification, contamination, chronological, concentration, puppets, emotion, stylised)
}
