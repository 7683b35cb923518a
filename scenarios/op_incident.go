package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tideway/geo"
	"tideway/internal/rng"
	"tideway/sim/demand"
	"tideway/unit"
)

// AddIncident blocks lanes for a while: a vehicle breaks down on each of them
// and is towed away in the end. Everybody else has to get past it.
type AddIncident struct {
	At        *Clock   `json:"at,omitempty" doc:"When it happens."`
	DurationS float64  `json:"duration_s" doc:"How long the lanes are blocked: the median."`
	Spread    float64  `json:"spread,omitempty" doc:"Standard deviation of the logarithm of the duration, drawn per replication (log-normal); 0: always the median."`
	Position  *float64 `json:"position,omitempty" doc:"Where on the lane, as a share of its length; 0.5 when left out."`
}

// Incident is a blocked lane whose duration is drawn per replication.
type Incident struct {
	Trip   string // id of the vehicle that stands there
	Median time.Duration
	Spread float64 // of the logarithm
}

// incidentVehicle is the type of vehicles that have broken down.
const incidentVehicle = "incident"

func (a *AddIncident) apply(b *builder, c *Change) {
	before := b.bad.Len()
	at := 0.5
	if a.Position != nil {
		at = *a.Position
	}
	if a.At == nil {
		b.problem("", "at is missing, expected when it happens as HH:MM or HH:MM:SS")
	}
	if !(a.DurationS >= 1 && a.DurationS <= 86400) || !(a.Spread >= 0 && a.Spread <= 2) || !(at > 0 && at < 1) {
		b.problem("", "duration_s %v, spread %v and position %v, expected 1 to 86400, 0 to 2 and between 0 and 1", a.DurationS, a.Spread, at)
	}
	if b.bad.Len() > before {
		return
	}
	lanes := b.lanes(&c.Select)
	if len(lanes) == 0 {
		return
	}
	d := *b.demand
	d.Routes, d.Trips = slices.Clone(d.Routes), slices.Clone(d.Trips)
	for _, l := range lanes {
		lane := b.city.Lanes.At(l)
		kind, open := incidentType(&d, lane.Allow)
		if !open {
			b.problem(b.city.LaneName(l), "is closed, expected a lane that somebody may use")
			continue
		}
		id := fmt.Sprintf("%s %s %s", incidentVehicle, c.ID, b.city.LaneName(l))
		stop := unit.Length(math.Max(float64(lane.Length)*at, float64(d.Types[kind].Length)+1))
		if stop > lane.Length {
			b.problem(b.city.LaneName(l), "is %v m long, too short for a vehicle to stand on", float64(lane.Length))
			continue
		}
		d.Routes = append(d.Routes, demand.Route{ID: id, Segments: []geo.SegmentID{lane.Segment}})
		d.Trips = append(d.Trips, demand.Trip{ID: id, Type: kind, Depart: a.At.Duration(), Route: demand.RouteID(len(d.Routes) - 1), From: lane.Segment, To: lane.Segment,
			Lane: demand.LaneIndex, LaneAt: lane.Index, Pos: demand.PosGiven, PosAt: stop, ArriveAt: -1, Key: rng.Hash(id),
			Stops: []demand.Halt{{Lane: l, Begin: max(0, stop-1), End: stop, Duration: fromS(a.DurationS)}}})
		b.incidents = append(b.incidents, Incident{id, fromS(a.DurationS), a.Spread})
		b.say("lane %s is blocked from %v for %v%s", b.city.LaneName(l), a.At, fromS(a.DurationS), spreadText(a.Spread))
	}
	if b.bad.Len() == before {
		b.demand = &d
		b.replaceTrips(d.Trips)
	}
}

func spreadText(s float64) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf(" (median; two of three times within a factor of %.2g)", math.Exp(s))
}

// incidentType returns the type of vehicles that break down on a lane, added to
// the demand's own copy of its types when it is not there yet.
func incidentType(d *demand.Demand, allow geo.ClassSet) (demand.TypeID, bool) {
	for class := geo.Car; geo.AllClasses.Has(class); class++ {
		if !allow.Has(class) || !geo.MotorClasses.Has(class) && class != geo.Tram {
			continue
		}
		id := incidentVehicle + "." + class.String()
		if at := slices.IndexFunc(d.Types, func(v demand.VehicleType) bool { return v.ID == id }); at >= 0 {
			return demand.TypeID(at), true
		}
		d.Types = append(slices.Clone(d.Types), demand.NewType(id, class))
		return demand.TypeID(len(d.Types) - 1), true
	}
	return 0, false
}

// drawIncidents returns the demand with the durations of this replication.
func drawIncidents(d *demand.Demand, list []Incident, seed uint64) *demand.Demand {
	out := *d
	out.Trips = slices.Clone(d.Trips)
	for _, in := range list {
		if in.Spread == 0 {
			continue
		}
		at := slices.IndexFunc(out.Trips, func(t demand.Trip) bool { return t.ID == in.Trip })
		draw := rng.New(seed, rng.Hash(in.Trip), rng.Volume)
		t := &out.Trips[at]
		t.Stops = slices.Clone(t.Stops)
		t.Stops[0].Duration = time.Duration(float64(in.Median) * math.Exp(in.Spread*draw.Normal())).Round(time.Second)
	}
	return &out
}
