"""The permission matrix, and who gives which role to whom."""

import pytest

from frostguard.domain.access import MATRIX, Action, Role, may, may_grant, may_manage, permissions

# The matrix as people read it: o owner, a admin, m manager, s staff, v viewer, i inspector.
EXPECTED = {
    "organization.view": "oamsvi", "organization.update": "oa", "organization.delete": "o",
    "organization.transfer_ownership": "o", "organization.manage_billing": "o", "organization.view_audit_logs": "oa",
    "members.view": "oamsvi", "members.invite": "oa", "members.update_role": "oa", "members.remove": "oa",
    "sites.create": "oa", "sites.update": "oa", "sites.delete": "oa", "areas.create": "oa", "areas.update": "oa",
    "areas.delete": "oa", "units.create": "oa", "units.update": "oa", "units.delete": "oa",
    "units.edit_temp_limits": "oam", "units.edit_compliance_settings": "oa", "sensors.manage": "oa",
    "gateways.manage": "oa", "readings.view": "oamsvi", "manual_logs.create": "oams", "alerts.view": "oamsvi",
    "alerts.acknowledge": "oams", "alerts.resolve": "oam", "alerts.configure_rules": "oa", "dashboard.view": "oamsvi",
    "dashboard.customize": "oam", "reports.view": "oamsvi", "reports.export": "oami", "entities.restore": "oa",
    "entities.permanently_delete": "oa",
}  # fmt: skip


def test_the_matrix_is_the_one_agreed_on() -> None:
    found = {action.value: "".join(role[0] for role in Role if may(role, action)) for action in Action}
    assert found == EXPECTED
    assert MATRIX.keys() == set(Action)


@pytest.mark.parametrize("role", list(Role))
def test_permissions_are_what_a_role_may(role: Role) -> None:
    assert permissions(role) == [action for action in Action if may(role, action)]


def test_roles_are_given_downwards_and_never_ownership() -> None:
    order = list(Role)
    for granter in Role:
        for role in Role:
            downwards = order.index(granter) < order.index(role)
            expected = granter in {Role.OWNER, Role.ADMIN} and downwards
            assert may_grant(granter, role) == expected
            assert may_manage(granter, role) == (expected or granter is Role.OWNER)
