import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.errors import PacketError
from frostguard.wire.serials import as_eui, normalise_serial


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a84041000181c061", "a84041000181c061"),
        ("A84041000181C061", "a84041000181c061"),
        ("A8:40:41:00:01:81:C0:61", "a84041000181c061"),
        ("a8-40-41-00-01-81-c0-61", "a84041000181c061"),
        (" A840 4100 0181 C061 ", "a84041000181c061"),
        ("SIM-0A1B2C3D", "sim-0a1b2c3d"),
        ("  SN 42 ", "sn 42"),
        ("a84041000181c06", "a84041000181c06"),
        ("g84041000181c061", "g84041000181c061"),
        ("x" * 64, "x" * 64),
        ("-", "-"),
        ("Fühler-1", "fühler-1"),
    ],
)
def test_one_sensor_has_one_spelling(text, expected):
    assert normalise_serial(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "x" * 65,
        "x" + " " * 128,
        "a\0b",
        "a\nb",
        "ab\n",
        "ab\u2000",
        "a84041000181c061\t",
        "\u202eab",
        "\ud800",
        "İ" * 40,
    ],
)
def test_what_names_no_sensor_is_refused(text):
    with pytest.raises(PacketError) as caught:
        normalise_serial(text)
    assert caught.value.reason == "bad_sensor"
    assert caught.value.detail.isprintable()


@given(st.text(max_size=150))
def test_a_normal_form_is_its_own_normal_form_and_fits_the_table(text):
    try:
        serial = normalise_serial(text)
    except PacketError:
        return
    assert normalise_serial(serial) == serial
    assert 1 <= len(serial) <= 64
    assert serial.isprintable()
    assert not any("A" <= letter <= "Z" for letter in serial)


@pytest.mark.parametrize("text", ["", "a84041000181c06", "a84041000181c0611", "a84041000181c06g", "a8404100/0181c061"])
def test_what_is_not_sixteen_hex_digits_is_no_eui(text):
    assert as_eui(text) is None
