package live

import (
	"context"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
)

// TestFeedHoldsWhatAModelHolds drives a feed with random batches, ticks,
// sealings, compactions, crashes and failing logs, and compares with a map.
func TestFeedHoldsWhatAModelHolds(t *testing.T) {
	city := town(t, 2)
	few(t, "12")
	rapid.Check(t, func(rt *rapid.T) {
		r := &rig{t: t, city: city, log: &memoryLog{}, clock: &clock{t: noon}}
		r.opts = Options{City: city, Dir: t.TempDir(), Log: r.log, Now: r.clock.now, Window: time.Hour, SealEvery: 1000 * time.Hour}
		r.open()
		defer r.abandon()
		m := feedModel{want: map[Key]map[int64]float64{}, answers: map[string]Answer{}}
		rt.Repeat(map[string]func(*rapid.T){
			"":    func(rt *rapid.T) { m.compare(rt, r) },
			"put": func(rt *rapid.T) { m.put(rt, r) },
			"tick": func(rt *rapid.T) {
				r.clock.set(r.clock.now().Add(time.Duration(rapid.IntRange(1, 50).Draw(rt, "minutes")) * time.Minute))
				r.Tick(r.clock.now())
			},
			"seal":    func(rt *rapid.T) { check(rt, r.Seal(context.Background())) },
			"compact": func(rt *rapid.T) { check(rt, r.Compact(context.Background())) },
			"crash":   func(rt *rapid.T) { r.crash() },
			"restart": func(rt *rapid.T) { r.restart() },
		})
	})
}

// few lowers the number of drawn cases of a test that writes to disk, unless
// the command line asks for another number.
func few(t *testing.T, checks string) {
	f := flag.Lookup("rapid.checks")
	if was := f.Value.String(); was == f.DefValue {
		f.Value.Set(checks)
		t.Cleanup(func() { f.Value.Set(was) })
	}
}

func check(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

type feedModel struct {
	want    map[Key]map[int64]float64
	answers map[string]Answer
}

func (m *feedModel) put(t *rapid.T, r *rig) {
	now := r.clock.now()
	b := &Batch{Client: rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "client"), Sensors: []string{"s00000", "s00001", "ghost"},
		Backfill: rapid.Bool().Draw(t, "backfill")}
	for range rapid.IntRange(0, 12).Draw(t, "readings") {
		age := rapid.SampledFrom([]int{0, 1, 2, 3, 59, 60, 61, 200, 3000, 20_000}).Draw(t, "age")
		every := rapid.SampledFrom([]int{0, 60, 60, 60, 300}).Draw(t, "every")
		b.Add(uint32(rapid.IntRange(0, 2).Draw(t, "sensor")), rapid.SampledFrom([]geo.Quantity{geo.Speed, geo.Flow}).Draw(t, "quantity"),
			now.Add(-time.Duration(age)*time.Minute+time.Duration(rapid.SampledFrom([]int{0, 0, 0, 7}).Draw(t, "offset"))*time.Second),
			time.Duration(every)*time.Second, float64(rapid.IntRange(-1, 9).Draw(t, "value")))
	}
	if rapid.IntRange(0, 4).Draw(t, "failing") == 0 {
		r.log.fail = fmt.Errorf("no space")
		if first, known := m.answers[b.Client]; known {
			got, err := r.Put(context.Background(), b)
			got.ByReason, got.Reasons = nil, nil
			if err != nil || !reflect.DeepEqual(got, first) {
				t.Fatalf("got %+v, %v, first %+v", got, err, first)
			}
			r.log.fail = nil
			return
		}
		if _, err := r.Put(context.Background(), b); err == nil {
			t.Fatal("readings were acknowledged that no log holds")
		}
	}
	want := m.expect(b, now)
	got, err := r.Put(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	got.ByReason, got.Reasons = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("answer %+v, want %+v", got, want)
	}
}

// expect computes the answer and enters it into the model.
func (m *feedModel) expect(b *Batch, now time.Time) (a Answer) {
	if first, known := m.answers[b.Client]; known && b.Client != "" {
		first.ByReason, first.Reasons = nil, nil
		return first
	}
	for i, v := range b.Value {
		k := Key{Sensor: b.Sensors[b.Sensor[i]], Quantity: b.Quantity[i]}
		had, known := m.want[k][b.EndMS[i]]
		switch {
		case k.Sensor == "ghost" || v < 0 || !b.Backfill && b.EndMS[i] < now.Add(-LateLimit).UnixMilli():
			a.Rejected++
			continue
		case known && had == v:
			a.Duplicates++
			continue
		case known:
			a.Revisions++
		}
		a.Accepted++
		if m.want[k] == nil {
			m.want[k] = map[int64]float64{}
		}
		m.want[k][b.EndMS[i]] = v
	}
	if b.Client != "" {
		m.answers[b.Client] = a
	}
	return a
}

func (m *feedModel) compare(t *rapid.T, r *rig) {
	from := r.clock.now().Add(-time.Duration(rapid.SampledFrom([]int{10, 70, 300, 4000, 100_000}).Draw(t, "from")) * time.Minute)
	to := from.Add(time.Duration(rapid.SampledFrom([]int{5, 90, 200_000}).Draw(t, "length")) * time.Minute)
	for _, k := range []Key{{Sensor: "s00000", Quantity: geo.Speed}, {Sensor: "s00000", Quantity: geo.Flow}, {Sensor: "s00001", Quantity: geo.Flow}, {Sensor: "ghost", Quantity: geo.Flow}} {
		var want, got []string
		var ends []int64
		for end := range m.want[k] {
			if end > from.UnixMilli() && end <= to.UnixMilli() {
				ends = append(ends, end)
			}
		}
		slices.Sort(ends)
		for _, end := range ends {
			want = append(want, fmt.Sprintf("%d:%g", end, m.want[k][end]))
		}
		vs, err := r.History(context.Background(), k.Sensor, k.Quantity, from, to)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vs {
			got = append(got, fmt.Sprintf("%d:%g", v.End.UnixMilli(), v.Value))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v in (%v, %v]:\ngot  %v\nwant %v", k, from, to, got, want)
		}
	}
}

// TestManyClientsShareTheLog runs clients, ticks, sealings and readers at
// once: every reading is counted once.
func TestManyClientsShareTheLog(t *testing.T) {
	r := newRig(t, 8, func(o *Options) { o.Window = time.Hour })
	const clients, batches, size = 4, 30, 20
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range batches {
				b := one(fmt.Sprint(c, "/", i), fmt.Sprintf("s%05d", c), geo.Flow, noon.Add(time.Duration(i*size-3*batches*size)*time.Minute), make([]float64, size)...)
				if a, err := r.Put(context.Background(), b); err != nil || a.Accepted != size {
					t.Error(a, err)
				}
				same, err := r.Put(context.Background(), b)
				if err != nil || same.Accepted != size {
					t.Error(same, err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			r.Tick(noon)
			if err := r.Seal(context.Background()); err != nil {
				t.Error(err)
			}
			_, _ = r.History(context.Background(), "s00001", geo.Flow, noon.AddDate(0, 0, -3), noon)
			r.Stats()
		}
	})
	wg.Wait()
	for c := range clients {
		if got := r.values(fmt.Sprintf("s%05d", c), geo.Flow, noon.AddDate(0, 0, -3), noon); len(got) != batches*size {
			t.Errorf("client %d: %d values, want %d", c, len(got), batches*size)
		}
	}
	if s := r.Stats(); s.Accepted != clients*batches*size || s.Duplicates != 0 || s.Repeated != clients*batches {
		t.Errorf("%+v", s)
	}
}
