package sumo

import (
	"tideway/geo"
	"tideway/sim/demand"
)

// ReadSmall is Read with a low bound on what flows may expand to.
func ReadSmall(city *geo.City, limit int, f File) (*demand.Demand, error) {
	r := newReader(city, 1)
	r.limit = limit
	r.readFile(f)
	r.resolve()
	return &r.out, r.bad.Err("reading demand")
}
