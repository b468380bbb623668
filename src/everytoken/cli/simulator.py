"""`everytoken simulator`: OpenAI, Gemini, Kakao and the public services on loopback, with a billing ledger."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from everytoken.cli.errors import CommandError
from everytoken.simulator.scenario import ScenarioError, shipped_scenarios
from everytoken.simulator.serve import Simulator


def simulator(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any key is accepted, so keep it on loopback.")
    ] = "127.0.0.1",
    scenario: Annotated[str, typer.Option(help=f"A TOML file, or one of: {', '.join(shipped_scenarios())}.")] = "eco2",
    seed: Annotated[int, typer.Option(help="Another seed makes other answers, counts and faults.")] = 0,
    latency: Annotated[str, typer.Option(help="real, none, or x0.1 for a tenth of every duration.")] = "real",
    json: Annotated[bool, typer.Option("--json", help="Print the base URLs on stdout as one JSON object.")] = False,
) -> None:
    """Answer as OpenAI, Gemini, Kakao, KMA, MOIS and KECO do, without keys, until Ctrl-C."""
    try:
        running = Simulator(
            Path(scenario) if "/" in scenario else scenario, seed=seed, latency=latency, host=host, port=port
        )
    except ScenarioError as error:
        raise CommandError(str(error), hint="docs/simulator.md describes the file") from error
    except ValueError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another --port, or 0"
        ) from error
    if json:
        print(orjson.dumps(running.urls).decode(), flush=True)
    for service, url in running.urls.items():
        print(f"{service:8}{url}", file=sys.stderr, flush=True)
    running.serve()
