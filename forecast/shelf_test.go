package forecast

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tideway/geo"
)

// board is a shelf in memory.
type board map[string][]byte

func (b board) Get(_ context.Context, key string) ([]byte, error) {
	if v, ok := b[key]; ok {
		return slices.Clone(v), nil
	}
	return nil, fs.ErrNotExist
}
func (b board) Put(_ context.Context, key string, v []byte) error {
	b[key] = slices.Clone(v)
	return nil
}
func (b board) Delete(_ context.Context, key string) error {
	delete(b, key)
	return nil
}
func (b board) Keys(context.Context) ([]string, error) { return slices.Sorted(maps.Keys(b)), nil }

// model returns the key of the only model kept.
func (b board) model(t *testing.T) string {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if strings.Count(key, "/") > 1 {
			return key
		}
	}
	t.Fatal("no model was kept")
	return ""
}

// scribe is a seer whose models can be written down.
type scribe struct {
	*seer
	fits int
}

func (s *scribe) Fit(_ context.Context, in Training) (Model, error) {
	s.fits++
	card := Card{Name: "seer", Version: fmt.Sprint(s.wrong), Series: len(in.Panel.Series), Steps: in.Steps, Interval: in.Panel.Interval,
		Until: in.Panel.First.Add(time.Duration(in.Panel.Steps()-1) * in.Panel.Interval)}
	return &script{sight{s.m, s.wrong}, card}, s.err
}

func (s *scribe) Read(in io.Reader) (Model, error) {
	m := &script{sight: sight{m: s.m}}
	_, err := fmt.Fscan(in, &m.wrong, &m.card.Series, &m.card.Interval)
	m.card.Name, m.card.Version, m.card.Steps = "seer", fmt.Sprint(m.wrong), []int{1, 2, 3, 4}
	return m, err
}

type script struct {
	sight
	card Card
}

func (s *script) Card() Card { return s.card }
func (s *script) WriteTo(w io.Writer) (int64, error) {
	n, err := fmt.Fprintln(w, s.wrong, s.card.Series, int64(s.card.Interval))
	return int64(n), err
}

// academy is a runner that has learned, and what it needs to be built again.
type academy struct {
	city   *geo.City
	m      *memory
	now    time.Time
	pupil  *scribe
	shelf  board
	report []string
}

func newAcademy(t *testing.T) *academy {
	c, m, now := world(t, 6, 6, 9, 15*time.Minute)
	a := &academy{city: c, m: m, now: now, pupil: &scribe{seer: &seer{m: m, wrong: .5}}, shelf: board{}}
	a.learn(t, a.runner(t))
	return a
}

// runner is a new process over the same shelf.
func (a *academy) runner(t *testing.T) *Runner {
	a.report = nil
	return newRunner(t, Options{City: a.city, History: a.m, Learners: []Learner{a.pupil}, Threads: 1, Shelf: a.shelf,
		Report: func(err error) { a.report = append(a.report, err.Error()) }})
}

func (a *academy) learn(t *testing.T, r *Runner) {
	t.Helper()
	if v, err := r.Learn(t.Context(), snapshotAt(a.city, a.now, 1)); err != nil || len(v) != 1 || !v[0].Serves {
		t.Fatalf("%+v, %v", v, err)
	}
}

func (a *academy) refresh(t *testing.T, r *Runner) {
	t.Helper()
	if err := r.Refresh(t.Context(), snapshotAt(a.city, a.now, 2)); err != nil {
		t.Fatal(err)
	}
}

