package csv

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tideway/geo"
	"tideway/internal/fault"
	"tideway/internal/rng"
	"tideway/sim/demand"
)

// Names of the files.
const (
	TypeFile    = "vehicle_type.csv"
	RouteFile   = "demand_route.csv"
	TripFile    = "demand_trip.csv"
	StopFile    = "demand_stop.csv"
	ProfileFile = "demand_profile.csv"
	MatrixFile  = "demand_matrix.csv"
)

var (
	typeHeader = []string{"type_id", "class", "ignore_allow", "length_m", "min_gap_m", "max_speed_mps", "accel_mps2", "decel_mps2", "emergency_decel_mps2",
		"sigma", "tau_s", "speed_factor", "speed_dev", "speed_min", "speed_max", "impatience", "action_step_s", "emission", "persons"}
	routeHeader = []string{"route_id", "segments"}
	tripHeader  = []string{"trip_id", "type_id", "depart_s", "route_id", "from_segment", "to_segment", "via", "depart_lane", "depart_pos_m", "depart_speed_mps", "arrive_at_m", "stream"}
	stopHeader  = []string{"trip_id", "stop", "lane_id", "begin_m", "end_m", "duration_s", "until_s", "bus_stop"}
)

// Write writes the four tables of a demand. Ids that contain white space cannot
// stand in a list of segments and are returned as problems.
func Write(create Create, city *geo.City, d *demand.Demand) error {
	if err := checkIDs(city, d); err != nil {
		return err
	}
	return errors.Join(
		writeTypes(create, d.Types),
		writeTable(create, RouteFile, routeHeader, func(put func(...string)) {
			for _, r := range d.Routes {
				put(r.ID, list(city, r.Segments))
			}
		}),
		writeTable(create, TripFile, tripHeader, func(put func(...string)) {
			for _, t := range d.Trips {
				put(tripRow(city, d, t)...)
			}
		}),
		writeTable(create, StopFile, stopHeader, func(put func(...string)) {
			for _, t := range d.Trips {
				for i, h := range t.Stops {
					put(t.ID, fmt.Sprint(i+1), city.LaneName(h.Lane), float(h.Begin), float(h.End), seconds(h.Duration), seconds(h.Until), h.Stop)
				}
			}
		}),
	)
}

func writeTypes(create Create, types []demand.VehicleType) error {
	return writeTable(create, TypeFile, typeHeader, func(put func(...string)) {
		for _, t := range types {
			put(t.ID, t.Class.String(), yes(t.IgnoreAllow), float(t.Length), float(t.MinGap), float(t.MaxSpeed), float(t.Accel), float(t.Decel), float(t.EmergencyDecel),
				float(t.Sigma), seconds(t.Tau), float(t.SpeedFactor), float(t.SpeedDev), float(t.SpeedMin), float(t.SpeedMax), float(t.Impatience), seconds(t.ActionStep), t.Emission, float(t.PassengerWeight))
		}
	})
}

func tripRow(city *geo.City, d *demand.Demand, t demand.Trip) []string {
	route, stream, arrive := "", "", ""
	if t.Route != demand.NoRoute {
		route = d.Routes[t.Route].ID
	}
	if t.Key != rng.Hash(t.ID) {
		stream = fmt.Sprintf("%016x", t.Key)
	}
	if t.ArriveAt >= 0 {
		arrive = float(t.ArriveAt)
	}
	return []string{t.ID, d.Types[t.Type].ID, seconds(t.Depart), route, city.Segments.At(t.From).ID, city.Segments.At(t.To).ID,
		list(city, t.Via), laneRule(t), posRule(t), speedRule(t), arrive, stream}
}

func list(city *geo.City, segments []geo.SegmentID) string {
	ids := make([]string, len(segments))
	for i, s := range segments {
		ids[i] = city.Segments.At(s).ID
	}
	return strings.Join(ids, " ")
}

func yes(b bool) string {
	if b {
		return "1"
	}
	return ""
}

func checkIDs(city *geo.City, d *demand.Demand) error {
	var bad fault.List
	seen := map[string]bool{}
	note := func(kind, id string) {
		if id == "" || id != strings.TrimSpace(id) || seen[kind+id] {
			bad.Addf(kind, id, "id is empty, used twice or has white space around it")
		}
		seen[kind+id] = true
	}
	used := make([]bool, city.Segments.Len())
	for _, t := range d.Types {
		note("type", t.ID)
	}
	for _, r := range d.Routes {
		note("route", r.ID)
		mark(used, r.Segments)
	}
	for _, t := range d.Trips {
		note("trip", t.ID)
		mark(used, t.Via)
	}
	for s, u := range used {
		if id := city.Segments.At(geo.SegmentID(s)).ID; u && len(strings.Fields(id)) != 1 {
			bad.Addf("segment", id, "has white space in its id and cannot stand in a list")
		}
	}
	return bad.Err("writing demand")
}

func mark(used []bool, segments []geo.SegmentID) {
	for _, s := range segments {
		used[s] = true
	}
}

// WriteMatrix writes the tables of a matrix: its types, profiles and flows.
func WriteMatrix(create Create, city *geo.City, m *demand.Matrix) error {
	return errors.Join(
		writeTypes(create, m.Types),
		writeTable(create, ProfileFile, []string{"profile_id", "begin_s", "end_s", "weight"}, func(put func(...string)) {
			for _, p := range m.Profiles {
				for i, w := range p.Weight {
					at := p.Begin + time.Duration(i)*p.Step
					put(p.ID, seconds(at), seconds(at+p.Step), float(w))
				}
			}
		}),
		writeTable(create, MatrixFile, []string{"from_zone", "to_zone", "type_id", "profile_id", "vehicles"}, func(put func(...string)) {
			for _, f := range m.Rows {
				put(city.Zones.At(f.From).ID, city.Zones.At(f.To).ID, m.Types[f.Type].ID, m.Profiles[f.Profile].ID, float(f.Vehicles))
			}
		}),
	)
}
