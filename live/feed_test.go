package live

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/leak"
	"tideway/live/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		killChild(dir)
		return
	}
	leak.Main(m)
}

func TestEveryReasonIsGiven(t *testing.T) {
	r := newRig(t, 2)
	b := &Batch{Sensors: []string{"s00000", "nobody"}}
	at := noon.Add(-time.Hour)
	b.Add(0, geo.Speed, at, time.Minute, 50)
	b.Add(1, geo.Speed, at, time.Minute, 50)
	b.Add(0, geo.NO2, at, time.Minute, 50)
	b.Add(0, geo.Quantity(200), at, time.Minute, 50)
	b.Add(0, geo.Flow, at, time.Minute, -1)
	b.Add(0, geo.Flow, at, time.Minute, math.NaN())
	b.Add(0, geo.Flow, at, time.Minute, math.Inf(1))
	b.Add(0, geo.Flow, noon.Add(-LateLimit-time.Second), time.Minute, 1)
	b.Add(0, geo.Flow, noon.Add(6*time.Minute), time.Minute, 1)
	b.Add(0, geo.Speed, at, time.Minute, 50)
	b.Add(0, geo.Speed, at, time.Minute, 51)
	b.Add(0, geo.Speed, at.Add(time.Minute), time.Minute, 180)
	b.Add(0, geo.Flow, at, time.Minute, 7)
	b.Refuse(BadTime)
	got := r.put(b)
	want := Answer{Accepted: 3, Rejected: 9, Duplicates: 1, Revisions: 1, Reasons: []ReasonAt{
		{1, "nobody", UnknownSensor}, {2, "s00000", UnknownQuantity}, {3, "s00000", UnknownQuantity}, {4, "s00000", OutOfRange},
		{5, "s00000", NotANumber}, {6, "s00000", NotANumber}, {7, "s00000", TooLate}, {8, "s00000", InTheFuture},
		{9, "s00000", Duplicate}, {12, "s00000", BadTime}},
		ByReason: map[Reason]int{UnknownSensor: 1, UnknownQuantity: 2, OutOfRange: 1, NotANumber: 2, TooLate: 1, InTheFuture: 1, Duplicate: 1, BadTime: 1, RateOfChange: 1}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	if v := r.values("s00000", geo.Speed, noon.Add(-2*time.Hour), noon); fmt.Sprint(v) != "[-60:51 -59:180]" {
		t.Fatal(v)
	}
	rejected, err := r.RejectedReadings(context.Background(), noon.Add(-time.Hour), noon, 100)
	if err != nil || len(rejected) != 9 || rejected[0].Sensor != "nobody" || rejected[0].Reason != "unknown_sensor" {
		t.Fatalf("%v %+v", err, rejected)
	}
	r.restart()
	if again, err := r.RejectedReadings(context.Background(), noon.Add(-time.Hour), noon, 100); err != nil || len(again) != 9 {
		t.Fatalf("after sealing: %v, %d rejected", err, len(again))
	}
	if s := r.Stats(); s.Accepted != 3 || s.Rejected != 9 || s.Duplicates != 1 || s.Revisions != 1 || s.ByReason[OutOfRange] != 1 {
		t.Fatalf("%+v", s)
	}
	r.clock.set(noon.Add(rejectedKept + time.Hour))
	if err := r.expire(); err != nil {
		t.Fatal(err)
	}
	if later, _ := r.RejectedReadings(context.Background(), noon.Add(-time.Hour), noon, 100); len(later) != 0 {
		t.Fatalf("%d rejected readings outlive 7 days", len(later))
	}
}

func TestARepeatedBatchGetsItsFirstAnswer(t *testing.T) {
	r := newRig(t, 1)
	first := r.put(one("key", "s00000", geo.Flow, noon.Add(-time.Hour), 1, 2, -3))
	check := func(when string) {
		t.Helper()
		if again := r.put(one("key", "s00000", geo.Flow, noon.Add(-time.Hour), 9)); !reflect.DeepEqual(again, first) {
			t.Fatalf("%s: got %+v, first %+v", when, again, first)
		}
	}
	check("at once")
	r.crash()
	check("after a crash")
	r.restart()
	check("after a restart")
	if s := r.Stats(); s.Repeated != 1 || s.Accepted != 2 {
		t.Fatalf("%+v", s)
	}
	if other := r.put(one("other", "s00000", geo.Flow, noon.Add(-time.Hour), 1, 2)); other.Duplicates != 2 {
		t.Fatalf("%+v", other)
	}
}

func TestLargeBatchIsLoggedInPiecesAndAnsweredOnce(t *testing.T) {
	r := newRig(t, 1, func(o *Options) { o.MaxMessage = 64 * 50 })
	b := &Batch{Client: "big", Sensors: []string{"s00000"}}
	for i := range 130 {
		b.Add(0, geo.Flow, noon.Add(time.Duration(i-200)*time.Minute), time.Minute, float64(i%7*60))
	}
	b.Value[120] = -1
	first := r.put(b)
	if first.Accepted != 129 || first.Rejected != 1 || first.Reasons[0].Index != 120 || r.log.last() < 3 {
		t.Fatalf("%+v in %d messages", first, r.log.last())
	}
	r.crash()
	if again := r.put(b); !reflect.DeepEqual(again, first) {
		t.Fatalf("got %+v, first %+v", again, first)
	}
}

func TestHistoryJoinsWindowFilesAndLateReadings(t *testing.T) {
	r := newRig(t, 1, func(o *Options) { o.Window = time.Hour })
	var want []string
	for i := range 300 { // five hours, a minute each, the clock moving along
		end := noon.Add(time.Duration(i) * time.Minute)
		r.clock.set(end)
		r.put(one("", "s00000", geo.Flow, end, float64(i%11*60)))
		r.Tick(end)
		want = append(want, fmt.Sprintf("%d:%d", i, i%11*60))
		if i == 200 {
			if err := r.Seal(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(when string, want []string) {
		t.Helper()
		if got := r.values("s00000", geo.Flow, noon.Add(-time.Minute), noon.Add(6*time.Hour)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %d values %v\nwant %d %v", when, len(got), got, len(want), want)
		}
	}
	check("while open", want)
	a := r.put(one("", "s00000", geo.Flow, noon.Add(10*time.Minute), float64(10*60), 33)) // late: a duplicate, a revision
	if a.Duplicates != 1 || a.Revisions != 1 {
		t.Fatalf("%+v", a)
	}
	want[11] = "11:33"
	check("after a revision of sealed history", want)
	r.crash()
	check("after a crash", want)
	r.restart()
	check("after a restart", want)
	r.Tick(noon.Add(24 * time.Hour))
	if err := r.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	check("after compaction", want)
	if n := r.Stats().Files; n != 1 {
		t.Fatalf("%d files for one closed day", n)
	}
	if err := r.Verify(); err != nil {
		t.Fatal(err)
	}
	if got := r.values("s00000", geo.Flow, noon.Add(9*time.Minute), noon.Add(11*time.Minute)); fmt.Sprint(got) != "[10:600 11:33]" {
		t.Fatalf("an interval that ends at from lies before it: %v", got)
	}
	os.Remove(filepath.Join(r.opts.Dir, "checkpoint"))
	r.crash()
	check("without a checkpoint", want)
}

func TestSnapshotTellsTheRoad(t *testing.T) {
	r := newRig(t, 2)
	snaps, cancel := r.Subscribe()
	defer cancel()
	b := &Batch{Sensors: []string{"s00000", "s00001"}}
	b.Add(0, geo.Flow, noon, time.Minute, 600)
	b.Add(0, geo.Speed, noon, time.Minute, 30)
	b.Add(1, geo.Flow, noon, time.Minute, 300)
	b.Add(1, geo.Speed, noon, time.Minute, 60)
	r.put(b)
	s := r.Tick(noon.Add(time.Minute))
	if got := <-snaps; got != s || r.Snapshot() != s || s.Seq < 2 {
		t.Fatal("subscribers and readers must see the tick's snapshot")
	}
	if road := s.Roads[0]; road.FlowVPH != 900 || math.Abs(road.SpeedKMH-40) > 1e-9 || road.Sensors != 2 || !road.At.Equal(noon) || !math.IsNaN(road.Occupancy) {
		t.Fatalf("%+v", road)
	}
	if len(s.Series) != 5 || s.Series[0].Quantity != geo.Speed || s.Series[0].Value != 30 || s.Series[0].Key(r.city).Sensor != "s00000" || !s.Series[4].End.IsZero() {
		t.Fatalf("%+v", s.Series)
	}
	if later := r.Tick(noon.Add(time.Hour)); later.Roads[0].Sensors != 0 || !math.IsNaN(later.Roads[0].FlowVPH) {
		t.Fatal("old values must not tell the state of a road")
	}
	r.clock.set(noon.Add(time.Hour))
	r.put(one("", "s00000", geo.Flow, noon.Add(time.Hour), 100))
	if one := r.Tick(noon.Add(time.Hour)); one.Roads[0].FlowVPH != 200 {
		t.Fatalf("the flow of one of two lanes stands for both: %+v", one.Roads[0])
	}
}

func TestAFailedLogTakesNothingBackAndForgetsNothing(t *testing.T) {
	for _, lose := range []bool{false, true} { // the message was not stored, or was and nobody heard of it
		r := newRig(t, 1)
		r.put(one("a", "s00000", geo.Flow, noon.Add(-time.Hour), 1))
		r.log.fail, r.log.lose = errors.New("disk full"), lose
		if _, err := r.Put(context.Background(), one("b", "s00000", geo.Flow, noon.Add(-30*time.Minute), 2)); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		if err := r.Seal(context.Background()); err == nil {
			t.Fatal("a checkpoint of readings that were not logged")
		}
		a := r.put(one("b", "s00000", geo.Flow, noon.Add(-30*time.Minute), 2))
		if a.Accepted != 1 || a.Duplicates != 0 {
			if !lose {
				t.Fatalf("sent again: %+v", a)
			}
		}
		if got := r.values("s00000", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -30:2]" {
			t.Fatal(got)
		}
		r.restart()
		if got := r.values("s00000", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -30:2]" {
			t.Fatal(got)
		}
	}
}

func TestAChangedCityKeepsHistoryByOutsideID(t *testing.T) {
	r := newRig(t, 3)
	for _, s := range []string{"s00001", "s00002"} {
		r.put(one("", s, geo.Flow, noon.Add(-time.Hour), 1, 2))
	}
	r.restart()
	r.put(one("", "s00002", geo.Flow, noon.Add(-2*time.Minute), 3))
	r.abandon()
	r.opts.City = town(t, 2)
	r.open()
	if got := r.Unmatched(); fmt.Sprint(got) != "[s00002]" {
		t.Fatal(got)
	}
	if got := r.values("s00002", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -59:2 -2:3]" {
		t.Fatal(got)
	}
	if got := r.values("s00001", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -59:2]" {
		t.Fatal(got)
	}
	if a := r.put(one("", "s00002", geo.Flow, noon.Add(-time.Minute), 3)); a.Rejected != 1 {
		t.Fatalf("%+v", a)
	}
	r.restart()
	if got := r.values("s00002", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -59:2 -2:3]" {
		t.Fatal(got)
	}
}

