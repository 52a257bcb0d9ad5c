"""``recsim score``: a table of feature values through a policy, no scenario needed."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

from recsim import sheets
from recsim.cli.files import new_file
from recsim.errors import InputError, nearest, unknown

TIMES = ("created_s", "now")
TRUTH = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


def score_command(name: str, file: Path, given: list[str], out: Path | None, compiled: bool) -> None:
    """Read, score, write the same rows with a column ``score``.

    Raises:
        InputError: unknown policy or parameter, or a policy on arrays; a missing column; a cell that is not a number.
    """
    from recsim.ranking import registry
    from recsim.ranking.array_policy import ArrayPolicy

    if out is not None:
        new_file(out)
    policy = registry.get(name)
    if isinstance(policy, ArrayPolicy):
        raise InputError(f"policy {name} works on arrays of whole feeds, not on rows; call its function from Python")
    parameters = parameters_of(policy, given)
    header, rows, separator = read(file)
    if said := sheets.note(file, separator):
        sys.stderr.write(f"note: {said}\n")
    columns = columns_of(policy, header, file)
    read_as = str if separator == "," else sheets.with_point
    values = [features_of(policy, columns, [read_as(cell) for cell in row], line, file) for line, row in rows]
    if compiled:
        scores = [f"{score:.9g}" for score in compiled_scores(policy, parameters, values)]
    else:
        scores = [
            repr(plain_score(policy, parameters, row, f"{file}:{line}"))
            for row, (line, _) in zip(values, rows, strict=True)
        ]
    used = [columns[name] for name in policy.score_reads if name in columns]
    if separator == ";" and not any("." in row[place] for _, row in rows for place in used):
        scores = [score.replace(".", ",") for score in scores]  # as the other numbers of such a file
    with _opened(out) as target:
        writer = csv.writer(target, delimiter=separator, lineterminator="\n")
        writer.writerow([*header, "score"])
        writer.writerows([*row, score] for (_, row), score in zip(rows, scores, strict=True))


def parameters_of(policy, given: list[str]) -> dict[str, float]:
    """Defaults with the given ``name=value`` over them.

    Raises:
        InputError: no "=", an unknown name, one that the score does not read, not a number or not one that it may be.
    """
    merged = dict(policy.parameters)
    read = policy.score_parameters
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"got {text!r}, write name=value", "--param")
        if name not in merged:
            raise unknown("parameter", name, policy.parameters, f"policy {policy.name}")
        if name not in read:
            raise InputError(
                f"the score of {policy.name} does not read {name}, so it changes nothing here; leave it out", "--param"
            )
        merged[name] = _number(value, f"--param {name}")
        policy.check_value(name, merged[name], f"--param {name}")
    return merged


def read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """Header, rows with their line numbers, and what separates cells; blank lines are left out.

    Raises:
        InputError: the file cannot be read, has no header, or a row has another number of cells.
    """
    with sheets.opened(file) as (source, separator):
        reader = csv.reader(source, delimiter=separator)
        header = [name.strip() for name in next(reader, [])]
        rows = [(reader.line_num, row) for row in reader if row]
    if not header:
        raise InputError("is empty; the first line must name the columns", str(file))
    for name in header:
        if header.count(name) > 1 or name == "score":
            problem = "twice" if header.count(name) > 1 else "already"
            raise InputError(f"has a column {name!r} {problem}; rename it", f"{file}:1")
    for line, row in rows:
        if len(row) != len(header):
            raise InputError(f"got {len(row)} cells, the header names {len(header)}", f"{file}:{line}")
    return header, rows, separator


def columns_of(policy, header: list[str], file: Path) -> dict[str, int]:
    """Place of each column that can be used.

    Raises:
        InputError: a feature that the policy reads is missing and cannot be derived.
    """
    from recsim.ranking.vocabulary import FEATURES

    place = {name: k for k, name in enumerate(header)}
    derived = {"age_h": ("created_s", "now"), "created_h": ("created_s",)}
    for name in policy.score_reads:
        if name in place or all(other in place for other in derived.get(name, (name,))):
            continue
        near = nearest(name, [column for column in header if column not in FEATURES and column not in TIMES])
        hint = f"; did you mean your column {near!r}?" if near else ""
        instead = f" (or {' and '.join(derived[name])})" if name in derived else ""
        raise InputError(f"lacks column {name!r}{instead}, which policy {policy.name} reads{hint}", f"{file}:1")
    return place


def features_of(policy, place: dict[str, int], row: list[str], line: int, file: Path) -> dict[str, float]:
    """Values of the features that the policy reads, from one row.

    Raises:
        InputError: a cell that is neither a number nor, for times, a date.
    """

    def cell(name: str) -> float:
        where = f"{file}:{line}: column {name}"
        text = row[place[name]].strip()
        return _seconds(text, where) if name in TIMES else _number(text, where)

    values = {}
    for name in policy.score_reads:
        if name in place:
            values[name] = cell(name)
        elif name == "age_h":
            values[name] = (cell("now") - cell("created_s")) / 3600
        else:  # created_h
            values[name] = cell("created_s") / 3600
    return values


def plain_score(policy, parameters: dict[str, float], values: dict[str, float], where: str) -> float:
    """The policy's own function in double precision.

    Raises:
        InputError: the formula has no value for this row.
    """
    try:
        score = policy(SimpleNamespace(**values), SimpleNamespace(**parameters))
        if isinstance(score, complex):
            raise ValueError("the root of a negative number")
        return float(score)
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"policy {policy.name} has no score for this row: {error}", where) from error


def compiled_scores(policy, parameters: dict[str, float], values: list[dict[str, float]]) -> list[float]:
    """The float32 loop of the simulator on the same values."""
    import numpy as np

    from recsim.ranking.compile import compile_policy

    made = compile_policy(policy)
    table = np.zeros((max(1, len(policy.score_reads)), len(values)), np.float32)
    for k, name in enumerate(policy.score_reads):
        table[k] = [row[name] for row in values]
    out = np.zeros(len(values), np.float32)
    made.score_features(table, made.vector(parameters), out)
    return [float(score) for score in out]


def _number(text: str, where: str) -> float:
    try:
        value = TRUTH[text.lower()] if text.lower() in TRUTH else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"got {text!r}, must be a number", where)
    return value


def _seconds(text: str, where: str) -> float:
    """Seconds since 1970 of a number or an ISO 8601 time; UTC unless it says otherwise."""
    try:
        return _number(text, where)
    except InputError:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"got {text!r}, must be seconds since 1970 or an ISO 8601 time", where) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


@contextlib.contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("x", newline="", encoding="utf-8") as target:
            yield target
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(out)) from error
