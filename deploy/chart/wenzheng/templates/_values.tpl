{{/* Values as they are meant: defaults under each service's own block, settings as variables. */}}

{{/* One map over another, deeply; unlike sprig's mergeOverwrite, false, 0 and "" count, null takes away. Args: base, over. */}}
{{- define "wenzheng.overlay" -}}
{{- $out := deepCopy .base -}}
{{- range $key, $value := .over -}}
{{- $below := get $out $key -}}
{{- if and (kindIs "map" $value) (kindIs "map" $below) -}}
{{- $_ := set $out $key (include "wenzheng.overlay" (dict "base" $below "over" $value) | fromYaml) -}}
{{- else if kindIs "invalid" $value -}}
{{- $_ := unset $out $key -}}
{{- else -}}
{{- $_ := set $out $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}

{{/* The values of one role of one service. Args: root, service, role. */}}
{{- define "wenzheng.role" -}}
{{- include "wenzheng.overlay" (dict "base" (get .root.Values.defaults .role) "over" (get (get .root.Values.services .service) .role)) -}}
{{- end -}}

{{/* Where a service finds one of its servers. Args: root, service, server (rabbitmq or postgresql). */}}
{{- define "wenzheng.server" -}}
{{- $found := include "wenzheng.overlay" (dict "base" (get .root.Values .server) "over" (get (get .root.Values.services .service) .server)) | fromYaml -}}
{{- range $key := list "urlKey" "directUrlKey" "managementUrlKey" -}}
{{- if hasKey $found $key -}}
{{- $_ := set $found $key (get $found $key | replace "{service}" $.service) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* How many queues each queue of a service is split into. Args: root, service. */}}
{{- define "wenzheng.partitions" -}}
{{- $own := (get .root.Values.services .service).partitions -}}
{{- if kindIs "invalid" $own }}{{ int .root.Values.partitions }}{{ else }}{{ int $own }}{{ end -}}
{{- end -}}

{{/* The address the public sees; empty when nothing tells. */}}
{{- define "wenzheng.publicUrl" -}}
{{- if .Values.settings.publicUrl -}}
{{- .Values.settings.publicUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- printf "http%s://%s" (ternary "s" "" (not (empty .Values.ingress.tls))) (first .Values.ingress.hosts) -}}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames -}}
{{- printf "https://%s" (first .Values.httpRoute.hostnames) -}}
{{- end -}}
{{- end -}}

{{/* Plain settings of a service as variables, a map in YAML. Args: root, service. */}}
{{- define "wenzheng.settings" -}}
{{- $house := .root.Files.Get "files/house.yaml" | fromYaml -}}
{{- $known := merge (dict) $house.settings.common (get $house.settings .service) -}}
{{- $given := include "wenzheng.overlay" (dict "base" .root.Values.settings "over" (get .root.Values.services .service).settings) | fromYaml -}}
{{- $_ := set $given "publicUrl" (default (include "wenzheng.publicUrl" .root) $given.publicUrl) -}}
{{- $answers := .root.Values.publicAnswers.enabled -}}
{{- if eq .service "search" -}}
{{- $_ := set $given "publicAnswers" $answers -}}
{{- else if and $answers (eq .service "intake") -}}
{{- $_ := set $given "answersUrl" (default (printf "http://%s-search-web:8080" (include "wenzheng.fullname" .root)) $given.answersUrl) -}}
{{- end -}}
{{- $out := dict -}}
{{- range $name, $value := $given -}}
{{- $variable := get $known $name -}}
{{- if not $variable -}}
{{- fail (printf "settings.%s: %s has no such setting" $name $.service) -}}
{{- end -}}
{{- if kindIs "slice" $value -}}
{{- $texts := list -}}
{{- range $value }}{{ $texts = append $texts (toJson .) }}{{ end -}}
{{- $_ := set $out $variable (join "," $texts) -}}
{{- else if kindIs "string" $value -}}
{{- $_ := set $out $variable $value -}}
{{- else -}}
{{- $_ := set $out $variable (toJson $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}
