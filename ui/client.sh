#!/usr/bin/env bash
# What the page knows of the hub is generated: types from its OpenAPI document, completion from the OMOP tables.
#   ./client.sh           write src/api/schema.d.ts and src/api/omop.json
#   ./client.sh --check   fail if they are not what the hub says now
set -euo pipefail
cd "$(dirname "$0")"
bin=${FLIP_BIN:-../.venv/bin}
to=src/api
[ "${1:-}" = "--check" ] && to=$(mktemp -d) && trap 'rm -rf "$to" openapi.json' EXIT
"$bin/flip-hub" openapi >openapi.json
"$bin/python" -c "import json; from flip_contracts.sql_guard.schema import OMOP; print(json.dumps(OMOP, indent=1))" >"$to/omop.json"
npx --no-install openapi-typescript openapi.json --output "$to/schema.d.ts" --alphabetize --default-non-nullable false >/dev/null
if [ "${1:-}" = "--check" ]; then
  for file in schema.d.ts omop.json; do
    cmp -s "$to/$file" "src/api/$file" || {
      echo "ui/src/api/$file is stale: the hub's API has changed. Run 'make page-client' and commit it." >&2
      exit 1
    }
  done
fi
