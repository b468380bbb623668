"""deploy/k8s: every overlay builds, fits the API's schemas, and passes the doctor's own checks of manifests."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from tests.deploy.kustomize import Body, KustomizeError, build, identity, merge

from eco2.settings import Settings as WorkerSettings
from everytoken.config import Settings
from everytoken.doctor.finding import exit_code
from everytoken.doctor.manifests import check_manifests, manifest_texts

ROOT = Path(__file__).parents[2] / "deploy/k8s"
SCHEMAS = Path(__file__).parent / "schemas"
OVERLAYS = ("dev", "prod", "mesh", "scaled", "scaled-volumes")
KUBERNETES = "1.33"


def overlay(name: str) -> list[Body]:
    return build(ROOT / "cluster") + build(ROOT / "overlays" / name)


def one(objects: list[Body], kind: str, name: str) -> Any:
    (found,) = [body for body in objects if body["kind"] == kind and body["metadata"]["name"] == name]
    return found


def pod(workload: Any) -> Any:
    return workload["spec"]["template"]["spec"]


def environment(workload: Any) -> dict[str, Any]:
    variables = pod(workload)["containers"][0]["env"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in variables}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_fits_the_schema_of_its_kind(name: str) -> None:
    for body in overlay(name):
        schema = SCHEMAS / f"{body['kind']}.json"
        if schema.exists():
            jsonschema.validate(body, json.loads(schema.read_text()))
        else:
            kubernetes_validate.validate(body, KUBERNETES, strict=True)


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_a_schema_refuses_a_field_it_does_not_know(path: Path) -> None:
    (body,) = [body for body in overlay("prod") if body["kind"] == path.stem][:1]
    body["spec"]["unheardOf"] = 1
    with pytest.raises(jsonschema.ValidationError, match="unheardOf"):
        jsonschema.validate(body, json.loads(path.read_text()))


def test_the_api_schema_refuses_a_misspelt_field() -> None:
    worker = one(overlay("prod"), "Deployment", "chat-worker")
    pod(worker)["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(worker, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_doctor_finds_nothing_in_an_overlay(name: str) -> None:
    findings = check_manifests([(name, yaml.safe_dump_all(overlay(name)))])
    assert exit_code(findings) == 0, findings


def test_the_doctor_finds_nothing_in_the_folder() -> None:
    findings = check_manifests(manifest_texts(ROOT))
    assert exit_code(findings) == 0, findings
    assert {finding.id for finding in findings} == {"M1", "M2", "M3", "M4", "M5"}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_worker_has_the_three_variables_of_the_post(name: str) -> None:
    env = environment(one(overlay(name), "Deployment", "chat-worker"))
    assert env["LANGCHAIN_TRACING_V2"] == "true"
    assert env["LANGCHAIN_PROJECT"] == {"dev": "eco2-chat-worker-dev", "prod": "eco2-chat-worker"}[name]
    assert env["LANGCHAIN_API_KEY"] == {"secretKeyRef": {"name": "chat-worker-secrets", "key": "LANGCHAIN_API_KEY"}}


def test_variables_have_the_names_the_programs_read() -> None:
    worker = overlay("prod")
    read = {f"ECO2_{name}".upper() for name in WorkerSettings.model_fields}
    for field in WorkerSettings.model_fields.values():
        read |= set(getattr(field.validation_alias, "choices", ()))
    tracing = {"LANGCHAIN_TRACING_V2", "LANGCHAIN_PROJECT", "LANGCHAIN_API_KEY"}
    config = set(one(worker, "ConfigMap", "chat-worker")["data"])
    assert set(environment(one(worker, "Deployment", "chat-worker"))) - tracing <= read
    assert config <= read
    server = {f"EVERYTOKEN_{name}".upper() for name in Settings.model_fields}
    assert set(environment(one(worker, "StatefulSet", "everytoken"))) <= server


def test_in_the_mesh_overlay_traces_stay_in_the_mesh() -> None:
    objects = overlay("mesh")
    env = environment(one(objects, "Deployment", "chat-worker"))
    assert env["LANGSMITH_ENDPOINT"] == "http://everytoken.everytoken.svc.cluster.local:8700"
    assert "LANGCHAIN_API_KEY" not in env
    assert ("ServiceEntry", "chat", "langsmith-api") not in map(identity, objects)
    assert "langsmith" not in yaml.safe_dump_all(objects).lower().replace("langsmith_endpoint", "")
    egress = one(objects, "NetworkPolicy", "chat-worker")["spec"]["egress"]
    assert egress[-1]["ports"] == [{"port": 8700, "protocol": "TCP"}]


def test_the_worker_may_send_to_everytoken_and_not_read_it() -> None:
    (rule,) = one(overlay("mesh"), "AuthorizationPolicy", "everytoken")["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": ["cluster.local/ns/chat/sa/chat-worker"]}}]
    posts = next(to["operation"]["paths"] for to in rule["to"] if to["operation"]["methods"] == ["POST"])
    assert posts == ["/runs", "/runs/multipart", "/runs/batch", "/v1/traces"]


def test_everytoken_listens_on_loopback_behind_the_sidecar() -> None:
    objects = overlay("prod")
    args = pod(one(objects, "StatefulSet", "everytoken"))["containers"][0]["args"]
    assert args == ["serve", "--host", "127.0.0.1", "--port", "8700"]
    (ingress,) = one(objects, "Sidecar", "everytoken")["spec"]["ingress"]
    assert (ingress["port"]["number"], ingress["defaultEndpoint"]) == (8700, "127.0.0.1:8700")
    assert one(objects, "PeerAuthentication", "everytoken")["spec"]["mtls"] == {"mode": "STRICT"}


@pytest.mark.parametrize("kind_name", [("StatefulSet", "everytoken"), ("Deployment", "chat-worker")])
def test_a_pod_is_bare_of_rights_and_probed(kind_name: tuple[str, str]) -> None:
    spec = pod(one(overlay("prod"), *kind_name))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)


def test_selectors_meet_the_pods_they_are_for() -> None:
    objects = overlay("prod")
    labels = [body["spec"]["template"]["metadata"]["labels"] for body in objects if "template" in body.get("spec", {})]
    for body in objects:
        spec = body.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or spec.get("workloadSelector")
        if not selector or body["kind"] == "ServiceMonitor":
            continue
        wanted = selector.get("matchLabels") or selector.get("labels") or selector
        assert any(wanted.items() <= pod_labels.items() for pod_labels in labels), identity(body)


def test_the_scaler_s_credential_is_a_key_of_the_secret() -> None:
    objects = overlay("prod")
    made = one(objects, "ExternalSecret", "chat-worker-secrets")["spec"]["target"]
    (ref,) = one(objects, "TriggerAuthentication", "chat-worker")["spec"]["secretTargetRef"]
    assert ref["name"] == made["name"]
    assert ref["key"] in made["template"]["data"]
    assert one(objects, "ScaledObject", "chat-worker")["spec"]["scaleTargetRef"] == {"name": "chat-worker"}


def test_a_template_of_the_secret_names_only_what_is_fetched() -> None:
    for name in OVERLAYS:
        spec = one(overlay(name), "ExternalSecret", "chat-worker-secrets")["spec"]
        fetched = {f"{{{{ .{entry['secretKey']} }}}}" for entry in spec["data"]}
        assert set(spec["target"]["template"]["data"].values()) == fetched


def test_a_patch_without_its_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("patches:\n  - path: patch.yaml\n")
    (tmp_path / "patch.yaml").write_text("kind: Deployment\nmetadata:\n  name: nobody\n")
    with pytest.raises(KustomizeError, match="nobody"):
        build(tmp_path)


def test_a_resource_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources:\n  - gone.yaml\n")
    with pytest.raises(KustomizeError, match=r"gone\.yaml does not exist"):
        build(tmp_path)


def test_lists_of_named_things_merge_by_name() -> None:
    old = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    new = {"env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}, {"name": "C", "value": "4"}]}
    assert merge(old, new) == {"env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}


def volume_kinds(workload: Any) -> dict[str, str]:
    return {volume["name"]: next(key for key in volume if key != "name") for volume in pod(workload)["volumes"]}


@pytest.mark.parametrize(("name", "kind"), [("scaled", "Deployment"), ("scaled-volumes", "StatefulSet")])
def test_several_servers_share_both_stores_and_are_scaled(name: str, kind: str) -> None:
    objects = overlay(name)
    server = one(objects, kind, "everytoken")
    env = environment(server)
    for variable in ("CLICKHOUSE_URL", "DATABASE_URL"):
        assert env[f"EVERYTOKEN_{variable}"] == {"secretKeyRef": {"name": "everytoken-stores", "key": variable}}
        assert variable.lower() in Settings.model_fields
    made = one(objects, "ExternalSecret", "everytoken-stores")["spec"]["target"]["template"]["data"]
    assert set(made) == {"CLICKHOUSE_URL", "DATABASE_URL"}
    scaler = one(objects, "HorizontalPodAutoscaler", "everytoken")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": kind, "name": "everytoken"}
    assert scaler["minReplicas"] == 2
    assert "replicas" not in server["spec"]
    (egress,) = one(objects, "NetworkPolicy", "everytoken")["spec"]["egress"][-1:]
    assert [port["port"] for port in egress["ports"]] == [8123, 5432]


def test_as_a_stateful_set_each_journal_outlives_its_pod() -> None:
    server = one(overlay("scaled-volumes"), "StatefulSet", "everytoken")
    assert [claim["metadata"]["name"] for claim in server["spec"]["volumeClaimTemplates"]] == ["data"]
    assert "persistentVolumeClaimRetentionPolicy" not in server["spec"]  # its default keeps the claims
    assert "data" not in volume_kinds(server)


def test_as_a_deployment_the_journal_fits_its_emptydir() -> None:
    objects = overlay("scaled")
    assert ("StatefulSet", "everytoken", "everytoken") not in map(identity, objects)
    server = one(objects, "Deployment", "everytoken")
    (data,) = [volume for volume in pod(server)["volumes"] if volume["name"] == "data"]
    assert data == {"name": "data", "emptyDir": {"sizeLimit": "8Gi"}}
    # A pod above the limit is evicted: the journal must answer 503 long before.
    assert Settings().journal_max_bytes * 2 <= 8 * 1024**3
    assert pod(server)["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "8Gi"
    assert server["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_patch_must_not_change_the_kind_unless_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text("kind: StatefulSet\nmetadata:\n  name: x\n")
    (tmp_path / "patch.yaml").write_text("- op: replace\n  path: /kind\n  value: Deployment\n")
    target = "patches:\n  - path: patch.yaml\n    target:\n      kind: StatefulSet\n      name: x\n"
    (tmp_path / "kustomization.yaml").write_text(f"resources:\n  - set.yaml\n{target}")
    with pytest.raises(KustomizeError, match="changes which object it is"):
        build(tmp_path)


def test_what_is_replaced_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text("kind: StatefulSet\nmetadata:\n  name: x\n")
    (tmp_path / "patch.yaml").write_text("- op: replace\n  path: /gone\n  value: 1\n")
    target = "patches:\n  - path: patch.yaml\n    target:\n      kind: StatefulSet\n      name: x\n"
    (tmp_path / "kustomization.yaml").write_text(f"resources:\n  - set.yaml\n{target}")
    with pytest.raises(KustomizeError, match="not there to be replaced"):
        build(tmp_path)


def test_every_schema_names_where_it_was_held_against() -> None:
    readme = (SCHEMAS / "README.md").read_text()
    for path in SCHEMAS.glob("*.json"):
        told = re.search(r"CRDs-catalog (\S+) at (\w{12})", json.loads(path.read_text())["$comment"])
        assert told, path.name
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{path.name}`")]
        assert f"`{told[1]}`" in row
        assert f"`{told[2]}`" in row
