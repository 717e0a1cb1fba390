"""`values.schema.json` of the chart: every key that values may have, and no other."""

from __future__ import annotations

import json

from services.cli.registry import installed
from tests.deploy.making.house_file import camel, split_settings
from tests.deploy.making.json_schema import Schema, choice, closed, listed, number, ref

TEXT: Schema = {"type": "string"}
SWITCH: Schema = {"type": "boolean"}
#: Labels, annotations and the like.
WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITY: Schema = {"type": ["string", "number"]}
SECONDS = number(0)
#: Name of an object, such as a Secret; empty where there is none.
NAME: Schema = {"type": "string", "maxLength": 253, "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"}
#: Key within a Secret or ConfigMap; {service} stands for the name of a service.
KEY: Schema = {"type": "string", "pattern": "^[-._a-zA-Z0-9{}]*$"}
URL: Schema = {"type": "string", "pattern": "^(https?://[^/ ]+/?.*)?$"}
SELECTOR = closed(
    {
        "matchLabels": WORDS,
        "matchExpressions": listed(
            closed({"key": TEXT, "operator": TEXT, "values": listed(TEXT)}, ("key", "operator"))
        ),
    }
)
PEERS = listed(
    closed(
        {
            "ipBlock": closed({"cidr": TEXT, "except": listed(TEXT)}, ("cidr",)),
            "namespaceSelector": SELECTOR,
            "podSelector": SELECTOR,
        },
        minProperties=1,
    )
)
PORTS: Schema = listed(number(1, 65535)) | {"minItems": 1}


def _edge(ports: bool = True) -> Schema:
    return closed({"peers": PEERS} | ({"ports": PORTS} if ports else {}))


def _scaling_rules() -> Schema:
    policy = closed({"type": choice("Pods", "Percent"), "value": number(1), "periodSeconds": number(1, 1800)})
    rules = closed(
        {
            "stabilizationWindowSeconds": number(0, 3600),
            "selectPolicy": choice("Max", "Min", "Disabled"),
            "policies": listed(policy),
            "tolerance": QUANTITY,
        }
    )
    return closed({"scaleUp": rules, "scaleDown": rules})


def _hpa() -> Schema:
    return closed(
        {
            "enabled": SWITCH,
            "minReplicas": number(1),
            "maxReplicas": number(1),
            "targetCPUUtilizationPercentage": number(1, 1000),
            "behavior": ref("behavior"),
        }
    )


def _keda() -> Schema:
    return closed(
        {
            "enabled": SWITCH,
            # At 0 nobody would publish the outbox or send what is due.
            "minReplicas": number(1),
            "maxReplicas": number(1),
            "queueLength": number(1),
            "pollingInterval": number(1),
            "cooldownPeriod": SECONDS,
            "behavior": ref("behavior"),
        }
    )


def _on(scaler: str) -> Schema:
    return {
        "required": [scaler],
        "properties": {scaler: {"required": ["enabled"], "properties": {"enabled": {"const": True}}}},
    }


def _off(scaler: str) -> Schema:
    return {"properties": {scaler: {"properties": {"enabled": {"const": False}}}}}


def _role(role: str) -> Schema:
    scalers = {"hpa": ref("hpa")} | ({"keda": ref("keda")} if role == "worker" else {})
    # Said so that the refusal names the key to change: ".../keda/enabled: value must be false".
    either: Schema = {"if": _on("hpa"), "then": _off("keda")} if role == "worker" else {}
    own = {"drainSeconds": number(1, 600)} if role == "worker" else {"preStopSleepSeconds": number(0, 120)}
    return closed(
        {
            "replicas": number(0),
            "resources": ref("resources"),
            "autoscaling": closed(scalers, **either),
            "pdb": closed({"enabled": SWITCH, "maxUnavailable": {"type": ["integer", "string"], "minimum": 1}}),
            "strategy": closed(
                {
                    "type": choice("RollingUpdate", "Recreate"),
                    "rollingUpdate": closed({"maxSurge": QUANTITY, "maxUnavailable": QUANTITY})
                    | {"type": ["object", "null"]},
                }
            ),
            "terminationGracePeriodSeconds": number(1),
            "startWaitSeconds": number(0, 3600),
            "minReadySeconds": SECONDS,
            "startupProbe": ref("probe"),
            "livenessProbe": ref("probe"),
            "readinessProbe": ref("probe"),
            "topologySpreadConstraints": listed(ref("spread")),
            "nodeSelector": WORDS,
            "tolerations": listed(ref("toleration")),
            "affinity": ref("affinity"),
            "priorityClassName": NAME,
            "podAnnotations": WORDS,
            "podLabels": WORDS,
            "extraEnv": ref("environment"),
            "extraVolumes": listed({"type": "object", "required": ["name"]}),
            "extraVolumeMounts": listed(ref("mount")),
        }
        | own
    )


