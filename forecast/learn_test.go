package forecast

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"tideway/geo"
)

// seer is a learner whose models know what will be measured, give or take an
// error of their own.
type seer struct {
	m     *memory
	wrong float32
	err   error
}

func (*seer) Name() string                { return "seer" }
func (*seer) Takes(*Panel) (bool, string) { return true, "" }
func (s *seer) Fit(context.Context, Training) (Model, error) {
	return &sight{m: s.m, wrong: s.wrong}, s.err
}

type sight struct {
	m     *memory
	wrong float32
}

func (s *sight) Card() Card { return Card{Name: "seer", Version: fmt.Sprint(s.wrong)} }
func (s *sight) Predict(w *Window, _ int, out *Rows) {
	for row := range w.Rows {
		for i, step := range w.Steps {
			at := w.Origin.Add(time.Duration(step) * w.Interval)
			v, _ := s.m.Values(context.Background(), fmt.Sprint("v", row), geo.Speed, w.Interval, at.Add(-w.Interval), at)
			k := row*len(w.Steps) + i
			out.Value[k], out.Lo90[k], out.Lo50[k], out.Hi50[k], out.Hi90[k] = v[0]+s.wrong, 4, 2, 2, 4
		}
	}
}

func servingName(r *Runner) string { return r.Models()[0].Card.Name }

func TestACandidateServesOnlyWhileItWins(t *testing.T) {
	ctx := context.Background()
	c, m, now := world(t, 6, 6, 9, 15*time.Minute)
	s := &seer{m: m, wrong: 20}
	r := newRunner(t, Options{City: c, History: m, Learners: []Learner{s}, Threads: 1})
	learn := func(serves bool, name string) Verdict {
		t.Helper()
		v, err := r.Learn(ctx, snapshotAt(c, now, 1))
		if err != nil || len(v) != 1 || v[0].Serves != serves || servingName(r) != name {
			t.Fatalf("%v, %+v; %s serves", err, v, servingName(r))
		}
		return v[0]
	}
	learn(false, "profile_residual")
	s.wrong = .5
	v := learn(true, "seer")
	if len(v.Card.Scores) != 4 || math.Abs(v.Card.Scores[0].MAE-.5) > .01 || v.Card.Scores[0].Baseline < .5 {
		t.Fatalf("scores %+v", v.Card.Scores)
	}
	if err := r.Refresh(ctx, snapshotAt(c, now, 2)); err != nil || servingName(r) != "seer" {
		t.Fatalf("%v; %s serves after a refresh", err, servingName(r))
	}
	s.wrong = 20
	if v := learn(false, "profile_residual"); !strings.Contains(v.Why, "no longer serves") {
		t.Fatal(v.Why)
	}
	f, err := r.Tick(ctx, snapshotAt(c, now, 3))
	if err != nil {
		t.Fatal(err)
	}
	checkWhole(t, f)
	for i, want := range []string{"seer", "profile_residual", ""} {
		if err := r.Rollback(ctx, geo.Speed, 15*time.Minute); errors.Is(err, fs.ErrNotExist) != (want == "") || want != "" && servingName(r) != want {
			t.Fatalf("%s serves after rollback %d, %v", servingName(r), i, err)
		}
	}
	s.wrong = .5
	learn(true, "seer")
	s.err = errors.New("boom")
	if _, err := r.Learn(ctx, snapshotAt(c, now, 4)); err == nil || !strings.Contains(err.Error(), "boom") || servingName(r) != "seer" {
		t.Fatalf("%v; %s serves", err, servingName(r))
	}
}

// poisons are faults of inputs that a runner must live with.
var poisons = map[string]func(m *memory){
	"nothing but missing values": func(m *memory) { poison(m, "v0", func(v []float32) { fill(v, missing) }) },
	"a constant sensor":          func(m *memory) { poison(m, "v0", func(v []float32) { fill(v, 40) }) },
	"an hour of zeros":           func(m *memory) { poison(m, "v0", func(v []float32) { fill(v[len(v)-8:len(v)-4], 0) }) },
	"infinite and absurd values": func(m *memory) {
		poison(m, "v0", func(v []float32) {
			for i := range v {
				v[i] = [3]float32{float32(math.Inf(1)), -50, 1e30}[i%3]
			}
		})
	},
	"one sensor only": func(m *memory) {
		for id := range m.values {
			if id != "v3/speed" {
				delete(m.values, id)
			}
		}
	},
	"nothing at all": func(m *memory) { clear(m.values) },
}

