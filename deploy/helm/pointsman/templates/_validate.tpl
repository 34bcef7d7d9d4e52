{{/* What the schema cannot say, or not clearly. Each message names the value, what is wrong and what to do. */}}
{{- define "pointsman.validate" -}}
{{- $values := .Values -}}
{{- $tracks := include "pointsman.tracks" . | fromYamlArray -}}
{{- range $track := $tracks -}}
  {{- $where := ternary "canary.bundle" "bundle" (and (eq $track.track "canary") (not (empty $values.canary.bundle))) -}}
  {{- $way := include "pointsman.bundleWay" $track.bundle -}}
  {{- if eq $way "" -}}
    {{- fail (printf "%s: give exactly one of path, image.reference, volume.source and url.address; none is given" $where) -}}
  {{- else if contains "," $way -}}
    {{- fail (printf "%s: give exactly one of path, image.reference, volume.source and url.address; given are %s" $where (replace "," ", " $way)) -}}
  {{- end -}}
  {{- if and (eq $way "image") (eq $track.bundle.image.mount "volume") (semverCompare "<1.33.0-0" $.Capabilities.KubeVersion.Version) -}}
    {{- fail (printf "%s.image.mount: volume needs Kubernetes 1.33, this is %s; use copy" $where $.Capabilities.KubeVersion.Version) -}}
  {{- end -}}
  {{- if eq $way "url" -}}
    {{- if and (not $track.bundle.url.digest) (not $track.bundle.trustedKeys) -}}
      {{- fail (printf "%s.url: needs digest or %s.trustedKeys, or anybody at that address decides what is served" $where $where) -}}
    {{- end -}}
    {{- include "pointsman.validateFile" (dict "name" (printf "%s.url.ca" $where) "source" $track.bundle.url.ca) -}}
  {{- else if $track.bundle.url.digest -}}
    {{- fail (printf "%s.url.digest: is only used with %s.url.address" $where $where) -}}
  {{- end -}}
  {{- include "pointsman.validateFile" (dict "name" (printf "%s.trustedKeys" $where) "source" $track.bundle.trustedKeys) -}}
{{- end -}}
{{- include "pointsman.validateFile" (dict "name" "tls.clientCa" "source" $values.tls.clientCa) -}}
{{- include "pointsman.validateFile" (dict "name" "clients" "source" $values.clients) -}}
{{- include "pointsman.validateFile" (dict "name" "test.apiKey" "source" $values.test.apiKey) -}}
{{- if $values.tls.enabled -}}
  {{- if and $values.tls.existingSecret $values.tls.certManager.enabled -}}
    {{- fail "tls: give existingSecret or certManager.enabled, not both" -}}
  {{- else if not (or $values.tls.existingSecret $values.tls.certManager.enabled) -}}
    {{- fail "tls.enabled: needs tls.existingSecret or tls.certManager.enabled" -}}
  {{- end -}}
  {{- if and $values.tls.certManager.enabled (not $values.tls.certManager.issuerRef.name) -}}
    {{- fail "tls.certManager.issuerRef.name: must name an Issuer or ClusterIssuer" -}}
  {{- end -}}
{{- else if or $values.tls.clientCa $values.tls.existingSecret $values.tls.certManager.enabled -}}
  {{- fail "tls: existingSecret, certManager and clientCa need tls.enabled: true; the server would otherwise serve plaintext" -}}
{{- end -}}
{{- if and (eq $values.admin.listen "pod") (not $values.tls.clientCa) -}}
  {{- fail "admin.listen: pod needs tls.clientCa: only clients with a certificate may administer from outside the pod" -}}
{{- end -}}
{{- if $values.autoscaling.enabled -}}
  {{- if gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas) -}}
    {{- fail (printf "autoscaling.minReplicas: must not be above maxReplicas, %d; is %d" (int $values.autoscaling.maxReplicas) (int $values.autoscaling.minReplicas)) -}}
  {{- end -}}
  {{- if not (or $values.autoscaling.utilisation $values.autoscaling.cpuPercent $values.autoscaling.metrics) -}}
    {{- fail "autoscaling: needs at least one of utilisation, cpuPercent and metrics" -}}
  {{- end -}}
  {{- if and $values.autoscaling.cpuPercent (not (dig "requests" "cpu" "" $values.resources)) -}}
    {{- fail "autoscaling.cpuPercent: is a share of resources.requests.cpu, which is not given" -}}
  {{- end -}}
{{- end -}}
{{- if $values.canary.enabled -}}
  {{- if not (or $values.canary.bundle $values.canary.image.tag $values.canary.image.digest $values.canary.settings) -}}
    {{- fail "canary.enabled: needs something that differs: canary.bundle, canary.image or canary.settings" -}}
  {{- end -}}
{{- else if $values.canary.services -}}
  {{- fail "canary.services: needs canary.enabled: true" -}}
{{- end -}}
{{- range $values.extraEnv -}}
  {{- if hasPrefix "POINTSMAN_" .name -}}
    {{- fail (printf "extraEnv: %s would override a setting unseen; write it as settings.%s" .name (trimPrefix "POINTSMAN_" .name | lower)) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* A file comes from a Secret or a ConfigMap; takes {name, source}. */}}
{{- define "pointsman.validateFile" -}}
{{- if .source -}}
  {{- if and .source.secret .source.configMap -}}
    {{- fail (printf "%s: give secret or configMap, not both" .name) -}}
  {{- else if not (or .source.secret .source.configMap) -}}
    {{- fail (printf "%s: give secret or configMap, the name of one that holds the file" .name) -}}
  {{- end -}}
{{- end -}}
{{- end -}}
