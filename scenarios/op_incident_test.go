package scenarios

import (
	"context"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/sim"
	"tideway/sim/demand"
)

func run(t *testing.T, c *Case, seed uint64) *sim.Result {
	t.Helper()
	d := c.Demand
	if len(c.Incidents) > 0 {
		d = drawIncidents(d, c.Incidents, seed)
	}
	r, err := sim.Run(context.Background(), sim.Input{City: c.City, Demand: d, End: 20 * time.Minute, UntilClear: true, Seed: seed, Threads: 1, Log: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnIncidentHoldsUpWhoComes(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"incident.add","select":{"id":["cd"],"lanes":[0,1]},"at":"00:05","duration_s":240}`)
	plain, held := run(t, BaseCase(base), 1), run(t, c, 1)
	if held.Summary.Scheduled != plain.Summary.Scheduled+2 || held.Summary.Completed != held.Summary.Scheduled {
		t.Errorf("%+v", held.Summary)
	}
	if held.Summary.MeanDelayS < plain.Summary.MeanDelayS+10 {
		t.Errorf("delay %v with both lanes blocked for four minutes, %v without", held.Summary.MeanDelayS, plain.Summary.MeanDelayS)
	}
	one := run(t, apply(t, base, `{"op":"incident.add","select":{"id":["cd"],"lanes":[1]},"at":"00:05","duration_s":240}`), 1)
	if d := one.Summary.MeanDelayS; d > held.Summary.MeanDelayS-5 {
		t.Errorf("delay %v with one lane blocked, %v with both", d, held.Summary.MeanDelayS)
	}
}

func TestDurationsOfIncidentsAreDrawnPerReplication(t *testing.T) {
	base := crossBase(t)
	c := apply(t, base, `{"op":"incident.add","select":{"id":["cd"],"lanes":[1]},"at":"00:05","duration_s":600,"spread":0.5}`)
	stands := func(seed uint64) time.Duration {
		for _, trip := range drawIncidents(c.Demand, c.Incidents, seed).Trips {
			if trip.ID == c.Incidents[0].Trip {
				return trip.Stops[0].Duration
			}
		}
		return 0
	}
	below := 0
	for seed := range uint64(400) {
		if stands(seed) < 10*time.Minute {
			below++
		}
	}
	if below < 160 || below > 240 || stands(1) == stands(2) {
		t.Errorf("%d of 400 durations below the median", below)
	}
	for args, want := range map[string]string{`"duration_s":60`: "at is missing", `"at":"00:05","duration_s":0`: "expected 1 to 86400", `"at":"00:05","duration_s":9,"spread":3`: "0 to 2"} {
		d, err := Parse([]byte(`{"name":"x","changes":[{"op":"incident.add","select":{"id":["cd"],"lanes":[1]},` + args + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(d, base); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "incident.add") {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestSetMatrixGivesTheNumbersAskedFor(t *testing.T) {
	base := crossBase(t)
	draft := base.City.Draft()
	draft.Zones = append(draft.Zones, geo.Zone{ID: "east", Kind: "statistical", Population: -1, Area: square(draft.Frame, 301, -301, 601, 301)})
	city, err := draft.Build()
	if err != nil {
		t.Fatal(err)
	}
	base.City = city
	count := func(c *Case) (n, own int) {
		first := map[string]bool{}
		for _, trip := range base.Demand.Trips {
			first[trip.ID] = true
		}
		for i := range c.Demand.Trips {
			if trip := &c.Demand.Trips[i]; c.Demand.Types[trip.Type].ID == "car" {
				if n++; first[trip.ID] {
					own++
				}
			}
		}
		return n, own
	}
	for _, x := range []struct{ trips, own int }{{0, 0}, {50, 50}, {120, 120}, {300, 120}} {
		c := apply(t, base, `{"op":"demand.setMatrix","rows":[{"from_zone":"west","to_zone":"east","trips":`+jsonText(x.trips)+`}]}`)
		if n, own := count(c); n != x.trips || own != x.own {
			t.Errorf("%d trips asked for: %d, %d of the base's", x.trips, n, own)
		}
	}
	c := apply(t, base, `{"op":"demand.setMatrix","rows":[{"from_zone":"east","to_zone":"west","trips":40}],"window":{"from":"00:05","to":"00:10"}}`)
	if n, _ := count(c); n != 160 {
		t.Errorf("%d cars, 40 new ones asked for", n)
	}
	for _, trip := range c.Demand.Trips {
		if trip.Route == demand.NoRoute && (trip.Depart < 5*time.Minute || trip.Depart >= 10*time.Minute) {
			t.Errorf("%s departs at %v", trip.ID, trip.Depart)
		}
	}
	d, _ := Parse([]byte(`{"name":"x","changes":[{"op":"demand.setMatrix","rows":[{"from_zone":"mars","to_zone":"west","trips":4}]}]}`))
	if _, err := Apply(d, base); err == nil || !strings.Contains(err.Error(), "mars") {
		t.Errorf("%v", err)
	}
}
