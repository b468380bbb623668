"""Health check of the images: exit 0 when the address answers 200, 1 when not. Standard library alone."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4


def main() -> int:
    default = f"http://127.0.0.1:{os.environ.get('EVERYTOKEN_PORT', '8700')}/ok"
    url = sys.argv[1] if len(sys.argv) > 1 else default
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  the image's own address
            return 0 if answer.status == 200 else 1
    except (OSError, ValueError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1


sys.exit(main())
