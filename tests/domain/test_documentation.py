"""docs/states.md says what the code says: every setting, status, phase and alert."""

from itertools import groupby
from pathlib import Path

import pytest

from frostguard.domain.alert import AlertType
from frostguard.domain.limits import PRESETS, SETTINGS
from frostguard.domain.link import DataPhase
from frostguard.domain.status import UnitStatus
from frostguard.domain.temperature import TemperaturePhase

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"
IMPORTED_ONLY = {AlertType.SUSPECTED_COOLING_FAILURE}


def settings_table():
    rows = ["| setting | default | unit | range | set at | what it does |", "|---|---|---|---|---|---|"]
    for s in SETTINGS.values():
        scale = s.scale
        default = "none" if s.default is None else f"{s.default:g}"
        levels = "any level" if len(scale.levels) == 3 else "organization"
        span = f"{scale.minimum:g} to {scale.maximum:g}"
        rows.append(f"| `{s.name}` | {default} | {scale.unit} | {span} | {levels} | {s.doc} |")
    return "\n".join(rows) + "\n"


def test_the_table_of_settings_is_the_codes():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0] == settings_table()


def test_the_presets_are_the_codes():
    text = DOCUMENT.read_text(encoding="utf-8")
    numbers = {unit_type: (v.high, v.low, v.hysteresis) for unit_type, v in PRESETS.items()}
    for values, same in groupby(sorted(numbers, key=lambda t: (numbers[t], t)), key=numbers.__getitem__):
        unit_types = {str(unit_type) for unit_type in same}
        row = next(line for line in text.splitlines() if line.startswith("| ") and unit_types_of(line) == unit_types)
        assert row.split("|")[2:5] == [f" {value:g} " for value in values]


def unit_types_of(line):
    return {word.strip() for word in line.split("|")[1].split(",")}


@pytest.mark.parametrize("words", [UnitStatus, TemperaturePhase, DataPhase, set(AlertType) - IMPORTED_ONLY])
def test_every_word_is_explained(words):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [str(word) for word in words if str(word) not in text] == []
