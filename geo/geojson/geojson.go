// Package geojson reads and writes GeoJSON (RFC 7946) in orb's types: feature
// collections with their properties, in one pass over the bytes and without
// reflection. It stands at the edge: imports of zones and stations read with
// it, exports and the API write with it.
package geojson

import (
	"github.com/paulmach/orb"
)

// Feature is a geometry with properties. Coordinates are lon/lat in degrees.
type Feature struct {
	ID         string // "" when it has none
	Geometry   orb.Geometry
	Properties []Property
	Line       int // in the input, from 1; 0 when it was not read
}

// Property is one named value: string, float64, int, bool, nil, or anything
// that was nested in the input ([]any, map[string]any).
type Property struct {
	Key   string
	Value any
}

// Get returns the value of a property and whether the feature has it.
func (f Feature) Get(key string) (any, bool) {
	for _, p := range f.Properties {
		if p.Key == key {
			return p.Value, true
		}
	}
	return nil, false
}
