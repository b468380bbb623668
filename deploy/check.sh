#!/bin/sh
# All that can be said of deploy/ without an engine and a cluster. Needs kubectl for the second part.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
"$python" deploy/check.py
for overlay in dev prod mesh scaled scaled-volumes; do
  { kubectl kustomize deploy/k8s/cluster; echo ---; kubectl kustomize "deploy/k8s/overlays/$overlay"; } >"${TMPDIR:-/tmp}/everytoken-$overlay.$$.yaml"
  "$python" -c 'import sys
from pathlib import Path
from everytoken.doctor.finding import exit_code
from everytoken.doctor.manifests import check_manifests, manifest_texts
found = check_manifests(manifest_texts(Path(sys.argv[1])))
[print(one.verdict, one.id, one.what, one.evidence) for one in found]
sys.exit(exit_code(found))' "${TMPDIR:-/tmp}/everytoken-$overlay.$$.yaml"
  rm "${TMPDIR:-/tmp}/everytoken-$overlay.$$.yaml"
done
