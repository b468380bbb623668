"""Print how far estimates are from true counts on the sample texts: `python tests/bench/estimate.py`.

Truth: tiktoken 0.14 (o200k) for OpenAI, Gemma 3's tokeniser for Gemini, both taken once, 2026-11.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import time
from pathlib import Path

from everytoken.catalog.estimate import estimate_tokens, load_encoding

SAMPLES = Path(__file__).parents[1] / "data" / "estimate"
TRUTH = {
    "english.txt": {"openai": 427, "google": 441},
    "korean.txt": {"openai": 584, "google": 553},
    "python.txt": {"openai": 562, "google": 673},
    "places.json": {"openai": 541, "google": 702},
}


def main() -> None:
    began = time.perf_counter()
    encoding = load_encoding()
    print(f"vocabulary loaded in {time.perf_counter() - began:.2f} s" if encoding else "tiktoken is not installed")
    print(f"{'sample':<14}{'provider':<10}{'truth':>7}{'o200k':>16}{'bytes':>16}")
    for name, truths in TRUTH.items():
        text = (SAMPLES / name).read_text()
        for provider, truth in truths.items():
            counts = [estimate_tokens(text, provider, e) for e in (encoding, None)]
            cells = "".join(f"{count:>8} {count / truth - 1:>+6.1%}" for count in counts)
            print(f"{name:<14}{provider:<10}{truth:>7} {cells}")


if __name__ == "__main__":
    main()
