"""How rows become JSON."""

from datetime import UTC, datetime
from uuid import UUID

from api.answers import as_fragment, encode, members_of, shown, version_of, versioned

AT = datetime(2026, 11, 22, 10, 0, 0, 123456, UTC)


def test_names_are_camel_case_times_end_in_z_and_ids_are_text() -> None:
    row = {"organization_id": UUID(int=1), "updated_at": AT, "is_primary": True, "temp_min": 0.0}
    assert encode(members_of(row)) == (
        b'{"organizationId":"00000000-0000-0000-0000-000000000001","updatedAt":"2026-11-22T10:00:00.123456Z",'
        b'"isPrimary":true,"tempMin":0.0}'
    )


def test_json_text_is_copied() -> None:
    assert encode({"a": as_fragment('{"b": 1}'), "c": as_fragment(None)}) == b'{"a":{"b": 1},"c":null}'


def test_a_version_changes_with_every_microsecond() -> None:
    assert version_of(AT) != version_of(AT.replace(microsecond=123457))
    assert versioned({"updatedAt": AT}).headers == {"ETag": version_of(AT)}
    assert version_of(AT).startswith('"')


def test_an_answer_is_a_200_unless_it_says_otherwise() -> None:
    assert (shown([]).status, shown([], 201).status, shown([]).body) == (200, 201, b"[]")
