package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// SetMatrix sets how many trips there are between zones.
type SetMatrix struct {
	Rows []MatrixRow `json:"rows" doc:"Pairs of zones; those that are not named stay as they are."`
	Type string      `json:"type,omitempty" doc:"Id of the vehicle type of the trips; the demand's first of class car when left out."`
}

// MatrixRow is one pair.
type MatrixRow struct {
	From  string `json:"from_zone"`
	To    string `json:"to_zone"`
	Trips int    `json:"trips" doc:"In the window, or in all."`
}

// maxRowTrips bounds one pair.
const maxRowTrips = 100000

func (a *SetMatrix) apply(b *builder, c *Change) {
	kind, ok := a.kind(b)
	if len(a.Rows) == 0 {
		b.problem("", "rows is empty, expected pairs of zones with their trips")
	}
	seen := map[[2]string]bool{}
	for _, r := range a.Rows {
		if seen[[2]string{r.From, r.To}] {
			b.problem(r.From+" to "+r.To, "appears twice")
		}
		seen[[2]string{r.From, r.To}] = true
		if r.Trips < 0 || r.Trips > maxRowTrips {
			b.problem(r.From+" to "+r.To, "has %d trips, expected 0 to %d", r.Trips, maxRowTrips)
			ok = false
		}
		if ok {
			a.set(b, c, kind, r)
		}
	}
}

// kind returns the type of the trips.
func (a *SetMatrix) kind(b *builder) (demand.TypeID, bool) {
	at := slices.IndexFunc(b.demand.Types, func(v demand.VehicleType) bool {
		return a.Type == v.ID || a.Type == "" && v.Class == geo.Car
	})
	if at < 0 {
		b.problem(a.Type, "is not a vehicle type of the demand")
		return 0, false
	}
	return demand.TypeID(at), true
}

// set brings one pair to its number: of too many trips those with the least
// luck stay away, of too few some travel several times, and where there is none
// new ones are drawn from the zones' streets. So a trip that stays is the
// base's own.
func (a *SetMatrix) set(b *builder, c *Change, kind demand.TypeID, r MatrixRow) {
	chosen, ok := b.filter(Trips{Type: []string{b.demand.Types[kind].ID}, FromZone: []string{r.From}, ToZone: []string{r.To}}, c.Window)
	if !ok {
		return
	}
	var here, others []demand.Trip
	for i := range b.demand.Trips {
		if t := &b.demand.Trips[i]; chosen(t) {
			here = append(here, *t)
		} else {
			others = append(others, *t)
		}
	}
	was := len(here)
	slices.SortStableFunc(here, func(x, y demand.Trip) int { return cmp.Compare(rng.Mix(x.Key), rng.Mix(y.Key)) })
	switch {
	case was >= r.Trips:
		here = here[:r.Trips]
	case was > 0:
		for k := 0; len(here) < r.Trips; k++ {
			here = append(here, copyOf(&here[k%was], k/was+1, time.Minute))
			here[len(here)-1].ID = fmt.Sprintf("%s~%s%d", here[k%was].ID, c.ID, k/was+1)
		}
	default:
		if here = b.newTrips(c, kind, r); here == nil {
			return
		}
	}
	b.replaceTrips(append(others, here...))
	b.say("%s to %s%s: %d trips instead of %d", r.From, r.To, c.Window.text(), r.Trips, was)
}

// newTrips draws trips between two zones, evenly over the window.
func (b *builder) newTrips(c *Change, kind demand.TypeID, r MatrixRow) (out []demand.Trip) {
	from, to := b.connectors(r.From), b.connectors(r.To)
	if len(from) == 0 || len(to) == 0 {
		b.problem(r.From+" to "+r.To, "one of the zones has no streets to begin or end on")
		return nil
	}
	begin, end := b.span(c.Window)
	step := (end - begin) / time.Duration(max(1, r.Trips))
	for i := range r.Trips {
		id := fmt.Sprintf("%s %s-%s %d", c.ID, r.From, r.To, i)
		key := rng.Hash(id)
		out = append(out, demand.Trip{ID: id, Type: kind, Route: demand.NoRoute, From: draw(from, rng.At(key, 1)), To: draw(to, rng.At(key, 2)),
			Depart: begin + step*time.Duration(i) + time.Duration(rng.Unit(rng.At(key, 3))*float64(step)).Truncate(time.Millisecond), Lane: demand.LaneBest, ArriveAt: -1, Key: key})
	}
	return out
}

func (b *builder) connectors(zone string) []demand.Connector {
	z, ok := b.city.Zones.Find(zone)
	if !ok {
		return nil
	}
	if b.ends == nil {
		b.ends = demand.Connectors(b.city)
	}
	if len(b.ends[z]) > 0 {
		return b.ends[z]
	}
	var out []demand.Connector // a zone at the edge of the city: whatever street there is
	for _, s := range b.city.InPolygon(b.city.Zones.At(z).Area) {
		out = append(out, demand.Connector{Segment: s, Weight: float64(b.city.Segments.At(s).Length)})
	}
	return out
}

// span returns the window, or when the demand's trips depart.
func (b *builder) span(w *Window) (begin, end time.Duration) {
	if w != nil {
		return w.From.Duration(), w.To.Duration()
	}
	if n := len(b.demand.Trips); n > 0 {
		return b.demand.Trips[0].Depart, b.demand.Trips[n-1].Depart + time.Second
	}
	return 0, time.Hour
}

// draw picks a segment by weight.
func draw(from []demand.Connector, bits uint64) geo.SegmentID {
	var sum float64
	for _, c := range from {
		sum += c.Weight
	}
	at := rng.Unit(bits) * sum
	for _, c := range from {
		if at -= c.Weight; at < 0 {
			return c.Segment
		}
	}
	return from[len(from)-1].Segment
}
