"""The re-rankers that ship with recsim, one small file each, by name."""

from __future__ import annotations

from recsim.ranking.rerank.author_diversity import author_diversity
from recsim.ranking.rerank.calibrated import calibrated
from recsim.ranking.rerank.candidate_parity import candidate_parity
from recsim.ranking.rerank.cold_start import cold_start
from recsim.ranking.rerank.dpp import dpp
from recsim.ranking.rerank.fa_ir import fa_ir
from recsim.ranking.rerank.mmr import mmr
from recsim.ranking.reranker import Reranker

RERANKERS: dict[str, Reranker] = {
    made.name: made for made in (author_diversity, cold_start, mmr, dpp, calibrated, fa_ir, candidate_parity)
}
