"""What a person sees."""

from firmware_sim.progress import Progress, format_summary
from firmware_sim.tally import Tally


def test_off_a_terminal_lines_are_plain_and_rare(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr("firmware_sim.progress.time.monotonic", lambda: now)
    progress, tally = Progress(), Tally()
    for now in (1.0, 9.0, 10.0, 11.0, 21.0):  # noqa: B007 - the clock reads it
        tally.published += 100
        progress.show(tally, 5, "1/1")
    progress.end()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["10", "21"]
    assert "published 300" in lines[0]
    assert "\033" not in "".join(lines)


def test_a_remark_is_not_repeated_at_once(capsys):
    progress = Progress()
    for text in ("a", "a", "b"):
        progress.remark(text)
    assert capsys.readouterr().err == "a\nb\n"


def test_quiet_is_quiet(capsys):
    progress = Progress(quiet=True)
    progress.remark("a")
    progress.end()
    assert capsys.readouterr().err == ""


def test_the_summary_is_readable_with_and_without_figures():
    tally = Tally(published=1234)
    more = {"buffered": 0, "seconds": 2.0, "readings_per_second": 617.0}
    assert "published 1,234" in format_summary(tally.summary() | more)
    tally.to_ack.add(0.25)
    tally.to_commit.add(0.5)
    assert "publish to commit p50 500.0 ms" in format_summary(tally.summary() | more)
