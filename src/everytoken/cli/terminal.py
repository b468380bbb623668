"""The console that data is printed on: names and texts that an application sent cannot steer the terminal."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

SHOWN = {
    **{code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(127, 160), "\N{REPLACEMENT CHARACTER}"),
}
"""Control characters as Unicode's pictures of them, one column wide."""


class DataConsole(Console):
    """Shows control characters instead of sending them; colours come from styles alone."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(segment.text.translate(SHOWN), segment.style)
