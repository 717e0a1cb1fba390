{{/* What every pod of the chart has in common. */}}

{{- define "wenzheng.podSecurityContext" -}}
runAsNonRoot: true
{{ toYaml .Values.podSecurityContext }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "wenzheng.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Top of a pod's spec. Args: root. */}}
{{- define "wenzheng.podCommon" -}}
serviceAccountName: {{ include "wenzheng.serviceAccountName" . }}
automountServiceAccountToken: false
# A Service called wenzheng-intake would set WENZHENG_INTAKE_PORT, which is a setting of ours.
enableServiceLinks: false
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "wenzheng.podSecurityContext" . | nindent 2 }}
{{- end -}}

{{/* Environment of a container. Args: root, service, role. */}}
{{- define "wenzheng.env" -}}
{{- range $name, $value := include "wenzheng.settings" . | fromYaml }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{ include "wenzheng.secretEnv" . | trim }}
{{- end -}}

{{- define "wenzheng.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
- name: secrets
  mountPath: /run/secrets/wenzheng
  readOnly: true
{{- end -}}

{{/* Volumes of a pod. Args: root, service, role. */}}
{{- define "wenzheng.volumes" -}}
- name: data
  emptyDir:
    sizeLimit: {{ .root.Values.data.sizeLimit }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .root.Values.tmp.sizeLimit }}
{{ include "wenzheng.secretVolume" . }}
{{- end -}}
