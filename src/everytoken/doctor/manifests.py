"""M1–M5: Kubernetes manifests, offline: as files of a folder, or as what `kubectl kustomize` builds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from everytoken.doctor.finding import Finding, ok, skipped

MAX_FILES = 2_000
WORKER = "chat-worker"
LANGSMITH_HOST = "api.smith.langchain.com"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
# A name that says secret, or a value that looks like one: providers' prefixes, or a password inside a URL.
SECRET_NAME = re.compile(r"(API_?KEY|TOKEN|PASSWORD|SECRET)$", re.IGNORECASE)
SECRET_VALUE = re.compile(r"(lsv2_|sk-[A-Za-z0-9]{8}|AIza[0-9A-Za-z_-]{20}|://[^/\s:@]+:[^/\s:@$]+@)")


@dataclass(frozen=True, slots=True)
class Object:
    file: str
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def name(self) -> str:
        return str((self.body.get("metadata") or {}).get("name", ""))

    @property
    def namespace(self) -> str:
        return str((self.body.get("metadata") or {}).get("namespace", ""))

    def __str__(self) -> str:
        return f"{self.kind}/{self.name} ({self.file})"


class StrictLoader(yaml.SafeLoader):
    """YAML as strict parsers read it: a key given twice in one mapping is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # `<<: *anchor`, which the base class lays under the rest
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_manifests(texts: Sequence[tuple[str, str]]) -> tuple[list[Object], list[str]]:
    """The objects of all texts `(name, YAML)`, and one line for each text that a strict parser refuses."""
    objects: list[Object] = []
    faults: list[str] = []
    for file, text in texts:
        try:
            # A subclass of SafeLoader: it builds plain values alone.
            documents = list(yaml.load_all(text, StrictLoader))
        except (yaml.YAMLError, ValueError) as error:
            faults.append(f"{file}: {' '.join(str(error).split())}")
            continue
        objects += [Object(file, body) for body in documents if isinstance(body, dict) and "kind" in body]
    return objects, faults


def manifest_texts(path: Path) -> list[tuple[str, str]]:
    """One file, or every YAML file below a folder; the files that kustomize itself reads and its patches left out."""
    if path.is_file():
        return [(path.name, path.read_text())]
    files = sorted(found for found in path.rglob("*") if found.suffix in (".yaml", ".yml"))[:MAX_FILES]
    return [
        (str(file.relative_to(path)), file.read_text())
        for file in files
        if not file.stem.startswith(("kustomization", "patch"))
    ]


def check_manifests(texts: Sequence[tuple[str, str]]) -> list[Finding]:
    objects, faults = read_manifests(texts)
    strict = "Manifests are strict YAML"
    findings = [
        Finding(
            "M2",
            "problem",
            strict,
            fault,
            "A lenient parser keeps the last of two equal keys and drops the first: a `target` without its name.",
            "# write both contents under one key",
        )
        for fault in faults
    ] or [ok("M2", strict, f"{len(texts)} texts, {len(objects)} objects, no key twice")]
    if not objects:
        return [*findings, skipped("M1", "Secrets are there", "no Kubernetes object was read")]
    return [*_secrets(objects), *findings, *_namespaces(objects), *_egress(objects), *_literals(objects)]


def _secrets(objects: Sequence[Object]) -> list[Finding]:
    what = "Every secret that is used is made, from a store that exists"
    made: dict[str, set[str]] = {}
    stores = {(found.kind, found.name) for found in objects if found.kind in ("ClusterSecretStore", "SecretStore")}
    faults: list[Finding] = []
    for found in objects:
        spec = found.body.get("spec") or {}
        if found.kind == "Secret":
            made[found.name] = {*(found.body.get("data") or {}), *(found.body.get("stringData") or {})}
        elif found.kind == "ExternalSecret":
            target = spec.get("target") or {}
            template = (target.get("template") or {}).get("data")
            keys = template or {one.get("secretKey"): None for one in spec.get("data") or ()}
            made[str(target.get("name") or found.name)] = set(keys)
            store = spec.get("secretStoreRef") or {}
            named = (str(store.get("kind", "SecretStore")), str(store.get("name")))
            if named not in stores:
                cause = "No such store is among the manifests; the secret would stay unmade."
                cure = f"kubectl get {named[0].lower()} {named[1]}"
                faults.append(Finding("M1", "problem", what, f"{found} asks {'/'.join(named)}", cause, cure))
    used = sorted({use for found in objects if found.kind in WORKLOADS for use in _secret_uses(found)})
    for workload, secret, key in used:
        if secret not in made:
            near = ", ".join(sorted(made)) or "none"
            evidence = f"{workload} uses secret {secret}; made are: {near}"
        elif key and key not in made[secret]:
            evidence = f"{workload} uses key {key} of {secret}, which holds {', '.join(sorted(made[secret])) or 'none'}"
        else:
            continue
        cause = "The pod waits in CreateContainerConfigError until the secret and the key exist."
        faults.append(Finding("M1", "problem", what, evidence, cause, f"kubectl get secret {secret}"))
    return faults or [ok("M1", what, f"{len(used)} uses, {len(made)} secrets, {len(stores)} stores")]