// catchUp trains what is a day old, and returns how many fits that took.
func (a *academy) catchUp(t *testing.T, r *Runner) int {
	t.Helper()
	before := a.pupil.fits
	if _, err := r.CatchUp(t.Context(), snapshotAt(a.city, a.now, 3), a.now.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	return a.pupil.fits - before
}

func (a *academy) forecast(t *testing.T, r *Runner) *Forecast {
	t.Helper()
	f, err := r.Tick(t.Context(), snapshotAt(a.city, a.now, 4))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bits are all values of some bands.
func bits(b *Bands) (out []byte) {
	for _, col := range [][]float32{b.Value, b.Lo50, b.Hi50, b.Lo90, b.Hi90, b.PCongested} {
		out = appendFloats(out, col)
	}
	return out
}

func TestARestartServesTheSameModelWithoutTraining(t *testing.T) {
	a := newAcademy(t)
	first := a.runner(t)
	a.learn(t, first)
	want := a.forecast(t, first)
	second := a.runner(t)
	a.refresh(t, second)
	if n := a.catchUp(t, second); n != 0 || servingName(second) != "seer" || len(a.report) > 0 {
		t.Fatalf("%d fits, %s serves, %q", n, servingName(second), a.report)
	}
	got := a.forecast(t, second)
	if got.Groups[0].Model != want.Groups[0].Model || !bytes.Equal(bits(&got.Groups[0].Bands), bits(&want.Groups[0].Bands)) {
		t.Fatal("the forecast is another one")
	}
	if card := second.Models()[0].Card; len(card.Scores) != 4 || !card.Trained.Equal(a.now) {
		t.Fatalf("trained %s, scores %+v", card.Trained, card.Scores)
	}
	a.now = a.now.Add(36 * time.Hour)
	third := a.runner(t)
	a.refresh(t, third)
	if servingName(third) != "seer" || a.catchUp(t, third) == 0 {
		t.Fatal("models of the day before yesterday were not learned anew")
	}
}

func TestKeptModelsThatDoNotFitAreRefused(t *testing.T) {
	damage := func(do func(v []byte) []byte) func(*testing.T, *academy) {
		return func(t *testing.T, a *academy) {
			key := a.shelf.model(t)
			a.shelf[key] = do(a.shelf[key])
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *academy)
		want  string
	}{
		{"a flipped bit", damage(func(v []byte) []byte { v[len(v)/2] ^= 1; return v }), "checksum"},
		{"half of it", damage(func(v []byte) []byte { return v[:len(v)/2] }), "checksum"},
		{"another format", damage(func(v []byte) []byte { return append([]byte("tideway kept model 9\n"), v...) }), "does not begin with"},
		{"nothing of it", func(t *testing.T, a *academy) { delete(a.shelf, a.shelf.model(t)) }, "not exist"},
		{"another ledger", func(_ *testing.T, a *academy) { a.shelf["speed/900s"] = []byte(`{"format":7}`) }, "format 7, expected 1"},
		{"a broken ledger", func(_ *testing.T, a *academy) { a.shelf["speed/900s"] = []byte("{") }, "unexpected end"},
		{"one more sensor", func(t *testing.T, a *academy) { a.city = chain(t, 7, 7, 15*time.Minute) }, "made for 6 series, expected 7"},
		{"another place", func(t *testing.T, a *academy) {
			d := a.city.Draft()
			d.Sensors[2].Segment = 4
			var err error
			if a.city, err = d.Build(); err != nil {
				t.Fatal(err)
			}
		}, "series 2 is v2@s2, expected v2@s4"},
		{"another time zone", func(t *testing.T, a *academy) {
			d := a.city.Draft()
			d.TimeZone = "Asia/Tokyo"
			var err error
			if a.city, err = d.Build(); err != nil {
				t.Fatal(err)
			}
		}, "time zone Europe/Rome, expected Asia/Tokyo"},
		{"a clock set back", func(_ *testing.T, a *academy) { a.now = a.now.Add(-49 * time.Hour) }, "learned from data until"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAcademy(t)
			c.spoil(t, a)
			r := a.runner(t)
			a.refresh(t, r)
			if servingName(r) != "profile_residual" || len(a.report) != 1 || !strings.Contains(a.report[0], c.want) || !strings.Contains(a.report[0], "the baseline serves") {
				t.Fatalf("%s serves, %q", servingName(r), a.report)
			}
			checkWhole(t, a.forecast(t, r))
			if a.catchUp(t, r) == 0 || servingName(r) != "seer" {
				t.Fatalf("%s serves after training", servingName(r))
			}
		})
	}
}

func TestAHistoryFilledBetweenTwoStartsIsLearnedFrom(t *testing.T) {
	a := newAcademy(t)
	full := a.m.values
	a.m.values = map[string][]float32{}
	for id, v := range full {
		a.m.values[id] = slices.Clone(v)
		fill(a.m.values[id][:8*96+40], missing)
	}
	clear(a.shelf)
	first := a.runner(t)
	a.refresh(t, first)
	if n := a.catchUp(t, first); n != 0 || servingName(first) != "profile_residual" {
		t.Fatalf("%d fits on half a day, %s serves", n, servingName(first))
	}
	a.m.values = full
	second := a.runner(t)
	a.refresh(t, second)
	if n := a.catchUp(t, second); n == 0 || servingName(second) != "seer" {
		t.Fatalf("%d fits on nine days, %s serves", n, servingName(second))
	}
}

func TestTheStockIsKeptAndPruned(t *testing.T) {
	a := newAcademy(t)
	r := a.runner(t)
	a.refresh(t, r)
	for night := range 6 {
		a.pupil.wrong = .1 * float32(night)
		a.learn(t, r)
	}
	keys, _ := a.shelf.Keys(t.Context())
	want := []string{"speed/900s", "speed/900s/seer/0.2", "speed/900s/seer/0.3", "speed/900s/seer/0.4", "speed/900s/seer/0.5"}
	if !slices.Equal(keys, want) {
		t.Fatalf("the shelf holds %q, expected %q", keys, want)
	}
	if err := r.Rollback(t.Context(), geo.Speed, 15*time.Minute); err != nil {
		t.Fatal(err)
	}
	again := a.runner(t)
	a.refresh(t, again)
	var versions []string
	for _, m := range again.Models() {
		versions = append(versions, string(m.Role)+" "+m.Card.Version)
	}
	if len(versions) != 4 || versions[0] != "serving 0.4" || versions[2] != "previous 0.3" || versions[3] != "previous 0.2" || len(a.report) > 0 {
		t.Fatalf("after a rollback and a restart: %q, %q", versions, a.report)
	}
}

func TestACandidateThatLostIsShownAfterARestart(t *testing.T) {
	a := newAcademy(t)
	a.pupil.wrong = 20
	r := a.runner(t)
	a.refresh(t, r)
	if _, err := r.Learn(t.Context(), snapshotAt(a.city, a.now, 5)); err != nil {
		t.Fatal(err)
	}
	again := a.runner(t)
	a.refresh(t, again)
	models := again.Models()
	last := models[len(models)-1]
	if servingName(again) != "profile_residual" || last.Role != Candidate || last.Card.Version != "20" || len(last.Card.Scores) != 4 || !strings.Contains(last.Why, "no longer serves") {
		t.Fatalf("%s serves; %+v", servingName(again), last)
	}
}

func FuzzDecodeKeptModel(f *testing.F) {
	c, m, now := world(f, 6, 6, 9, 15*time.Minute)
	shelf := board{}
	r, err := New(Options{City: c, History: m, Learners: []Learner{&scribe{seer: &seer{m: m, wrong: .5}}}, Threads: 1, Shelf: shelf})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := r.Learn(context.Background(), snapshotAt(c, now, 1)); err != nil {
		f.Fatal(err)
	}
	for _, v := range shelf {
		f.Add(v)
		f.Add(v[:len(v)/2])
	}
	g := r.groups[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := r.decode(g, data); err == nil {
			again, err := r.encode(g, s.model.Card(), s.intervals, s.model.(carded).Model.(*script))
			if err != nil || !bytes.HasPrefix(again, []byte(keptMagic)) {
				t.Fatal(err)
			}
		}
	})
}
