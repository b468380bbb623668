"""`make fuzz`: the same readers under atheris, which looks for inputs that reach new lines of them."""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = int(os.environ.get("SECONDS_EACH", "30"))


def fuzz(target: str, corpus: Path) -> None:
    """Does not return: libFuzzer ends the process, with another status when it found something."""
    atheris = importlib.import_module("atheris")  # installed by `make fuzz` alone

    with atheris.instrument_imports(include=["everytoken.wire", "everytoken.query.filter", "everytoken.catalog"]):
        from tests.fuzz.targets import TARGETS, seeds

    for number, data in enumerate(seeds()[target]):
        (corpus / str(number)).write_bytes(data)
    limits = [f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={corpus}/", str(corpus)], TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    from tests.fuzz.targets import TARGETS

    found = []
    for target in TARGETS:
        corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{target}-"))
        done = subprocess.run([sys.executable, __file__, target, str(corpus)], capture_output=True, check=False)
        lines = (
            done.stderr.decode("utf-8", "replace").splitlines() + done.stdout.decode("utf-8", "replace").splitlines()
        )
        executed = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
        verdict = f"FOUND, see {corpus}" if done.returncode else "nothing found"
        sys.stdout.write(f"{target}: {executed} inputs, {verdict}\n")
        sys.stdout.flush()
        if done.returncode:
            sys.stdout.write("\n".join(lines[-40:]) + "\n")
            found.append(target)
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) > 2:
        fuzz(sys.argv[1], Path(sys.argv[2]))
    sys.exit(main())
