"""The ingest daemon: MQTT in, judged, stored, alerted."""
