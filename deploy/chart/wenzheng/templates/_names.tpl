{{/* Names, labels, images: what every object has. */}}

{{- define "wenzheng.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of this release. */}}
{{- define "wenzheng.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "wenzheng.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "wenzheng.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: wenzheng
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods: without versions, so that a new chart replaces only the pods whose image or values changed. */}}
{{- define "wenzheng.podLabels" -}}
{{ include "wenzheng.selectorLabels" . }}
app.kubernetes.io/part-of: wenzheng
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "wenzheng.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "wenzheng.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The image of a service. Args: root, service. */}}
{{- define "wenzheng.image" -}}
{{- $image := .root.Values.image -}}
{{- $own := (get .root.Values.services .service).image -}}
{{- $registry := default $image.registry .root.Values.global.imageRegistry -}}
{{- $name := printf "%s/%swenzheng-%s" $registry $image.path .service -}}
{{- if $own.digest -}}
{{- printf "%s@%s" $name $own.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (coalesce $own.tag $image.tag .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Names of the services that run, as a YAML list. */}}
{{- define "wenzheng.services" -}}
{{- $on := list -}}
{{- range $name := list "intake" "routing" "notify" "search" -}}
{{- if (get $.Values.services $name).enabled -}}
{{- $on = append $on $name -}}
{{- end -}}
{{- end -}}
{{- toYaml $on -}}
{{- end -}}