def _containers(found: Object) -> Iterator[dict[str, Any]]:
    pod = ((found.body.get("spec") or {}).get("template") or {}).get("spec") or {}
    yield from pod.get("initContainers") or ()
    yield from pod.get("containers") or ()


def _secret_uses(found: Object) -> Iterator[tuple[str, str, str]]:
    """(workload, secret, key), the key empty for a whole secret; optional ones left out."""
    for container in _containers(found):
        for variable in container.get("env") or ():
            ref = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if ref and not ref.get("optional"):
                yield str(found), str(ref.get("name")), str(ref.get("key"))
        for source in container.get("envFrom") or ():
            ref = source.get("secretRef")
            if ref and not ref.get("optional"):
                yield str(found), str(ref.get("name")), ""


def _namespaces(objects: Sequence[Object]) -> list[Finding]:
    what = "What belongs together is in one namespace"
    faults: list[Finding] = []
    workloads = [found for found in objects if found.kind in WORKLOADS]
    for workload in workloads:
        secrets = {secret for _workload, secret, _key in _secret_uses(workload)}
        for other in objects:
            made = str(((other.body.get("spec") or {}).get("target") or {}).get("name") or other.name)
            belongs = (other.kind == "ExternalSecret" and made in secrets) or (
                other.kind in ("Service", "ServiceAccount", "ConfigMap", "ScaledObject", "PodDisruptionBudget")
                and other.name == workload.name
            )
            if belongs and other.namespace != workload.namespace:
                faults.append(
                    Finding(
                        "M3",
                        "problem",
                        what,
                        f"{workload} in {workload.namespace or 'none'}, {other} in {other.namespace or 'none'}",
                        "A pod sees secrets, config and services of its own namespace alone.",
                        f"metadata:\n  namespace: {workload.namespace or 'chat'}",
                    )
                )
    return faults or [ok("M3", what, f"{len(workloads)} workloads")]


def _egress(objects: Sequence[Object]) -> list[Finding]:
    what = "The worker's traces may leave the mesh"
    workers = [found for found in objects if found.kind == "Deployment" and _is_langsmith_app(found)]
    if not workers:
        return [skipped("M4", what, "no workload here traces to LangSmith's service")]
    entries = [found for found in objects if found.kind == "ServiceEntry" and _is_way_out(found)]
    if entries:
        return [ok("M4", what, ", ".join(map(str, entries)))]
    cause = f"With REGISTRY_ONLY egress the mesh refuses {LANGSMITH_HOST}; the SDK retries and drops the runs."
    cure = "kubectl apply -f deploy/k8s/base/chat-worker/service-entry.yaml"
    return [Finding("M4", "problem", what, f"{found} has no ServiceEntry", cause, cure) for found in workers]


def _is_langsmith_app(found: Object) -> bool:
    """Whether it traces, and to LangSmith's own service."""
    env = {one.get("name"): one.get("value") for container in _containers(found) for one in container.get("env") or ()}
    traces = env.get("LANGCHAIN_TRACING_V2") == "true" or env.get("LANGSMITH_TRACING") == "true"
    target = env.get("LANGSMITH_ENDPOINT") or env.get("LANGCHAIN_ENDPOINT")
    return traces and (target is None or LANGSMITH_HOST in target)


def _is_way_out(found: Object) -> bool:
    spec = found.body.get("spec") or {}
    return (
        LANGSMITH_HOST in (spec.get("hosts") or ())
        and spec.get("location") == "MESH_EXTERNAL"
        and any(port.get("number") == 443 for port in spec.get("ports") or ())
    )


def _literals(objects: Sequence[Object]) -> list[Finding]:
    what = "No credential is written in a manifest"
    places = sorted({place for found in objects for place in _literal_places(found)})
    if not places:
        return [ok("M5", what, f"{len(objects)} objects")]
    cause = "Whoever reads the repository or the object reads the secret; take it for leaked and renew it."
    cure = "valueFrom:\n  secretKeyRef:\n    name: chat-worker-secrets\n    key: LANGCHAIN_API_KEY"
    return [Finding("M5", "problem", what, place, cause, cure) for place in places]


def _literal_places(found: Object) -> Iterator[str]:
    """Where a credential stands, never the credential."""
    for container in _containers(found):
        for variable in container.get("env") or ():
            name, value = str(variable.get("name")), str(variable.get("value") or "")
            if value and (SECRET_NAME.search(name) or SECRET_VALUE.search(value)):
                yield f"{found}: env {name}"
    for path, value in _strings(found.body):
        if SECRET_VALUE.search(value):
            yield f"{found}: {path}"
    if found.kind == "Secret" and (found.body.get("data") or found.body.get("stringData")):
        yield f"{found}: data"


def _strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, path)