func TestBackfillTakesAnyAgeAndRetainDropsOld(t *testing.T) {
	r := newRig(t, 1, func(o *Options) { o.Retain = 30 * 24 * time.Hour })
	b := one("", "s00000", geo.Flow, noon.AddDate(-1, 0, 0), 1, 2, 3)
	if a := r.put(b); a.Rejected != 3 {
		t.Fatalf("%+v", a)
	}
	b.Backfill = true
	if a := r.put(b); a.Accepted != 3 {
		t.Fatalf("%+v", a)
	}
	if a := r.put(b); a.Duplicates != 3 {
		t.Fatalf("%+v", a)
	}
	r.restart()
	if a := r.put(b); a.Duplicates != 3 {
		t.Fatalf("against files: %+v", a)
	}
	if err := r.expire(); err != nil || r.Stats().Files != 1 {
		t.Fatalf("a silent feed keeps its history: %v, %d files", err, r.Stats().Files)
	}
	r.put(one("", "s00000", geo.Flow, noon, 1))
	if err := r.expire(); err != nil || r.Stats().Files != 0 {
		t.Fatalf("%v, %d files", err, r.Stats().Files)
	}
}

func TestANewerFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "format.json"), []byte(`{"format":"tideway readings","version":99}`), 0o644)
	_, err := Open(context.Background(), Options{City: town(t, 1), Dir: dir, Log: &memoryLog{}})
	if !errors.Is(err, store.ErrNewerFormat) {
		t.Fatal(err)
	}
}

