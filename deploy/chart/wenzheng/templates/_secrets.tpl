{{/*
What of the operator's Secrets a pod gets, as files: {file, variable, secret, key, optional} in a YAML list.
Least privilege: each role sees only what it uses. Args: root, service, role (web, worker, migrate, job, test).
*/}}
{{- define "wenzheng.secretFiles" -}}
{{- $v := .root.Values -}}
{{- $files := list -}}
{{- $pg := include "wenzheng.server" (merge (dict "server" "postgresql") .) | fromYaml -}}
{{- $direct := default $pg.urlKey $pg.directUrlKey -}}
{{- /* Migrations hold locks and take long: they go past a pooler. */ -}}
{{- $files = append $files (dict "file" "database-url" "variable" "WENZHENG_DATABASE_URL_FILE" "secret" $pg.existingSecret "key" (ternary $direct $pg.urlKey (has .role (list "migrate")))) -}}
{{- if $pg.directUrlKey -}}
{{- $files = append $files (dict "file" "direct-database-url" "variable" "WENZHENG_DIRECT_DATABASE_URL_FILE" "secret" $pg.existingSecret "key" $direct) -}}
{{- end -}}
{{- if $pg.caKey -}}
{{- $files = append $files (dict "file" "ca/postgresql.crt" "variable" "PGSSLROOTCERT" "secret" (default $pg.existingSecret $pg.caSecret) "key" $pg.caKey) -}}
{{- end -}}
{{- $files = append $files (dict "file" "secret-key" "variable" "WENZHENG_SECRET_KEY_FILE" "secret" $v.keys.existingSecret "key" $v.keys.secretKeyKey) -}}
{{- if eq .role "worker" -}}
{{- $mq := include "wenzheng.server" (merge (dict "server" "rabbitmq") .) | fromYaml -}}
{{- $files = append $files (dict "file" "broker-url" "variable" "WENZHENG_BROKER_URL_FILE" "secret" $mq.existingSecret "key" $mq.urlKey) -}}
{{- if $mq.managementUrlKey -}}
{{- $files = append $files (dict "file" "broker-management-url" "variable" "WENZHENG_BROKER_MANAGEMENT_URL_FILE" "secret" $mq.existingSecret "key" $mq.managementUrlKey) -}}
{{- end -}}
{{- if $mq.caKey -}}
{{- $files = append $files (dict "file" "ca/rabbitmq.crt" "variable" "WENZHENG_BROKER_CA_FILE" "secret" (default $mq.existingSecret $mq.caSecret) "key" $mq.caKey) -}}
{{- end -}}
{{- end -}}
{{- if eq .role "web" -}}
{{- if eq .service "routing" -}}
{{- $files = append $files (dict "file" "staff-key" "variable" "WENZHENG_STAFF_KEY_FILE" "secret" $v.keys.existingSecret "key" $v.keys.staffKeyKey) -}}
{{- else -}}
{{- $files = append $files (dict "file" "staff-public-key" "variable" "WENZHENG_STAFF_PUBLIC_KEY_FILE" "secret" $v.keys.existingSecret "key" $v.keys.staffPublicKeyKey) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .service "search") (has .role (list "web" "worker")) -}}
{{- $files = append $files (dict "file" "elasticsearch-url" "variable" "WENZHENG_ELASTICSEARCH_URL_FILE" "secret" $v.elasticsearch.existingSecret "key" $v.elasticsearch.urlKey) -}}
{{- if $v.elasticsearch.caKey -}}
{{- $files = append $files (dict "file" "ca/elasticsearch.crt" "variable" "WENZHENG_ELASTICSEARCH_CA_FILE" "secret" (default $v.elasticsearch.existingSecret $v.elasticsearch.caSecret) "key" $v.elasticsearch.caKey) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .service "notify") $v.smtp.existingSecret (has .role (list "web" "worker")) -}}
{{- $files = append $files (dict "file" "smtp-url" "variable" "WENZHENG_SMTP_URL_FILE" "secret" $v.smtp.existingSecret "key" $v.smtp.urlKey) -}}
{{- if $v.smtp.caKey -}}
{{- $files = append $files (dict "file" "ca/smtp.crt" "variable" "WENZHENG_SMTP_CA_FILE" "secret" (default $v.smtp.existingSecret $v.smtp.caSecret) "key" $v.smtp.caKey) -}}
{{- end -}}
{{- end -}}
{{- if and (has .service (list "intake" "notify")) $v.portals.existingSecret (has .role (list "web" "worker")) -}}
{{- $files = append $files (dict "file" "portals.yaml" "variable" "WENZHENG_PORTALS_FILE" "secret" $v.portals.existingSecret "key" $v.portals.key) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* The variables that name those files. Args: root, service, role. */}}
{{- define "wenzheng.secretEnv" -}}
{{- range include "wenzheng.secretFiles" . | fromYamlArray }}
- name: {{ .variable }}
  value: /run/secrets/wenzheng/{{ .file }}
{{- if eq .variable "PGSSLROOTCERT" }}
- name: PGSSLMODE
  value: verify-full
{{- end }}
{{- end }}
{{- end -}}

{{/* The volume that holds those files. Args: root, service, role. */}}
{{- define "wenzheng.secretVolume" -}}
{{- $bySecret := dict -}}
{{- range include "wenzheng.secretFiles" . | fromYamlArray -}}
{{- $_ := set $bySecret .secret (append (default list (get $bySecret .secret)) .) -}}
{{- end -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $secret, $files := $bySecret }}
      - secret:
          name: {{ $secret }}
          items:
            {{- range $files }}
            - key: {{ .key }}
              path: {{ .file }}
            {{- end }}
      {{- end }}
{{- end -}}
