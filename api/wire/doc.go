// Package wire is what travels between the service and its clients: plain data
// with JSON names, and the paths of version 1. It imports nothing of ours, so
// a client needs nothing else. The OpenAPI document (api/openapi.yaml) is
// generated from these types; within v1 fields are added, never changed.
//
// Instants are UTC in RFC 3339. Bare numbers end with their unit. A value that
// is not known is null, never NaN, zero or absent.
package wire

import "math"

// Num returns a pointer to v, or nil when v is NaN or infinite: null on the
// wire.
func Num(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Value returns what v points to, NaN for nil.
func Value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
