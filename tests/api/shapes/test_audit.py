"""Questions to the audit log."""

import pytest
from pydantic import ValidationError

from api.shapes.audit import AuditQuery


def test_times_need_an_offset_and_actions_are_words() -> None:
    assert AuditQuery.model_validate({"since": "2026-11-22T10:00:00+01:00", "action": "unit.updated"}).limit == 100
    times = ("2026-11-22T10:00:00", "2026-11-22", "yesterday", "0", "1763805600000")
    for given in (*({"since": each} for each in times), {"action": "%"}, {"objectId": "x"}):
        with pytest.raises(ValidationError):
            AuditQuery.model_validate(given)
