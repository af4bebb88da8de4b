{{/* The job's name. */}}
{{- define "ftorch.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end -}}

{{/* The Job's name, which is the run's: new with each revision, as a Job never changes. A CronJob's is the job's. */}}
{{- define "ftorch.run" -}}
{{- if .Values.schedule }}{{ include "ftorch.name" . }}{{ else }}{{ include "ftorch.name" . }}-r{{ .Release.Revision }}{{ end -}}
{{- end -}}

{{- define "ftorch.labels" -}}
app.kubernetes.io/name: ftorch
app.kubernetes.io/instance: {{ include "ftorch.name" . | quote }}
app.kubernetes.io/managed-by: ftorch
ftorch.dev/job: {{ include "ftorch.name" . | quote }}
{{- if not .Values.schedule }}
ftorch.dev/run: {{ include "ftorch.run" . | quote }}
{{- end }}
{{- end -}}

{{- define "ftorch.metadata" -}}
name: {{ .name | quote }}
{{- with .root.Values.kubernetes.namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- include "ftorch.labels" .root | nindent 2 }}
{{- end -}}

{{/* A length of time, such as 1.5h, in whole seconds, rounded up. */}}
{{- define "ftorch.seconds" -}}
{{- if kindIs "string" . -}}
{{- $unit := regexReplaceAll "^[0-9.]+" . "" -}}
{{- $units := dict "" 1.0 "ns" 0.000000001 "us" 0.000001 "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- printf "%.0f" (ceil (round (mulf (regexFind "^[0-9.]+" .) (get $units $unit)) 6)) -}}
{{- else -}}
{{- printf "%.0f" (ceil .) -}}
{{- end -}}
{{- end -}}

{{/* A number as it is written: 1073741824, not 1.073741824e+09. */}}
{{- define "ftorch.number" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if eq (floor .) (float64 .) }}{{ printf "%.0f" (float64 .) }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* The pods' memory: the cluster's, else the job's, else 2 GiB a CPU. */}}
{{- define "ftorch.memory" -}}
{{- $asked := .Values.kubernetes.memory | default (.Values.resources | default dict).memory -}}
{{- if $asked -}}
{{- include "ftorch.number" $asked -}}
{{- else -}}
{{- $cpu := .Values.kubernetes.cpu | default 1 | toString -}}
{{- $cpus := hasSuffix "m" $cpu | ternary (divf (trimSuffix "m" $cpu) 1000) (float64 $cpu) -}}
{{- printf "%.0fGi" (mulf 2 (ceil $cpus)) -}}
{{- end -}}
{{- end -}}

{{/* Where the pods keep runs. */}}
{{- define "ftorch.store" -}}
{{- $wanted := .Values.kubernetes -}}
{{- if $wanted.store -}}
{{- trimAll "/" $wanted.store | printf "%s%s" (hasPrefix "/" $wanted.store | ternary "/" "") -}}
{{- else if $wanted.volume -}}
{{- $wanted.volume.path | default "/data" | trimSuffix "/" }}/runs
{{- else -}}
/tmp/runs
{{- end -}}
{{- end -}}

{{/* The job file that the pods read: the values that are the job's, without what only the cluster needs to know. */}}
{{- define "ftorch.jobFile" -}}
{{- $job := pick .Values "task" "input" "with" "output" "resources" "retry" "failures" "timeout" "runtime" "measure" -}}
{{- $_ := set $job "apiVersion" "ftorch/v1" -}}
{{- $_ := set $job "kind" "Job" -}}
{{- $_ := set $job "name" (include "ftorch.name" .) -}}
{{- $known := pick .Values.kubernetes "nodes" "shards" -}}
{{- if eq 1 (int ($known.nodes | default 1)) }}{{ $known = omit $known "nodes" }}{{ end -}}
{{- if $known }}{{ $_ := set $job "kubernetes" $known }}{{ end -}}
{{- toPrettyJson $job }}
{{ end -}}

{{/* The ConfigMap's files as JSON: name → text. None where the image holds the job. */}}
{{- define "ftorch.files" -}}
{{- if .Values.kubernetes.job_file -}}
{}
{{- else -}}
{{- merge (dict "job.yaml" (include "ftorch.jobFile" .)) .Values.files | toJson -}}
{{- end -}}
{{- end -}}

{{- define "ftorch.fingerprint" -}}
{{- $all := "" -}}
{{- $files := include "ftorch.files" . | fromJson -}}
{{- range $name := keys $files | sortAlpha -}}
{{- $text := get $files $name -}}
{{- $all = printf "%s%s\x00%d\x00%s" $all $name (len $text) $text -}}
{{- end -}}
{{- sha256sum $all -}}
{{- end -}}

{{- define "ftorch.configMap" -}}
{{- include "ftorch.run" . }}{{ if .Values.schedule }}-{{ include "ftorch.fingerprint" . | trunc 8 }}{{ end -}}
{{- end -}}
