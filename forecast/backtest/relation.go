package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"tideway/internal/fault"
)

// ReadAdjacency reads how sensors lie to each other: a square matrix of
// weights without a header, in the order of the sensors, or a list with a
// header: from, to and either weight (0 to 1) or distance (also called cost),
// sensors by id. Distances become weights exp(-(d/s)²), s their standard
// deviation, as DCRNN does. where names the source in problems.
func ReadAdjacency(r io.Reader, where string, sensors []string) (Relation, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return Relation{}, fmt.Errorf("reading %s: %w", where, err)
	}
	var bad fault.List
	var rel Relation
	if _, err := strconv.ParseFloat(strings.TrimSpace(head[0]), 64); err == nil {
		rel = readMatrix(in, head, where, len(sensors), &bad)
	} else {
		rel = readPairs(in, head, where, sensors, &bad)
	}
	return rel, bad.Err("reading " + where)
}

func readMatrix(in *csv.Reader, row []string, where string, n int, bad *fault.List) (rel Relation) {
	i := 0
	for ; bad.Len() < maxTroubles; i++ {
		if len(row) != n {
			bad.Addf(at(in, where), "", "%d weights, expected one for each of %d sensors", len(row), n)
		}
		for j, s := range row {
			w, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || !(w >= 0 && w <= 1) {
				bad.Addf(at(in, where), "", "weight %q in column %d, expected 0 to 1", s, j+1)
			}
			if w > 0 && i != j {
				rel.Weights = append(rel.Weights, Weight{From: i, To: j, Weight: w})
			}
		}
		next, err := in.Read()
		if errors.Is(err, io.EOF) {
			i++
			break
		}
		if err != nil {
			bad.Add(where, err)
			return rel
		}
		row = next
	}
	if i != n && bad.Len() == 0 {
		bad.Addf(where, "", "%d rows, expected one for each of %d sensors", i, n)
	}
	return rel
}

func at(in *csv.Reader, where string) string {
	line, _ := in.FieldPos(0)
	return fmt.Sprintf("%s:%d", where, line)
}

// columns finds columns by any of their names, lower case.
func columns(head []string, names ...[]string) []int {
	out := make([]int, len(names))
	for k, any := range names {
		out[k] = -1
		for i, h := range head {
			h = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
			for _, n := range any {
				if h == n && out[k] < 0 {
					out[k] = i
				}
			}
		}
	}
	return out
}

func readPairs(in *csv.Reader, head []string, where string, sensors []string, bad *fault.List) (rel Relation) {
	c := columns(head, []string{"from"}, []string{"to"}, []string{"weight"}, []string{"distance", "cost"})
	if c[0] < 0 || c[1] < 0 || c[2] < 0 && c[3] < 0 {
		bad.Addf(where+":1", "", "columns %v, expected from, to and weight or distance", head)
		return rel
	}
	value, distances := c[2], c[2] < 0
	if distances {
		value = c[3]
	}
	index := map[string]int{}
	for i, s := range sensors {
		index[s] = i
	}
	for bad.Len() < maxTroubles {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			bad.Add(where, err)
			return rel
		}
		if len(row) <= max(c[0], c[1], value) {
			bad.Addf(at(in, where), "", "%d fields, expected as many as the header", len(row))
			continue
		}
		from, ok1 := index[strings.TrimSpace(row[c[0]])]
		to, ok2 := index[strings.TrimSpace(row[c[1]])]
		v, err := strconv.ParseFloat(strings.TrimSpace(row[value]), 64)
		if err != nil || !(v >= 0) || !distances && v > 1 || math.IsInf(v, 0) {
			bad.Addf(at(in, where), "", "%q, expected a weight of 0 to 1 or a distance", row[value])
			continue
		}
		if ok1 && ok2 && from != to { // pairs of sensors the table leaves out are of no interest
			rel.Weights = append(rel.Weights, Weight{From: from, To: to, Weight: v})
		}
	}
	if distances {
		rel.kernel()
	}
	return rel
}

// kernelFloor is the weight below which DCRNN drops a pair.
const kernelFloor = .1

// kernel turns distances into weights.
func (rel *Relation) kernel() {
	var sum, square float64
	for _, w := range rel.Weights {
		sum, square = sum+w.Weight, square+w.Weight*w.Weight
	}
	n := math.Max(1, float64(len(rel.Weights)))
	variance := math.Max(1e-9, square/n-sum*sum/n/n)
	kept := rel.Weights[:0]
	for _, w := range rel.Weights {
		if w.Weight = math.Exp(-w.Weight * w.Weight / variance); w.Weight >= kernelFloor {
			kept = append(kept, w)
		}
	}
	rel.Weights = kept
}

// ReadLocations reads where sensors stand: a table with a header that has the
// columns sensor_id (or id), latitude (lat), longitude (lon). Every sensor
// must be there; others are ignored.
func ReadLocations(r io.Reader, where string, sensors []string) (Relation, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	var bad fault.List
	rows, err := in.ReadAll()
	if err != nil || len(rows) == 0 {
		return Relation{}, fmt.Errorf("reading %s: %w", where, cmpErr(err, io.ErrUnexpectedEOF))
	}
	c := columns(rows[0], []string{"sensor_id", "sensor", "id"}, []string{"latitude", "lat"}, []string{"longitude", "lon", "lng"})
	if min(c[0], c[1], c[2]) < 0 {
		return Relation{}, fmt.Errorf("reading %s: columns %v, expected sensor_id, latitude, longitude", where, rows[0])
	}
	places := map[string]orb.Point{}
	for i, row := range rows[1:] {
		if len(row) <= max(c[0], c[1], c[2]) {
			continue
		}
		lat, err1 := strconv.ParseFloat(strings.TrimSpace(row[c[1]]), 64)
		lon, err2 := strconv.ParseFloat(strings.TrimSpace(row[c[2]]), 64)
		if err1 != nil || err2 != nil || !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 180) {
			bad.Addf(fmt.Sprintf("%s:%d", where, i+2), row[c[0]], "place %q, %q, expected degrees", row[c[1]], row[c[2]])
			continue
		}
		places[strings.TrimSpace(row[c[0]])] = orb.Point{lon, lat}
	}
	var rel Relation
	for _, id := range sensors {
		p, ok := places[id]
		if !ok && bad.Len() < maxTroubles {
			bad.Addf(where, id, "sensor has no location")
		}
		rel.Locations = append(rel.Locations, p)
	}
	return rel, bad.Err("reading " + where)
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
