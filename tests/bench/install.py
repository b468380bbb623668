"""What an installation takes: `python tests/bench/install.py [--peers]`.

The wheel is built from this checkout and installed by pip, with the extra `server` and all it depends on, into a fresh
environment; the same for Phoenix and MLflow with `--peers`, in turns. Megabytes are the sizes of files, pip and
setuptools aside, with the bytecode that pip writes. What the network gives decides the seconds as much as the machine.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.peers import VERSIONS

ROOT = Path(__file__).parents[2]
OF_PIP = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
SHOWN = 10
UNUSED = ("numpy", "numpy.libs", "pandas")
"""The engine's wheel asks for pandas; nothing here imports it: docs/performance.md says how to leave it out."""


def wheel(folder: Path) -> Path:
    """The distribution of this checkout."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (built,) = folder.glob("everytoken-*.whl")
    return built


def sizes(packages: Path) -> tuple[Counter[str], int]:
    """Bytes by package, and those of bytecode among them."""
    found: Counter[str] = Counter()
    bytecode = 0
    for folder, _, names in os.walk(packages):
        inside = Path(folder).relative_to(packages).parts
        for name in names:
            package, size = (inside or (name,))[0], (Path(folder) / name).lstat().st_size
            if not package.startswith(OF_PIP):
                found[package] += size
                bytecode += size if name.endswith(".pyc") else 0
    return found, bytecode


def measure(name: str, wanted: str, folder: Path) -> None:
    venv.create(folder, with_pip=True)
    began = time.perf_counter()
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", wanted]
    subprocess.run([*install, "--disable-pip-version-check"], check=True)
    took_s = time.perf_counter() - began
    (packages,) = folder.glob("lib/python3*/site-packages")
    found, bytecode = sizes(packages)
    count = sum(1 for _ in packages.glob("*.dist-info")) - sum(1 for _ in packages.glob("pip-*.dist-info"))
    total = sum(found.values())
    print(f"{name:<26} {total / 1e6:6,.0f} MB ({bytecode / 1e6:,.0f} of bytecode), {count} packages, {took_s:5.1f} s")
    print("  " + ", ".join(f"{package} {size / 1e6:,.0f}" for package, size in found.most_common(SHOWN)))
    if (unused := sum(found[package] for package in UNUSED)) and name == "everytoken[server]":
        print(f"  without pandas and numpy, which the engine's wheel asks for: {(total - unused) / 1e6:,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="Phoenix and MLflow too")
    asked = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        targets = {"everytoken[server]": f"everytoken[server] @ {wheel(folder).as_uri()}"}
        if asked.peers:
            targets |= {wanted: wanted for wanted in VERSIONS.values()}
        for turn, (target, wanted) in enumerate(targets.items()):
            measure(target, wanted, folder / f"venv-{turn}")


if __name__ == "__main__":
    main()
