"""Changing rows that people edit, when somebody else is faster."""

import pytest

from api import editing
from api.problems import Problem
from tests.api.world import Api, World


async def test_without_a_version_the_change_is_judged_again_and_made(api: Api, world: World, monkeypatch) -> None:
    org = await world.organization()
    seen: list[int] = []
    merged = editing.Edit

    def meddle(*args):
        seen.append(1)
        edit = merged(*args)
        return edit._replace(version=edit.version.replace(year=2000)) if len(seen) < 3 else edit

    monkeypatch.setattr(editing, "Edit", meddle)
    assert (await api.patch(f"/sites/{org.site}", {"city": "Ulm"}, org.owner)).status == 200
    assert len(seen) == 3


async def test_who_loses_every_time_is_told(api: Api, world: World, monkeypatch) -> None:
    org = await world.organization()
    made = editing.Edit
    monkeypatch.setattr(editing, "Edit", lambda v, n, o: made(v.replace(year=2000), n, o))
    assert (await api.patch(f"/sites/{org.site}", {"city": "Ulm"}, org.owner)).status == 409


def test_values_become_json_objects() -> None:
    assert editing.as_text({"a": None, "b": 0}) == '{"a":null,"b":0}'
    assert editing.merged({"a": 1, "b": 2}, {"b": 3}) == {"a": 1, "b": 3}


def test_a_body_that_names_nothing_is_refused() -> None:
    class Empty:
        @property
        def body(self):
            return self

        def model_dump(self, **_: object):
            return {}

    with pytest.raises(Problem):
        editing.named_changes(Empty())  # type: ignore[arg-type]
