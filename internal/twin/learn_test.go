package twin_test

import (
	"context"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
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
	b := &live.Batch{Client: "history"}
	for _, s := range city.Sensors.All() {
		for _, m := range s.Measures {
			if m.Quantity == geo.Speed && len(b.Sensors) == 0 {
				b.Sensors = append(b.Sensors, s.ID)
				n := int(52 * time.Hour / m.Interval)
				for k := range n {
					b.Add(0, m.Quantity, noon.Add(-time.Duration(n+1-k)*m.Interval).Truncate(m.Interval), m.Interval, 30+float64(k*k%7))
				}
			}
		}
	}
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
