"""Where a server's time goes, as a picture: what a sampling profiler saw of it, by what was being done.

``py-spy record --gil --nonblocking --format raw --output stacks.txt --pid WORKER`` writes the samples; it is no part of this environment.
Then ``python -m benchmarks.where title=stacks.txt:128 … --svg FILE``, where the number is the microseconds that a request took.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

DOING: Sequence[tuple[str, str]] = (
    ("sending the answer", r"Reply\.|GuardedProtocol\.(on_response_complete|_rest)|_written "),
    ("metrics and log", r"tell |Metrics\.|Tracer\.|_Tally\.|Exchange\.|log_access "),
    ("writing the answer", r"Memory\.answer|Asked\.answered|Repeat\.(told|_lines)|Repeated\.settle|location "),
    ("the shared call", (r"Share\._|(RoundTrip|Lease|FairPool|Connection|Queue|Kind)\.|Database\.make|array |literal "
                         r"|_(tell|tell_all|quoted|quiet|any|asking|clock|learn) ")),
    ("who asks what", r"Memory\.|Asked\.|Reader\.|shape_of |BearerIdentifier\.|Revocations\.|Repeat(ed)?\.|Share\.enter|claims_of "),
    ("reading the request", r"GuardedProtocol\.|HttpToolsProtocol\.|Familiar\.|_head |RequestResponseCycle\.|Event\."),
    ("event loop and kernel", r""),
)  # fmt: skip
"""What a stack belongs to: the first of these that one of its frames is, from the innermost outwards."""

WIDTH, LABELS, BAR, LINE, HEAD = 780, 150, 26, 20, 34
COLOURS = ("#1a7f8e", "#7c5cbf", "#3f8f4f", "#c9772b", "#b8527d", "#4a78c2", "#8c959f")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .small { font-size: 12px; fill: #59636e }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } }
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """One bar: what was asked, and the microseconds of a request that went into each thing."""

    title: str
    spent: dict[str, float]


def profile(title: str, stacks: Iterable[str], microseconds: float) -> Profile:
    """Divide the time of a request by what the samples were doing.

    Args:
        title: what was asked.
        stacks: frames from the outermost, divided by semicolons, and the number of samples.
        microseconds: what one request took.
    """
    seen: Counter[str] = Counter()
    for line in filter(None, map(str.strip, stacks)):
        frames, _, samples = line.rpartition(" ")
        seen[_doing(frames.split(";"))] += int(samples)
    total = sum(seen.values()) or 1
    return Profile(title, {what: microseconds * seen[what] / total for what, _ in DOING})


def _doing(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        for what, pattern in DOING[:-1]:
            if re.match(rf"(?:{pattern})", frame):
                return what
    return DOING[-1][0]


def draw(profiles: Sequence[Profile]) -> str:
    """The bars, to one scale (SVG 1.1)."""
    rows = -(-len(DOING) // 3)
    height = HEAD + len(profiles) * (BAR + 10) + rows * LINE + 10
    scale = (WIDTH - LABELS - 70) / max(1.0, *(sum(each.spent.values()) for each in profiles))
    heading = "Microseconds of the server's processor for one request, 32 connections"
    told = "; ".join(f"{each.title}: {_words(each)}" for each in profiles)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(f"{heading}. {told}")}>',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="18">{escape(heading)}</text>',
        *(line for number, each in enumerate(profiles) for line in _bar(each, HEAD + number * (BAR + 10), scale)),
        *_legend(HEAD + len(profiles) * (BAR + 10) + 14),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(each: Profile, top: int, scale: float) -> Iterator[str]:
    yield f'<text x="0" y="{top + 18}">{escape(each.title)}</text>'
    left = float(LABELS)
    for colour, (what, spent) in zip(COLOURS, each.spent.items(), strict=True):
        width = spent * scale
        shape = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR}"'
        yield f'<rect fill="{colour}" {shape}><title>{what}: {spent:.0f} µs</title></rect>'
        if width > 24:
            yield f'<text x="{left + 5:.1f}" y="{top + 18}" style="fill:#fff;font-size:12px">{spent:.0f}</text>'
        left += width
    yield f'<text class="title" x="{left + 6:.1f}" y="{top + 18}">{sum(each.spent.values()):.0f}</text>'


def _legend(top: int) -> Iterator[str]:
    for number, (colour, (what, _)) in enumerate(zip(COLOURS, DOING, strict=True)):
        left, line = number % 3 * WIDTH / 3, top + number // 3 * LINE
        yield f'<rect fill="{colour}" x="{left:.0f}" y="{line - 10}" width="12" height="12" rx="2"/>'
        yield f'<text class="small" x="{left + 18:.0f}" y="{line}">{what}</text>'


def _words(each: Profile) -> str:
    return ", ".join(f"{what} {spent:.0f}" for what, spent in each.spent.items())


def main() -> None:
    """Read the samples, print the shares, draw the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.where", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("samples", nargs="+", metavar="TITLE=FILE:MICROSECONDS")
    parser.add_argument("--svg", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    profiles = []
    for each in chosen.samples:
        title, _, rest = each.partition("=")
        file, _, microseconds = rest.rpartition(":")
        profiles.append(profile(title, Path(file).read_text().splitlines(), float(microseconds)))
    for found in profiles:
        print(f"{found.title}: {_words(found)}")
    if chosen.svg is not None:
        chosen.svg.write_text(draw(profiles))


if __name__ == "__main__":
    main()
