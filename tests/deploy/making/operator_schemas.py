"""`schemas/operators.json`: the schemas of the operators' kinds that the chart uses, from their own CRDs.

Run by hand when an operator's newer version is wanted: ``python -m tests.deploy.making.operator_schemas``. Needs Go,
since the CRDs lie in the Go modules of the operators, whose checksums Go knows.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).parents[1] / "schemas" / "operators.json"
#: Module and version, and in it the CRDs that are wanted.
SOURCES: Final = {
    "github.com/kedacore/keda/v2@v2.21.0": (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
    "sigs.k8s.io/gateway-api@v1.4.1": ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}


def tightened(schema: Any) -> Any:
    """A CRD's schema as JSON Schema that knows no other fields than the named ones; without descriptions and rules."""
    if isinstance(schema, list):
        return [tightened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            kept[key] = {name: tightened(one) for name, one in value.items()}
        elif key == "pattern" and "(?i)" in value[1:]:
            # Go's way of saying it; Python wants it at the very beginning.
            kept[key] = "(?i)" + value.replace("(?i)", "")
        elif key not in ("description", "default", "format") and not key.startswith("x-kubernetes-"):
            kept[key] = tightened(value)
    free = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in kept and not free:
        kept["additionalProperties"] = False
    return kept


def kinds_of(text: str) -> list[dict[str, Any]]:
    """Each version of a CRD: apiVersion, kind, schema."""
    crd = yaml.safe_load(text)
    found = []
    for version in crd["spec"]["versions"]:
        schema = tightened(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        api = f"{crd['spec']['group']}/{version['name']}"
        found.append({"apiVersion": api, "kind": crd["spec"]["names"]["kind"], "schema": schema})
    return found


def download(module: str) -> Path:
    """The folder of a module, fetched and checked by Go."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "go.mod").write_text("module schemas\n", encoding="utf-8")
        done = subprocess.run(
            ["go", "mod", "download", "-json", module], cwd=folder, capture_output=True, text=True, check=False
        )
    found = json.loads(done.stdout or "{}")
    if "Dir" not in found:
        raise SystemExit(f"{module}: {found.get('Error') or done.stderr}")
    return Path(found["Dir"])


def run() -> None:
    """Write the file."""
    kinds = []
    for module, paths in SOURCES.items():
        folder = download(module)
        for path in paths:
            # The version that the chart writes; a CRD may hold older ones beside it.
            kinds += list(kinds_of((folder / path).read_text(encoding="utf-8")))
    wanted = {"keda.sh/v1alpha1", "gateway.networking.k8s.io/v1", "monitoring.coreos.com/v1"}
    document = {
        "comment": "Made by python -m tests.deploy.making.operator_schemas from the operators' CRDs (Apache-2.0)",
        "from": list(SOURCES),
        "kinds": [one for one in kinds if one["apiVersion"] in wanted],
    }
    FILE.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run()
