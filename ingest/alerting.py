"""From events to rows: lock the alerts concerned, let the domain decide, group what belongs together, tell people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType, Change, tell
from frostguard.domain.backfill import FARTHEST, MOST, alarms_of, backfill, gathered, stretch_of
from frostguard.domain.event import Event
from frostguard.domain.grouping import SILENCE_TYPES, Silences, group
from frostguard.domain.judge import judge
from frostguard.domain.limits import Limits
from frostguard.domain.notice import Occasion, decide
from frostguard.domain.reading import Reading
from frostguard.store import alerts, readings, suppressions
from frostguard.store.alerts import Located, Notification, Subject
from frostguard.store.connection import Connection
from ingest.batch import Batch
from ingest.catching_up import OLD, CatchingUp
from ingest.fleet import Fleet

GROUPED = SILENCE_TYPES | {AlertType.GATEWAY_SILENT, AlertType.INGEST_DEGRADED}
LONGEST_REOPEN = timedelta(days=7)
OWED = 5000  # waiting alerts asked in one batch


class Result(NamedTuple):
    """How many changes there were, and whether some alert waits to be told."""

    changes: int
    held: bool


class Alerting:
    """Knows the fleet and nothing else between batches: alerts live in the database, where people move them too."""

    def __init__(self, fleet: Fleet, catching_up: CatchingUp) -> None:
        self._fleet = fleet
        self._catching_up = catching_up
        # The last of the waiting alerts that were asked, while there are more than one batch can ask.
        self._asked_upto: Alert | None = None

    async def handle(  # noqa: PLR0917 - what one step needs
        self,
        connection: Connection,
        events: Mapping[UUID, Sequence[Event]],
        subjects: Mapping[UUID, Subject],
        late: Mapping[UUID, Sequence[Reading]],
        batch: Batch,
        now: datetime,
    ) -> Result:
        """Judge the events and write what follows, inside the caller's transaction."""
        known = dict(subjects)
        changes = await self._judged(connection, events, known)
        changes += await self._backfilled(connection, late, known, changes)
        changes += await self._grouped(connection, changes, known, now)
        told, held, notifications = await self._told(connection, changes, known, batch, now)
        changes += told
        if changes:
            await alerts.save(connection, changes, known, notifications)
        return Result(len(changes), held)

    def _limits(self, subject: Subject) -> Limits:
        unit = self._fleet.units.get(subject.unit_id) if subject.unit_id is not None else None
        if unit is not None:
            return unit.rules.limits
        owner = self._fleet.organization(subject.organization_id)
        return owner.limits if owner is not None else Limits()

    async def _judged(
        self, connection: Connection, events: Mapping[UUID, Sequence[Event]], subjects: Mapping[UUID, Subject]
    ) -> list[Change]:
        if not events:
            return []
        first = min(event.at for said in events.values() for event in said)
        newest = await alerts.lock_newest(connection, list(events), first - LONGEST_REOPEN)
        changes: list[Change] = []
        for subject_id, said in events.items():
            limits = self._limits(subjects[subject_id])
            changes += judge(subject_id, said, newest.get(subject_id, {}), limits)
        return changes

    async def _backfilled(
        self,
        connection: Connection,
        late: Mapping[UUID, Sequence[Reading]],
        subjects: dict[UUID, Subject],
        judged: Sequence[Change],
    ) -> list[Change]:
        """Late readings prove by themselves, with the stored ones around them, or they prove nothing.

        `judged` is what this batch has changed already: its alarms are not in the table yet, and not told twice.
        """
        live = alarms_of(change.alert for change in judged)
        changes: list[Change] = []
        for unit_id, rows in late.items():
            unit = self._fleet.units.get(unit_id)
            asked = stretch_of(rows, ())
            if unit is None or asked is None:
                continue
            recorded = await alerts.lock_alarms(connection, unit_id, asked.first - FARTHEST, asked.last + FARTHEST)
            by_id = {alert.id: alert for alert in (*recorded, *(a for a in live if a.subject_id == unit_id))}
            known = list(by_id.values())
            stretch = stretch_of(rows, known) or asked
            around = await gathered(partial(readings.between, connection, unit_id, limit=MOST), stretch, unit.rules)
            found = backfill(unit_id, around, unit.rules, stretch, known)
            if found:
                subjects[unit_id] = unit.subject
                changes += found
        return changes

    async def _grouped(
        self, connection: Connection, changes: Sequence[Change], subjects: dict[UUID, Subject], now: datetime
    ) -> list[Change]:
        """Link what is silent together, organization by organization."""
        concerned = {subjects[c.alert.subject_id].organization_id for c in changes if c.alert.type in GROUPED}
        if not concerned:
            return []
        open_now: dict[UUID, Located] = {
            alert.id: (alert, subject)
            for alert, subject in await alerts.lock_open_silences(connection, list(concerned))
        }
        for change in changes:
            if change.alert.type in GROUPED:
                open_now[change.alert.id] = (change.alert, subjects[change.alert.subject_id])
        found: list[Change] = []
        for organization_id in concerned:
            here = [pair for pair in open_now.values() if pair[1].organization_id == organization_id]
            subjects.update({subject.id: subject for _, subject in here})
            subjects.setdefault(organization_id, Subject(organization_id, organization_id))
            found += self._group(organization_id, [alert for alert, _ in here], now)
        return found

    def _group(self, organization_id: UUID, here: Sequence[Alert], now: datetime) -> list[Change]:
        owner = self._fleet.organization(organization_id)
        if owner is None:
            return []
        gateways = {a.subject_id: a for a in here if a.type is AlertType.GATEWAY_SILENT and a.is_open}
        gateway_of = {key: unit.gateway_id for key, unit in owner.units.items() if unit.gateway_id is not None}
        behind: dict[UUID, set[UUID]] = {gateway: set() for gateway in gateways}
        for unit_id, gateway in gateway_of.items():
            if gateway in behind:
                behind[gateway].add(unit_id)
        silences = Silences(
            organization_id=organization_id,
            unit_count=len(owner.units),
            units=[a for a in here if a.type in SILENCE_TYPES and a.is_open],
            gateways=gateways,
            degraded=next((a for a in here if a.type is AlertType.INGEST_DEGRADED), None),
            gateway_of=gateway_of,
            behind=behind,
        )
        return group(silences, now, owner.limits)

    async def _told(
        self,
        connection: Connection,
        changes: Sequence[Change],
        subjects: dict[UUID, Subject],
        batch: Batch,
        now: datetime,
    ) -> tuple[list[Change], bool, list[Notification]]:
        """Decide for every alert that changed, and for those that wait, whether it speaks now."""
        asked = {change.alert.id: change.alert for change in changes}
        held = batch.ask_alerts and await self._add_owed(connection, asked, subjects)
        if not asked:
            return [], held, []
        speakers, behind = await self._speakers(connection, asked), self._behind(asked)
        organizations = list({subjects[alert.subject_id].organization_id for alert in asked.values()})
        windows = await suppressions.active(connection, organizations, now)
        told: list[Change] = []
        notifications: list[Notification] = []
        for alert in asked.values():
            subject = subjects[alert.subject_id]
            speaker = speakers.get(alert.linked_to) if alert.linked_to is not None else None
            heard_all = batch.listening and not self._is_of_a_backlog(alert, subject, now)
            occasion = Occasion(now, self._limits(subject), heard_all, windows, speaker)
            decision = decide(alert, subject.place, occasion)
            held = held or decision.verb == "hold"
            if decision.verb == "notify":
                told.append(tell(alert, now))
                together = self._together(alert, asked, behind)
                name = f"{alert.severity.word}@{now.isoformat()}"
                notifications.append(Notification(subject.organization_id, alert.id, alert.severity, name, together))
        return told, held, notifications

    def _is_of_a_backlog(self, alert: Alert, subject: Subject, now: datetime) -> bool:
        """Whether an alert opened in what a gateway is still sending: the rest of it may say that it is over."""
        gateway = self._fleet.gateway_of(subject.unit_id)
        return alert.opened_at < now - OLD and self._catching_up.until(gateway, now) is not None

    async def _add_owed(self, connection: Connection, asked: dict[UUID, Alert], subjects: dict[UUID, Subject]) -> bool:
        """Add alerts that wait. Return whether there may be more of them: the next time it goes on where it stopped."""
        after = self._asked_upto
        owed = await alerts.lock_owed(connection, OWED, after, self._fleet.shard)
        for alert, subject in owed:
            asked.setdefault(alert.id, alert)
            subjects.setdefault(subject.id, subject)
        self._asked_upto = owed[-1][0] if len(owed) == OWED else None
        return after is not None or self._asked_upto is not None

    def _together(self, alert: Alert, asked: Mapping[UUID, Alert], behind: Counter[UUID]) -> int:
        """Return for how many units an alert speaks: those behind its gateway, or those linked to it; at least 1."""
        match alert.type:
            case AlertType.GATEWAY_SILENT:
                return max(1, behind[alert.subject_id])
            case AlertType.INGEST_DEGRADED:
                linked = [other for other in asked.values() if other.linked_to == alert.id]
                return max(1, sum(self._together(other, asked, behind) for other in linked))
            case _:
                return 1

    def _behind(self, asked: Mapping[UUID, Alert]) -> Counter[UUID]:
        """Count the units behind the gateways that some of these alerts are about."""
        silent = {alert.subject_id for alert in asked.values() if alert.type is AlertType.GATEWAY_SILENT}
        owners = {owner.id: owner for key in silent if (owner := self._fleet.owner_of_gateway(key)) is not None}
        units = (unit for owner in owners.values() for unit in owner.units.values())
        return Counter(unit.gateway_id for unit in units if unit.gateway_id in silent)

    @staticmethod
    async def _speakers(connection: Connection, asked: Mapping[UUID, Alert]) -> dict[UUID, Alert]:
        """Return the alerts that speak for others: as this batch leaves them, else as they are stored."""
        wanted: Iterable[UUID] = {alert.linked_to for alert in asked.values() if alert.linked_to is not None}
        stored = [key for key in wanted if key not in asked]
        found = await alerts.speakers(connection, stored) if stored else {}
        return {**found, **{key: asked[key] for key in wanted if key in asked}}