func TestALostLogIsNoticed(t *testing.T) {
	r := newRig(t, 1)
	r.put(one("", "s00000", geo.Flow, noon, 1))
	r.Close()
	r.opts.Log = &memoryLog{}
	if _, err := Open(context.Background(), r.opts); err == nil {
		t.Fatal("a feed opened on a log that lost its messages")
	}
	r.opts.Log = r.log
	r.open()
}

func TestDamagedMessageIsCountedAndTheRestKept(t *testing.T) {
	r := newRig(t, 1)
	for i := range 3 {
		r.put(one("", "s00000", geo.Flow, noon.Add(time.Duration(i-10)*time.Minute), float64(i+1)))
	}
	r.log.msgs[1][40] ^= 1
	r.crash()
	if got := r.values("s00000", geo.Flow, noon.Add(-time.Hour), noon); fmt.Sprint(got) != "[-10:1 -8:3]" || r.Stats().LogGaps != 1 {
		t.Fatalf("%v, %d gaps", got, r.Stats().LogGaps)
	}
}

func TestDamagedCheckpointIsRebuilt(t *testing.T) {
	r := newRig(t, 1)
	r.put(one("key", "s00000", geo.Flow, noon.Add(-time.Hour), 1, 2, 3))
	r.Close()
	path := filepath.Join(r.opts.Dir, "checkpoint")
	data, _ := os.ReadFile(path)
	data[len(data)/2] ^= 1
	os.WriteFile(path, data, 0o644)
	r.open()
	if got := r.values("s00000", geo.Flow, noon.Add(-2*time.Hour), noon); fmt.Sprint(got) != "[-60:1 -59:2 -58:3]" {
		t.Fatal(got)
	}
	if s := r.Tick(noon); s.Series[1].Value != 3 {
		t.Fatalf("%+v", s.Series)
	}
}

// A crash may come after readings were sealed and before the first checkpoint:
// the answers given and the counts are then in the log alone.
func TestACrashBetweenFilesAndCheckpointForgetsNoAnswer(t *testing.T) {
	r := newRig(t, 2)
	first := r.put(one("a", "s00000", geo.Flow, noon.Add(-time.Hour), 1, 2, 3))
	if err := r.sealTo(context.Background(), r.beginSeal()); err != nil {
		t.Fatal(err)
	}
	r.put(one("b", "s00000", geo.Flow, noon, 4))
	r.crash()
	if a := r.put(one("a", "s00000", geo.Flow, noon.Add(-time.Hour), 7)); !reflect.DeepEqual(a, first) {
		t.Errorf("repeated batch got %+v, first %+v", a, first)
	}
	if s := r.Stats(); s.Accepted != 4 || s.Batches != 2 || s.Messages != 2 || s.LogGaps != 0 {
		t.Errorf("%+v", s)
	}
	if got, want := fmt.Sprint(r.values("s00000", geo.Flow, noon.Add(-2*time.Hour), noon.Add(time.Hour))), "[-60:1 -59:2 -58:3 0:4]"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
}
