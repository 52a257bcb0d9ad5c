"""A ranker behind an address as a policy: JSON over HTTP in the form of the Prosocial Ranking Challenge.

Source of the form: HumanCompatibleAI/ranking-challenge, ``docs/api_reference.md``: POST to an address that ends in
``/rank`` with ``session`` and ``items``; the answer holds ``ranked_ids``. Items are sent as posts of a platform called
"twitter", with that platform's counts (reply, repost, like, view); their text says what an audience would see: the
topic, the language, and the candidate and stance if there are any. Candidates go by number, so that a ranker cannot
treat a name specially unless it was told the order.

One request per visit: a run takes as long as the ranker needs for all of them. Redirects are not followed. Ids that were
not sent, and new items, are ignored; items that the ranker leaves out come after those that it names. An error ends the run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import numpy as np

from recsim.errors import InputError, RecsimError
from recsim.ranking.array_policy import ArrayPolicy
from recsim.ranking.policy import Policy

SEND = 50
"""Entries of a feed that are sent: the best by decayed likes and freshness; the rest follow in that order."""
TIMEOUT_S = 10.0
STANCE = {-1: "critical of", 0: "about", 1: "supports"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would silently audit another service."""

    def redirect_request(self, *args: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _hash(kind: str, number: float) -> str:
    return hashlib.sha256(f"{kind} {int(number)}".encode()).hexdigest()


def _whole(count: float) -> int:
    return round(float(count))


def _time(seconds: float) -> str:
    """Seconds since 1970 (to about two minutes: features are float32) in UTC."""
    return dt.datetime.fromtimestamp(float(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(topic: float, language: float, candidate: float, stance: float) -> str:
    about = f" {STANCE[int(stance)]} candidate {int(candidate)}" if candidate >= 0 else ""
    return f"topic {int(topic)} language {int(language)}{about}"


def request_of(f: Any, row: int, columns: np.ndarray) -> dict[str, Any]:
    """The request for one visit.

    Args:
        f: arrays (visits, entries) of the features that `http_ranker` names.
        row: the visit. columns: entries to send, in this order.
    """
    person = f.person[row, columns[0]]
    items = [
        {
            "id": str(int(f.item[row, c])), "text": _text(f.topic[row, c], f.language[row, c], f.candidate[row, c], f.stance[row, c]),
            "author_name_hash": _hash("author", f.author[row, c]), "type": "post",
            "created_at": _time(f.created_s[row, c]),
            "engagements": {  # of one real item, so rarely whole; the form has whole numbers
                "reply": _whole(f.n_comment[row, c]), "repost": _whole(f.n_share[row, c]), "like": _whole(f.n_like[row, c]),
                "view": _whole(f.impressions[row, c]),
            },
        }
        for c in columns
    ]  # fmt: skip
    now = float(f.created_s[row, columns[0]]) + 3600.0 * float(f.age_h[row, columns[0]])
    session = {
        "session_id": _hash(f"session of {int(person)}", now), "user_id": _hash("user", person),
        "user_name_hash": _hash("name", person), "cohort": "recsim", "platform": "twitter", "current_time": _time(now),
    }  # fmt: skip
    return {"session": session, "items": items}


def ask(url: str, request: dict[str, Any], timeout_s: float = TIMEOUT_S) -> list[str]:
    """The ranker's order of ids.

    Raises:
        RecsimError: no answer in time, another status than 200, or an answer without ``ranked_ids``.
    """
    data = json.dumps(request).encode()
    call = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method="POST")
    try:
        with _OPENER.open(call, timeout=timeout_s) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise RecsimError(f"ranker {url} answered with status {error.code}; must be 200") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise RecsimError(f"ranker {url} gave no usable answer within {timeout_s:g} s: {reason}") from None
    if not isinstance(found, dict) or not isinstance(found.get("ranked_ids"), list):
        raise RecsimError(f"ranker {url} answered without a list 'ranked_ids'")
    return [str(i) for i in found["ranked_ids"]]


def popularity(f: Any, p: Any) -> np.ndarray:
    """Order of entries before the ranker is asked, and value of items for retrieval: likes per age."""
    return (1 + f.d_like) / (2 + f.age_h)


def http_ranker(url: str) -> Policy:
    """The ranker at an address as a policy.

    Args:
        url: http or https, with a host; where requests are posted.

    Raises:
        InputError: not such an address.
    """
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname:
        raise InputError(f"got policy {url!r}, must be an address such as http://localhost:8000/rank")

    def rank(f: Any, p: Any) -> np.ndarray:
        before = popularity(f, p)
        order = np.argsort(-before, axis=1, kind="stable")
        scores = np.empty(before.shape, np.float32)
        width = before.shape[1]
        for row in range(before.shape[0]):
            scores[row, order[row]] = -np.arange(width)
            present = order[row][f.present[row, order[row]]]
            if not len(present):
                continue
            sent = present[:SEND]
            place = {str(int(f.item[row, c])): c for c in sent[::-1]}
            for position, name in enumerate(dict.fromkeys(ask(url, request_of(f, row, sent)))):
                if name in place:
                    scores[row, place[name]] = width - position
        return scores

    return ArrayPolicy(
        name=url, function=rank, parameters={}, title=f"ranker at {url}", source=url, evidence="[D]",
        ordering="order", gated=False, item_function=popularity, source_text=f"JSON over HTTP: {url}",
        doors=("E1",), stratum="region", inbox="all", sources={"trending": 0.3, "discovery": 0.7},
        names=(
            "person", "item", "topic", "language", "candidate", "stance", "author", "created_s", "age_h", "n_like",
            "n_comment", "n_share", "impressions", "d_like",
        ),
    )  # fmt: skip
