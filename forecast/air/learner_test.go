package air

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"tideway/forecast"
	"tideway/geo"
	"tideway/live"
)

// trainingOf makes the runner's training set from a pollutant's hours.
func trainingOf(d *Data, target Column, q geo.Quantity, hours int) forecast.Training {
	cal := forecast.NewCalendar(nil, nil)
	p := &forecast.Panel{Quantity: q, Interval: time.Hour, First: d.First.Add(time.Hour), Moments: cal.Grid(d.First.Add(time.Hour), time.Hour, hours)}
	for s := range d.Stations {
		p.Series = append(p.Series, live.Series{Sensor: geo.SensorID(s), Quantity: q, Interval: time.Hour})
		p.Values = append(p.Values, d.Stations[s].Columns[target][:hours]...)
	}
	profile, usual := forecast.FitProfile(p, forecast.SelectProfile(context.Background(), p, 1), 1, hours/24)
	return forecast.Training{Panel: p, Usual: usual, Profile: profile, Steps: []int{1, 2, 3, 4}, Threads: 1, Calendar: cal}
}

func TestLearnerBeatsTheProfileOnUnseenDays(t *testing.T) {
	d := invent(3, 1800, 9)
	in := trainingOf(d, PM25, geo.PM25, 1800)
	short := in
	short.Panel, short.Usual = in.Panel.Head(1400), nil
	for row := range in.Panel.Series {
		short.Usual = append(short.Usual, in.Usual[row*1800:row*1800+1400]...)
	}
	if ok, why := (Learner{}).Takes(short.Panel); !ok {
		t.Fatal(why)
	}
	m, err := Learner{Seed: 1}.Fit(t.Context(), short)
	if err != nil {
		t.Fatal(err)
	}
	w, out, again := forecast.NewWindow(3, 12, in.Steps), forecast.NewRows(3, 4), forecast.NewRows(3, 4)
	var model, usual, n, inside float64
	for origin := 1420; origin < 1790; origin++ {
		in.Window(w, origin)
		m.Predict(w, 1, out)
		m.Predict(w, 3, again)
		if !slices.Equal(out.Value, again.Value) || !slices.Equal(out.Hi90, again.Hi90) {
			t.Fatal("forecasts depend on the number of threads")
		}
		for row := range 3 {
			for i, step := range in.Steps {
				y, k := in.Truth(row, origin, step), row*4+i
				if e := math.Abs(float64(y - out.Value[k])); !math.IsNaN(e) {
					model, usual, n = model+e, usual+math.Abs(float64(y-w.Ahead[k])), n+1
					if e <= float64(out.Hi90[k]) {
						inside++
					}
				}
			}
		}
	}
	if model > .8*usual {
		t.Errorf("MAE %.2f, the profile %.2f", model/n, usual/n)
	}
	if inside/n < .75 || inside/n > .99 {
		t.Errorf("raw 90 %% intervals hold %.2f", inside/n)
	}
	if c := m.Card(); c.Name != LearnerName || len(c.Features) != pooledColumns || c.Version == "" || c.Series != 3 {
		t.Errorf("card %+v", c)
	}
}

func TestLearnerRefusesWhatItIsNotMadeFor(t *testing.T) {
	d := invent(1, 1000, 3)
	speed := trainingOf(d, PM25, geo.Speed, 1000)
	if ok, why := (Learner{}).Takes(speed.Panel); ok || why == "" {
		t.Error("took speeds")
	}
	few := trainingOf(d, PM25, geo.PM25, 240)
	if ok, why := (Learner{}).Takes(few.Panel); ok || why == "" {
		t.Error("took ten days")
	}
	if _, err := (Learner{}).Fit(t.Context(), few); err == nil {
		t.Error("learned from ten days of one station")
	}
}

