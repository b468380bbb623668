"""Rows of what happens over time: series, contributions to a change, releases and coverage. Units as in `rows`."""

from dataclasses import dataclass

from everytoken.query.rows import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint(Totals):
    """One bucket of one group. Buckets without a charge are left out: there, every figure is 0 or unknown."""

    start_us: int
    """One of `Series.starts_us`."""
    errors: int = 0
    """Calls that ended in error."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    """Duration of a call."""
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesGroup:
    key: str | None
    """Value of the dimension; `null` where the charges do not say, and for `other`."""
    other: bool
    """True for the rest beyond the dearest groups, as one."""
    points: list[SeriesPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Charges over time, split by one dimension, in buckets of a time zone."""

    project: str
    by: str
    """By `tag`, a charge counts under each of its tags. By `class`, tokens and cost are those of the class."""
    bucket: str
    tz: str
    from_us: int | None
    to_us: int | None
    """The window; `null` when the project has no charge and the window is open."""
    starts_us: list[int]
    """Start of every bucket, with charges or without. The first may begin before the window."""
    groups: list[SeriesGroup]
    """The dearest first, the rest last."""
    grouped: int
    """How many groups stand behind `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Known cost of one window and the calls it paid for."""

    llm_calls: int
    priced_calls: int
    cost_known_usd: str
    per_call_usd: str | None
    """Known cost over priced calls; `null` without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one group contributed to the change of cost between two windows."""

    key: str | None
    before: CostParts
    after: CostParts
    change_usd: str
    volume_usd: str
    """The part due to more or fewer calls, at the earlier cost per call."""
    unit_usd: str
    """The part due to a dearer or cheaper call. With `volume_usd` it is exactly `change_usd`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    project: str
    by: str
    from_us: int
    to_us: int
    before_from_us: int
    before_to_us: int
    total: Contribution
    groups: list[Contribution]
    """The largest change first, in either direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow(Totals):
    """One version or commit of the application, with the charges of the window that it made."""

    release: str
    first_us: int
    """Its first call ever; before the window for one that was there already."""
    last_us: int
    """Its last call in the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    project: str
    releases: list[ReleaseRow]
    """The newest first. Calls that do not say what made them are in none."""
    truncated: bool = False
    """True when more made calls than are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCause:
    """Why some calls of a path are not exact or not priced, and what to do."""

    code: str
    """Such as `stream_without_usage`; `docs` and the page explain each."""
    kind: str
    """`usage`, `price`, or `none` where nothing needs to be done."""
    calls: int
    first_us: int
    last_us: int
    models: list[str]
    release: str | None
    """Which release made the oldest of these calls; `null` when it does not say."""
    trace_ids: list[str]
    """Examples: the newest and the oldest."""
    text: str
    """The cure in one sentence."""
    snippet: str | None
    """The cure to copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow(Totals):
    """One call path (provider × API × mode)."""

    call_path: str
    """Empty when the runs do not say."""
    reports: bool
    """True when no call of it lacks usage for a reason that can be cured."""
    first_us: int
    last_us: int
    causes: list[CoverageCause]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageNote:
    """What settlement noticed and did not count twice; and `two_traces`, which it cannot see and does count."""

    kind: str
    """`duplicate`, `layers_disagree`, `orphan`, `parent_cycle`, `on_chain_run`; or `two_traces`: spans of two traces
    tell of one response, as when two OpenTelemetry instrumentations each begin a trace of their own."""
    calls: int
    """Charges concerned; for `two_traces` those that are too many."""
    reports: int
    """For `duplicate`, the reports that were not counted again; else `calls`."""
    first_us: int
    last_us: int
    trace_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Totals):
    project: str
    paths: list[CoverageRow]
    """Those that need attention first."""
    reporting: int
    """How many of `paths` report usage."""
    dropped_by_clients: int
    """Runs that clients say they lost before they were sent: everytoken's own, and langsmith's beside it."""
    dropped_by_langsmith: int
    """Those of them that langsmith's threads lost."""
    notes: list[CoverageNote]
