#!/usr/bin/env bash
# A signal study of Bologna from a queue to a report:
#
#   examples/bologna/study.sh DATA_FOLDER [OUT_FOLDER]
#
# DATA_FOLDER holds network (README.md says which files and where they are
# published). study.md tells what comes out. About two minutes of CPU.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "${1:?which folder holds the data?}" && pwd)
out=${2:-$(mktemp -d)}
mkdir -p "$out"
cd "$here/../.."

say() { printf '\n== %s\n' "$*"; }

say "build, and the city"
go build -o "$out/tideway" ./cmd/tideway
tideway=$out/tideway
net=$data/network
"$tideway" import sumo "$net/joined.net.xml" "$net/joined_tls.add.xml" "$net/joined_detectors.add.xml" "$net/joined_bus_stops.add.xml" \
  "$net/joined_vtypes.add.xml" "$net/joined.rou.xml" "$net/joined_busses.rou.xml" --out "$out/city" --timezone Europe/Rome --name Bologna >"$out/audit.txt"

# The first 40 minutes are enough to tell plans apart; study.md says what the whole hour adds.
study=(--city "$out/city" --demand "$out/city" --end 40m --stuck-after 300s)

say "search: splits and offsets of three signals in a row, judged on days that the search has not seen"
"$tideway" optimise "${study[@]}" --signals 231,232,233 --keep-cycles --evaluations 120 --budget 10m --validation 10 --out "$out/optimised.json"

say "compare: two plans made by hand and the one found, ten replications each"
"$tideway" compare "${study[@]}" --replications 10 --scenario "$here/longer-green.yaml" --scenario "$here/later.yaml" --scenario "$out/optimised.json" \
  --report "$out/study.html" --csv "$out/study.csv"

say "hand over: the plan found, for a second opinion"
"$tideway" export sumo --city "$out/city" --plan "$out/optimised.json" --out "$out/optimised.add.xml"

say "the report is $out/study.html"
