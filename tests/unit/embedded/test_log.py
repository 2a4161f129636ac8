"""Names are coloured only where a person watches."""

import io
import os

from services.embedded.log import Log


def test_a_pipe_gets_plain_text():
    out = io.StringIO()
    Log(out, coloured=False).line("gateway", "started")
    assert out.getvalue() == "gateway         | started\n"


def test_a_terminal_gets_one_colour_for_each_name():
    out = io.StringIO()
    log = Log(out, coloured=True)
    for name in ("gateway", "planner", "gateway"):
        log.line(name, "started")
    colours = [line.split("m", 1)[0] for line in out.getvalue().splitlines()]
    assert colours[0] == colours[2] != colours[1]
    assert all("\x1b[0m started" in line for line in out.getvalue().splitlines())


def test_lines_that_nobody_can_read_any_more_stop_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    Log(os.fdopen(writer, "w"), coloured=False).line("gateway", "stopping")
