"""Mail by SMTP or into a folder, and which failures are the letter's and which the server's."""

from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from api.mail import Mail, Mailer, RefusedError, ServerAwayError, message_of
from frostguard.config import MailSettings, load
from tests.api.smtp import PostOffice, closed_port, open_office

MAIL = Mail("a@x.io", "Grüße", "Text with ä\n")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_office() as found:
        yield found


def by_smtp(url: str) -> Mailer:
    return Mailer(load(MailSettings, {"SMTP_URL": url, "MAIL_FROM": "F <f@x.io>"}))


def test_a_folder_gets_one_file_per_mail_that_only_we_can_read(tmp_path: Path) -> None:
    mailer = Mailer(load(MailSettings, {"MAIL_DIR": tmp_path / "new"}))
    mailer.deliver(MAIL)
    mailer.deliver(MAIL)
    files = sorted((tmp_path / "new").iterdir())
    assert len(files) == 2
    assert files[0].stat().st_mode & 0o077 == 0
    found = message_from_bytes(files[0].read_bytes())
    assert (found["To"], found["Auto-Submitted"]) == ("a@x.io", "auto-generated")


def test_without_a_way_out_it_is_logged_and_no_text_with_it(caplog) -> None:
    Mailer(load(MailSettings)).deliver(MAIL)
    assert "set SMTP_URL or MAIL_DIR" in caplog.text
    assert "Text with" not in caplog.text


def test_a_server_takes_it(office: PostOffice) -> None:
    by_smtp(office.url).deliver(MAIL)
    assert [(each["To"], each["From"]) for each in office.letters] == [("a@x.io", "F <f@x.io>")]


def test_a_server_that_is_busy_or_not_there_is_away(office: PostOffice, tmp_path: Path) -> None:
    office.busy = 1
    (tmp_path / "file").touch()
    folder = Mailer(load(MailSettings, {"MAIL_DIR": tmp_path / "file"}))
    for mailer in (by_smtp(office.url), by_smtp(f"smtp://127.0.0.1:{closed_port()}"), folder):
        with pytest.raises(ServerAwayError):
            mailer.deliver(MAIL)


def test_a_recipient_that_the_server_does_not_know_is_refused_and_not_named(office: PostOffice) -> None:
    office.refused = {"a@x.io"}
    with pytest.raises(RefusedError) as caught:
        by_smtp(office.url).deliver(MAIL)
    assert "550" in str(caught.value)
    assert "a@x.io" not in str(caught.value)


def test_a_line_break_cannot_add_a_header(office: PostOffice) -> None:
    evil = Mail("a@x.io", "x\nBcc: b@x.io", "t")
    with pytest.raises(ValueError, match="linefeed"):
        message_of(evil, "f@x.io")
    with pytest.raises(RefusedError):
        by_smtp(office.url).deliver(evil)
