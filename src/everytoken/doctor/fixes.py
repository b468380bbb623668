"""What `doctor --fix` may change: a file of variables in this folder, and charges that have a price by now.

Each fix says what it will do before anything is done; done twice, the second changes nothing. No cluster, no package
and no variable of another process is touched.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everytoken.doctor.api import Api, ApiError
from everytoken.doctor.environment import PROJECT, Environment, effective
from everytoken.doctor.finding import Finding

MAX_ROUNDS = 1_000
"""Of a repricing; each looks at charges for some 20 s."""


@dataclass(frozen=True, slots=True)
class Fix:
    id: str
    """Of the check it cures."""
    what: str
    """What will change, in one line."""
    apply: Callable[[], str]
    """Do it; answers what was done. Raises OSError or ApiError when it could not."""


def plan_fixes(env: Environment, findings: Iterable[Finding], api: Api, file: Path) -> list[Fix]:
    """What can be done about the findings, safely; nothing where all that can be done is done."""
    found = [*_variables(env, findings, file)]
    repricing = _repricing(api)
    return [*found, repricing] if repricing else found


def _variables(env: Environment, findings: Iterable[Finding], file: Path) -> Iterable[Fix]:
    bad = {finding.id for finding in findings if finding.verdict == "problem"}
    wanted: dict[str, str | None] = {}
    if "E1" in bad:
        wanted["LANGSMITH_TRACING"] = "true"
        wanted |= dict.fromkeys(("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING"))
    if "E2" in bad:
        key = effective(env, "API_KEY") or ""
        clean = "".join(key.split())
        if clean and clean != key:
            wanted["LANGSMITH_API_KEY"] = clean
    if "E3" in bad:
        wanted["LANGSMITH_PROJECT"] = PROJECT
    if "E4" in bad:
        wanted |= dict.fromkeys(_losers(env))
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    after = with_variables(before, wanted)
    if after == before:
        return
    names = [f"{name}=…" if name.endswith("KEY") else f"{name}={value}" for name, value in wanted.items() if value]
    gone = [name for name, value in wanted.items() if value is None and f"{name}=" in before]
    what = f"write {file}: {', '.join([*names, *(f'without {name}' for name in gone)])}"

    def write() -> str:
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(after, encoding="utf-8")
        fresh.chmod(0o600)  # it may hold a key
        fresh.replace(file)
        return f"wrote {file}; take it up with: set -a; . {file if file.is_absolute() else f'./{file}'}; set +a"

    yield Fix("E", what, write)


def _losers(env: Environment) -> list[str]:
    """Variables that another one overrules, differently."""
    pairs = ((name, f"LANGSMITH_{name.removeprefix('LANGCHAIN_')}") for name in env if name.startswith("LANGCHAIN_"))
    return sorted(old for old, new in pairs if env.get(new, "").strip() and env[new] != env[old])


def with_variables(text: str, wanted: Mapping[str, str | None]) -> str:
    """A file of `NAME=value` lines with these set, and without those that are `None`. All else stays as it is."""
    lines: list[str] = []
    left = {name: value for name, value in wanted.items() if value is not None}
    for line in text.splitlines():
        name = line.removeprefix("export ").partition("=")[0].strip()
        if name not in wanted or "=" not in line:
            lines.append(line)
        elif name in left:
            start = "export " if line.startswith("export ") else ""
            lines.append(f"{start}{name}={left.pop(name)}")
    lines += [f"{name}={value}" for name, value in left.items()]
    return "".join(f"{line}\n" for line in lines)


def _repricing(api: Api) -> Fix | None:
    """Charges without a price that have one by now. Not where a known cost would change: that is for a person."""
    try:
        priced = changed = 0
        for answer in _reprice(api, apply=False):
            priced, changed = priced + answer["newly_priced"], changed + answer["changed"]
    except ApiError:
        return None
    if not priced or changed != priced:
        return None

    def write() -> str:
        done = sum(int(answer["changed"]) for answer in _reprice(api, apply=True))
        return f"priced {done:,} charges"

    return Fix("P4", f"price {priced:,} charges that had no price when they came, and have one now", write)


def _reprice(api: Api, *, apply: bool) -> Iterable[dict[str, Any]]:
    cursor: str | None = None
    for _round in range(MAX_ROUNDS):
        answer = api.ask("/reprice", method="POST", body={"apply": apply, "cursor": cursor})
        yield answer
        cursor = answer["next"]
        if cursor is None:
            return
