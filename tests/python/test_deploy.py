"""deploy/ and k8s/ say what the services understand: schemas, names across files, ports, environment variables.

Nothing is built or started here; what is checked is that each file is well formed and agrees with the code.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
SERVICES = ["catalog", "ingestion", "tokenization", "flight", "gateway"]
MANIFESTS = sorted(path for path in K8S.rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted(K8S.rglob("kustomization.yaml"))


def read(path: str) -> str:
    return (ROOT / path).read_text()


def documents(path: Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


COMPOSE = yaml.safe_load(read("deploy/compose.yaml"))
OBJECTS = {(one["kind"], one["metadata"]["name"]): one for path in MANIFESTS for one in documents(path)}


# --- what the code understands


def settings(service: str) -> set[str]:
    """Each `section.key` that the service's `Config` has: sections are structs of the same crate or of service-kit."""
    structs = {}
    for path in [*sorted((ROOT / f"services/{service}/src").rglob("*.rs")), ROOT / "libs/service-kit/src/sections.rs"]:
        for name, body in re.findall(r"\bstruct (\w+)[^{;]*\{(.*?)^\}", path.read_text(), re.S | re.M):
            structs.setdefault(name, re.findall(r"^\s*(?:pub(?:\([^)]*\))? )(\w+): (?:Option<)?(?:\w+::)*(\w+)", body, re.M))
    return {f"{section}.{key}" for section, kind in structs["Config"] for key, _ in structs.get(kind, [])}


def aliases() -> dict[str, str]:
    """The ecosystem's own names and what they set, as service-kit has them."""
    return dict(re.findall(r'\("([A-Z_]+)", "([a-z_]+\.[a-z_]+)"\)', read("libs/service-kit/src/config.rs")))


def telemetry() -> set[str]:
    return set(re.findall(r'variable\("(\w+)"\)', read("libs/service-kit/src/telemetry.rs"))) | {"RUST_LOG"}


def unknown(service: str, names) -> list[str]:
    known = settings(service)
    understood = telemetry()
    understood |= {"TOKENMILL_" + key.replace(".", "__").upper() for key in known}
    understood |= {name for name, key in aliases().items() if key in known}
    return sorted(set(names) - understood)


def images() -> dict[str, dict]:
    """Of each target of the Dockerfile: its environment, exposed ports and entry point, inherited ones apart."""
    text = re.sub(r"\\\n\s*", " ", read("deploy/Dockerfile"))
    found = {}
    for stage in re.split(r"^FROM ", text, flags=re.M)[1:]:
        name = re.search(r"\bAS (\w+)", stage)[1]
        environment = dict(pair.split("=", 1) for line in re.findall(r"^ENV (.*)", stage, re.M) for pair in line.split())
        ports = {int(port) for line in re.findall(r"^EXPOSE (.*)", stage, re.M) for port in line.split()}
        entry = re.search(r'^ENTRYPOINT \["(\w+)"\]', stage, re.M)
        found[name] = {"environment": environment, "ports": ports, "entry": entry and entry[1]}
    return found


IMAGES = images()


def test_the_settings_are_found_in_the_source():
    for service in SERVICES:
        assert {f"{service}.listen", f"{service}.internal"} <= settings(service), service
    assert "database.url" in settings("catalog") and "DATABASE_URL" in aliases()
    assert unknown("flight", ["TOKENMILL_FLIGHT__LISTEN", "TOKENMILL_FLIGHT__LISTENS", "DATABASE_URL", "RUST_LOG"]) == [
        "DATABASE_URL",
        "TOKENMILL_FLIGHT__LISTENS",
    ]


@pytest.mark.parametrize("page", ["README.md", "deploy/README.md", "k8s/README.md"])
def test_documents_name_settings_that_exist(page):
    everything = {"TOKENMILL_" + key.replace(".", "__").upper() for service in SERVICES for key in settings(service)}
    assert set(re.findall(r"TOKENMILL_[A-Z_]+[A-Z]", read(page))) <= everything | telemetry()


# --- images


@pytest.mark.parametrize("service", SERVICES)
def test_image_runs_the_service_on_the_ports_it_shows(service):
    image = IMAGES[service]
    assert image["entry"] == service and (ROOT / f"services/{service}/Cargo.toml").exists()
    assert unknown(service, image["environment"]) == []
    listens = {int(value.rsplit(":", 1)[1]) for value in image["environment"].values() if re.search(r":\d+$", value)}
    assert image["ports"] == listens and len(listens) == 2


def test_the_build_makes_every_binary():
    built = set(re.findall(r"--bin (\w+)", read("deploy/Dockerfile")))
    assert built == {*SERVICES, "tokenmill"}


# --- compose


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_service(name):
    service = COMPOSE["services"][name]
    for other, how in service.get("depends_on", {}).items():
        assert other in COMPOSE["services"]
        assert how["condition"] != "service_healthy" or "healthcheck" in COMPOSE["services"][other] or other in IMAGES
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / "deploy" / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    if "build" in service:
        target = service["build"]["target"]
        assert service["image"] == f"tokenmill/{target}"
        assert unknown(target, service["environment"]) == []
        writes = "/data" in IMAGES[target]["environment"].values()
        assert any(volume.startswith("data:/data") for volume in service.get("volumes", [])) == writes
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") and int(port.rsplit(":", 1)[1]) in IMAGES[target]["ports"]


def test_compose_addresses_lead_to_services():
    for name, service in COMPOSE["services"].items():
        for value in filter(None, (service.get("environment") or {}).values()):
            if address := re.search(r"(?:http|nats)://([\w-]+):(\d+)$", str(value)):
                host, port = address[1], int(address[2])
                assert host in COMPOSE["services"], f"{name}: {value}"
                assert host not in IMAGES or port in IMAGES[host]["ports"], f"{name}: {value}"


