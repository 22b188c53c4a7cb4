"""What can be subscribed to, and which permission it takes."""

import re
from sys import intern
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.access import Action

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
is_topic = re.compile(rf"(org|site|unit):({_ID}):([a-z]+)").fullmatch


class Topic(NamedTuple):
    """Whose frames of which kind: `org:...:units`. The id is text, as in the rows of the feed."""

    scope: str
    id: str
    subject: str

    @property
    def name(self) -> str:
        """As clients write it."""
        return f"{self.scope}:{self.id}:{self.subject}"

    @property
    def target(self) -> UUID:
        """The id of the organization, the site or the unit."""
        return UUID(self.id)

    @property
    def action(self) -> Action:
        """The permission that it takes, in the organization that it belongs to."""
        return ACTIONS[self.scope, self.subject]


ACTIONS = {
    ("org", "units"): Action.DASHBOARD_VIEW,
    ("org", "alerts"): Action.ALERTS_VIEW,
    ("site", "units"): Action.DASHBOARD_VIEW,
    ("unit", "state"): Action.DASHBOARD_VIEW,
    ("unit", "readings"): Action.READINGS_VIEW,
}


def parse(text: str) -> Topic | None:
    """Return the topic; None for what is none, also where only the capitals of the id are wrong."""
    found = is_topic(text)
    topic = Topic(*map(intern, found.groups())) if found is not None else None
    return topic if topic is not None and (topic.scope, topic.subject) in ACTIONS else None
