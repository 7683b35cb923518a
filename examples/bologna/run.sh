#!/usr/bin/env bash
# Bologna from raw files to forecasts and a signal change:
#
#   examples/bologna/run.sh DATA_FOLDER [OUT_FOLDER]
#
# DATA_FOLDER holds network, readings, air and zones (README.md says which files
# and where they are published). Run it from anywhere; needs Go and curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "${1:?which folder holds the data?}" && pwd)
out=${2:-$(mktemp -d)}
port=${PORT:-18080}
mkdir -p "$out"
cd "$here/../.."

say() { printf '\n== %s\n' "$*"; }

say "build"
go build -o "$out/tideway" ./cmd/tideway
tideway=$out/tideway

say "the city: network, programs, detectors, stops, vehicle types and one hour of demand"
net=$data/network
"$tideway" import sumo "$net/joined.net.xml" "$net/joined_tls.add.xml" "$net/joined_detectors.add.xml" \
  "$net/joined_bus_stops.add.xml" "$net/joined_vtypes.add.xml" "$net/joined.rou.xml" "$net/joined_busses.rou.xml" \
  --out "$out/city" --timezone Europe/Rome --name Bologna

say "zones: statistical areas, and the limited-traffic zone beside them"
"$tideway" import zones "$data/zones/statistical_areas.csv" --city "$out/city" --kind statistical \
  --id "Codice Area Statistica" --name "AREA STATISTICA" --geometry "Geo Shape"
"$tideway" import zones "$data/zones/limited_traffic_zone.geojson" --city "$out/city" --kind restricted --id codice --prefix ztl-

say "sensors: the city's loops, the region's counting sites, the air stations"
loops=$data/readings/loops_hourly_2024_01_03.csv.gz
regional=$data/readings/regional_counts_hourly_2024.csv.gz
"$tideway" import sensors "$loops" --city "$out/city" --mapping "$here/loops.sensors.yaml"
"$tideway" import sensors "$data/readings/regional_stations.geojson" --city "$out/city" --mapping "$here/regional.sensors.yaml"
"$tideway" import sensors "$data/air/stations.geojson" --city "$out/city" --mapping "$here/air.sensors.yaml"

say "readings of January to March"
quarter=$out/quarter # the tables without what came after March
mkdir -p "$quarter"
gzip -dc "$regional" | awk -F, 'NR == 1 || $1 < "2024-04"' >"$quarter/regional_counts.csv"
for table in "$data"/air/*.csv; do
  awk -F, 'NR == 1 || $1 < "2024-04"' "$table" >"$quarter/$(basename "$table")"
done
air=("$quarter"/NO2_*.csv "$quarter"/Ozone_*.csv "$quarter"/CO_*.csv "$quarter"/PM*.csv)
rm -rf "$out/data"
"$tideway" ingest "$loops" --mapping "$here/loops.yaml" --city "$out/city" --data "$out/data"
"$tideway" ingest "$quarter/regional_counts.csv" --mapping "$here/regional.yaml" --city "$out/city" --data "$out/data"
"$tideway" ingest "${air[@]}" --mapping "$here/air.yaml" --city "$out/city" --data "$out/data"

say "20 to 26 March forecast hour by hour, as the service would have, and scored"
"$tideway" forecast --city "$out/city" --data "$out/data" --from 2024-03-20 --to 2024-03-27

say "serve it as if it were 27 March, 08:05; the whole quarter is sent over HTTP, and what is still to come is refused"
rm -rf "$out/live"
"$tideway" serve --city "$out/city" --data "$out/live" --at 2024-03-27T08:05 --tick 2s --listen "127.0.0.1:$port" 2>"$out/serve.log" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
url=http://127.0.0.1:$port
curl -sf --retry 30 --retry-delay 1 --retry-connrefused --retry-all-errors "$url/readyz" && echo
"$tideway" ingest "$loops" --mapping "$here/loops.yaml" --to "$url"
"$tideway" ingest "$quarter/regional_counts.csv" --mapping "$here/regional.yaml" --to "$url"
"$tideway" ingest "${air[@]}" --mapping "$here/air.yaml" --to "$url"
while curl -sf "$url/v1/air/stations/PORTA%20SAN%20FELICE" | grep -q '"no history'; do sleep 1; done # models are fitted at the next tick
show() { printf '\nGET %s\n' "$1"; curl -sf "$url$1"; echo; }
show "/v1/congestion/segments/a122"
show "/v1/air/stations/PORTA%20SAN%20FELICE"
show "/v1/congestion/zones/72"
kill -TERM $server && wait $server

say "five seconds more green at one signal, five replications of the hour"
time "$tideway" compare --city "$out/city" --demand "$out/city" --scenario "$here/longer-green.yaml" --replications 5 --stuck-after 300s

say "all of it is in $out"
