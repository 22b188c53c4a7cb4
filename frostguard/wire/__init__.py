"""Topics and payloads: bytes to packets and back, shared by daemon, API and simulator."""