def test_a_gateway_that_others_reach_says_that_nobody_is_asked():
    """The image listens on all interfaces, and leaves the word to whoever runs it."""
    image = IMAGES["gateway"]["environment"]
    assert image["TOKENMILL_GATEWAY__LISTEN"].startswith("0.0.0.0:") and "TOKENMILL_AUTH__MODE" not in image
    assert COMPOSE["services"]["gateway"]["environment"]["TOKENMILL_AUTH__MODE"] == "none"
    base = yaml.safe_load(read("k8s/base/kustomization.yaml"))
    literals = {one["name"]: one["literals"] for one in base["configMapGenerator"]}
    assert "TOKENMILL_AUTH__MODE=none" in literals["gateway"]


def test_the_gateway_gets_its_pages():
    assert "ui" in IMAGES and "COPY --from=ui /ui/dist services/gateway/ui/dist" in read("deploy/Dockerfile")


def test_catalog_can_migrate():
    assert COMPOSE["services"]["migrate"]["command"] == ["migrate"]
    assert '"migrate"' in read("services/catalog/src/main.rs")


def test_nats_configuration():
    server = shutil.which("nats-server") or str(Path(sys.executable).with_name("nats-server"))
    ran = subprocess.run([server, "-t", "-c", ROOT / "deploy/nats.conf"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_collector_pipelines_use_what_is_there():
    collector = yaml.safe_load(read("deploy/otel-collector.yaml"))
    for pipeline in collector["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(collector[kind])
    scraped = collector["receivers"]["prometheus"]["config"]["scrape_configs"][0]["dns_sd_configs"]
    assert {one["names"][0] for one in scraped} == set(SERVICES)
    assert all(one["port"] in IMAGES[one["names"][0]]["ports"] for one in scraped)


# --- Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=relative)
def test_manifest_fits_the_schema(path):
    for document in documents(path):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_wrong_manifest_is_noticed():
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def generated(kustomization: dict, kind: str) -> dict[str, set[str]]:
    """Names of generated maps or secrets, with their keys."""
    return {
        one["name"]: {literal.split("=", 1)[0] for literal in one["literals"]} for one in kustomization.get(kind, [])
    }


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=relative)
def test_kustomization_names_what_exists(path):
    kustomization = yaml.safe_load(path.read_text())
    for resource in kustomization["resources"]:
        target = path.parent / resource
        assert target.is_file() or (target / "kustomization.yaml").is_file(), resource
    listed = {(path.parent / resource).resolve() for resource in kustomization["resources"]}
    assert {manifest for manifest in MANIFESTS if manifest.parent == path.parent} <= listed
    for replicas in kustomization.get("replicas", []):
        assert ("Deployment", replicas["name"]) in OBJECTS
    for image in kustomization.get("images", []):
        assert image["name"].removeprefix("tokenmill/") in SERVICES
    for patch in kustomization.get("patches", []):
        assert (patch["target"]["kind"], patch["target"]["name"]) in OBJECTS
        assert all(step["op"] in {"add", "remove", "replace"} for step in yaml.safe_load(patch["patch"]))


def pods() -> list[tuple[str, dict]]:
    found = ((f"{kind}/{name}", one.get("spec", {}).get("template")) for (kind, name), one in OBJECTS.items())
    return [(name, template) for name, template in found if template]


@pytest.mark.parametrize(("name", "pod"), pods(), ids=[name for name, _ in pods()])
def test_pod_uses_what_is_there(name, pod):
    base = yaml.safe_load((K8S / "base/kustomization.yaml").read_text())
    dev = yaml.safe_load((K8S / "overlays/dev/kustomization.yaml").read_text())
    maps = generated(base, "configMapGenerator") | generated(dev, "configMapGenerator")
    secrets = generated(dev, "secretGenerator")
    (container,) = pod["spec"]["containers"]
    names = {one["name"] for one in container.get("env", [])}
    for source in container.get("envFrom", []):
        names |= maps[source["configMapRef"]["name"]]
    for variable in container.get("env", []):
        if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
            assert reference.get("optional") or reference["key"] in secrets[reference["name"]], reference
    ports = {one["name"]: one["containerPort"] for one in container.get("ports", [])}
    for probe in filter(None, (container.get(kind) for kind in ("livenessProbe", "readinessProbe"))):
        assert "httpGet" not in probe or probe["httpGet"]["port"] in ports
    volumes = {one["name"] for one in pod["spec"].get("volumes", [])}
    owner = OBJECTS[tuple(name.split("/"))]["spec"]
    claims = {one["metadata"]["name"] for one in owner.get("volumeClaimTemplates", [])}
    assert {one["name"] for one in container.get("volumeMounts", [])} == volumes | claims
    service = container["image"].removeprefix("tokenmill/")
    if service in SERVICES:
        assert unknown(service, names) == []
        assert not ports or set(ports.values()) == IMAGES[service]["ports"]


def test_services_and_budgets_select_pods():
    labels = {template["metadata"]["labels"]["app.kubernetes.io/name"]: template for _, template in pods()}
    for (kind, name), one in OBJECTS.items():
        if kind == "Service":
            container = labels[one["spec"]["selector"]["app.kubernetes.io/name"]]["spec"]["containers"][0]
            assert {port["targetPort"] for port in one["spec"]["ports"]} <= {port["name"] for port in container["ports"]}
        if kind in {"Deployment", "StatefulSet", "PodDisruptionBudget"}:
            assert one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] == name and name in labels
