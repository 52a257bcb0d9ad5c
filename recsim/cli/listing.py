"""What can be listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsim.errors import unknown

LISTED = ("policies", "rerankers", "mitigations", "detectors", "features", "campaigns", "metrics", "figures", "runs")


def rows_of(what: str) -> list[dict]:
    """Rows of ``recsim list WHAT``.

    Raises:
        InputError: nothing of that name can be listed.
    """
    if what == "policies":
        from recsim.ranking.registry import listing

        return listing()
    if what == "rerankers":
        from recsim.ranking.registry import reranker_listing

        return reranker_listing()
    if what == "mitigations":
        from recsim.ranking.registry import mitigation_listing

        return mitigation_listing()
    if what == "metrics":
        from recsim.metrics import listing as metrics

        return metrics()
    if what == "campaigns":
        from recsim.scenario import campaigns as c

        kinds = (
            c.BotNetwork, c.PurchasedEngagement, c.PaidInfluencers, c.Impersonation, c.Advertising, c.Volunteers,
        )  # fmt: skip
        return [
            {
                "name": k.model_fields["type"].default, "what": (k.__doc__ or "").splitlines()[0],
                "counterfactual": str(k.model_fields["counterfactual"].default),
                "keys": [n for n in k.model_fields if n not in ("id", "key", "type")],
            }
            for k in kinds
        ]  # fmt: skip
    if what == "detectors":
        from recsim.agents.detectors import listing as detectors

        return detectors()
    if what == "features":
        return _features()
    if what == "figures":
        from recsim.audit.facts import figures

        return [dict(row) for row in figures()]
    if what == "runs":
        return _runs(Path("runs"))
    raise unknown("list", what, LISTED)


def _features() -> list[dict]:
    """What a policy may read: of a pool, and of the slots of a follow-graph world."""
    from recsim.ranking.vocabulary import FEATURES, SLOTS

    return [
        {
            "name": name, "what": f.doc, "unit": f.unit, "scope": f.scope,
            "profiling": "yes (DSA Art. 38)" if f.profiling else "no", "world": world,
        }
        for world, known in (("", FEATURES), ("follow-graph worlds only", SLOTS)) for name, f in known.items()
        if not world or name not in FEATURES
    ]  # fmt: skip


def _runs(folder: Path) -> list[dict]:
    """Stored results below a folder, by name; what is not complete or cannot be read says so."""
    from recsim.experiment.held import KINDS, kind_in

    rows = []
    for path in sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else ():
        last = kind_in(path)
        if last is not None:
            rows.append({"name": path.as_posix(), "holds": KINDS[last], **_said(path / f"{last}.json")})
        elif (path / "fingerprint.txt").is_file():
            rows.append({"name": path.as_posix(), "holds": "not complete; the same command with --resume goes on"})
    return rows


def _said(summary: Path) -> dict[str, Any]:
    """What is worth knowing of a stored result, out of its summary."""
    import json

    try:
        said = json.loads(summary.read_text(encoding="utf-8"))
        shifts = [
            f"{row['id']} {row['shift_pp']:+.2f} pp" for row in said.get("candidates", ())
            if row.get("beneficiary") and row.get("shift_pp") is not None
        ]  # fmt: skip
        kept = {key: said[key] for key in ("scenario", "policy", "replicates", "seed") if key in said}
        return kept | {"shift": shifts, "fingerprint": str(said.get("fingerprint", ""))[:12]}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        return {"damaged": str(error)[:80]}
