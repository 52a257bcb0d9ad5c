"""Moderation at work in a world: detectors look through the log, people report, reviewers decide, sanctions take effect.

One account of the simulation stands for ``1 / scale`` real ones, of people and networks alike, and is one case; a
network's accounts are grouped in that number, since their actions are thinned by the same scale.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import mesa
import numpy as np

from recsim.agents import enforcement as then
from recsim.agents.cases import (
    ACCOUNT,
    ACCOUNT_APPEAL,
    ITEM,
    Cases,
    Verdicts,
    joined,
    make_cases,
    no_cases,
    same_subject,
    take,
)
from recsim.agents.detectors import Facts, Finding, Truth, detect
from recsim.agents.enforcement import Sanctions
from recsim.agents.review import Queue, new_queue, review
from recsim.state import ADVERTISEMENT, DEMOTED, EXCLUDED, LABELLED, LIKE, REMOVED, REPORT, copied
from recsim.world.desk import make_appealing, make_desk, make_notice
from recsim.world.register import Register
from recsim.world.rollback import roll_back
from recsim.world.shards import in_order_of_visits
from recsim.world.takedown import leave_inboxes

if TYPE_CHECKING:
    from recsim.scenario.moderation import Detector
    from recsim.world.world import World

AGAIN_DAYS = 7
"""Days until an account that reviewers have cleared may be brought before them again."""


@dataclasses.dataclass
class Docket:
    """What moderation knows and has pending; forks with the world.

    Attributes:
        queue: cases for review. sanctions: who is or was sanctioned.
        log: parts of people's log, (K, 4) int32: person, item, action, step; never changed once written.
        cleared: (A,) int32, step until which an account is not brought before reviewers again.
        rounds: (A,) int16, reviews of an account so far.
        reported: (I,) int64, reports of an item already before reviewers.
    """

    queue: Queue
    sanctions: Sanctions
    log: list[np.ndarray]
    cleared: np.ndarray
    rounds: np.ndarray
    reported: np.ndarray

    def fork(self) -> Docket:
        """A copy whose changes leave this one alone."""
        return dataclasses.replace(
            self, queue=copied(self.queue), log=list(self.log), cleared=self.cleared.copy(),
            rounds=self.rounds.copy(), reported=self.reported.copy(),
        )  # fmt: skip


class Moderation(mesa.Agent):
    """The platform's moderation: detectors, reviewers, notices, labels."""

    model: World

    def __init__(self, model: World) -> None:
        super().__init__(model)
        plan = model.plan
        self.config = plan.scenario.moderation
        hours = 24 // plan.steps_per_day
        self.desk = make_desk(self.config, plan.languages, plan.scale, hours)
        self.appealing = None if self.config.appeals is None else make_appealing(self.config.appeals)
        self.notices = [make_notice(n, plan.days) for n in self.config.notices]
        actions = self.config.actions
        self.account = then.account_effect(actions.account, actions.rollback, actions.captcha_factor.value)
        self.item = then.item_effect(actions.item, actions.demote_factor.value)
        self.hours = hours
        self.built: Register | None = None
        if model.state.docket is None and self.active:
            model.state.docket = self._empty()

    @property
    def register(self) -> Register:
        """All accounts; built when first needed, by all shards of a world at the same time."""
        if self.built is None:
            self.built = Register(self.model)
        return self.built

    @property
    def active(self) -> bool:
        """Whether there is anything to do."""
        c = self.config
        return bool(c.detectors or self.desk.pools or c.notices or c.political_labels)

    def _empty(self) -> Docket:
        accounts, items = self.register.count, len(self.model.state.status)
        return Docket(
            new_queue(self.desk), then.no_sanctions(), [], np.zeros(accounts, np.int32),
            np.zeros(accounts, np.int16), np.zeros(items, np.int64),
        )  # fmt: skip

    def review(self) -> None:
        """Phase 11: collect, detect, answer notices, review, and let sanctions take effect from the next step on."""
        docket = self.model.state.docket
        self._note_removals()
        if docket is None:
            return
        self._collect(docket)
        known = len(docket.sanctions.kind)
        cases = [self._found(docket)]
        if self.desk.pools:
            cases.append(self._reports(docket))
        self._notices(docket)
        imposed = len(docket.sanctions.kind)
        docket.queue, verdicts = review(self.desk, docket.queue, joined(*cases), self.model.now, self.model.key)
        docket.sanctions = then.follow_verdicts(docket.sanctions, verdicts)
        self._remember(docket, verdicts)
        if self.appealing is not None:
            # One appeal against a sanction, from when it is felt: of who was under one already nothing new is asked.
            new = take(verdicts, same_subject(verdicts, take(docket.sanctions, slice(imposed, None))))
            new = joined(self._as_verdicts(docket, take(docket.sanctions, slice(known, imposed))), new)
            late = then.appeals(self.appealing, new, no_cases(), self.model.key, self.hours)
            docket.queue = docket.queue._replace(coming=joined(docket.queue.coming, late))
        self.model.record.reviewed(verdicts, docket.queue.waiting)
        self._enforce(docket, self.model.now + 1)

    def _note_removals(self) -> None:
        """Networks whose time has come are removed after this step; late, as documented."""
        world = self.model
        bots = {c.id for c in world.plan.campaigns if c.type == "bot_network"}
        for agent in world.networks:
            network = agent.network
            due = world.now == network.removal_step - 1 and network.campaign in bots and network.accounts > 0
            if due and world.arm.acts(network.campaign):
                world.record.removed[network.campaign] = round(network.accounts)

    # ---- what comes in ----------------------------------------------------------------------------------------

    def _collect(self, docket: Docket) -> None:
        """People's actions of the step, in order of visits, and nothing older than the longest memory of a detector."""
        tally, now, state = self.model.feed.tally, self.model.now, self.model.state
        acts = np.concatenate([tally.acts[thread, :count] for thread, count in enumerate(tally.acts_count)])
        tally.acts_count[:] = 0
        person, (item, bits) = in_order_of_visits(
            state.exchange, acts[:, 0], lambda rows: state.observed.stratum[rows], int(state.first_person),
            [acts[:, 1], acts[:, 2]],
        )  # fmt: skip
        if len(person):
            docket.log.append(_unfolded(np.stack([person, item, bits], axis=1), now))
        memory = max((d.log_days.value for d in self.config.detectors), default=0) * 24 / self.hours
        while docket.log and docket.log[0][0, 3] < now - memory:
            docket.log.pop(0)

    def _due(self, detector: Detector) -> bool:
        plan, now = self.model.plan, self.model.now
        every = max(1, round(detector.every_hours / self.hours))
        starts = 0 if detector.start is None else plan.step_of(detector.start)
        return now >= starts and (now + 1) % every == 0

    def _found(self, docket: Docket) -> Cases:
        """Run the detectors whose time has come; what they find becomes cases, or sanctions if nobody reviews it.

        All of them look before anything is done, and what needs no review is done first: so the order of detectors in the
        scenario changes nothing.
        """
        due = [(number, one) for number, one in enumerate(self.config.detectors) if self._due(one)]
        if not due:
            return no_cases()
        register, now = self.register, self.model.now
        found = [(one.reviewed, self._run(docket, number, one)) for number, one in due]
        at_once = np.zeros(register.count, bool)
        for reviewed, finding in found:
            at_once |= finding.flagged & (not reviewed)
        rows = np.flatnonzero(at_once & (docket.cleared <= now))
        rows = rows[~then.in_force(docket.sanctions, ACCOUNT, register.subject[rows], now + 1)]
        docket.sanctions = then.impose(docket.sanctions, ACCOUNT, register.subject[rows], np.full(len(rows), now + 1))
        cases = [no_cases()]
        for reviewed, finding in found:
            if reviewed:  # whoever has been judged is not judged again, though nothing may be felt of it yet
                rows = np.flatnonzero(finding.flagged & (docket.cleared <= now))
                rows = rows[~then.decided(docket.sanctions, ACCOUNT, register.subject[rows], now + 1)]
                one = make_cases(
                    ACCOUNT, register.subject[rows], register.language[rows], register.inauthentic[rows], now,
                    score=finding.score[rows], round=docket.rounds[rows],
                )  # fmt: skip
                cases.append(one)
        return joined(*cases)

    def _run(self, docket: Docket, number: int, detector: Detector) -> Finding:
        """What one detector finds among those who did anything in the time that it looks at."""
        world, register, now = self.model, self.register, self.model.now
        since = math.ceil(now - detector.log_days.value * 24 / self.hours)
        log = register.log([p for p in docket.log if p[0, 3] >= since], since)
        facts = Facts(register.count, register.created, register.address, register.seeds, float(self.hours))
        truth = Truth(register.inauthentic, register.population, register.number, world.key._replace(branch=0))
        values = {name: q.value for name, q in detector.parameters.items()}
        finding = detect(detector.kind, log, facts, values, truth)
        # Whoever has done nothing for so long, or is gone, gives nobody a reason to look.
        seen = np.zeros(register.count, bool)
        seen[log.actor] = True
        seen &= register.there()
        flagged = finding.flagged & seen
        world.record.detected(number, flagged, register.acting() & seen, register.people)
        return finding._replace(flagged=flagged)

    def _reports(self, docket: Docket) -> Cases:
        """Live items with new reports that have not been judged already; copies of one advertisement are one case."""
        world = self.model
        start, end = world.window
        total, labels = world.state.counters.total, world.state.items.labels
        fresh = total[start:end, REPORT] - docket.reported[start:end]
        ad = labels.kind[start:end] == ADVERTISEMENT
        here = np.flatnonzero(
            (fresh > 0) & (labels.present[start:end] | ad) & ((world.state.status[start:end] & REMOVED) == 0)
        )
        docket.reported[start:end] += fresh
        subject = world.state.items.id[self.register.first_copy[here + start]]
        free = ~then.decided(docket.sanctions, ITEM, subject, world.now + 1)
        here, subject = here[free], subject[free]
        rows = here + start
        return make_cases(
            ITEM, subject, labels.language[rows], self.register.violates(rows), world.now, reports=fresh[here], reach=total[rows, 0],
            work=np.where(ad[here], 1.0, world.plan.represented) * world.plan.scale,
        )  # fmt: skip

    def _notices(self, docket: Docket) -> None:
        """Notices sent in this step: about accounts of a campaign, or about items that are live."""
        world = self.model
        for block, notice in zip(self.config.notices, self.notices, strict=True):
            if int(notice.sent_h // self.hours) != world.now:
                continue
            kind = ACCOUNT if block.target == "accounts" else ITEM
            subject = self.register.named(block, kind)
            _, since = then.answer_notice(notice, subject, world.key._replace(branch=0), self.hours)
            acts = since < then.NEVER
            docket.sanctions = then.impose(
                docket.sanctions, kind, subject[acts], np.maximum(since[acts], world.now + 1)
            )

    def label(self) -> None:
        """Label the step's items as political, with the stated errors, before anybody sees them.

        Not at the end of the step before: where worlds fork, that one still has what replaces a campaign's posts.
        """
        if self.config.political_labels is None:
            return
        state, now = self.model.state, self.model.now
        low, high = int(state.born[now]), int(state.born[now + 1])
        state.status[low:high] |= self._political(np.arange(low, high))

    def _political(self, rows: np.ndarray) -> np.ndarray:
        """(N,) uint8, LABELLED where these items carry the label of political content, else 0."""
        config, world = self.config.political_labels, self.model
        assert config is not None
        state, errors = world.state, config.errors
        ids = [c.id for c in world.plan.candidates]
        missed = np.array([errors[c].missed.value if c in errors else 0.0 for c in ids])
        candidate = state.items.labels.candidate[rows].astype(np.int64)
        labelled = then.label_political(
            world.key._replace(branch=0), state.items.id[rows], candidate, config.share.value, config.wrong_share.value, missed,
        )  # fmt: skip
        return np.where(labelled, LABELLED, np.uint8(0))

    # ---- what comes of it -------------------------------------------------------------------------------------

    def _as_verdicts(self, docket: Docket, sanctions: Sanctions) -> Verdicts:
        """Sanctions that nobody reviewed, as verdicts: who is under one can appeal as others can.

        For the luck of later reviews each counts as a review of its account: the next time is another one.
        """
        register, state, count = self.register, self.model.state, len(sanctions.kind)
        accounts = sanctions.kind == ACCOUNT
        place, rows = register.place(sanctions.subject[accounts]), register.items(sanctions.subject[~accounts])
        language, truth, rounds = np.zeros(count, np.int8), np.zeros(count, np.bool_), np.zeros(count, np.int16)
        language[accounts], language[~accounts] = register.language[place], state.items.labels.language[rows]
        truth[accounts], truth[~accounts] = register.inauthentic[place], register.violates(rows)
        rounds[accounts] = docket.rounds[place]
        docket.rounds[place] += 1
        return Verdicts(
            sanctions.kind, sanctions.subject, language, truth, rounds, np.ones(count, np.bool_), np.zeros(count),
            np.full(count, float(self.model.now * self.hours)), sanctions.since,
        )  # fmt: skip

    def _remember(self, docket: Docket, verdicts: Verdicts) -> None:
        """Whom reviewers cleared, on appeal too, is left alone for a while; every review of an account has its own luck."""
        register = self.register
        mine = verdicts.kind == ACCOUNT
        where = register.place(verdicts.subject[mine])
        docket.rounds[where] += 1
        won = (mine | (verdicts.kind == ACCOUNT_APPEAL)) & ~verdicts.found
        docket.cleared[register.place(verdicts.subject[won])] = (
            self.model.now + AGAIN_DAYS * self.model.plan.steps_per_day
        )

    def _enforce(self, docket: Docket, step: int) -> None:
        """Sanctions that begin or end with a step."""
        s, register, world = docket.sanctions, self.register, self.model
        begin = (s.since == step) & (s.until > step)
        end = (s.until == step) & (s.since < step)
        accounts = s.kind == ACCOUNT
        for kind in (ACCOUNT, ITEM) if end.any() else ():  # who is under another sanction is not released
            ending = np.flatnonzero(end & (s.kind == kind))
            end[ending] = ~then.in_force(s, kind, s.subject[ending], step)
        register.release(register.place(s.subject[end & accounts]))
        register.sanction(register.place(s.subject[begin & accounts]), self.account)
        if not self.account.keeps:
            for agent, mask in register.of_networks(register.place(s.subject[begin & accounts])):
                roll_back(
                    world.state, agent.network, agent.roster, mask, agent.recognised, world.now, float(world.platform.decay)
                )  # fmt: skip
            world.books.rolled_back(*world.window)
        self._items(s.subject[begin & ~accounts], s.subject[end & ~accounts])

    def _items(self, begin: np.ndarray, end: np.ndarray) -> None:
        state, register, effect = self.model.state, self.register, self.item
        flags = np.uint8(0)
        if not effect.present:
            flags |= REMOVED
        if effect.present and not effect.recommended:
            flags |= EXCLUDED
        if effect.factor != 1.0:
            flags |= DEMOTED
        if effect.labelled:
            flags |= LABELLED
        rows = register.copies(register.items(begin))
        state.status[rows] |= flags
        if len(rows) and not effect.present:
            leave_inboxes(self.model, rows)
        rows = register.copies(register.items(end))
        state.status[rows] &= ~flags
        if effect.labelled and self.config.political_labels is not None and len(rows):
            state.status[rows] |= self._political(rows)  # that label is not part of the sanction


def _unfolded(acts: np.ndarray, step: int) -> np.ndarray:
    """(K, 4) int32: one row for each action of (N, 3) rows of person, item and action bits."""
    parts = []
    for action in range(LIKE, REPORT + 1):
        rows = acts[(acts[:, 2] >> action) & 1 > 0]
        part = np.empty((len(rows), 4), np.int32)
        part[:, :2], part[:, 2], part[:, 3] = rows[:, :2], action, step
        parts.append(part)
    return np.concatenate(parts)


__all__ = ["Docket", "Moderation"]
