{{/* What a Job does: `shards` completions, `nodes` pods at a time. */}}
{{- define "ftorch.jobSpec" -}}
{{- $wanted := .Values.kubernetes -}}
{{- $deadline := (.Values.timeout | default dict).job -}}
completionMode: Indexed
completions: {{ $wanted.shards | default $wanted.nodes | default 1 | int64 }}
parallelism: {{ $wanted.nodes | default 1 | int64 }}
backoffLimitPerIndex: {{ hasKey $wanted "backoff_limit_per_index" | ternary $wanted.backoff_limit_per_index 3 | int64 }}
{{- if hasKey $wanted "max_failed_indexes" }}
maxFailedIndexes: {{ int64 $wanted.max_failed_indexes }}
{{- end }}
{{- if hasKey $wanted "backoff_limit" }}
backoffLimit: {{ int64 $wanted.backoff_limit }}
{{- end }}
{{- with $deadline }}
activeDeadlineSeconds: {{ include "ftorch.seconds" . }}
{{- end }}
{{- $ttl := hasKey $wanted "ttl" | ternary $wanted.ttl "1d" }}
{{- if not (kindIs "invalid" $ttl) }}
ttlSecondsAfterFinished: {{ include "ftorch.seconds" $ttl }}
{{- end }}
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
    - action: FailJob
      onExitCodes: {containerName: ftorch, operator: In, values: [2, 3]}
    - action: FailIndex
      onExitCodes: {containerName: ftorch, operator: In, values: [1, 132, 133, 134, 135, 136, 139]}
    - action: {{ if $deadline }}Ignore{{ else }}Count{{ end }}
      onExitCodes: {containerName: ftorch, operator: In, values: [75]}
suspend: {{ if or $wanted.suspend $wanted.queue }}true{{ else }}false{{ end }}
template:
  {{- $pod := include "ftorch.pod" . | fromYaml }}
  {{- with $pod.Error }}{{ fail . }}{{ end }}
  {{- include "ftorch.merge" (dict "base" $pod "patch" ($wanted.patch | default dict)) | fromJson | toYaml | nindent 2 }}
{{- end -}}

{{- define "ftorch.jobLabels" -}}
{{- include "ftorch.labels" . }}
{{- with .Values.kubernetes.queue }}
kueue.x-k8s.io/queue-name: {{ . | quote }}
{{- end }}
{{- end -}}
