"""What `frostguard up` decides before it starts anything; the whole of it is in tests/end_to_end/test_up.py."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.local.folder import DataFolder
from frostguard.local.ports import TakenError
from frostguard.local.up import PATIENCE, Machine, Wishes, is_program, plan, without_password


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    opened = DataFolder.open(tmp_path / "data")
    yield opened
    opened.close()


def wishes(folder: DataFolder, **more) -> Wishes:
    return Wishes(folder.path, **{"port": 0, "mqtt_port": 0, "environment": {}, **more})


def test_free_ports_are_the_same_the_next_time(folder: DataFolder) -> None:
    first = plan(wishes(folder), folder)
    assert plan(wishes(folder), folder) == first
    assert len({first.mqtt_port, first.postgres_port, first.ingest_port}) == 3


def test_a_wished_port_that_is_taken_is_named_before_anything_starts(folder: DataFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        machine = Machine(wishes(folder, mqtt_port=port), folder, lambda _: None)
        with pytest.raises(TakenError, match=f"port {port} is taken: choose another with --mqtt-port"):
            machine.start()
        assert machine.supervisor.watched == []


def test_a_remembered_port_that_is_taken_is_replaced(folder: DataFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        folder.remember(mqtt_port=other.getsockname()[1])
        assert plan(wishes(folder), folder).mqtt_port != other.getsockname()[1]


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_a_given_database_is_used(folder: DataFolder, name: str) -> None:
    assert plan(wishes(folder, environment={name: "x"}), folder).postgres_port is None


@pytest.mark.parametrize("name", ["MQTT_URL", "MQTT_URL_FILE"])
def test_a_given_broker_is_used(folder: DataFolder, name: str) -> None:
    assert plan(wishes(folder, environment={name: "x"}), folder).mqtt_port is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db:5432/frostguard", "postgresql://me:***@db:5432/frostguard"),
        ("postgresql://me@db/frostguard", "postgresql://me@db/frostguard"),
        ("postgresql://me:s%40cret@[::1]:5432/f", "postgresql://me:***@[::1]:5432/f"),
    ],
)
def test_a_password_that_was_given_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_program_is_a_package_that_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in (("with_main_x", "__main__.py"), ("without_main_x", "__init__.py")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_program("with_main_x")
    assert not is_program("without_main_x")
    assert not is_program("never_heard_of_x")


def test_all_patience_together_is_less_than_ten_seconds() -> None:
    assert sum(PATIENCE.values()) < 9