def _settings(fields: dict[str, Schema]) -> dict[str, Schema]:
    found = {}
    for name, field in fields.items():
        kept = {key: value for key, value in field.items() if key not in ("title", "default")}
        found[camel(name)] = kept
    return found


def _definitions() -> dict[str, Schema]:
    groups = {group: _settings(fields) for group, fields in split_settings().items()}
    limits = {"type": "object", "additionalProperties": QUANTITY}
    spread = {
        "topologyKey": TEXT,
        "maxSkew": number(1),
        "minDomains": number(1),
        "whenUnsatisfiable": choice("ScheduleAnyway", "DoNotSchedule"),
        "nodeAffinityPolicy": choice("Honor", "Ignore"),
        "nodeTaintsPolicy": choice("Honor", "Ignore"),
    }
    probe = ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold")
    toleration = {"key": TEXT, "operator": TEXT, "value": TEXT, "effect": TEXT, "tolerationSeconds": SECONDS}
    mount = {"name": TEXT, "mountPath": TEXT, "subPath": TEXT, "readOnly": SWITCH}
    return {
        "commonSettings": closed(groups["common"]),
        **{f"{service}Settings": closed(groups["common"] | groups[service]) for service in installed()},
        "behavior": _scaling_rules(),
        "hpa": _hpa(),
        "keda": _keda(),
        "resources": closed({"requests": limits, "limits": limits}),
        "probe": closed(dict.fromkeys(probe, SECONDS)),
        "spread": closed(spread, ("topologyKey", "maxSkew", "whenUnsatisfiable")),
        "toleration": closed(toleration),
        "affinity": closed({key: {"type": "object"} for key in ("nodeAffinity", "podAffinity", "podAntiAffinity")}),
        "environment": listed(closed({"name": TEXT, "value": TEXT, "valueFrom": {"type": "object"}}, ("name",))),
        "mount": closed(mount, ("name", "mountPath")),
        "web": _role("web"),
        "worker": _role("worker"),
        "rabbitmq": closed(_server("urlKey", "managementUrlKey") | {"vhost": TEXT}),
        "postgresql": closed(_server("urlKey", "directUrlKey")),
    }


def _server(*keys: str) -> dict[str, Schema]:
    return {"existingSecret": NAME, "caKey": KEY, "caSecret": NAME} | dict.fromkeys(keys, KEY)


def _by_the_clock() -> Schema:
    # Five fields, or a word such as @daily.
    schedule = {"type": "string", "pattern": r"^(@[a-z]+|\S+( \S+){4})$"}
    return closed(
        {
            "enabled": SWITCH,
            "schedule": schedule,
            "activeDeadlineSeconds": number(1),
            "resources": ref("resources"),
        }
    )


