#!/usr/bin/env bash
# The local overlay on a cluster of kind's: everything becomes ready, and a question is answered.
# For whoever has Docker, kind and kubectl; `make check` looks at the manifests without them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
cluster=palabre-check
kind create cluster --name "$cluster" --wait 120s
trap 'kind delete cluster --name "$cluster"' EXIT

for image in gateway retriever llm tts discord; do
  docker build --quiet --file "services/$image/Dockerfile" --tag "palabre/$image:0.1.0" .
done
docker build --quiet --file cli/Dockerfile --tag palabre/operator:0.1.0 .
kind load docker-image --name "$cluster" palabre/{gateway,retriever,llm,tts,discord,operator}:0.1.0

kubectl apply --kustomize deploy/k8s/overlays/local
kubectl -n palabre rollout status --timeout=900s deployment/operator
for deployment in gateway retriever llm tts; do
  kubectl -n palabre rollout status --timeout=300s "deployment/$deployment"
done

kubectl -n palabre port-forward service/gateway-http 18080:80 &
forward=$!
sleep 3
export PALABRE_URL=http://127.0.0.1:18080 PALABRE_TOKEN=palabre_local
.venv/bin/palabre ingest spaces/logement/knowledge --space logement
.venv/bin/palabre ask --space logement "Qui paie la réparation du chauffe-eau ?"
kill "$forward"
