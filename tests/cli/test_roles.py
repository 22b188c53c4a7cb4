"""Roles from the command line."""

import psycopg
from psycopg.conninfo import conninfo_to_dict


def test_logins_are_made_and_what_is_printed_works(command, database: str, psql) -> None:
    said = command("roles", "create", "--suffix", "of_a_test")
    try:
        urls = [
            line.removeprefix("DATABASE_URL=") for line in said.out.splitlines() if line.startswith("DATABASE_URL=")
        ]
        assert [conninfo_to_dict(url)["user"] for url in urls] == [
            "frostguard_api_of_a_test", "frostguard_ingest_of_a_test",
        ]  # fmt: skip
        for url in urls:
            with psycopg.connect(url) as c:
                assert c.execute("select count(*) from units").fetchone() == (0,)
        said = command("roles", "check")
        assert (said.code, said.err) == (0, "")
        assert "frostguard_api_of_a_test" in said.out
    finally:
        psql("drop role if exists frostguard_api_of_a_test")
        psql("drop role if exists frostguard_ingest_of_a_test")


def test_a_right_too_many_is_found(command, psql) -> None:
    psql("grant delete on alerts to frostguard_api")
    said = command("roles", "check")
    assert said.code == 1
    assert "frostguard_api has on alerts: select, insert, update, delete; wanted: select, insert, update" in said.err


def test_a_suffix_that_is_no_name_is_refused(command) -> None:
    said = command("roles", "create", "--suffix", "x; drop table units")
    assert (said.code, "not the name of a role" in said.err) == (78, True)
