"""Settings that somebody wants to try."""

from dataclasses import replace

import pytest

from frostguard.domain.limits import SETTINGS, Limits
from frostguard.replay.changes import ALIASES, ChangeRefusedError, check_together, parse_change


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_tried(name: str) -> None:
    scale = SETTINGS[name].scale
    assert parse_change(f"{name}={scale.minimum:g}") == (name, scale.minimum)
    with pytest.raises(ChangeRefusedError, match="must lie between"):
        parse_change(f"{name}={scale.maximum + 1:g}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("confirm_seconds=1200", ("confirm_seconds", 1200)),
        ("confirm_seconds_door_closed=1200", ("confirm_seconds", 1200)),
        ("confirm_seconds_door_open = 60", ("confirm_open_seconds", 60)),
        ("high=-15.5", ("high", -15.5)),
        ("critical_high=none", ("critical_high", None)),
        ("confirm_seconds=0", ("confirm_seconds", 0)),
    ],
)
def test_a_change_is_a_name_and_a_number(text: str, expected: tuple[str, float | None]) -> None:
    assert parse_change(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("confirm=5", "'confirm' is no setting; did you mean confirm_"),
        ("hihg=5", "did you mean high"),
        ("qqq=5", "'qqq' is no setting"),
        ("high", "high needs a value: high=NUMBER"),
        ("high=none", "high needs a number"),
        ("high=warm", "high must be a number, not 'warm'"),
        ("high=nan", "high must"),
        ("confirm_seconds=1.5", "confirm_seconds must be a whole number, not '1.5'"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ChangeRefusedError) as caught:
        parse_change(text)
    assert str(caught.value).startswith(said) or said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_changes_that_contradict_what_is_set_are_refused() -> None:
    check_together(Limits())
    with pytest.raises(ChangeRefusedError, match=r"low .* must be below high"):
        check_together(replace(Limits(), low=9.0))


def test_what_people_call_them_is_no_name_of_another_setting() -> None:
    assert not ALIASES.keys() & SETTINGS.keys()
    assert set(ALIASES.values()) <= set(SETTINGS)
