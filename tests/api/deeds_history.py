"""Requests that succeed, for what was measured."""

from tests.api.deeds import plain

for each in ("/readings", "/readings/latest", "/readings/export", "/statistics"):
    plain(f"GET /units/{{unitId}}{each}")
