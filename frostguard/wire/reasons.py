"""Every word that says why a topic, a message or a reading is refused, or why a value is a fault.

The words are stable: they label metrics, dead letters and alerts, and docs/mqtt.md lists them all (a test compares).
The sentence that goes with a reason never quotes what was sent: it is stored as text and shown to people.
"""

from enum import StrEnum, unique


@unique
class Reason(StrEnum):
    """Why something is a dead letter."""

    # Topics.
    TOPIC_TOO_LONG = "topic_too_long"
    TOPIC_NOT_UTF8 = "topic_not_utf8"
    TOPIC_NUL = "topic_nul"
    TOPIC_WILDCARD = "topic_wildcard"
    TOPIC_RESERVED = "topic_reserved"
    TOPIC_EMPTY_LEVEL = "topic_empty_level"
    TOPIC_LEVELS = "topic_levels"
    TOPIC_NAME = "topic_name"
    TOPIC_UNKNOWN = "topic_unknown"
    # Messages that cannot be used at all.
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_READINGS = "not_readings"
    BAD_SHAPE = "bad_shape"
    NO_READINGS = "no_readings"
    TOO_MANY_READINGS = "too_many_readings"
    BAD_BOOT = "bad_boot"
    BAD_COMMITTED = "bad_committed"
    BAD_STATUS = "bad_status"
    NOT_AN_UPLINK = "not_an_uplink"
    # Single readings; their neighbours are kept.
    BAD_READING = "bad_reading"
    BAD_SENSOR = "bad_sensor"
    BAD_TIME = "bad_time"
    BAD_TEMPERATURE = "bad_temperature"
    BAD_HUMIDITY = "bad_humidity"
    BAD_DOOR_OPEN = "bad_door_open"
    BAD_BATTERY = "bad_battery"
    BAD_BATTERY_PERCENT = "bad_battery_percent"
    BAD_RSSI = "bad_rssi"
    BAD_SNR = "bad_snr"
    BAD_SEQ = "bad_seq"
    BAD_FAULT = "bad_fault"
    NO_MEASUREMENT = "no_measurement"


@unique
class Fault(StrEnum):
    """Why a sensor's value is no measurement; a gateway may send words of its own besides these."""

    NO_PROBE = "no_probe"
    OUT_OF_RANGE = "out_of_range"
    HUMIDITY_OUT_OF_RANGE = "humidity_out_of_range"
    DECODER_ERROR = "decoder_error"
