"""Feeds: what is committed, sorted into topics and sent to whoever subscribed and still may see it."""
