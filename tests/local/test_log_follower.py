"""Logs of the parts on the terminal."""

import io

from frostguard.local.log_follower import LogFollower


def test_new_lines_are_shown_once_with_the_name_of_their_part(tmp_path) -> None:
    (tmp_path / "ingest.log").write_text("old\n")
    out = io.StringIO()
    follower = LogFollower(tmp_path, out)
    with (tmp_path / "ingest.log").open("ab") as log:
        log.write(b"new\nhal")
    (tmp_path / "api.log").write_bytes(b"first \xff\n")
    follower.show()
    with (tmp_path / "ingest.log").open("ab") as log:
        log.write(b"f\n")
    follower.show()
    follower.show()
    assert out.getvalue().splitlines() == ["api        | first \ufffd", "ingest     | new", "ingest     | half"]
