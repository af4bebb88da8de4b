{{/*
Strategic merge of a patch into a pod template, as JSON: (dict "base" … "patch" …). Mappings merge, null removes a field,
lists of named items merge by name, others are replaced; `$patch: replace` and `$patch: delete` are followed.
*/}}
{{- define "ftorch.merge" -}}
{{- $merged := dict -}}
{{- if eq (get .patch "$patch" | toString) "replace" -}}
{{- $merged = omit .patch "$patch" -}}
{{- else -}}
{{- $merged = deepCopy .base -}}
{{- range $key, $new := .patch -}}
{{- $old := get $merged $key -}}
{{- $names := dict "containers" "name" "initContainers" "name" "ephemeralContainers" "name" "volumes" "name" "env" "name" "imagePullSecrets" "name" "volumeMounts" "mountPath" "volumeDevices" "devicePath" "ports" "containerPort" "hostAliases" "ip" "topologySpreadConstraints" "topologyKey" "resourceClaims" "name" -}}
{{- if kindIs "invalid" $new -}}
{{- $merged = omit $merged $key -}}
{{- else if kindIs "map" $new -}}
{{- $below := dict "base" (kindIs "map" $old | ternary $old dict) "patch" $new -}}
{{- $_ := set $merged $key (include "ftorch.merge" $below | fromJson) -}}
{{- else if and (kindIs "slice" $new) (hasKey $names $key) -}}
{{- $below := dict "name" (get $names $key) "old" (kindIs "slice" $old | ternary $old list) "new" $new -}}
{{- $_ := set $merged $key (include "ftorch.mergeList" $below | fromJsonArray) -}}
{{- else -}}
{{- $_ := set $merged $key $new -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $merged -}}
{{- end -}}

{{- define "ftorch.mergeList" -}}
{{- $name := .name -}}
{{- $merged := .old -}}
{{- $whole := list -}}
{{- $replaces := false -}}
{{- range $item := .new -}}
{{- $directive := get $item "$patch" | toString -}}
{{- if eq $directive "replace" }}{{ $replaces = true }}{{ end -}}
{{- if not (hasKey $item "$patch") }}{{ $whole = append $whole $item }}{{ end -}}
{{- $next := list -}}
{{- $found := eq $directive "delete" -}}
{{- range $each := $merged -}}
{{- if ne (get $each $name | toString) (get $item $name | toString) -}}
{{- $next = append $next $each -}}
{{- else if ne $directive "delete" -}}
{{- $found = true -}}
{{- $next = append $next (include "ftorch.merge" (dict "base" $each "patch" $item) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- if not $found }}{{ $next = append $next (include "ftorch.merge" (dict "base" dict "patch" $item) | fromJson) }}{{ end -}}
{{- $merged = $next -}}
{{- end -}}
{{- $replaces | ternary $whole $merged | toJson -}}
{{- end -}}
