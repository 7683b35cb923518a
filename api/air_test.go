package api

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"tideway/api/client"
	"tideway/api/wire"
	"tideway/forecast/air/field"
	"tideway/internal/fault"
)

// fakeAir is the air of a fake twin.
type fakeAir struct {
	field *field.Field
	sky   field.Sky
}

func (f *fakeTwin) Air() *field.Field {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.air.field
}

func (f *fakeTwin) Weather() field.Sky {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.air.sky
}

func (f *fakeTwin) AddWeather(_ context.Context, hours field.Sky) (field.Sky, error) {
	var bad fault.List
	for i := range hours {
		hours[i].Check(fmt.Sprintf("hours[%d]", i), &bad)
	}
	if err := bad.Err("taking weather"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.air.sky = f.air.sky.Merge(hours, noon)
	return f.air.sky, nil
}

// makeAir gives the twin the air of its forecast.
func (f *fakeTwin) makeAir(t testing.TB) {
	t.Helper()
	r, err := field.New(field.Options{City: f.city, Squares: 300, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.Tick(t.Context(), f.Forecast(), nil, f.Weather())
	if err != nil {
		t.Fatal(err)
	}
	f.with(func() { f.air.field = made })
}

func airService(t *testing.T) (*fakeTwin, *client.Client, string) {
	twin := newFakeTwin(t, 20)
	twin.makeAir(t)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	wait(t, c)
	return twin, c, base
}

func TestTheGridIsServedByPollutantAndTime(t *testing.T) {
	twin, c, base := airService(t)
	f := twin.Air()
	for p, pollutant := range gridPollutants {
		for k := range f.Times {
			g, err := c.AirGrid(t.Context(), pollutant, f.Times[k].At)
			if err != nil {
				t.Fatal(err)
			}
			n := len(f.Scene.SideM)
			if len(g.Value) != n || len(g.West) != n || len(g.North) != n || !g.At.Equal(f.Times[k].At) || len(g.Times) != len(f.Times) || g.Pollutant != pollutant {
				t.Fatalf("%s at %d: %d squares, expected %d; at %v", pollutant, k, len(g.Value), n, g.At)
			}
			column, _ := columnOf(&f.Times[k], p)
			if want := column[len(column)-n].UGM3(); math.Abs(*g.Value[0]-want) > .051 {
				t.Errorf("first square %g, expected %g", *g.Value[0], want)
			}
			for i := range g.West {
				if !(g.West[i] < g.East[i] && g.South[i] < g.North[i]) {
					t.Fatalf("square %d is none", i)
				}
			}
		}
	}
	resp, err := http.Get(base + wire.PathAirGrid)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	req, _ := http.NewRequest(http.MethodGet, base+wire.PathAirGrid, nil)
	req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	if again, err := http.DefaultClient.Do(req); err != nil || again.StatusCode != http.StatusNotModified {
		t.Errorf("a second time: %v, %v", again, err)
	} else {
		again.Body.Close()
	}
}

func TestStationsAndZonesCarryTheModel(t *testing.T) {
	twin, c, _ := airService(t)
	stations, err := c.Air(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	times := len(twin.Air().Times)
	for _, s := range stations.Stations {
		if len(s.Modelled) != times || s.Modelled[0].NO2UGM3 == nil || !(*s.Modelled[0].NO2UGM3 > 0) {
			t.Errorf("%s: %+v", s.Station, s.Modelled)
		}
		// The fake measures 37 or so of NO2: fair in Europe (10 to 25), moderate above.
		if e := s.Indices.European; e == nil || e.Label != "moderate" || len(e.Primary) != 1 || e.Primary[0] != "NO2" {
			t.Errorf("%s: European index %+v", s.Station, e)
		}
		if s.Indices.US == nil || s.Indices.China == nil || s.Indices.US.Index < 1 || s.Indices.US.Index > 50 {
			t.Errorf("%s: %+v", s.Station, s.Indices.US)
		}
	}
	zones, err := c.AirZones(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(zones.Exposure) != 2 || zones.Exposure[0].WeightedBy != "population" || zones.Exposure[0].Population != 1200 || zones.Exposure[0].LimitUGM3 != 25 || zones.Exposure[0].MeanUGM3 == nil {
		t.Errorf("exposure %+v", zones.Exposure)
	}
	for _, z := range zones.Zones {
		if want := z.Zone == "west"; (len(z.Modelled) == times) != want { // the other has no population
			t.Errorf("%s: %d times", z.Zone, len(z.Modelled))
		}
	}
}

func TestAnyPlaceHasItsAir(t *testing.T) {
	twin, c, _ := airService(t)
	p, err := c.AirReceptor(t.Context(), 11.3405, 44.4903)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Values) != len(twin.Air().Times) || p.European == nil || p.Values[0].PM25UGM3 == nil {
		t.Errorf("%+v", p)
	}
	if _, err := c.AirReceptor(t.Context(), 2, 48); err == nil {
		t.Error("Paris was answered")
	}
}

func TestLimitsCountExceedances(t *testing.T) {
	_, c, _ := airService(t)
	l, err := c.AirLimits(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, one := range l.Limits {
		if one.Station == "air 1" && one.Rule == "WHO 2021" && one.Pollutant == "NO2" {
			seen++
			days := int(noon.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).Hours() / 24)
			switch one.Over { // the fake measures 30 to 39, a value in fifty is missing
			case "day":
				if one.Means != days || one.Exceedances != days || one.LimitUGM3 != 25 {
					t.Errorf("%+v, expected all of %d days above", one, days)
				}
			case "hour":
				if one.Exceedances != 0 || one.WorstUGM3 == nil || *one.WorstUGM3 != 39 {
					t.Errorf("%+v", one)
				}
			case "year":
				if one.Exceedances != 1 || one.Means != 1 {
					t.Errorf("%+v", one)
				}
			}
		}
	}
	if l.Year != 2026 || seen != 3 {
		t.Errorf("year %d, %d limits of the WHO for NO2", l.Year, seen)
	}
	if past, err := c.AirLimits(t.Context(), 2030); err != nil || len(past.Limits) != 0 {
		t.Errorf("%+v, %v", past, err)
	}
}

func TestWeatherIsTakenAndTold(t *testing.T) {
	_, c, base := airService(t)
	warm := 21.5
	w, err := c.AddWeather(t.Context(), wire.WeatherHour{At: noon, WindMS: 3, WindFromDeg: 270, TemperatureC: &warm}, wire.WeatherHour{At: noon.Add(time.Hour), WindMS: 4, WindFromDeg: 280})
	if err != nil || len(w.Hours) != 2 || w.Hours[0].TemperatureC == nil || *w.Hours[0].TemperatureC != warm || w.Hours[1].Cloud != nil {
		t.Errorf("%+v, %v", w, err)
	}
	if again, err := c.Weather(t.Context()); err != nil || len(again.Hours) != 2 {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := c.AddWeather(t.Context(), wire.WeatherHour{At: noon.Add(time.Minute), WindMS: -3, WindFromDeg: 270}); err == nil {
		t.Error("a wind of -3 m/s at 12:01 was taken")
	}
	k := newChecker(t, base)
	k.do(post, wire.PathWeather, "application/json", `{"hours":[{"at":"2026-03-20T12:00:00Z","wind_ms":-1,"wind_from_deg":720}]}`, http.StatusUnprocessableEntity)
	k.do(get, wire.PathAirGrid+"?pollutant=so2", "", "", http.StatusUnprocessableEntity)
	k.do(get, wire.PathAirReceptor+"?lon=11", "", "", http.StatusUnprocessableEntity)
	for path, want := range map[string]string{wire.PathAirGrid + "?at=noon": "at: found", "/v1/sensors/air%201/series?from=noon": "query.from: expected"} {
		if got := string(k.do(get, path, "", "", http.StatusUnprocessableEntity)); !strings.Contains(got, want) || !strings.Contains(got, aTime) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// Before the first field stations are told of and the grid says why it is not there.
func TestWithoutAFieldStationsAreStillServed(t *testing.T) {
	twin := newFakeTwin(t, 20)
	_, base := serve(t, Options{Twin: twin})
	c := client.New(base, "", transport(t))
	wait(t, c)
	s, err := c.Air(t.Context())
	if err != nil || len(s.Stations) != 2 || s.Stations[0].Modelled == nil || len(s.Stations[0].Modelled) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	k := newChecker(t, base)
	k.do(get, wire.PathAirGrid, "", "", http.StatusServiceUnavailable)
	k.do(get, wire.PathAirReceptor+"?lon=11.34&lat=44.49", "", "", http.StatusServiceUnavailable)
}
