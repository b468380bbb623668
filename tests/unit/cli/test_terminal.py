"""What an application named cannot steer the terminal of who looks at it, nor write lines of its own into the log."""

import io
import logging
import sys

import pytest
from rich.table import Table

from everytoken.cli.terminal import DataConsole
from everytoken.server.log_lines import LineFormatter

EVIL = "shop\x1b[2J\x1b]0;title\x07\x9b31m\rover"


@pytest.mark.parametrize("terminal", [True, False])
def test_control_characters_of_names_are_shown_and_not_sent(terminal: bool) -> None:
    file = io.StringIO()
    console = DataConsole(file=file, force_terminal=terminal, width=120, highlight=False)
    table = Table("project")
    table.add_row(EVIL)
    console.print(table)
    console.print(EVIL, markup=False, style="bold")
    said = file.getvalue()
    assert said.count("shop␛[2J␛]0;title") == 2
    assert "\x1b[2J" not in said
    assert "\x1b]0;" not in said
    assert not set("\x07\x9b\r") & set(said)
    assert ("\x1b[1m" in said) is terminal  # styles are still sent


def test_an_entry_of_the_log_is_one_line_whatever_it_names() -> None:
    formatter = LineFormatter("%(levelname)s %(name)s: %(message)s")
    try:
        raise ValueError("boom")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "rule of %s", ("a\n2026 INFO all is well\x1b[1A",), sys.exc_info()
        )
    first, *trace = formatter.format(record).split("\n")
    assert first == "ERROR x: rule of a\\x0a2026 INFO all is well\\x1b[1A"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ValueError: boom"
