"""Content masking on the server: what a project's patterns match leaves its runs before the ledger or a page sees them.

Patterns run in RE2: linear in the text whatever the pattern, so that no pattern can hold up ingest. What a run was
charged is read before masking, and ids and model names are left alone: masking never changes a number.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import re2

from everytoken.core.run import Run
from everytoken.store.project_settings import ProjectSettings

MAX_PATTERN_CHARS = 1_000
PATTERN_MEMORY_BYTES = 1024**2
"""Of one compiled pattern; `(x{1000}){1000}` would take far more and is refused."""
MASK = "[masked:{}]"

BUILT_IN: Mapping[str, str] = {
    "secret": r"\b(?:sk-|lsv2_|AIza|ghp_|xox[abp]-|AKIA|et_)[A-Za-z0-9_-]{16,200}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "card": r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}\b",
    "kr_resident": r"\b\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?[1-8]\d{6}\b",
    "us_ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "ipv4": r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b",
    "phone": r"(?:\+\d{1,3}[ .-]?)?\(?\b0?\d{1,4}\)?[ .-]\d{3,4}[ .-]\d{4}\b",
}
"""Names of patterns that settings may ask for, in the order in which they are tried: the more telling ones first."""

KEPT_KEYS = re.compile(
    r"(?i:id|.*[._-]id|model|model_?name|model_?version|ls_.*|langgraph_.*|sha256|mime_type)|.*[a-z0-9](?:Id|ID)"
)
"""Values under these keys say whose a run is and what was called: accounting and grouping stand on them."""
KEPT_VALUE = re.compile(r"\S{1,300}")
"""What such a value looks like. A sentence under `model` or `paid_by_id` is content like any other."""
STEP_TAG = re.compile(r"(?:graph|seq):step:\d+")
"""LangChain's own, by which a graph's steps are known; so are nodes by a name that their metadata repeat."""


class MaskError(ValueError):
    """A mask that cannot be; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class Compiled(Protocol):
    def sub(self, repl: str, text: str) -> str: ...
    def subn(self, repl: str, text: str) -> tuple[str, int]: ...
    def search(self, text: str) -> object | None: ...


Patterns = tuple[tuple[str, Compiled], ...]
"""Each with the name that stands where it matched."""
Mask = Callable[[Run], Run]


class Projects(Protocol):
    """What is asked of the control data."""

    def settings_of(self, project: str) -> ProjectSettings: ...


def masking(projects: Projects) -> Mask:
    """Masks a run as its project's settings of this moment say."""

    def mask(run: Run) -> Run:
        settings = projects.settings_of(run.project)
        if not settings.masks and not settings.mask_patterns:
            return run
        return masked(run, compile_masks(settings.masks, settings.mask_patterns))

    return mask


def masked(run: Run, patterns: Patterns) -> Run:
    """The run without what the patterns match: in name, tags, inputs, outputs, events, error and all of `extra`."""
    return replace(
        run,
        name=run.name if run.metadata.get("langgraph_node") == run.name else masked_value(run.name, patterns),
        tags=tuple(tag if STEP_TAG.fullmatch(tag) else masked_value(tag, patterns) for tag in run.tags),
        inputs=masked_value(run.inputs, patterns),
        outputs=masked_value(run.outputs, patterns),
        events=[masked_value(dict(event), patterns) for event in run.events],
        error=masked_value(run.error, patterns),
        metadata=masked_value(dict(run.metadata), patterns),
        extra=masked_value(dict(run.extra), patterns),
    )


def masked_value(value: Any, patterns: Patterns) -> Any:
    """The value, however deep, without what the patterns match; names of fields stay."""
    if type(value) is str:
        for name, pattern in patterns:
            value = pattern.sub(MASK.format(name), value)
        return value
    if type(value) is dict:
        return {
            key: (_beside_ids if KEPT_KEYS.fullmatch(key) else masked_value)(item, patterns)
            for key, item in value.items()
        }
    if type(value) is list:
        return [masked_value(item, patterns) for item in value]
    return value


def _beside_ids(value: Any, patterns: Patterns) -> Any:
    """What stands under the key of an id: ids stay, alone or in a list, and whatever else there is does not."""
    if type(value) is str and KEPT_VALUE.fullmatch(value):
        return value
    if type(value) is list:
        return [_beside_ids(item, patterns) for item in value]
    return masked_value(value, patterns)


def masked_text(text: str, patterns: Patterns) -> tuple[str, int]:
    """A text without what the patterns match, and in how many places one did."""
    matches = 0
    for name, pattern in patterns:
        text, found = pattern.subn(MASK.format(name), text)
        matches += found
    return text, matches


@lru_cache(maxsize=1_000)
def compile_masks(masks: tuple[str, ...], patterns: tuple[str, ...]) -> Patterns:
    """The patterns, each with the name that stands where it matched.

    Raises:
        MaskError: a name is unknown, or a pattern is not RE2's, too large, or matches nothing at all.
    """
    compiled: list[tuple[str, Compiled]] = []
    for name in masks:
        if name not in BUILT_IN:
            raise MaskError("masks", f"no mask {name[:100]!r}; there are {', '.join(sorted(BUILT_IN))}")
    compiled += [(name, _compiled(pattern)) for name, pattern in BUILT_IN.items() if name in masks]
    for index, pattern in enumerate(patterns):
        field = f"mask_patterns.{index}"
        if len(pattern) > MAX_PATTERN_CHARS:
            raise MaskError(field, f"a pattern has at most {MAX_PATTERN_CHARS} characters")
        try:
            own = _compiled(pattern)
        except re2.error as error:
            raise MaskError(field, f"not a pattern that RE2 reads: {_reason(error)}") from error
        if own.search("") is not None:
            raise MaskError(field, "the pattern matches the empty text; let it ask for at least one character")
        compiled.append(("custom", own))
    return tuple(compiled)


def _compiled(pattern: str) -> Compiled:
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.log_errors = False
    compiled: Compiled = re2.compile(pattern, options)
    return compiled


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))[:200]
