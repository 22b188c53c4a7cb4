"""Which ports are free."""

import socket

from frostguard.local.ports import free_port, is_taken


def test_a_port_with_a_listener_is_taken_and_free_again_afterwards() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert is_taken(port)
        assert free_port(port) != port
    assert not is_taken(port)
    assert free_port(port) == port


def test_an_address_that_is_not_ours_counts_as_taken() -> None:
    assert is_taken(free_port(), "192.0.2.1")
