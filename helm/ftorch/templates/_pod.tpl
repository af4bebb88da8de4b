{{/* The pod template before the patch: Guaranteed, restricted, without access to the API. */}}
{{- define "ftorch.pod" -}}
{{- $wanted := .Values.kubernetes -}}
{{- $files := include "ftorch.files" . | fromJson -}}
metadata:
  labels:
    {{- include "ftorch.labels" . | nindent 4 }}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: {{ add (include "ftorch.seconds" ((.Values.timeout | default dict).grace | default "25s")) 15 }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "ftorch.podSecurity" . | nindent 4 }}
  containers:
    - name: ftorch
      image: {{ required "kubernetes.image: the image that the pods run" $wanted.image | quote }}
      imagePullPolicy: {{ $wanted.pull_policy | default "IfNotPresent" | quote }}
      args:
        - submit
        - {{ $wanted.job_file | default "/ftorch/job/job.yaml" | quote }}
        - --run
        - $(FTORCH_STORE)/$(FTORCH_RUN)
        - --shard
        - auto
        {{- with $wanted.metrics }}
        - --metrics
        - {{ printf ":%d" (int64 .) | quote }}
        {{- end }}
      env:
        - name: FTORCH_STORE
          value: {{ include "ftorch.store" . | quote }}
        - name: FTORCH_RUN
          valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/job-name']"}}
        - name: FTORCH_POD
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: FTORCH_NODE
          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
        - name: HOME
          value: /tmp
        {{- range $name, $value := $wanted.env }}
        - name: {{ $name | quote }}
          value: {{ $value | toJson }}
        {{- end }}
      {{- with $wanted.env_from }}
      envFrom:
        {{- range . }}
        - {{ if .secret }}secretRef{{ else }}configMapRef{{ end }}: {name: {{ .secret | default .config_map | quote }}}
          {{- with .prefix }}
          prefix: {{ . | quote }}
          {{- end }}
        {{- end }}
      {{- end }}
      resources:
        {{- range list "requests" "limits" }}
        {{ . }}:
          cpu: {{ include "ftorch.number" ($wanted.cpu | default 1) | quote }}
          memory: {{ include "ftorch.memory" $ | quote }}
        {{- end }}
      securityContext:
        {{- include "ftorch.containerSecurity" . | nindent 8 }}
      {{- with $wanted.metrics }}
      ports:
        - {name: metrics, containerPort: {{ int64 . }}}
      {{- end }}
      terminationMessagePolicy: FallbackToLogsOnError
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- if $files }}
        - {name: job, mountPath: /ftorch/job, readOnly: true}
        {{- end }}
        {{- with $wanted.volume }}
        - {name: data, mountPath: {{ .path | default "/data" | quote }}}
        {{- end }}
        {{- range $number, $mount := $wanted.volumes }}
        - name: volume-{{ $number }}
          mountPath: {{ $mount.path | quote }}
          {{- if or $mount.read_only $mount.secret $mount.config_map }}
          readOnly: true
          {{- end }}
          {{- with $mount.sub_path }}
          subPath: {{ . | quote }}
          {{- end }}
        {{- end }}
  volumes:
    - {name: tmp, emptyDir: {}}
    {{- if $files }}
    - name: job
      configMap:
        name: {{ include "ftorch.configMap" . | quote }}
        {{- if contains "/" (keys $files | join "") }}
        items:
          {{- range keys $files | sortAlpha }}
          - {key: {{ replace "/" ".." . | quote }}, path: {{ . | quote }}}
          {{- end }}
        {{- end }}
    {{- end }}
    {{- with $wanted.volume }}
    - {name: data, persistentVolumeClaim: {claimName: {{ .claim | quote }}}}
    {{- end }}
    {{- range $number, $mount := $wanted.volumes }}
    - name: volume-{{ $number }}
      {{- if $mount.claim }}
      persistentVolumeClaim: {claimName: {{ $mount.claim | quote }}}
      {{- else if $mount.secret }}
      secret: {secretName: {{ $mount.secret | quote }}}
      {{- else if $mount.config_map }}
      configMap: {name: {{ $mount.config_map | quote }}}
      {{- else }}
      emptyDir: {sizeLimit: {{ include "ftorch.number" $mount.empty_dir | quote }}}
      {{- end }}
    {{- end }}
  {{- with $wanted.service_account }}
  serviceAccountName: {{ . | quote }}
  {{- end }}
  {{- with $wanted.priority_class }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $wanted.node_selector }}
  nodeSelector: {{ toJson . }}
  {{- end }}
  {{- with $wanted.tolerations }}
  tolerations:
    {{- range . }}
    - operator: {{ .operator | default "Exists" | quote }}
      {{- with pick . "key" "value" "effect" }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- if hasKey . "seconds" }}
      tolerationSeconds: {{ int64 .seconds }}
      {{- end }}
    {{- end }}
  {{- end }}
  {{- with $wanted.pull_secrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- include "ftorch.spread" . | nindent 2 }}
{{- end -}}

{{- define "ftorch.podSecurity" -}}
{{- $user := .Values.kubernetes.user | default 65532 | int64 -}}
runAsNonRoot: true
runAsUser: {{ $user }}
runAsGroup: {{ $user }}
fsGroup: {{ $user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ftorch.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end -}}

{{- define "ftorch.spread" -}}
{{- $spread := .Values.kubernetes.spread | default "topology" -}}
{{- $mine := dict "labelSelector" (dict "matchLabels" (dict "ftorch.dev/job" (include "ftorch.name" .))) "topologyKey" "kubernetes.io/hostname" "matchLabelKeys" (list "batch.kubernetes.io/job-name") -}}
{{- if eq $spread "topology" -}}
topologySpreadConstraints:
  - {{ merge $mine (dict "maxSkew" 1 "whenUnsatisfiable" "DoNotSchedule" "nodeTaintsPolicy" "Honor") | toJson }}
{{- else if eq $spread "anti-affinity" -}}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{ toJson $mine }}
{{- end -}}
{{- end -}}