func poison(m *memory, sensor string, do func(v []float32)) { do(m.values[sensor+"/speed"]) }

func TestPoisonedInputsStillGiveAForecast(t *testing.T) {
	ctx := context.Background()
	for name, spoil := range poisons {
		t.Run(name, func(t *testing.T) {
			c, m, now := world(t, 12, 6, 6, 15*time.Minute)
			healthy := widthOf(t, c, m, now)
			spoil(m)
			if sick := widthOf(t, c, m, now); name != "an hour of zeros" && sick < healthy {
				t.Errorf("interval of %.1f km/h on the poisoned segment, %.1f when healthy", sick, healthy)
			}
			r := newRunner(t, Options{City: c, History: m, Threads: 1})
			for i := range 9 { // the clock stands still, leaps, and goes on
				at := now.Add(time.Duration([9]int{0, 0, 1, 2, 90, 91, 92, 93, 94}[i]) * 15 * time.Minute)
				f, err := r.Tick(ctx, snapshotAt(c, at, uint64(i)))
				if err != nil {
					t.Fatal(err)
				}
				checkWhole(t, f)
			}
		})
	}
}

// widthOf is the width of the 90 % interval of the first segment.
func widthOf(t *testing.T, c *geo.City, m *memory, now time.Time) float32 {
	t.Helper()
	r := newRunner(t, Options{City: c, History: m, Threads: 1})
	if err := r.Refresh(context.Background(), snapshotAt(c, now, 1)); err != nil {
		t.Fatal(err)
	}
	f, err := r.Tick(context.Background(), snapshotAt(c, now, 2))
	if err != nil {
		t.Fatal(err)
	}
	checkWhole(t, f)
	p := f.Roads.Speed.At(0, 3)
	return p.Hi90 - p.Lo90
}

func TestOneDayOfHistoryIsToldByItsWidth(t *testing.T) {
	c, m, now := world(t, 12, 6, 9, 15*time.Minute)
	long := widthOf(t, c, m, now)
	for id, v := range m.values {
		fill(v[:8*96], missing)
		m.values[id] = v
	}
	if short := widthOf(t, c, m, now); short < long {
		t.Fatalf("%.1f km/h wide on one day, %.1f on nine", short, long)
	}
}

// The day after the first, what is known of now is worth more than yesterday:
// the baseline follows it although nothing could be learned of how it fades.
func TestOnTheSecondDayNowCountsMoreThanYesterday(t *testing.T) {
	c, m, now := world(t, 6, 6, 1, 15*time.Minute)
	r := newRunner(t, Options{City: c, History: m, Threads: 1})
	if err := r.Refresh(t.Context(), snapshotAt(c, now, 1)); err != nil {
		t.Fatal(err)
	}
	var err, usual float64
	for k := range 64 {
		f, failed := r.Tick(t.Context(), snapshotAt(c, now.Add(time.Duration(k+1)*15*time.Minute), uint64(k)))
		if failed != nil {
			t.Fatal(failed)
		}
		g := &f.Groups[0]
		for row := range g.Series {
			truth, _ := m.Values(t.Context(), fmt.Sprint("v", row), geo.Speed, g.Interval, g.Origin, g.Origin.Add(g.Interval))
			err, usual = err+float64(abs(g.Bands.Value[row*4]-truth[0])), usual+float64(abs(g.Typical[row*4]-truth[0]))
		}
	}
	if err > .7*usual {
		t.Errorf("error %.2f, of yesterday's values %.2f", err, usual)
	}
}

func TestTooShortAHistoryIsNotLearnedFrom(t *testing.T) {
	c, m, now := world(t, 6, 6, 9, 15*time.Minute)
	for id, v := range m.values {
		fill(v[:9*96-30], missing)
		m.values[id] = v
	}
	r := newRunner(t, Options{City: c, History: m, Learners: []Learner{&seer{m: m}}, Threads: 1})
	v, err := r.Learn(context.Background(), snapshotAt(c, now, 1))
	if err != nil || len(v) != 1 || v[0].Serves || !strings.Contains(v[0].Why, "too few") {
		t.Fatalf("%v, %+v", err, v)
	}
}