// Where the weather ahead is told the trees that know it answer, else the
// others, to the bit what they say to a runner that is never told any.
func TestLearnerUsesTheWeatherThatIsTold(t *testing.T) {
	d := invent(2, 1800, 9)
	in := trainingOf(d, PM25, geo.PM25, 1800)
	in.Steps = []int{1, 12, 24}
	train := in
	train.Panel, train.Usual = in.Panel.Head(1400), nil
	for row := range in.Panel.Series {
		train.Usual = append(train.Usual, in.Usual[row*1800:row*1800+1400]...)
	}
	never, err := Learner{Seed: 1}.Fit(t.Context(), train)
	if err != nil {
		t.Fatal(err)
	}
	train.Sky.First = in.Panel.First
	for i := range 1800 {
		h := forecast.UnknownSky
		h[forecast.SkyWind] = d.Stations[0].Columns[WindSpeed][i]
		train.Sky.Hours = append(train.Sky.Hours, h)
	}
	m, err := Learner{Seed: 1}.Fit(t.Context(), train)
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Card(); len(c.Features) != toldColumns || c.Version == never.Card().Version {
		t.Errorf("card %+v", c)
	}
	m, _ = readBack(t, m)
	w, told, not, old := forecast.NewWindow(2, 12, in.Steps), forecast.NewRows(2, 3), forecast.NewRows(2, 3), forecast.NewRows(2, 3)
	var with, without float64
	for origin := 1420; origin < 1770; origin++ {
		in.Sky = train.Sky
		in.Window(w, origin)
		m.Predict(w, 1, told)
		w.Sky.Hours = w.Sky.Hours[:24+1+12] // given for twelve hours
		m.Predict(w, 2, not)
		never.Predict(w, 1, old)
		if !slices.Equal(told.UsesSky, []bool{true, true, true}) || !slices.Equal(not.UsesSky, []bool{true, true, false}) || slices.Contains(old.UsesSky, true) {
			t.Fatalf("weather is used for %v, %v, %v", told.UsesSky, not.UsesSky, old.UsesSky)
		}
		for row := range 2 {
			if k := row*3 + 2; not.Value[k] != old.Value[k] || not.Value[k-1] != told.Value[k-1] {
				t.Fatal("a step's forecast depends on weather after its target")
			}
			if y := in.Truth(row, origin, 24); finite(y) {
				with, without = with+math.Abs(float64(y-told.Value[row*3+2])), without+math.Abs(float64(y-old.Value[row*3+2]))
			}
		}
	}
	if with > .8*without {
		t.Errorf("24 hours ahead the error is %.2f of that without weather", with/without)
	}
}

// readBack writes a model, reads it and checks that writing it again gives the
// same bytes, which it returns.
func readBack(t *testing.T, m forecast.Model) (forecast.Model, []byte) {
	t.Helper()
	var text, again bytes.Buffer
	if _, err := m.(io.WriterTo).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	back, err := Learner{}.Read(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.(io.WriterTo).WriteTo(&again); err != nil || !bytes.Equal(text.Bytes(), again.Bytes()) {
		t.Fatalf("the text changed: %v", err)
	}
	return back, text.Bytes()
}

func TestLearnersModelsAreReadBackTheSameBits(t *testing.T) {
	d := invent(2, 900, 4)
	in := trainingOf(d, PM25, geo.PM25, 900)
	m, err := Learner{Seed: 2}.Fit(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	back, text := readBack(t, m)
	w, a, b := forecast.NewWindow(2, 12, in.Steps), forecast.NewRows(2, 4), forecast.NewRows(2, 4)
	for origin := 700; origin < 720; origin++ {
		in.Window(w, origin)
		m.Predict(w, 1, a)
		back.Predict(w, 1, b)
		if !slices.Equal(a.Value, b.Value) || !slices.Equal(a.Lo90, b.Lo90) || !slices.Equal(a.Hi50, b.Hi50) {
			t.Fatalf("forecasts at %d differ", origin)
		}
	}
	for _, damaged := range [][]byte{nil, text[:len(text)/2], append([]byte("x"), text...)} {
		if _, err := (Learner{}).Read(bytes.NewReader(damaged)); err == nil {
			t.Errorf("%d damaged bytes were read", len(damaged))
		}
	}
}

func FuzzReadLearnersModel(f *testing.F) {
	d := invent(1, 600, 4)
	m, err := Learner{}.Fit(f.Context(), trainingOf(d, PM25, geo.PM25, 600))
	if err != nil {
		f.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := m.(io.WriterTo).WriteTo(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add(text.Bytes()[:text.Len()/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := (Learner{}).Read(bytes.NewReader(data)); err == nil {
			_ = m.Card()
		}
	})
}
