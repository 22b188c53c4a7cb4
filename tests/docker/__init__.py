"""Containers: what can be told of them without an engine."""
