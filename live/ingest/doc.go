// Package ingest turns what devices and archives send into batches of readings:
// JSON, newline-delimited JSON, columns (JSON or binary), and CSV tables
// described by a mapping file. docs/readings.md describes each form.
//
// A decoder judges no reading: one that it cannot make sense of keeps its place
// in the batch and carries the reason, so that Feed.Put answers with the
// client's own indices. A decoder fails only when nothing could be decoded, and
// then names every place. Values are converted here from the sensor's unit, or
// from the one a reading states, to the quantity's canonical unit.
package ingest

import (
	"fmt"

	"tideway/geo"
	"tideway/live"
)

// Content types of a body of readings.
const (
	TypeJSON    = "application/json"
	TypeNDJSON  = "application/x-ndjson"
	TypeColumns = "application/vnd.tideway.columns+json"
	TypeBinary  = "application/vnd.tideway.columns"
)

// Decode reads a body of the given content type (without parameters). The
// error is a *fault.Error naming every place when nothing could be decoded.
func Decode(city *geo.City, contentType string, body []byte) (*live.Batch, error) {
	switch contentType {
	case TypeJSON:
		return JSON(city, body)
	case TypeNDJSON:
		return NDJSON(city, body)
	case TypeColumns:
		return Columns(city, body)
	case TypeBinary:
		b, err := live.DecodeBinary(body)
		if err != nil {
			return nil, err
		}
		b.Client = "" // whoever received the body names its batch
		return b, nil
	}
	return nil, fmt.Errorf("readings of type %q, expected %s, %s, %s or %s", contentType, TypeJSON, TypeNDJSON, TypeColumns, TypeBinary)
}
