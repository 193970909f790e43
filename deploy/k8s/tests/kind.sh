#!/usr/bin/env bash
# The local overlay on a cluster of kind's: everything becomes ready without a restart, a question is
# answered, ten times as many at once are, and none is lost while every service is renewed.
# For whoever has Docker, kind and kubectl; `make check` looks at the manifests without them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
cluster=palabre-check
services=(gateway retriever llm tts)
kind create cluster --name "$cluster" --wait 120s
trap 'kind delete cluster --name "$cluster"' EXIT

for image in "${services[@]}" discord; do
  docker build --quiet --file "services/$image/Dockerfile" --tag "palabre/$image:0.1.0" .
done
docker build --quiet --file cli/Dockerfile --tag palabre/operator:0.1.0 .
kind load docker-image --name "$cluster" palabre/{gateway,retriever,llm,tts,discord,operator}:0.1.0

# As the API server itself sees it, admission included.
kubectl create namespace palabre
kubectl apply --server-side --dry-run=server --kustomize deploy/k8s/overlays/local

kubectl apply --kustomize deploy/k8s/overlays/local
for deployment in operator "${services[@]}"; do
  kubectl -n palabre rollout status --timeout=900s "deployment/$deployment"
done
restarted=$(kubectl -n palabre get pods --output \
  jsonpath='{range .items[*].status.containerStatuses[?(@.restartCount>0)]}{.name}{" "}{end}')
[ -z "$restarted" ] || { echo "started more than once: $restarted" >&2; exit 1; }

in_cluster() { kubectl -n palabre exec --stdin deployment/operator -- env PALABRE_TOKEN=palabre_local "$@"; }
burst() { in_cluster python - http://gateway-http:80 logement "$1" "$2" < deploy/k8s/tests/burst.py; }

in_cluster palabre ingest /spaces/logement/knowledge --space logement
in_cluster palabre ask --space logement "Qui paie la réparation du chauffe-eau ?"
burst 10 1
burst 100 10 # ten times as many at once

burst 200 10 &
asking=$!
for deployment in "${services[@]}"; do
  kubectl -n palabre rollout restart "deployment/$deployment"
  kubectl -n palabre rollout status --timeout=300s "deployment/$deployment"
done
wait "$asking"

in_cluster palabre status
