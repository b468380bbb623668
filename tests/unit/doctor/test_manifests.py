"""M1–M5: each check of the manifests, both verdicts."""

from pathlib import Path

import pytest

from everytoken.doctor.finding import Finding
from everytoken.doctor.manifests import check_manifests, manifest_texts, read_manifests

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat-worker, namespace: chat}
spec:
  template:
    spec:
      containers:
        - name: chat-worker
          env:
            - {name: LANGCHAIN_TRACING_V2, value: "true"}
            - name: LANGCHAIN_API_KEY
              valueFrom: {secretKeyRef: {name: chat-worker-secrets, key: LANGCHAIN_API_KEY}}
"""
EXTERNAL_SECRET = """
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata: {name: chat-worker-secrets, namespace: chat}
spec:
  secretStoreRef: {name: aws-ssm, kind: ClusterSecretStore}
  target:
    name: chat-worker-secrets
    template: {data: {LANGCHAIN_API_KEY: "{{ .langsmithApiKey }}"}}
"""
STORE = "kind: ClusterSecretStore\nmetadata: {name: aws-ssm}\n"
SERVICE_ENTRY = """
kind: ServiceEntry
metadata: {name: langsmith-api}
spec:
  hosts: [api.smith.langchain.com]
  ports: [{number: 443, name: https, protocol: HTTPS}]
  location: MESH_EXTERNAL
"""
GOOD = (DEPLOYMENT, EXTERNAL_SECRET, STORE, SERVICE_ENTRY)


def check(check_id: str, *texts: str) -> list[Finding]:
    findings = check_manifests([(f"{number}.yaml", text) for number, text in enumerate(texts)])
    return [finding for finding in findings if finding.id == check_id]


@pytest.mark.parametrize("check_id", ["M1", "M2", "M3", "M4", "M5"])
def test_good_manifests_pass(check_id: str) -> None:
    assert [finding.verdict for finding in check(check_id, *GOOD)] == ["ok"]


def test_a_secret_of_another_name_is_found() -> None:
    """As in the post: the manifest says chat-worker-secrets, what is made is chat-worker-secret."""
    other = EXTERNAL_SECRET.replace("chat-worker-secrets", "chat-worker-secret")
    (finding,) = check("M1", DEPLOYMENT, other, STORE)
    assert finding.verdict == "problem"
    assert finding.evidence == (
        "Deployment/chat-worker (0.yaml) uses secret chat-worker-secrets; made are: chat-worker-secret"
    )


def test_a_key_that_the_secret_does_not_hold_is_found() -> None:
    other = EXTERNAL_SECRET.replace("{LANGCHAIN_API_KEY:", "{LANGSMITH_API_KEY:")
    (finding,) = check("M1", DEPLOYMENT, other, STORE)
    assert "which holds LANGSMITH_API_KEY" in finding.evidence


def test_a_store_that_does_not_exist_is_found() -> None:
    (finding,) = check("M1", DEPLOYMENT, EXTERNAL_SECRET, STORE.replace("aws-ssm", "aws-ssm-store"))
    assert finding.verdict == "problem"
    assert "asks ClusterSecretStore/aws-ssm" in finding.evidence


def test_the_post_s_two_targets_are_refused() -> None:
    twice = EXTERNAL_SECRET + "  target:\n    template: {data: {LANGCHAIN_API_KEY: x}}\n"
    (finding,) = check("M2", DEPLOYMENT, twice)
    assert finding.verdict == "problem"
    assert "key 'target' is given twice" in finding.evidence


def test_a_secret_in_another_namespace_is_found() -> None:
    elsewhere = EXTERNAL_SECRET.replace("namespace: chat}", "namespace: chat-worker}")
    (finding,) = check("M3", DEPLOYMENT, elsewhere, STORE)
    assert finding.verdict == "problem"
    assert finding.cure == "metadata:\n  namespace: chat"


def test_a_worker_without_a_way_out_is_found() -> None:
    assert [finding.verdict for finding in check("M4", DEPLOYMENT)] == ["problem"]
    wrong_port = SERVICE_ENTRY.replace("443", "80")
    assert [finding.verdict for finding in check("M4", DEPLOYMENT, wrong_port)] == ["problem"]


def test_a_worker_that_sends_inside_the_mesh_needs_no_way_out() -> None:
    inside = DEPLOYMENT + "            - {name: LANGSMITH_ENDPOINT, value: 'http://everytoken:8700'}\n"
    assert [finding.verdict for finding in check("M4", inside)] == ["skipped"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (DEPLOYMENT + "            - {name: OPENAI_API_KEY, value: abc}\n", "env OPENAI_API_KEY"),
        ("kind: ScaledObject\nmetadata: {name: a}\nspec: {host: 'amqp://me:secret@rabbit'}\n", "spec.host"),
        ("kind: ConfigMap\nmetadata: {name: a}\ndata: {k: lsv2_pt_abcdef}\n", "data.k"),
        ("kind: Secret\nmetadata: {name: a}\ndata: {k: YWJj}\n", "data"),
    ],
)
def test_a_credential_in_a_manifest_is_found_and_not_repeated(text: str, place: str) -> None:
    (finding,) = check("M5", text)
    assert finding.verdict == "problem"
    assert finding.evidence.endswith(place)
    assert not any(secret in str(finding) for secret in ("abc", "lsv2_pt", "me:secret", "YWJj"))


def test_a_folder_is_read_without_what_kustomize_itself_reads(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "kustomization.yaml", "patch-a.yaml", "c.json"):
        (tmp_path / name).write_text(name)
    assert manifest_texts(tmp_path) == [("a.yaml", "a.yaml"), ("b.yml", "b.yml")]
    assert manifest_texts(tmp_path / "c.json") == [("c.json", "c.json")]


def test_text_that_is_not_yaml_is_a_finding() -> None:
    assert [finding.verdict for finding in check("M2", "a: [")] == ["problem"]


def test_a_merge_key_is_no_key_given_twice() -> None:
    text = "kind: A\nmetadata: {name: a}\ndata: &d {x: '1', y: '2'}\nother: {<<: *d, y: '3'}\n"
    (objects, faults) = read_manifests([("merged.yaml", text)])
    assert faults == []
    assert objects[0].body["other"] == {"x": "1", "y": "3"}
