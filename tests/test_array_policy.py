"""The slow path: array policies against the compiled ones, and rankers behind an address."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import changed, frames_of
from test_policies import run, setup

import recsim
from recsim.cli import main
from recsim.cli.score import score_command
from recsim.errors import InputError, RecsimError
from recsim.ranking import registry
from recsim.ranking.array_policy import array_policy
from recsim.ranking.compile import compile_policy
from recsim.ranking.http_ranker import SEND, ask, request_of


@array_policy("p_like", "p_comment", "in_network", "age_h", w=3.0, oon=0.5)
def slow(f, p):
    return (f.p_like + p.w * f.p_comment - 0.001 * f.age_h + 1) * np.where(f.in_network > 0, 1, p.oon)


@recsim.policy(w=3.0, oon=0.5)
def fast(f, p):
    s = f.p_like + p.w * f.p_comment - 0.001 * f.age_h + 1
    return s if f.in_network else p.oon * s


def test_ranges_are_those_of_parameters():
    with pytest.raises(InputError, match="unknown parameter 'half'; allowed: half_h"):
        array_policy("age_h", half_h=24.0, meta={"ranges": {"half": (0, 1)}})(lambda f, p: f.age_h)
    with pytest.raises(InputError, match="half_h: got 24, must be 0 to 1"):
        array_policy("age_h", half_h=24.0, meta={"ranges": {"half_h": (0, 1)}})(lambda f, p: f.age_h)


@array_policy("p_like", "age_h")
def wrong_shape(f, p):
    return f.p_like[..., :1]


@array_policy("p_like")
def not_a_number(f, p):
    return f.p_like * np.nan


@pytest.mark.slow
def test_slow_equals_fast():
    quick, slowly = compile_policy(fast), compile_policy(slow)
    a = setup(quick)
    b = setup(slowly)
    places = [slowly.rows.index(name) for name in quick.rows]
    b.rows[places], b.pool_rows[:, places] = a.rows, a.pool_rows
    expected, got = run(quick, a), run(slowly, b)
    assert np.isfinite(expected).any() and np.array_equal(np.isinf(expected), np.isinf(got))
    there = np.isfinite(expected)
    assert got[there] == pytest.approx(expected[there], rel=2e-6)
    changed_weight = run(slowly, b, slowly.vector({"oon": 0.1})).copy()
    assert not np.array_equal(changed_weight, expected)


def test_a_world_runs_alike_on_both_paths(small, monkeypatch):
    """Chosen so that both compute the same bits: one feature, no arithmetic."""

    @recsim.policy(meta={"ordering": "order", "stratum": "region", "inbox": "all"})
    def newest(f, p):
        return f.created_h

    @array_policy("created_h", meta={"ordering": "order", "stratum": "region", "inbox": "all"})
    def newest_slow(f, p):
        return f.created_h

    monkeypatch.setitem(registry.PRESETS, "newest", newest)
    monkeypatch.setitem(registry.PRESETS, "newest_slow", newest_slow)
    frames = [frames_of(changed(small, platform={"policy": n}))["exposure"] for n in ("newest", "newest_slow")]
    assert len(frames[0]) and frames[0].equals(frames[1])
    assert frames[1].equals(frames_of(changed(small, platform={"policy": "newest_slow"}), threads=2)["exposure"])


def test_bad_answers_are_named():
    for policy, text in ((wrong_shape, "shape"), (not_a_number, "NaN")):
        compiled = compile_policy(policy)
        with pytest.raises(RecsimError, match=text):
            run(compiled, setup(compiled))


def test_bad_names():
    with pytest.raises(InputError, match="did you mean 'p_like'"):
        array_policy("p_liek")(lambda f, p: f.p_liek)
    with pytest.raises(InputError, match="names no feature"):
        array_policy()(slow.function)
    with pytest.raises(InputError, match="did you mean 'oon'"):
        compile_policy(slow).vector({"onn": 1.0})
    with pytest.raises(InputError, match="did you mean 'ordering'"):
        array_policy("age_h", meta={"odering": "order"})(slow.function)


def test_what_needs_a_compiled_loop_is_refused(small, tmp_path):
    for meta in (
        {"rerank": ("mmr",)},
        {"multiply": (slow.function,)},
        {"refit": print},
        {"refit": print, "learns": ("mine",)},
    ):
        with pytest.raises(InputError, match="only a compiled policy can have"):
            array_policy("age_h", meta=meta)(slow.function)
    with pytest.raises(InputError, match="need a refit"):
        array_policy("match")(slow.function)
    with pytest.raises(InputError, match="heats needs a parameter"):
        array_policy("age_h", meta={"heats": True})(slow.function)
    address = "http://localhost:1/rank"
    with pytest.raises(InputError, match="not compiled, so mmr cannot re-rank it"):
        registry.configured(address, ["mmr"])
    assert registry.configured(address, [], 50).name == address
    (tmp_path / "rows.csv").write_text("age_h\n1\n")
    for more in ([], ["--compiled"]):
        with pytest.raises(SystemExit):
            main(["score", address, str(tmp_path / "rows.csv"), *more])
    with pytest.raises(InputError, match="works on arrays of whole feeds"):
        score_command(address, tmp_path / "rows.csv", [], None, False)


def test_profiling_is_decided_from_the_names():
    assert slow.profiled and slow.predicts

    @array_policy("age_h", meta={"stratum": "region", "sources": {"trending": 1.0}})
    def plain(f, p):
        return -f.age_h

    assert not plain.profiled and not plain.predicts


class Ranker(BaseHTTPRequestHandler):
    """Answers as the class attributes say; keeps the requests."""

    mode = "reverse"
    requests: list[dict] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Ranker.requests.append(body)
        ids = [item["id"] for item in body["items"]]
        if Ranker.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        answer = {
            "reverse": {"ranked_ids": [*ids[::-1], "new", *ids[:1]], "new_items": []}, "first": {"ranked_ids": ids[:1]},
            "text": "no json", "list": [], "error": {},
        }[Ranker.mode]  # fmt: skip
        data = json.dumps(answer).encode() if Ranker.mode != "text" else b"no json"
        self.send_response(500 if Ranker.mode == "error" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Ranker.mode, Ranker.requests = "reverse", []
    yield f"http://127.0.0.1:{server.server_port}/rank"
    server.shutdown()
    server.server_close()


def number_items(compiled, d):
    """Rows as a world has them: item numbers, stances."""
    for k, name in enumerate(compiled.rows):
        value = np.arange(80) % 3 - 1 if name in ("stance", "candidate") else np.arange(80)
        d.rows[k] = value
        d.pool_rows[:, k] = value[d.pool_item]


def test_a_ranker_behind_an_address_decides_the_order(address):
    policy = registry.get(address)
    compiled = compile_policy(policy)
    d = setup(compiled, pool=60)
    number_items(compiled, d)
    scores = run(compiled, d)
    assert len(Ranker.requests) == 5
    for who, body in enumerate(Ranker.requests):
        assert len(body["items"]) == SEND and body["session"]["platform"] == "twitter"
        stratum, order = d.stratum[who], np.argsort(-scores[who], kind="stable")
        shown = [int(d.pool_item[stratum, c]) if c < 60 else int(d.inbox[who, c - 60]) for c in order]
        wanted = list(dict.fromkeys(int(item["id"]) for item in body["items"][::-1]))
        once = list(dict.fromkeys(shown))
        assert once[: len(wanted)] == wanted
    first = Ranker.requests[0]["items"][0]
    assert set(first) == {"id", "text", "author_name_hash", "type", "created_at", "engagements"}
    assert set(first["engagements"]) == {"reply", "repost", "like", "view"}


def test_counts_are_sent_as_the_nearest_whole_numbers():
    """One simulated event stands for 634.92 real ones, say; what float32 leaves just below a whole number is that number."""
    names = ("person", "item", "topic", "language", "candidate", "stance", "author", "created_s", "age_h")
    counts = {"n_comment": 634.92, "n_share": 2.9999998, "n_like": 0.4, "impressions": 1269.84}
    f = SimpleNamespace(
        **{n: np.full((1, 1), v, np.float32) for n, v in {**dict.fromkeys(names, 0.0), **counts}.items()}
    )
    (item,) = request_of(f, 0, np.array([0]))["items"]
    assert item["engagements"] == {"reply": 635, "repost": 3, "like": 0, "view": 1270}


def test_what_the_ranker_leaves_out_comes_last(address):
    Ranker.mode = "first"
    compiled = compile_policy(registry.get(address))
    d = setup(compiled, pool=60)
    number_items(compiled, d)
    scores = run(compiled, d)
    for who in range(5):
        there = np.isfinite(scores[who])
        assert (scores[who][there] > 0).sum() == 1 and there.sum() > SEND


@pytest.mark.parametrize(
    "mode, text", [("error", "status 500"), ("text", "no usable answer"), ("list", "ranked_ids"), ("redirect", "302")]
)
def test_failures_end_the_run(address, mode, text):
    Ranker.mode = mode
    with pytest.raises(RecsimError, match=text):
        ask(address, {"session": {}, "items": []})


def test_nobody_there_and_no_address():
    with pytest.raises(RecsimError, match="no usable answer"):
        ask("http://127.0.0.1:9/rank", {}, timeout_s=2)
    with pytest.raises(InputError, match="must be an address"):
        registry.get("http://")


def test_a_run_with_a_ranker(address, small):
    """A tiny world, every visit one request; text of items about candidates names number and stance."""
    tiny = changed(
        small, platform={"policy": address}, days={"start": small.days.vote.replace(day=22)},
        population={"scale": 30 / small.population.people.value}, run={"luck_branches": 1},
        campaigns=[c.model_copy(update={"start": 0}) for c in small.campaigns],
    )  # fmt: skip
    frames = frames_of(tiny)
    assert frames["exposure"]["impressions"].sum() > 0 and len(Ranker.requests) > 50
    texts = {item["text"] for body in Ranker.requests for item in body["items"]}
    assert any("supports candidate" in text for text in texts)
    assert frames["exposure"].equals(frames_of(tiny)["exposure"])


def test_hashes_do_not_tell_kinds_of_numbers_apart(address):
    compiled = compile_policy(registry.get(address))
    d = setup(compiled, pool=60)
    number_items(compiled, d)
    run(compiled, d)
    session = Ranker.requests[0]["session"]
    assert len({session["session_id"], session["user_id"], session["user_name_hash"]}) == 3
    assert request_of.__doc__
