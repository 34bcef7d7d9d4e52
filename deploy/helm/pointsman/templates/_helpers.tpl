{{/* Name of the objects, at most 50 characters: the longest suffix is 13 characters. */}}
{{- define "pointsman.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "pointsman.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pointsman.labels" -}}
{{ include "pointsman.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of the test pod; not those of the servers, or the Service would send calls there. */}}
{{- define "pointsman.testLabels" -}}
app.kubernetes.io/name: pointsman-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pointsman.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pointsman.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/*
The Deployments to make, as a YAML list. Each is the stable one or the canary, with all that may differ
between them resolved: name, replicas, image, bundle, settings.
*/}}
{{- define "pointsman.tracks" -}}
{{- $values := .Values -}}
{{- $name := include "pointsman.fullname" . -}}
{{- $image := dict "tag" (default .Chart.AppVersion $values.image.tag) "digest" $values.image.digest -}}
{{- $stable := dict "track" "stable" "name" $name "replicas" $values.replicaCount
    "image" (include "pointsman.image" (merge (dict "repository" $values.image.repository) $image))
    "bundle" $values.bundle "settings" $values.settings -}}
{{- $tracks := list $stable -}}
{{- if $values.canary.enabled -}}
  {{- $own := $values.canary.image -}}
  {{- $canaryImage := dict "repository" $values.image.repository
      "tag" (default (get $image "tag") $own.tag)
      "digest" (ternary $own.digest (get $image "digest") (or (ne $own.digest "") (ne $own.tag ""))) -}}
  {{- $bundle := deepCopy $values.bundle -}}
  {{- if $values.canary.bundle -}}
    {{- /* Where it comes from is told anew; the keys to trust stay unless they are told, too. */ -}}
    {{- $_ := set $bundle "path" "" -}}
    {{- $_ := set $bundle.image "reference" "" -}}
    {{- $_ := set $bundle.volume "source" dict -}}
    {{- $_ := set $bundle.url "address" "" -}}
    {{- $_ := set $bundle.url "digest" "" -}}
    {{- $bundle = mergeOverwrite $bundle (deepCopy $values.canary.bundle) -}}
  {{- end -}}
  {{- $tracks = append $tracks (dict "track" "canary" "name" (printf "%s-canary" $name)
      "replicas" $values.canary.replicaCount "image" (include "pointsman.image" $canaryImage)
      "bundle" $bundle
      "settings" (mergeOverwrite (deepCopy $values.settings) (deepCopy $values.canary.settings))) -}}
{{- end -}}
{{- toYaml $tracks -}}
{{- end -}}

{{- define "pointsman.image" -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository .tag -}}
{{- end -}}
{{- end -}}

{{/* Which of the ways a bundle comes by: path, image, volume or url. */}}
{{- define "pointsman.bundleWay" -}}
{{- $ways := list -}}
{{- if .path }}{{ $ways = append $ways "path" }}{{ end -}}
{{- if .image.reference }}{{ $ways = append $ways "image" }}{{ end -}}
{{- if .volume.source }}{{ $ways = append $ways "volume" }}{{ end -}}
{{- if .url.address }}{{ $ways = append $ways "url" }}{{ end -}}
{{- join "," $ways -}}
{{- end -}}

{{/* The server's own configuration of one track; takes {root, track}. */}}
{{- define "pointsman.config" -}}
{{- $values := .root.Values -}}
{{- $bundle := .track.bundle -}}
{{- $host := ternary "[::]" "0.0.0.0" (eq $values.listenHost "::") -}}
{{- $config := deepCopy .track.settings -}}
{{- $_ := set $config "listen_address" (printf "%s:7431" $host) -}}
{{- $_ := set $config "metrics_listen_address" (printf "%s:7432" $host) -}}
{{- $admin := dict "none" "" "loopback" "127.0.0.1:7433" "pod" (printf "%s:7433" $host) -}}
{{- $_ := set $config "admin_listen_address" (get $admin $values.admin.listen) -}}
{{- $way := include "pointsman.bundleWay" $bundle -}}
{{- if eq $way "path" -}}
  {{- $_ := set $config "bundle" $bundle.path -}}
{{- else if and (eq $way "image") (eq $bundle.image.mount "volume") -}}
  {{- $_ := set $config "bundle" (clean (printf "/bundles/%s" $bundle.image.path)) -}}
{{- else if eq $way "image" -}}
  {{- $_ := set $config "bundle" "/bundles" -}}
{{- else if eq $way "volume" -}}
  {{- $_ := set $config "bundle" (clean (printf "/bundles/%s" $bundle.volume.path)) -}}
{{- else -}}
  {{- $_ := set $config "bundle_url" $bundle.url.address -}}
  {{- $_ := set $config "bundle_cache_directory" "/var/cache/pointsman" -}}
  {{- with $bundle.url.digest }}{{ $_ := set $config "bundle_url_digest" . }}{{ end -}}
  {{- with $bundle.url.ca }}{{ $_ := set $config "bundle_url_ca_file" "/etc/pointsman/bundle-url-ca/ca.crt" }}{{ end -}}
{{- end -}}
{{- with $bundle.trustedKeys }}{{ $_ := set $config "trusted_keys_file" "/etc/pointsman/trusted-keys/keys.pem" }}{{ end -}}
{{- if $values.tls.enabled -}}
  {{- $_ := set $config "tls_certificate_file" "/etc/pointsman/tls/tls.crt" -}}
  {{- $_ := set $config "tls_private_key_file" "/etc/pointsman/tls/tls.key" -}}
  {{- with $values.tls.clientCa }}{{ $_ := set $config "tls_client_ca_file" "/etc/pointsman/client-ca/ca.crt" }}{{ end -}}
{{- end -}}
{{- with $values.clients }}{{ $_ := set $config "clients_file" "/etc/pointsman/clients/clients.yaml" }}{{ end -}}
{{- $limits := default dict $values.resources.limits -}}
{{- if and (hasKey $limits "cpu") (not (hasKey $config "workers")) -}}
  {{- /* The server counts the cores of the host, not its share of them. */ -}}
  {{- $cpu := toString $limits.cpu -}}
  {{- $cores := ternary (divf (trimSuffix "m" $cpu | float64) 1000) ($cpu | float64) (hasSuffix "m" $cpu) -}}
  {{- $_ := set $config "workers" (max 1 (ceil $cores | int64)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What to wait before a pod is killed: lame duck, grace period and five seconds, in whole seconds. */}}
{{- define "pointsman.terminationSeconds" -}}
{{- $lameDuck := dig "lame_duck_ms" 2000 . | float64 -}}
{{- $grace := dig "grace_period_ms" 10000 . | float64 -}}
{{- add 5 (ceil (divf (addf $lameDuck $grace) 1000) | int64) -}}
{{- end -}}

{{/* A volume of one file out of a Secret or ConfigMap; takes {name, source, file}. */}}
{{- define "pointsman.fileVolume" -}}
- name: {{ .name }}
  {{- if .source.secret }}
  secret:
    secretName: {{ .source.secret }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .source.configMap }}
  {{- end }}
    items:
      - key: {{ default .file .source.key }}
        path: {{ .file }}
{{- end -}}

{{- define "pointsman.tlsSecret" -}}
{{- default (printf "%s-tls" (include "pointsman.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{/*
A probe of one health name. The kubelet's gRPC probes speak no TLS; where the server does, its metrics
are asked instead: they answer once the bundle is verified, and until it has drained.
*/}}
{{- define "pointsman.probe" -}}
{{- if .root.Values.tls.enabled -}}
httpGet:
  path: /metrics
  port: metrics
{{- else -}}
grpc:
  port: 7431
  service: {{ .service }}
{{- end }}
{{- end -}}
