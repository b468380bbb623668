"""As much of kustomize as deploy/k8s uses, so that its overlays can be built and checked without the binary.

Resources, `namespace`, strategic merge patches (mappings merge, lists of named things merge by `name`, `$patch: delete`
removes), JSON 6902 patches with a target (which may change the kind where `allowKindChange` says so), and `images`.
Anything else in a kustomization is an error.
"""

import copy
from pathlib import Path
from typing import Any

import yaml

from everytoken.doctor.manifests import StrictLoader

KNOWN = {"apiVersion", "kind", "namespace", "resources", "patches", "images"}
CLUSTER_SCOPED = {"Namespace", "ClusterSecretStore"}

Body = dict[str, Any]


class KustomizeError(Exception):
    """A file that is not there, a patch without an object, or a field this builder does not know."""


def load(path: Path) -> list[Any]:
    return [body for body in yaml.load_all(path.read_text(), StrictLoader) if body is not None]


def build(folder: Path) -> list[Body]:
    """The objects of a kustomization, patched.

    Raises:
        KustomizeError: see there.
    """
    (kustomization,) = load(folder / "kustomization.yaml")
    unknown = set(kustomization) - KNOWN
    if unknown:
        raise KustomizeError(f"{folder}: {', '.join(sorted(unknown))}")
    objects: list[Body] = []
    for name in kustomization.get("resources", []):
        path = folder / name
        if not path.exists():
            raise KustomizeError(f"{folder}: {name} does not exist")
        objects += build(path) if path.is_dir() else load(path)
    if "namespace" in kustomization:
        for body in objects:
            if body["kind"] not in CLUSTER_SCOPED:
                body["metadata"]["namespace"] = kustomization["namespace"]
    _refuse_twins(folder, objects)
    for patch in kustomization.get("patches", []):
        objects = _patched(folder, objects, patch)
    for image in kustomization.get("images", []):
        _retag(folder, objects, image)
    return objects


def identity(body: Body) -> tuple[str, str, str]:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _refuse_twins(folder: Path, objects: list[Body]) -> None:
    names = [identity(body) for body in objects]
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        raise KustomizeError(f"{folder}: given twice: {twins}")


def _patched(folder: Path, objects: list[Body], patch: Body) -> list[Body]:
    (content,) = load(folder / patch["path"])
    if isinstance(content, list):
        wanted = (patch["target"]["kind"], patch["target"].get("namespace", ""), patch["target"]["name"])
    else:
        wanted = identity(content)
    found = [body for body in objects if identity(body) == wanted]
    if len(found) != 1:
        raise KustomizeError(f"{folder}/{patch['path']}: {wanted} is {len(found)} objects")
    if isinstance(content, list):
        for operation in content:
            _operate(found[0], operation)
        if identity(found[0]) != wanted and not patch.get("options", {}).get("allowKindChange"):
            raise KustomizeError(f"{folder}/{patch['path']}: changes which object it is")
        return objects
    if content.get("$patch") == "delete":
        return [body for body in objects if body is not found[0]]
    merged = merge(found[0], content)
    return [merged if body is found[0] else body for body in objects]


def merge(old: Any, new: Any) -> Any:
    """`new` laid over `old`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: merge(old.get(key), new[key]) if key in new else old[key] for key in old | new}
    if isinstance(old, list) and isinstance(new, list) and all(isinstance(one, dict) and "name" in one for one in new):
        gone = {one["name"] for one in new if one.get("$patch") == "delete"}
        by_name = {one["name"]: one for one in new if one["name"] not in gone}
        kept = [merge(one, by_name.pop(one["name"], {})) for one in old if one["name"] not in gone]
        return [*kept, *by_name.values()]
    return copy.deepcopy(new)


def _operate(body: Any, operation: Body) -> None:
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].lstrip("/").split("/")]
    place = body
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key: Any = last if isinstance(place, dict) else len(place) if last == "-" else int(last)
    if operation["op"] == "remove":
        del place[key]
    elif operation["op"] == "test":
        if place[key] != operation["value"]:
            raise KustomizeError(f"{operation['path']} is {place[key]!r}")
    elif operation["op"] == "add" and isinstance(place, list):
        place.insert(key, operation["value"])
    elif operation["op"] == "add":
        place[key] = operation["value"]
    elif operation["op"] == "replace":
        if isinstance(place, dict) and key not in place:
            raise KustomizeError(f"{operation['path']} is not there to be replaced")
        place[key] = operation["value"]
    else:
        raise KustomizeError(f"operation {operation['op']} is not known here")


def _retag(folder: Path, objects: list[Body], image: Body) -> None:
    hits = 0
    for body in objects:
        for container in body.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            if container["image"].rpartition(":")[0] == image["name"]:
                container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
                hits += 1
    if not hits:
        raise KustomizeError(f"{folder}: no container uses image {image['name']}")