def _service(service: str) -> Schema:
    jobs = ("topics", "retrain") if service == "routing" else ()
    return closed(
        {
            "enabled": SWITCH,
            "image": closed({"tag": TEXT, "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}}),
            "partitions": {"type": ["integer", "null"], "minimum": 1, "maximum": 64},
            "settings": ref(f"{service}Settings"),
            "rabbitmq": ref("rabbitmq"),
            "postgresql": ref("postgresql"),
            "web": ref("web"),
            "worker": ref("worker"),
            **{job: _by_the_clock() for job in jobs},
        }
    )


def _monitor() -> Schema:
    return closed({"enabled": SWITCH, "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"}, "labels": WORDS})


def values_schema() -> str:
    """The file."""
    route = ("group", "kind", "namespace", "name", "sectionName")
    edges = ("rabbitmq", "management", "postgresql", "elasticsearch", "smtp", "portals", "tracing", "dns")
    top = {
        "nameOverride": NAME,
        "fullnameOverride": NAME,
        "global": closed({"imageRegistry": TEXT, "imagePullSecrets": listed(NAME)}),
        "image": closed(
            {
                "registry": {"type": "string", "minLength": 1},
                "path": {"type": "string", "pattern": "^([a-z0-9._/-]+/)?$"},
                "tag": TEXT,
                "pullPolicy": choice("IfNotPresent", "Always", "Never"),
            }
        ),
        "partitions": number(1, 64),
        "settings": ref("commonSettings"),
        "rabbitmq": ref("rabbitmq"),
        "postgresql": ref("postgresql"),
        "elasticsearch": closed(_server("urlKey")),
        "smtp": closed(_server("urlKey")),
        "keys": closed({"existingSecret": NAME, "secretKeyKey": KEY, "staffKeyKey": KEY, "staffPublicKeyKey": KEY}),
        "portals": closed({"existingSecret": NAME, "key": KEY}),
        "directory": closed({"existingConfigMap": NAME, "key": KEY}),
        "services": closed({service: _service(service) for service in installed()}),
        "defaults": closed({"web": ref("web"), "worker": ref("worker")}),
        "migrations": closed(
            {
                "enabled": SWITCH,
                "backoffLimit": number(0),
                "activeDeadlineSeconds": number(1),
                "ttlSecondsAfterFinished": SECONDS,
                "annotations": WORDS,
                "resources": ref("resources"),
            }
        ),
        "secretsRevision": TEXT,
        "serviceAccount": closed({"create": SWITCH, "name": NAME, "annotations": WORDS}),
        "podSecurityContext": closed({key: number(1) for key in ("runAsUser", "runAsGroup", "fsGroup")}),
        "data": closed({"sizeLimit": QUANTITY}),
        "tmp": closed({"sizeLimit": QUANTITY}),
        "service": closed({"annotations": WORDS}),
        "ingress": closed(
            {
                "enabled": SWITCH,
                "className": NAME,
                "annotations": WORDS,
                "hosts": listed({"type": "string", "minLength": 1}),
                "tls": listed(closed({"hosts": listed(TEXT), "secretName": NAME})),
            }
        ),
        "httpRoute": closed(
            {
                "enabled": SWITCH,
                "annotations": WORDS,
                "parentRefs": listed(
                    closed(dict.fromkeys(route, TEXT) | {"port": number(1, 65535)}, ("name",)),
                ),
                "hostnames": listed({"type": "string", "minLength": 1}),
            }
        ),
        "networkPolicy": closed(
            {
                "enabled": SWITCH,
                "edges": closed(
                    {name: _edge() for name in edges} | {name: _edge(ports=False) for name in ("ingress", "monitoring")}
                ),
            }
        ),
        "metrics": closed(
            {
                "podMonitor": _monitor(),
                "serviceMonitor": _monitor(),
                "prometheusRule": closed({"enabled": SWITCH, "runbookBase": TEXT, "labels": WORDS}),
                "dashboards": closed({"enabled": SWITCH, "labels": WORDS, "annotations": WORDS}),
            }
        ),
        "publicAnswers": closed({"enabled": SWITCH}),
        "test": closed({"url": URL, "host": TEXT, "seconds": number(1)}),
        "extraEnv": ref("environment"),
        "commonLabels": WORDS,
        "extraObjects": listed({"type": ["object", "string"]}),
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Made by `make chart`. Do not edit.",
        "title": "Values of the chart wenzheng",
        **closed(top),
        "$defs": _definitions(),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
