package twin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/internal/bus"
	"tideway/internal/twin"
	"tideway/live"
)

// pupil is a learner that learns nothing and says the profile.
type pupil struct{}

func (pupil) Name() string { return "pupil" }
func (pupil) Takes(p *forecast.Panel) (bool, string) {
	return p.Quantity == geo.Speed && p.Steps() > 24, "few values"
}
func (pupil) Fit(_ context.Context, in forecast.Training) (forecast.Model, error) {
	if in.Threads != 1 {
		panic("training beside the service took more than one core")
	}
	return pupil{}, nil
}
func (pupil) Card() forecast.Card                                   { return forecast.Card{Name: "pupil", Version: "1"} }
func (pupil) Predict(w *forecast.Window, _ int, out *forecast.Rows) { copy(out.Value, w.Ahead) }

// History that arrives is learned from at once, as it would be at night.
func TestModelsAreTrainedBesideTheService(t *testing.T) {
	city, verdicts := smallCity(t), make(chan forecast.Verdict, 64)
	tw, err := twin.Start(t.Context(), twin.Options{City: city, Dir: t.TempDir(), Now: func() time.Time { return noon }, Tick: 50 * time.Millisecond,
		Learners: []forecast.Learner{pupil{}}, Learned: func(v forecast.Verdict) { verdicts <- v }, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, tw)
	b := historyOf(city, func(at time.Time) float64 { k := at.Unix() / 60; return 30 + float64(k*k%7) })
	if answer, err := tw.Put(t.Context(), b); err != nil || answer.Accepted != b.Len() {
		t.Fatalf("%+v, %v", answer, err)
	}
	tw.Refit()
	for v := range verdicts {
		if v.Card.Name == "pupil" {
			return
		}
	}
}

// historyOf is two days of one speed sensor.
func historyOf(city *geo.City, speed func(time.Time) float64) *live.Batch {
	b := &live.Batch{Client: "history"}
	for _, s := range city.Sensors.All() {
		for _, m := range s.Measures {
			if m.Quantity == geo.Speed && len(b.Sensors) == 0 {
				b.Sensors = append(b.Sensors, s.ID)
				for k := int(52 * time.Hour / m.Interval); k > 0; k-- {
					at := noon.Add(-time.Duration(k) * m.Interval).Truncate(m.Interval)
					b.Add(0, m.Quantity, at, m.Interval, speed(at))
				}
			}
		}
	}
	return b
}

// oracle knows what will be measured: wave of the time. Its models can be
// written down.
type oracle struct {
	fits *atomic.Int32
	fail error
	card forecast.Card
}

func (o oracle) Name() string                           { return "oracle" }
func (o oracle) Takes(p *forecast.Panel) (bool, string) { return pupil{}.Takes(p) }
func (o oracle) Card() forecast.Card                    { return o.card }
func (o oracle) WriteTo(w io.Writer) (int64, error)     { return 0, json.NewEncoder(w).Encode(o.card) }
func (o oracle) Read(r io.Reader) (forecast.Model, error) {
	err := json.NewDecoder(r).Decode(&o.card)
	return o, err
}

func (o oracle) Fit(_ context.Context, in forecast.Training) (forecast.Model, error) {
	o.fits.Add(1)
	p := in.Panel
	o.card = forecast.Card{Name: "oracle", Version: fmt.Sprint(p.Steps()), Series: len(p.Series), Steps: in.Steps, Interval: p.Interval,
		Until: p.First.Add(time.Duration(p.Steps()-1) * p.Interval)}
	return o, o.fail
}

func (o oracle) Predict(w *forecast.Window, _ int, out *forecast.Rows) {
	for row := range w.Rows {
		for i, s := range w.Steps {
			k := row*len(w.Steps) + i
			out.Value[k] = float32(wave(w.Origin.Add(time.Duration(s) * w.Interval)))
			out.Lo90[k], out.Lo50[k], out.Hi50[k], out.Hi90[k] = 4, 2, 2, 4
		}
	}
}

// wave is a speed in km/h that no profile can know.
func wave(at time.Time) float64 { return 40 + 10*math.Sin(float64(at.Unix())/3000) }

// process is one start of the service over a data folder.
type process struct {
	*twin.Twin
	oracle   oracle
	verdicts chan forecast.Verdict
	reports  chan error
}

func begin(t *testing.T, dir string, city *geo.City, fail error) *process {
	t.Helper()
	p := &process{oracle: oracle{fits: new(atomic.Int32), fail: fail}, verdicts: make(chan forecast.Verdict, 256), reports: make(chan error, 256)}
	tw, err := twin.Start(t.Context(), twin.Options{City: city, Dir: dir, Now: func() time.Time { return noon }, Tick: 50 * time.Millisecond,
		Learners: []forecast.Learner{p.oracle}, Learned: func(v forecast.Verdict) { p.verdicts <- v }, Report: func(err error) { p.reports <- err }})
	if err != nil {
		t.Fatal(err)
	}
	p.Twin = tw
	return p
}

// taught waits until the oracle has won.
func (p *process) taught(t *testing.T) forecast.Verdict {
	t.Helper()
	for {
		select {
		case v := <-p.verdicts:
			if v.Serves {
				return v
			}
		case <-t.Context().Done():
			t.Fatal("the oracle did not win")
		}
	}
}

// told waits for a report.
func (p *process) told(t *testing.T, want string) {
	t.Helper()
	for {
		select {
		case err := <-p.reports:
			if strings.Contains(err.Error(), want) {
				return
			}
			t.Log(err)
		case <-t.Context().Done():
			t.Fatalf("nothing was said of %q", want)
		}
	}
}

// forecasts waits until a model of the oracle makes the forecasts.
func (p *process) forecasts(t *testing.T) string {
	t.Helper()
	ticked := make(chan struct{}, 1)
	defer p.Subscribe(func() {
		select {
		case ticked <- struct{}{}:
		default:
		}
	})()
	for {
		for _, g := range p.Forecast().Groups {
			if strings.HasPrefix(g.Model, "oracle@") {
				return g.Model
			}
		}
		select {
		case <-ticked:
		case <-t.Context().Done():
			t.Fatal("the oracle does not forecast")
		}
	}
}

// What was learned serves after a restart without being learned again; when it
// is damaged the service says so and the baseline forecasts.
func TestModelsSurviveARestart(t *testing.T) {
	city, dir := smallCity(t), t.TempDir()
	before := start(t, dir, city, nil)
	if answer, err := before.Put(t.Context(), historyOf(city, wave)); err != nil || answer.Rejected > 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	stop(t, before)

	first := begin(t, dir, city, nil)
	won := first.taught(t)
	model := first.forecasts(t)
	stop(t, first.Twin)

	second := begin(t, dir, city, nil)
	if again := second.forecasts(t); again != model {
		t.Errorf("%s forecasts after the restart, before %s", again, model)
	}
	second.Refit()
	second.taught(t)
	if n := second.oracle.fits.Load(); n != 2 { // the draft and the full fit of the night
		t.Errorf("%d fits, expected none at the start", n)
	}
	for _, want := range []error{nil, nil, fs.ErrNotExist} { // to the first, to the baseline
		if err := second.Rollback(t.Context(), won.Quantity, won.Interval); !errors.Is(err, want) {
			t.Errorf("rolling back: %v, expected %v", err, want)
		}
	}
	second.Refit()
	second.taught(t)
	stop(t, second.Twin)

	damageModels(t, dir)
	third := begin(t, dir, city, errors.New("no time to learn"))
	defer stop(t, third.Twin)
	third.told(t, "checksum")
	third.told(t, "no time to learn")
	for _, m := range third.Models() {
		if m.Role == forecast.Serving && m.Card.Name != "profile_residual" {
			t.Errorf("%s serves %s", m.Card.Name, m.Quantity)
		}
	}
}

// damageModels flips a bit of every model kept in a data folder.
func damageModels(t *testing.T, dir string) {
	t.Helper()
	b, err := bus.Start(bus.Options{Dir: filepath.Join(dir, "bus")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	models, err := b.Bucket(t.Context(), "models")
	if err != nil {
		t.Fatal(err)
	}
	all, err := models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if strings.Contains(e.Key, "/oracle/") {
			e.Value[len(e.Value)/2] ^= 1
			if _, err := models.Put(t.Context(), e.Key, e.Value); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	if n == 0 {
		t.Fatal("no model was kept")
	}
}
