"""What the feeds give beside frames."""

from api.shapes.common import Shape


class Ticket(Shape):
    """Opens one socket or stream, once, within so many seconds."""

    ticket: str
    expires_in: int
