"""The machines again, over what is stored: what must be on record, and what other settings would have done.

    reference_fold(connection, units=None) -> {unit id: Expected(state, alerts, readings, incomparable)}
    verify(connection, units=None) -> Report(differences, incomparable, units, readings, alerts)

Both take a connection that is in no transaction, read one snapshot and write nothing. `reference_fold` never looks at
what is on record of states and alerts; `verify` compares the two.
"""

from frostguard.replay.reference import Expected, reference_fold
from frostguard.replay.verify import Difference, Report, verify

__all__ = ["Difference", "Expected", "Report", "reference_fold", "verify"]
