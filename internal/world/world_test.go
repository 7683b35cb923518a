package world_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/world"
	"tideway/live"
)

var zone = func() *time.Location {
	z, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return z
}()

func city(t testing.TB, segments int) *geo.City {
	t.Helper()
	c, err := world.City(segments)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t testing.TB, c *geo.City, at time.Time) *world.World {
	t.Helper()
	w, err := world.New(c, world.Options{Seed: world.DefaultSeed, Start: at, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func advance(t testing.TB, w *world.World, to time.Time) *live.Batch {
	t.Helper()
	b, err := w.Advance(to)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// At any pace, over the turn of the day too, the devices say the same.
func TestThePaceChangesNothing(t *testing.T) {
	c := city(t, 100)
	from := time.Date(2025, 3, 4, 2, 0, 0, 0, zone)
	to := from.Add(2 * time.Hour)
	whole := advance(t, start(t, c, from), to)
	pieces := &live.Batch{Sensors: whole.Sensors}
	w := start(t, c, from)
	for at := from; at.Before(to); {
		at = at.Add(7 * time.Minute)
		if at.After(to) {
			at = to
		}
		b := advance(t, w, at)
		for i := range b.Len() {
			pieces.Add(b.Sensor[i], b.Quantity[i], time.UnixMilli(b.EndMS[i]), time.Duration(b.Interval[i])*time.Second, b.Value[i])
		}
	}
	if !reflect.DeepEqual(whole, pieces) || whole.Len() == 0 {
		t.Errorf("%d readings at once, %d in pieces, or others", whole.Len(), pieces.Len())
	}
	if !w.Now().Equal(to) {
		t.Errorf("the world stands at %v, want %v", w.Now(), to)
	}
}

func TestDevicesReportWhatTheCitySays(t *testing.T) {
	c := city(t, 100)
	from := time.Date(2025, 3, 4, 7, 0, 0, 0, zone)
	b := advance(t, start(t, c, from), from.Add(90*time.Minute))
	seen := map[string]int{}
	for i := range b.Len() {
		s := c.Sensors.At(geo.SensorID(b.Sensor[i]))
		known := false
		for _, m := range s.Measures {
			known = known || m.Quantity == b.Quantity[i] && int(m.Interval.Seconds()) == int(b.Interval[i])
		}
		if !known || s.ID != b.Sensors[b.Sensor[i]] {
			t.Fatalf("%s reports %v over %d s, which it does not measure", s.ID, b.Quantity[i], b.Interval[i])
		}
		if b.EndMS[i]%(int64(b.Interval[i])*1000) != 0 || b.EndMS[i] <= from.UnixMilli() {
			t.Fatalf("%s: interval ends at %v", s.ID, time.UnixMilli(b.EndMS[i]))
		}
		seen[fmt.Sprint(s.Segment == geo.NoSegment)]++
	}
	if seen["true"] < 100 || seen["false"] < 300 {
		t.Errorf("readings by stations and loops: %v", seen)
	}
}

func TestAWorldStartsOnTheQuarterHour(t *testing.T) {
	if _, err := world.New(city(t, 60), world.Options{Start: time.Date(2025, 3, 4, 7, 1, 0, 0, zone)}); err == nil {
		t.Error("a start at 07:01 was accepted")
	}
}

func TestDemoStartsOnMondayMorning(t *testing.T) {
	for _, day := range []int{10, 12, 16} {
		now := time.Date(2026, 8, day, 15, 4, 5, 0, zone)
		if got := world.DemoStart(now, zone); got != time.Date(2026, 8, 10, 6, 0, 0, 0, zone) {
			t.Errorf("on %v the demo starts at %v", now, got)
		}
	}
}

func history(t testing.TB, end time.Time) []*live.Batch {
	t.Helper()
	batches, err := world.Recorded(zone, end)
	if err != nil {
		t.Fatal(err)
	}
	return batches
}

func TestRecordedHistoryIsWhole(t *testing.T) {
	c := city(t, world.DefaultSegments)
	end := world.DemoStart(time.Date(2026, 8, 10, 12, 0, 0, 0, zone), zone)
	batches := history(t, end)
	if len(batches) != world.RecordedDays+1 {
		t.Fatalf("%d days", len(batches))
	}
	total, last := 0, int64(0)
	for _, b := range batches {
		total += b.Len()
		for i := range b.Len() {
			if _, ok := c.Sensors.Find(b.Sensors[b.Sensor[i]]); !ok {
				t.Fatalf("the city has no sensor %s", b.Sensors[b.Sensor[i]])
			}
			if b.EndMS[i] < last && b.EndMS[i]/300_000 < last/300_000 {
				t.Fatalf("readings out of order at %v", time.UnixMilli(b.EndMS[i]))
			}
			last = max(last, b.EndMS[i])
		}
	}
	if last != end.UnixMilli() {
		t.Errorf("history ends at %v, want %v", time.UnixMilli(last).In(zone), end)
	}
	series := 0
	for _, s := range c.Sensors.All() {
		series += len(s.Measures)
	}
	t.Logf("%d readings of %d series", total, series)
	if total < 700_000 {
		t.Errorf("only %d readings", total)
	}
	if _, err := world.Recorded(zone, end.Add(24*time.Hour)); err == nil {
		t.Error("history was moved to a Tuesday")
	}
}

// A recorded day comes out of the simulation again: the same reports arrive and
// fail, weather is equal, and traffic agrees within what another version of the
// engine or another processor may change. Where it does not, `go generate
// ./internal/world` records anew.
func TestARecordedDayIsDerivedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates a day")
	}
	c := city(t, world.DefaultSegments)
	const sunday = 6
	from := world.RecordedFrom(zone).AddDate(0, 0, sunday)
	again, err := world.Record(c, from, from.AddDate(0, 0, 1).Add(-time.Nanosecond), 0)
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := table(history(t, world.RecordedTo(zone))[sunday]), table(again)
	var sums [2][3]float64
	for k, v := range old {
		w, ok := fresh[k]
		switch {
		case k.quantity == geo.Speed: // absent where nobody drove
		case !ok:
			t.Fatalf("%+v was recorded and is not reported again", k)
		case k.quantity >= geo.Temperature && v != w:
			t.Fatalf("%+v was %v and is %v", k, v, w)
		}
		if ok && k.quantity <= geo.Occupancy {
			sums[0][k.quantity] += v
			sums[1][k.quantity] += w
		}
	}
	for q, name := range []string{"speed", "flow", "occupancy"} {
		if a, b := sums[0][q], sums[1][q]; math.Abs(a/b-1) > 0.05 {
			t.Errorf("%s: recorded %.0f, now %.0f in sum", name, a, b)
		}
	}
	if len(fresh) < len(old)*99/100 || len(old) < len(fresh)*99/100 {
		t.Errorf("%d readings were recorded, now there are %d", len(old), len(fresh))
	}
}

type key struct {
	sensor   string
	quantity geo.Quantity
	endMS    int64
}

func table(b *live.Batch) map[key]float64 {
	out := make(map[key]float64, b.Len())
	for i := range b.Len() {
		out[key{b.Sensors[b.Sensor[i]], b.Quantity[i], b.EndMS[i]}] = b.Value[i]
	}
	return out
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	c := city(t, 60)
	from := world.RecordedFrom(zone)
	b := advance(t, start(t, c, from), from.Add(time.Hour))
	var file bytes.Buffer
	if err := world.Write(&file, []*live.Batch{b}); err != nil {
		t.Fatal(err)
	}
	back, err := world.Read(file.Bytes(), from, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(back) != 1 || !reflect.DeepEqual(table(b), table(back[0])) {
		t.Error("the record differs from what was written")
	}
	if _, err := world.Read(file.Bytes()[:file.Len()/2], from, 0); err == nil {
		t.Error("half a file was read")
	}
}
