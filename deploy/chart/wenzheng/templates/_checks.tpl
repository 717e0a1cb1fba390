{{/* What the schema cannot say: every mistake in the values, one line each, in one refusal. */}}
{{- define "wenzheng.checks" -}}
{{- $wrong := list -}}
{{- $v := .Values -}}
{{- $services := include "wenzheng.services" . | fromYamlArray -}}
{{- if not $services -}}
{{- $wrong = append $wrong "services: every service is switched off" -}}
{{- end -}}
{{- range $service := $services -}}
{{- range $server := list "rabbitmq" "postgresql" -}}
{{- $found := include "wenzheng.server" (dict "root" $ "service" $service "server" $server) | fromYaml -}}
{{- if not $found.existingSecret -}}
{{- $wrong = append $wrong (printf "%s.existingSecret: name the Secret with the key %s (or set services.%s.%s.existingSecret)" $server $found.urlKey $service $server) -}}
{{- end -}}
{{- end -}}
{{- range $role := list "web" "worker" -}}
{{- $r := include "wenzheng.role" (dict "root" $ "service" $service "role" $role) | fromYaml -}}
{{- $where := printf "services.%s.%s" $service $role -}}
{{- $hpa := $r.autoscaling.hpa -}}
{{- $keda := default dict $r.autoscaling.keda -}}
{{- if and $hpa.enabled $keda.enabled -}}
{{- $wrong = append $wrong (printf "%s.autoscaling: hpa and keda are both enabled; two scalers would fight over one Deployment" $where) -}}
{{- end -}}
{{- range $kind, $scaler := dict "hpa" $hpa "keda" $keda -}}
{{- if and $scaler.enabled (gt (int $scaler.minReplicas) (int $scaler.maxReplicas)) -}}
{{- $wrong = append $wrong (printf "%s.autoscaling.%s: minReplicas %d is more than maxReplicas %d" $where $kind (int $scaler.minReplicas) (int $scaler.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if $keda.enabled -}}
{{- $mq := include "wenzheng.server" (dict "root" $ "service" $service "server" "rabbitmq") | fromYaml -}}
{{- if not $mq.managementUrlKey -}}
{{- $wrong = append $wrong (printf "%s.autoscaling.keda needs rabbitmq.managementUrlKey: KEDA asks RabbitMQ's management API" $where) -}}
{{- end -}}
{{- end -}}
{{- $patience := mul (int (default 10 $r.startupProbe.periodSeconds)) (int (default 3 $r.startupProbe.failureThreshold)) | int -}}
{{- if le $patience (int $r.startWaitSeconds) -}}
{{- $wrong = append $wrong (printf "%s.startupProbe: period x failures is %d s and must be more than startWaitSeconds %d, or the pod is killed before it says what it waits for" $where $patience (int $r.startWaitSeconds)) -}}
{{- end -}}
{{- $needs := ternary (add (int $r.preStopSleepSeconds) 20) (int $r.drainSeconds) (eq $role "web") | int -}}
{{- if le (int $r.terminationGracePeriodSeconds) $needs -}}
{{- $wrong = append $wrong (printf "%s.terminationGracePeriodSeconds: %d must be more than the %d s that draining takes" $where (int $r.terminationGracePeriodSeconds) $needs) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (has "search" $services) (not $v.elasticsearch.existingSecret) -}}
{{- $wrong = append $wrong "elasticsearch.existingSecret: name the Secret with the URL of Elasticsearch; on a cluster search has no index of its own" -}}
{{- end -}}
{{- if not $v.keys.existingSecret -}}
{{- $wrong = append $wrong "keys.existingSecret: name the Secret with the keys of the house (NOTES and README.md say how to make it)" -}}
{{- end -}}
{{- if not (include "wenzheng.publicUrl" .) -}}
{{- $wrong = append $wrong "settings.publicUrl: say the address the public sees, or give the Ingress a host; links in messages begin with it" -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- $wrong = append $wrong "httpRoute.parentRefs: name the Gateway" -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "wrong values\n  %s" (join "\n  " (uniq $wrong))) -}}
{{- end -}}
{{- end -}}
