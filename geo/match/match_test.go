package match_test

import (
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tideway/geo"
	"tideway/geo/match"
	"tideway/geo/places"
	"tideway/geo/sumo"
	"tideway/internal/testdata"
)

// bologna returns the city, its published loops, and for those that the
// scenario's detector file names the detector.
func bologna(t *testing.T) (*geo.City, []geo.Sensor, map[string]geo.Sensor) {
	t.Helper()
	dir := testdata.Dir(t, "bologna")
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	c, _, err := sumo.Read(sumo.File{Name: "net", Reader: open("network/joined.net.xml")},
		[]sumo.File{{Name: "detectors", Reader: open("network/joined_detectors.add.xml")}}, sumo.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	in, err := gzip.NewReader(open("readings/loops_hourly_2024_01_03.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	loops, _, err := places.ReadSensors("loops", in, places.SensorMapping{ID: "codice_spira", LatLon: "geopoint", Heading: "angolo", Anticlockwise: true,
		Road: "Nome via", Measures: []places.Measure{{Quantity: "flow", Interval: "1h"}}})
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]geo.Sensor{}
	for _, s := range c.Sensors.All() { // 0.127_2.73_6_1__l0 is loop "0.127 2.73 6 1"
		name, _, _ := strings.Cut(s.ID, "__")
		given[strings.ReplaceAll(name, "_", " ")] = s
	}
	return c, loops, given
}

func TestBolognaLoopsAgainstTheScenariosDetectors(t *testing.T) {
	c, loops, given := bologna(t)
	r := match.Match(c, loops, match.Options{})
	both, same, near := 0, 0, 0
	var apart []float64 // metres between where the two files put the loops that agree
	for i, s := range r.Sensors {
		detector, ok := given[s.ID]
		if !ok {
			continue
		}
		both++
		want, p, q := detector.Segment, c.Frame.XY(s.LonLat), c.Frame.XY(detector.LonLat)
		off := math.Hypot(p[0]-r.East.M()-q[0], p[1]-r.North.M()-q[1])
		if s.Segment == want {
			same++
			near++
			apart = append(apart, off)
			continue
		}
		got, runner := "none", r.Runners[i].ID
		if s.Segment != geo.NoSegment {
			got = c.Segments.At(s.Segment).ID
			if a, b := c.Segments.At(s.Segment), c.Segments.At(want); a.To == b.From || b.To == a.From {
				near++
			}
		}
		t.Logf("%s, %s: matched %s (confidence %.2f, %s), detector %.0f m away on %s, second best %s", s.ID, s.Road, got, float64(s.Match.Confidence), s.Match.Why, off, c.Segments.At(want).ID, runner)
	}
	t.Logf("%d of %d loops matched, %d to review; shift %.1f m east, %.1f m north (standard error %.1f m)", r.Matched, len(loops), len(r.Review), r.East.M(), r.North.M(), r.ShiftError.M())
	slices.Sort(apart)
	t.Logf("%d of %d loops on the detector's segment, %d on it or the next one; of those that agree the detector is %.0f m away in the median, %.0f m at most", same, both, near, apart[len(apart)/2], apart[len(apart)-1])
	if share := float64(same) / float64(both); share < 0.9 {
		t.Errorf("share on the same segment is %.3f", share)
	}
	if share := float64(near) / float64(both); share < 0.95 {
		t.Errorf("share on the same segment or the next is %.3f", share)
	}
}
