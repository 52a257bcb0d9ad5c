"""Multi-action value feed in the published form of TikTok's value function.

Source: New York Times, 5 December 2021, on an internal document: a score of the form
``P_like V_like + P_comment V_comment + E_playtime V_playtime + P_play V_play``. The values V were never published.
Ours, declared and to be swept: every term is divided by its mean over the platform, so that 1 means "an average item
earns one unit from this action". P_play is taken as the chance of watching to the end. Sharing is not in the
published form; its weight is 0 unless set.

Heating: staff push chosen videos into feeds whatever their score, "around 1-2 % of daily total video views" (Forbes, 20
January 2023, read in secondary pages). ``heated_views`` is that share of slots, 0 unless set, since which videos are pushed
is not public; here ``heated_items`` of all videos are, drawn once per video and blind to what they are about (ours), at
most the newest 64 of a language at a time. Removed videos are not pushed.
"""

from __future__ import annotations

from recsim.ranking.policy import policy


@policy(
    w_like=1.0, w_comment=1.0, w_share=0.0, w_play=1.0, w_complete=1.0, heated_views=0.0, heated_items=0.002,
    meta={
        "title": "multi-action value feed with staged exposure pools",
        "source": "NYT 5 Dec 2021 (form); weights ours; staged pools practitioner-reported; heating (off): Forbes 2023",
        "evidence": "[P]", "date": "2021-12-05", "doors": ("E1", "E2", "E4"), "gated": True, "heats": True,
        "ranges": {"heated_views": (0, 1), "heated_items": (0, 1)},
    },
)  # fmt: skip
def tiktok_value(f, p):
    """Sum of predicted actions, each relative to its mean."""
    likes = p.w_like / f.base_like * f.p_like
    comments = p.w_comment / f.base_comment * f.p_comment
    shares = p.w_share / f.base_share * f.p_share
    play = p.w_play / f.base_play * f.e_play
    complete = p.w_complete / f.base_complete * f.p_complete
    return likes + comments + shares + play + complete
