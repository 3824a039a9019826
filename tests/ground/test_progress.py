"""Lines that are printed while a bar is shown."""

import io

from rich.console import Console
from rich.progress import Progress

from slsg_edge.progress import aside


def test_a_long_line_stays_whole_and_the_bar_goes_on():
    screen = io.StringIO()
    line = "slsg-edge " + 30 * "long " + "end"
    shown = Progress(console=Console(file=screen, force_terminal=True, width=40))
    with shown:
        task = shown.add_task("training", total=2)
        with aside(shown):
            assert not shown.live.is_started
            screen.write(line + "\n")
        assert shown.live.is_started
        shown.update(task, completed=2)
    assert line in screen.getvalue()
    before, after = screen.getvalue().split(line)
    assert "\x1b[2K" in before
    assert "100%" in after
    assert after.endswith("\n\x1b[?25h")
