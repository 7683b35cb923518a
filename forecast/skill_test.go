package forecast

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
)

// halves is a chain city in two zones: the first four segments and the rest.
func halves(t *testing.T, c *geo.City) *geo.City {
	t.Helper()
	d := c.Draft()
	lon := (d.Sensors[3].LonLat.Lon() + d.Sensors[4].LonLat.Lon()) / 2
	box := func(west, east float64) orb.MultiPolygon {
		return orb.MultiPolygon{orb.Bound{Min: orb.Point{west, 40}, Max: orb.Point{east, 50}}.ToPolygon()}
	}
	d.Zones = append(d.Zones, geo.Zone{ID: "west", Population: -1, Area: box(5, lon)}, geo.Zone{ID: "east", Population: -1, Area: box(lon, 20)})
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Zones, hours and sensors cut the same scores, so each cut adds up to the
// whole: in number, absolute error and coverage.
func TestSkillByZoneHourAndSensorAddsUp(t *testing.T) {
	c, m, now := world(t, 10, 10, 8, 15*time.Minute)
	c = halves(t, c)
	r := newRunner(t, Options{City: c, History: m, Threads: 1})
	if err := r.Refresh(t.Context(), snapshotAt(c, now, 0)); err != nil {
		t.Fatal(err)
	}
	for tick := range 2 * 96 {
		if _, err := r.Tick(t.Context(), snapshotAt(c, now.Add(time.Duration(tick+1)*15*time.Minute), uint64(tick))); err != nil {
			t.Fatal(err)
		}
	}
	type sums struct{ n, abs, in float64 }
	whole, parts, ids := map[string]sums{}, map[string]sums{}, map[SkillScope]map[string]bool{}
	for _, s := range r.Skill().Rows {
		n := float64(s.N)
		add := sums{n, n * s.MAE, n * s.Coverage90}
		if s.Scope == ByAll {
			for _, scope := range []SkillScope{ByZone, ByHour, BySensor} {
				whole[fmt.Sprint(scope, s.Horizon)] = add
			}
			continue
		}
		if ids[s.Scope] == nil {
			ids[s.Scope] = map[string]bool{}
		}
		ids[s.Scope][s.ID] = true
		p := parts[fmt.Sprint(s.Scope, s.Horizon)]
		parts[fmt.Sprint(s.Scope, s.Horizon)] = sums{p.n + add.n, p.abs + add.abs, p.in + add.in}
	}
	if len(ids[ByZone]) != 2 || len(ids[ByHour]) != 24 || len(ids[BySensor]) != 10 || len(whole) != 12 {
		t.Fatalf("%d zones, %d hours, %d sensors, %d sums", len(ids[ByZone]), len(ids[ByHour]), len(ids[BySensor]), len(whole))
	}
	for key, w := range whole {
		p := parts[key]
		if w.n == 0 || p.n != w.n || math.Abs(p.abs-w.abs) > 1e-3*w.abs || math.Abs(p.in-w.in) > 1e-3*w.in {
			t.Errorf("%s: %+v, the whole %+v", key, p, w)
		}
	}
}
