"""A stored run as an RO-Crate: one zip file whose metadata says what was done, with what, to what, and by which software.

Follows RO-Crate 1.3 and the profile Process Run Crate 0.6: the run is one CreateAction whose instrument is recsim, whose
object is the scenario, and whose results are all other files but the auditor's own words.
"""

from __future__ import annotations

import datetime as dt
import json
import mimetypes
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from recsim.errors import InputError
from recsim.experiment.folder import readable
from recsim.experiment.held import no_folder
from recsim.experiment.sums import NOTES, SUMS, compare_sums, files_of

CONTEXT = "https://w3id.org/ro/crate/1.3/context"
SPECIFICATION = "https://w3id.org/ro/crate/1.3"
PROFILE = "https://w3id.org/ro/wfrun/process/0.6"
METADATA = "ro-crate-metadata.json"
KNOWN = {".parquet": "application/vnd.apache.parquet", ".yaml": "application/yaml", ".csv": "text/csv", ".npy": "application/octet-stream"}  # fmt: skip
ABOUT = {
    "summary.json": "the numbers of the run", "summary.csv": "one row per candidate", "draws.csv": "what each replicate drew from declared ranges",
    "shift_by_replicate.csv": "shares and shift of every replicate and candidate", "audit.json": "plan, deviations, of a run also tests",
    "plan.yaml": "the plan that was locked beforehand", "scenario.yaml": "the scenario as resolved, with evidence",
    "manifest.json": "versions, seeds, checksums, timings", "report.html": "the report, for reading and printing",
    "policy_compiled.py": "the score loop that ran", "compare.html": "the comparison, for reading and printing",
    NOTES: "the auditor's own words, added to the finished result", SUMS: "checksums of all files",
}  # fmt: skip


def metadata(folder: Path) -> dict[str, Any]:
    """The content of ``ro-crate-metadata.json``.

    Args:
        folder: of a stored run, comparison or question about arms.
    """
    with readable(folder, "result"):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        sums = {line[66:]: line[:64] for line in (folder / SUMS).read_text(encoding="utf-8").splitlines()}
    names = [*files_of(folder), SUMS]
    made = dt.datetime.fromtimestamp((folder / "manifest.json").stat().st_mtime, dt.UTC).isoformat(timespec="seconds")
    versions = manifest["versions"]
    title = _title(folder)
    files = [
        {
            "@id": name, "@type": "File", "name": Path(name).name, "encodingFormat": _kind(name),
            "contentSize": str((folder / name).stat().st_size),
            **({"sha256": sums[name]} if name in sums else {}),
            **({"description": ABOUT[name]} if name in ABOUT else {}),
        }
        for name in names
    ]  # fmt: skip
    software = {
        "@id": "#recsim", "@type": "SoftwareApplication", "name": "recsim, a recommender-system audit simulator",
        "softwareVersion": str(versions.get("recsim-audit")), "softwareRequirements": [{"@id": f"#{name}"} for name in versions if name != "recsim-audit"],
        **({"version": manifest["git_commit"]} if manifest.get("git_commit") else {}),
        "description": f"SHA-256 of the simulation sources: {manifest['source_sha256']}",
    }  # fmt: skip
    packages = [
        {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": str(version)}
        for name, version in versions.items() if name != "recsim-audit"
    ]  # fmt: skip
    outputs = [name for name in names if name not in ("scenario.yaml", "plan.yaml", NOTES)]
    inputs = [name for name in ("scenario.yaml", "plan.yaml") if name in names]
    action = {
        "@id": "#run", "@type": "CreateAction", "name": f"Simulation of {title}", "endTime": made,
        "instrument": {"@id": "#recsim"}, "object": [{"@id": name} for name in inputs],
        "result": [{"@id": name} for name in outputs], "actionStatus": "http://schema.org/CompletedActionStatus",
        "description": f"{manifest['replicates']} replicates from seed {manifest['seed']}; fingerprint "
        f"{manifest['fingerprint']}; {manifest['bits']}",
    }  # fmt: skip
    root = {
        "@id": "./", "@type": "Dataset", "name": title, "datePublished": made[:10],
        "description": "Simulated evidence under stated assumptions; it does not establish the conduct of any real service "
        "or person.",
        "license": "Licence of the results: to be named by whoever publishes them",
        "conformsTo": {"@id": PROFILE}, "hasPart": [{"@id": name} for name in names], "mentions": {"@id": "#run"},
    }  # fmt: skip
    profile = {"@id": PROFILE, "@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.6"}
    head = {
        "@id": METADATA, "@type": "CreativeWork", "conformsTo": {"@id": SPECIFICATION}, "about": {"@id": "./"},
    }  # fmt: skip
    return {"@context": CONTEXT, "@graph": [head, root, profile, action, software, *packages, *files]}


def _title(folder: Path) -> str:
    import yaml

    with readable(folder, "result"):
        raw = yaml.safe_load((folder / "scenario.yaml").read_text(encoding="utf-8"))
    return raw.get("title") or raw["name"]


def _kind(name: str) -> str:
    suffix = Path(name).suffix
    return KNOWN.get(suffix) or mimetypes.types_map.get(
        suffix, "text/plain" if not suffix else "application/octet-stream"
    )


def export_crate(folder: str | Path, out: str | Path) -> Path:
    """Write a stored result as one zip file, whole or not at all.

    Args:
        folder: of the result; left as it is.
        out: the zip file.

    Raises:
        InputError: no result, one that was changed since it was written, or the file is there already.
    """
    folder, out = Path(folder), Path(out)
    if not folder.is_dir():
        raise no_folder(folder)
    found = compare_sums(folder)
    if not found.none:
        raise InputError("was changed since it was written; see recsim verify", str(folder))
    if out.exists():
        raise InputError("already exists; name another file", str(out))
    content = json.dumps(metadata(folder), indent=1, ensure_ascii=False) + "\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        try:
            with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as crate:
                crate.writestr(METADATA, content)
                for name in [*files_of(folder), SUMS]:
                    crate.write(folder / name, name)
            os.chmod(temporary, 0o644)
            os.replace(temporary, out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", str(out)) from None
    return out
