package forecast

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tideway/live"
)

// fittedWorld is a runner that has learned ten segments, each with a sensor.
func fittedWorld(t *testing.T, interval time.Duration) (*Runner, *memory, func(tick int) *live.Snapshot, time.Time) {
	t.Helper()
	c, m, now := world(t, 10, 10, 8, interval)
	r := newRunner(t, Options{City: c, History: m, Threads: 1})
	at := func(tick int) *live.Snapshot {
		return snapshotAt(c, now.Add(time.Duration(tick)*interval), uint64(tick))
	}
	if err := r.Refresh(context.Background(), at(0)); err != nil {
		t.Fatal(err)
	}
	return r, m, at, now
}

// slow sets a sensor's values from a tick on.
func (m *memory) slow(sensor string, now time.Time, tick int, value float32) {
	v := m.values[sensor+"/speed"]
	fill(v[int(now.Sub(m.first)/m.interval)+tick+1:], value)
}

func TestAnIncidentNeedsTwoWitnesses(t *testing.T) {
	r, m, at, now := fittedWorld(t, 5*time.Minute)
	m.slow("v9", now, 0, 6) // a faulty sensor, perhaps
	m.slow("v0", now, 0, 5)
	m.slow("v1", now, 0, 7)
	f, err := r.Tick(context.Background(), at(2))
	if err != nil {
		t.Fatal(err)
	}
	for s := range 10 {
		if want := s < 2; f.Roads.Now[s].Incident != want {
			t.Errorf("segment %d: incident %v, %.1f km/h", s, f.Roads.Now[s].Incident, f.Roads.Now[s].SpeedKMH)
		}
	}
	if now := f.Roads.Now[0]; now.Clear50 < 0 || now.Clear90 >= 0 && now.Clear90 < now.Clear50 || now.Onset >= 0 {
		t.Errorf("segment 0 is jammed: clear %v and %v, onset %v", now.Clear50, now.Clear90, now.Onset)
	}
	for _, free := range []int{4, 6} {
		if now := f.Roads.Now[free]; now.Clear50 >= 0 || now.Clear90 >= 0 {
			t.Errorf("segment %d is free: %+v", free, now)
		}
	}
}

func TestTurnsLieWhereTheProbabilityCrosses(t *testing.T) {
	r := &Runner{}
	outlook := func(p ...float32) *Forecast {
		f := &Forecast{Roads: Roads{Now: make([]RoadNow, 1), Speed: NewBands(1, len(p))}}
		for i, v := range p {
			f.Roads.Horizons = append(f.Roads.Horizons, time.Duration(i+1)*15*time.Minute)
			f.Roads.Speed.PCongested[i] = v
		}
		return f
	}
	for _, c := range []struct {
		p                       []float32
		jam                     bool
		onset, clear50, clear90 time.Duration
	}{
		{[]float32{.1, .3, .7, .9}, false, 37*time.Minute + 30*time.Second, -1, -1},
		{[]float32{.1, .2, .3, .4}, false, -1, -1, -1},
		{[]float32{.75, .5, .3, .05}, true, -1, 30 * time.Minute, 57 * time.Minute},
		{[]float32{.9, .8, .8, .6}, true, -1, -1, -1},
	} {
		f := outlook(c.p...)
		r.turns(f, 0, c.jam)
		now := f.Roads.Now[0]
		for k, pair := range [3][2]time.Duration{{now.Onset, c.onset}, {now.Clear50, c.clear50}, {now.Clear90, c.clear90}} {
			if d := pair[0] - pair[1]; d < -time.Second || d > time.Second {
				t.Errorf("%v: turn %d at %v, want %v", c.p, k, pair[0], pair[1])
			}
		}
	}
}

func TestDoubtsOfTheFeedAreToldAndCostWidth(t *testing.T) {
	r, m, at, now := fittedWorld(t, 5*time.Minute)
	m.slow("v4", now, -8, missing) // the feed hands out nothing of a stuck sensor
	snap := at(1)
	snap.Series[4].Doubt = live.Stuck
	f, err := r.Tick(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	g := &f.Groups[0]
	width := func(row int) float32 { p := g.Bands.At(row, 0); return p.Hi90 - p.Lo90 }
	if s := g.Series[4]; s.Source < Imputed || s.Source > Typical || !strings.HasPrefix(s.Reason, "sensor stuck: no value for") || !(width(4) > width(3)) {
		t.Fatalf("%+v, %.1f km/h wide, its neighbour %.1f", s, width(4), width(3))
	}
	if g.Series[3].Reason != "" {
		t.Fatalf("a good sensor: %q", g.Series[3].Reason)
	}
}

func TestDriftRaisesTheAlarm(t *testing.T) {
	ctx := context.Background()
	r, m, at, now := fittedWorld(t, 15*time.Minute)
	v := m.values["v6/speed"]
	for i := int(now.Sub(m.first)/m.interval) + 1; i < len(v); i++ {
		v[i] *= .6
	}
	for tick := range 80 {
		if _, err := r.Tick(ctx, at(tick+1)); err != nil {
			t.Fatal(err)
		}
	}
	alarms := map[string]bool{}
	for _, row := range r.Skill().Rows {
		if row.Scope == BySensor && row.Horizon == time.Hour {
			alarms[row.ID] = row.Alarm
			if math.IsNaN(row.Drift) {
				t.Errorf("sensor %s has no drift", row.ID)
			}
		}
	}
	for id, alarm := range alarms {
		if alarm != (id == "v6") {
			t.Errorf("sensor %s: alarm %v", id, alarm)
		}
	}
}

// A silent sensor whose neighbours slow down is told to be slow, with a width
// between that of a seen and of an unrelated silent one.
func TestOthersTellOfASilentSensor(t *testing.T) {
	c, m, now := world(t, 10, 10, 8, 5*time.Minute)
	for i := range m.values["v0/speed"] { // all but the last follow the first
		for s := 1; s < 9; s++ {
			m.values[fmt.Sprintf("v%d/speed", s)][i] = m.values["v0/speed"][i] + .2*(m.values[fmt.Sprintf("v%d/speed", s)][i]-m.values["v0/speed"][i])
		}
	}
	r := newRunner(t, Options{City: c, History: m, Threads: 1})
	if err := r.Refresh(context.Background(), snapshotAt(c, now, 0)); err != nil {
		t.Fatal(err)
	}
	for s := range 4 {
		m.slow(fmt.Sprint("v", s), now, 0, 20)
	}
	m.slow("v4", now, -30, missing)
	m.slow("v9", now, -30, missing)
	f, err := r.Tick(context.Background(), snapshotAt(c, now.Add(10*time.Minute), 1))
	if err != nil {
		t.Fatal(err)
	}
	if told := f.Roads.Now[4]; told.Source != Imputed || told.SpeedKMH > .8*told.TypicalKMH {
		t.Errorf("%+v", told)
	}
	if alone := f.Roads.Now[9]; alone.Source != Typical || alone.SpeedKMH != alone.TypicalKMH {
		t.Errorf("%+v", alone)
	}
	width := func(s int) float32 { p := f.Roads.Speed.At(s, 0); return p.Hi90 - p.Lo90 }
	if !(width(3) < width(4) && width(4) < width(9)) {
		t.Errorf("widths %.1f seen, %.1f told, %.1f alone", width(3), width(4), width(9))
	}
	checkWhole(t, f)
}
