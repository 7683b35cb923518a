package emission_test

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/internal/testdata"
	"tideway/sim/air/emission"
	"tideway/unit"
)

func open(t testing.TB, file string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join(testdata.Dir(t, "air/emissions"), file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(file, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The guidebook's own check values are the theory here.
func TestEveryRowOfTheFullTableReproducesItsCheckValue(t *testing.T) {
	rows, err := emission.ReadRows(open(t, "emep_eea_2019_hot.csv.gz"), "emep")
	if err != nil {
		t.Fatal(err)
	}
	got := emission.Check(rows)
	if got.MaxRelDev > 1e-6 || got.Checked < 20000 || len(got.Undefined) != 431 {
		t.Fatalf("%d rows, %d checked, %d undefined, largest relative deviation %g: %+v",
			len(rows), got.Checked, len(got.Undefined), got.MaxRelDev, got.Worst)
	}
}

func TestShippedTableAgreesWithTheCompactSelection(t *testing.T) {
	recs, err := csv.NewReader(open(t, "emep_2019_compact.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, rec := range recs[1:] {
		p, err := emission.ParsePollutant(rec[1])
		if err != nil {
			t.Fatal(err)
		}
		c, err := emission.Default().Class(rec[0])
		if err != nil {
			t.Error(err)
			continue
		}
		var x [10]float64
		for i := range x {
			if x[i], err = strconv.ParseFloat(rec[i+2], 64); err != nil {
				t.Fatal(err)
			}
		}
		f := emission.Function{VMin: unit.Speed(x[0]) * unit.KMH, VMax: unit.Speed(x[1]) * unit.KMH, Alpha: x[2], Beta: x[3], Gamma: x[4], Delta: x[5],
			Epsilon: x[6], Zeta: x[7], Eta: x[8], Reduction: unit.Share(x[9])}
		for _, kmh := range []float64{20, 30, 50, 80} {
			v := unit.Speed(kmh) * unit.KMH
			want, _ := f.At(v)
			if got := c.Hot(p, v, 0, .5); math.Abs(got-want) > 2e-3*want {
				t.Errorf("%s %s at %g km/h = %g, want %g", rec[0], rec[1], kmh, got, want)
			}
			compared++
		}
	}
	if compared < 600 {
		t.Fatalf("only %d values compared", compared)
	}
}

func TestFactorsOfTheGuidebook(t *testing.T) {
	for _, c := range []struct {
		class string
		p     emission.Pollutant
		kmh   float64
		want  float64
	}{
		{"PC_D_V", emission.NOx, 10, .99}, {"PC_D_V", emission.NOx, 50, .54}, {"PC_D_V", emission.NOx, 110, .61},
		{"PC_G_IV", emission.NOx, 30, .065}, {"PC_G_IV", emission.EC, 50, 2.5},
		{"HGV_AT34-40_V", emission.NOx, 20, 11.1}, {"UBUS_STD_V", emission.NOx, 50, 2.9}, {"LCV_D_V", emission.NOx, 30, 1.20},
	} {
		k, err := emission.Default().Class(c.class)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Hot(c.p, unit.Speed(c.kmh)*unit.KMH, 0, .5); math.Abs(got-c.want) > .02*c.want {
			t.Errorf("%s %s at %g km/h = %.3g, want %.3g", c.class, c.p, c.kmh, got, c.want)
		}
	}
}

func TestIdleIsTheLowSpeedEndOfTheFunction(t *testing.T) {
	c, err := emission.Default().Class("PC_D_IV")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Idle(emission.NOx, 0); math.Abs(got-9.2) > .1 {
		t.Errorf("diesel Euro 4 idles at %.2f g/h NOx, want 9.2", got)
	}
	if got := c.Idle(emission.EC, 0); math.Abs(got-36.2) > .5 {
		t.Errorf("diesel Euro 4 idles at %.2f MJ/h, want 36 (one litre per hour)", got)
	}
	// A vehicle at 2 km/h for an hour releases what it does idling for an hour.
	if got := c.Hot(emission.NOx, 2*unit.KMH, 0, 0) * 2; math.Abs(got-c.Idle(emission.NOx, 0)) > 1e-9 {
		t.Errorf("an hour at 2 km/h releases %g g, idling %g", got, c.Idle(emission.NOx, 0))
	}
}

func TestFuelAndCO2FollowFromEnergy(t *testing.T) {
	tab := emission.Default()
	c, _ := tab.Class("PC_D_V")
	r := tab.Rates(c, 50*unit.KMH, emission.Road{})
	if got, want := r.Fuel.GKM(), r.Energy.MJKM()/42.7*1000; math.Abs(got-want) > 1e-9 {
		t.Errorf("fuel %g g/km, want %g", got, want)
	}
	if l100 := r.Fuel.GKM() * 100 / 835; l100 < 4 || l100 > 7 {
		t.Errorf("a diesel car burns %.1f l/100 km at 50 km/h", l100)
	}
	bev, err := tab.Class("PC_BEV")
	if err != nil {
		t.Fatal(err)
	}
	e := tab.Rates(bev, 50*unit.KMH, emission.Road{})
	if e.NOx != 0 || e.CO2 != 0 || e.PM10() <= 0 || e.PM10() == r.PM10Wear {
		t.Errorf("battery car: %+v", e)
	}
}

func TestWearOfACar(t *testing.T) {
	tab := emission.Default()
	c, _ := tab.Class("PC_G_V")
	for _, w := range []struct{ kmh, pm10, pm25 float64 }{
		{30, .6*.0107*1.39 + .98*.0075*1.67 + .5*.015, .42*.0107*1.39 + .39*.0075*1.67 + .27*.015},
		{100, .6*.0107*.902 + .98*.0075*.185 + .5*.015, .42*.0107*.902 + .39*.0075*.185 + .27*.015},
	} {
		r := tab.Rates(c, unit.Speed(w.kmh)*unit.KMH, emission.Road{})
		if math.Abs(r.PM10Wear.GKM()-w.pm10) > 1e-12 || math.Abs(r.PM25Wear.GKM()-w.pm25) > 1e-12 {
			t.Errorf("at %g km/h: %g, %g, want %g, %g", w.kmh, r.PM10Wear.GKM(), r.PM25Wear.GKM(), w.pm10, w.pm25)
		}
	}
}

func TestColdStart(t *testing.T) {
	cold := emission.ColdStart{Ambient: unit.Celsius(10), Trip: 12 * unit.Kilometre}
	if got, want := float64(cold.Share()), .6474-.02545*12-(.00974-.000385*12)*10; math.Abs(got-want) > 1e-12 {
		t.Fatalf("cold share %g, want %g", got, want)
	}
	if s := (emission.ColdStart{Ambient: unit.Celsius(-40), Trip: unit.Kilometre}).Share(); s > 1 {
		t.Errorf("cold share %g above 1", float64(s))
	}
	tab := emission.Default()
	beta := float64(cold.Share())
	// Diesel refers to its own hot factor, petrol after Euro 1 to that of Euro 1.
	d, _ := tab.Class("PC_D_V")
	v := 20 * unit.KMH
	hot := d.Hot(emission.NOx, v, 0, 0)
	if got, want := tab.Rates(d, v, emission.Road{Cold: cold}).NOx.GKM(), hot*(1+beta*(1.3-.13-1)); math.Abs(got-want) > 1e-12 {
		t.Errorf("diesel with cold start %g, want %g", got, want)
	}
	g, _ := tab.Class("PC_G_IV")
	one, _ := tab.Class("PC_G_I")
	want := g.Hot(emission.CO, v, 0, 0) + one.Hot(emission.CO, v, 0, 0)*.18*beta*(.121*20-.146*10+3.766-1)
	if got := tab.Rates(g, v, emission.Road{Cold: cold}).CO.GKM(); math.Abs(got-want) > 1e-12 {
		t.Errorf("petrol with cold start %g, want %g", got, want)
	}
	hotDay := emission.ColdStart{Ambient: unit.Celsius(60), Trip: unit.Kilometre}
	if a, b := tab.Rates(d, v, emission.Road{Cold: hotDay}), tab.Rates(d, v, emission.Road{}); a.NOx < b.NOx {
		t.Error("a cold start reduced emissions")
	}
}

func TestSlopeAndLoadInterpolate(t *testing.T) {
	c, _ := emission.Default().Class("HGV_AT34-40_V")
	v := 40 * unit.KMH
	at := func(s, l unit.Share) float64 { return c.Hot(emission.EC, v, s, l) }
	if mid, want := at(.01, .25), (at(0, 0)+at(.02, 0)+at(0, .5)+at(.02, .5))/4; math.Abs(mid-want) > 1e-12 {
		t.Errorf("between four functions %g, want their mean %g", mid, want)
	}
	if at(.06, 1) != at(.2, 3) || at(.06, 1) <= at(0, 1) || at(0, 1) <= at(0, 0) {
		t.Error("slope or load do not act as they should")
	}
}

func TestDefaultFleets(t *testing.T) {
	tab := emission.Default()
	var last float64
	for year := emission.FirstFleetYear; year <= emission.LastFleetYear; year++ {
		f, err := emission.DefaultFleet(tab, year)
		if err != nil {
			t.Fatal(err)
		}
		for c := emission.Category(0); c < emission.Categories; c++ {
			sum := 0.0
			for _, m := range f.Mix(c) {
				sum += float64(m.Share)
				if _, err := tab.Class(m.Class); err != nil {
					t.Errorf("%d: %v", year, err)
				}
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("%d: shares of %s sum to %g", year, c, sum)
			}
		}
		curves, err := f.Curves(tab, emission.Road{})
		if err != nil {
			t.Fatal(err)
		}
		// NOx need not fall: SCR trucks of Euro V release more at 30 km/h than Euro IV.
		pm := curves.Rates(emission.Truck, 30*unit.KMH).PMExhaust.GKM()
		if year > emission.FirstFleetYear && pm > last {
			t.Errorf("trucks of %d release %g g/km of particles, those of the year before %g", year, pm, last)
		}
		last = pm
	}
}

func TestFleetChangesKeepSharesWhole(t *testing.T) {
	tab := emission.Default()
	base, err := emission.DefaultFleet(tab, 2022)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := base.WithElectric(emission.Car, unit.Share(rapid.Float64Range(0, 1).Draw(t, "electric")))
		f = f.Keep(tab, emission.AtLeast(emission.Euro(rapid.IntRange(0, 7).Draw(t, "petrol")), emission.Euro(rapid.IntRange(0, 7).Draw(t, "diesel"))))
		for c := emission.Category(0); c < emission.Categories; c++ {
			sum := 0.0
			for _, m := range f.Mix(c) {
				sum += float64(m.Share)
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Fatalf("shares of %s sum to %g", c, sum)
			}
		}
	})
	var b strings.Builder
	if err := base.Write(&b); err != nil {
		t.Fatal(err)
	}
	back, err := emission.ReadFleet(strings.NewReader(b.String()), tab, "fleet.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range back.Mix(emission.Bus) {
		if o := base.Mix(emission.Bus)[i]; o.Class != m.Class || math.Abs(float64(o.Share-m.Share)) > 1e-12 {
			t.Errorf("after a round trip %+v, was %+v", m, o)
		}
	}
	lez := base.Keep(tab, emission.AtLeast(4, 6))
	for _, m := range lez.Mix(emission.Car) {
		if c, _ := tab.Class(m.Class); c.Fuel == emission.Diesel && c.Euro < 6 {
			t.Errorf("%s drives in the zone", m.Class)
		}
	}
}

func TestFleetFileReportsEveryProblem(t *testing.T) {
	_, err := emission.ReadFleet(strings.NewReader(`{"name":"x","categories":{"car":{"PC_D_IX":1,"HGV_RT14-20_V":1},"lorry":{"a":1},"van":{"LCV_D_V":-1}}}`), emission.Default(), "f.json")
	for _, want := range []string{"PC_D_IX", "HGV_RT14-20_V", "lorry", "-1", "bus"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

func curves(t testing.TB) *emission.Curves {
	f, err := emission.DefaultFleet(emission.Default(), 2022)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Curves(emission.Default(), emission.Road{Load: .5})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLinkTotalIsTheEMEPTotalHoweverItIsSplit(t *testing.T) {
	c := curves(t)
	rapid.Check(t, func(t *rapid.T) {
		var tr emission.Traffic
		for i := range tr.Vehicles {
			tr.Vehicles[i] = rapid.Float64Range(0, 500).Draw(t, "vehicles")
		}
		tr.Length = unit.Length(rapid.Float64Range(1, 3000).Draw(t, "length"))
		tr.MeanSpeed = unit.Speed(rapid.Float64Range(.05, 40).Draw(t, "mean"))
		tr.Cruise = max(tr.MeanSpeed, unit.Speed(rapid.Float64Range(0, 40).Draw(t, "cruise")))
		tr.StopDelay = time.Duration(rapid.Float64Range(0, 1000).Draw(t, "delay") * 1e9)
		tr.Stops = rapid.Float64Range(0, 10).Draw(t, "stops")
		tr.Queue = unit.Length(rapid.Float64Range(0, 4000).Draw(t, "queue"))
		e := c.Link(tr)
		var want emission.Amounts
		for cat, n := range tr.Vehicles {
			want = want.Plus(1, c.Rates(emission.Category(cat), tr.MeanSpeed).Over(n, tr.Length))
		}
		for _, p := range []struct {
			name        string
			run, st, to unit.Mass
		}{
			{"NOx", e.Run.NOx, e.Standing.NOx, want.NOx}, {"PM10", e.Run.PM10(), e.Standing.PM10(), want.PM10()}, {"CO2", e.Run.CO2, e.Standing.CO2, want.CO2},
		} {
			if p.run < -1e-12*p.to || p.st < 0 {
				t.Fatalf("%s: negative part %g, %g", p.name, p.run, p.st)
			}
			if math.Abs(float64(p.run+p.st-p.to)) > 1e-9*float64(p.to) {
				t.Fatalf("%s: %g + %g, want %g", p.name, p.run, p.st, p.to)
			}
		}
	})
}

func TestMoreWaitingMovesEmissionsToTheQueue(t *testing.T) {
	c := curves(t)
	tr := emission.Traffic{Length: 300, MeanSpeed: 5, Cruise: 14, Queue: 60, Stops: 1}
	tr.Vehicles[emission.Car] = 100
	last := unit.Mass(-1)
	for _, wait := range []time.Duration{0, 10 * time.Second, 40 * time.Second} {
		tr.StopDelay = wait
		if e := c.Link(tr); e.Standing.NOx <= last {
			t.Errorf("waiting %v puts %g in the queue, less waiting %g", wait, e.Standing.NOx, last)
		} else {
			last = e.Standing.NOx
		}
	}
	if e := c.Link(emission.Traffic{Vehicles: tr.Vehicles}); e != (emission.Emission{}) {
		t.Errorf("a link of no length releases %+v", e)
	}
}

func TestCountsAndTrafficAgree(t *testing.T) {
	c := curves(t)
	var flow [emission.Categories]unit.Flow
	flow[emission.Car] = 1200 * unit.VPH
	e := c.FromCounts(flow, 10, unit.Kilometre, 15*time.Minute)
	want := c.Rates(emission.Car, 10).Over(300, unit.Kilometre)
	if math.Abs(float64(e.Run.NOx-want.NOx)) > 1e-12*float64(want.NOx) {
		t.Errorf("%g, want %g", e.Run.NOx, want.NOx)
	}
}

func FuzzReadRows(f *testing.F) {
	head := "Category,MinSpeed_kmh,MaxSpeed_kmh,Alpha,Beta,Gamma,Delta,Epsilon,Zita,Hta,ReductionFactor_perc,CheckSpeed_kmh,CheckEF_gkm_or_MJkm\n"
	f.Add(head + "PC,5,130,0,0,1,0,0,0,1,0,15,1\n")
	f.Add(head + "PC,5,130,0,0,x,0,0,0,1,0,15,\n")
	f.Add("a,b\n1\n")
	f.Fuzz(func(t *testing.T, s string) {
		if rows, err := emission.ReadRows(strings.NewReader(s), "fuzz"); err == nil {
			emission.Check(rows)
		}
	})
}

func FuzzReadFleet(f *testing.F) {
	f.Add(`{"name":"x","categories":{"car":{"PC_D_V":1},"van":{"LCV_D_V":1},"truck":{"HGV_RT14-20_V":1},"bus":{"UBUS_STD_V":1},"two_wheeler":{"MC_4S_250_IV":1}}}`)
	f.Add(`{"categories":{"car":{"PC_D_V":1e999}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		if fl, err := emission.ReadFleet(strings.NewReader(s), emission.Default(), "fuzz"); err == nil {
			if _, err := fl.Curves(emission.Default(), emission.Road{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzReadTable(f *testing.F) {
	head := "class,pollutant,slope,load,vmin_kmh,vmax_kmh,alpha,beta,gamma,delta,epsilon,zeta,eta,reduction\n"
	f.Add(head + "PC_D_IV,NOx,0,0,5,130,0,0,1,0,0,0,1,0\nPC_D_IV,CO,0,0,5,130,0,0,1,0,0,0,1,0\nPC_D_IV,PM,0,0,5,130,0,0,1,0,0,0,1,0\nPC_D_IV,EC,0,0,5,130,0,0,1,0,0,0,1,0\n")
	f.Fuzz(func(t *testing.T, s string) {
		tab, err := emission.ReadTable(strings.NewReader(s), "fuzz")
		if err != nil {
			return
		}
		for _, id := range tab.IDs() {
			c, err := tab.Class(id)
			if err != nil {
				t.Fatal(err)
			}
			tab.Rates(c, 10, emission.Road{Load: .3, Slope: .01})
		}
	})
}

func BenchmarkLink(b *testing.B) {
	c := curves(b)
	tr := emission.Traffic{Length: 300, MeanSpeed: 5, Cruise: 14, Queue: 60, Stops: 1, StopDelay: 20 * time.Second}
	for i := range tr.Vehicles {
		tr.Vehicles[i] = 100
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Link(tr)
	}
}
