package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/netdraw"
	"tideway/scenarios"
	"tideway/scenarios/report"
	"tideway/sim"
	"tideway/sim/demand"
	"tideway/sim/signal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// town is a street with two signals and side streets.
const town = `
    e     g
    |     |
a===B=====C===d
    |     |
    f     h
`

const shorter = `{"name": "Green for the side street", "changes": [{"op": "signal.adjust", "select": {"id": ["C"]}, "offset_s": 12, "split": [{"stage": 1, "add_s": -4}, {"stage": 4, "add_s": 4}]}]}`

func base(t testing.TB) scenarios.Base {
	t.Helper()
	city := netdraw.City(town)
	d := &demand.Demand{Types: []demand.VehicleType{demand.NewType("car", geo.Car)}}
	for _, way := range [][]string{{"aB", "BC", "Cd"}, {"-Cd", "-BC", "-aB"}, {"eB", "Bf"}, {"gC", "Ch"}} {
		var r demand.Route
		for _, id := range way {
			s, ok := city.Segments.Find(id)
			if !ok {
				t.Fatalf("no segment %s", id)
			}
			r.Segments = append(r.Segments, s)
		}
		d.Routes = append(d.Routes, r)
	}
	for i := range 240 {
		d.Trips = append(d.Trips, demand.Trip{ID: strconv.Itoa(i), Route: demand.RouteID(i % len(d.Routes)), Depart: time.Duration(i) * 5 * time.Second, Key: uint64(i + 1), ArriveAt: -1})
	}
	return scenarios.Base{City: city, Demand: d}
}

func applied(t testing.TB, b scenarios.Base, text string) *scenarios.Case {
	t.Helper()
	d, err := scenarios.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := scenarios.Apply(d, b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made is a comparison with figures of our own: the page must not change when
// the engine does.
func made(t testing.TB) report.Input {
	b := base(t)
	c := applied(t, b, shorter)
	n := b.City.Segments.Len()
	d := &scenarios.SegmentDiff{}
	for s := range n {
		was := float32(600 + 137*(s%5))
		d.BaseSpeedKMH, d.AltSpeedKMH = append(d.BaseSpeedKMH, 30), append(d.AltSpeedKMH, 30)
		d.BaseDelayS, d.AltDelayS = append(d.BaseDelayS, was), append(d.AltDelayS, was+float32((s%4-1)*(60+40*s)))
		d.BaseFlowVPH, d.AltFlowVPH = append(d.BaseFlowVPH, 300), append(d.AltFlowVPH, 300)
	}
	kpi := func(name, unit string, base, alt, half float64, better scenarios.Verdict) scenarios.KPI {
		num := func(v float64) scenarios.Number { return scenarios.Number(v) }
		return scenarios.KPI{KPI: name, Unit: unit, Lower: true, Base: num(base), Alt: num(alt), Diff: num(alt - base), Lo95: num(alt - base - half), Hi95: num(alt - base + half),
			P: 0.004, PHolm: 0.02, VarianceRatio: 3.5, Better: better, Test: scenarios.TestT, BaseMedian: num(base), AltMedian: num(alt)}
	}
	a := scenarios.Alternative{Scenario: c.ID, Name: c.Name, Changes: c.Changes, Segments: d, Warnings: []string{"expected cycle_s 90 at C, found 60"},
		KPIs: []scenarios.KPI{kpi("delay", "s", 42.5, 38.2, 1.5, scenarios.Better), kpi("stops", "per trip", 1.2, 1.26, 0.1, scenarios.Unclear),
			kpi("queue_back_p95", "m", 80, 95, 9, scenarios.Worse), {KPI: "delay.bus", Unit: "s", Base: 30, Alt: scenarios.Number(math.NaN()), Diff: scenarios.Number(math.NaN()),
				Lo95: scenarios.Number(math.NaN()), Hi95: scenarios.Number(math.NaN()), PHolm: scenarios.Number(math.NaN()), VarianceRatio: scenarios.Number(math.NaN()), Better: scenarios.Unclear}}}
	comparison := &scenarios.Comparison{City: "0123456789abcdef", Engine: "micro-test", Seed: 7, Replications: 5, CPUS: 2, WallS: 1,
		Base: scenarios.Side{StateHash: "aa"}, Alternatives: []scenarios.Alternative{a}}
	corridor := report.Corridor(b.City, []*scenarios.Case{c}, comparison)
	return report.Input{Comparison: comparison, City: b.City, Cases: []*scenarios.Case{c}, Period: sim.Input{Begin: 7 * time.Hour, End: 7*time.Hour + 20*time.Minute, UntilClear: true, StuckAfter: 5 * time.Minute},
		Recordings: []*report.Recording{recording(b.City, corridor, 0), recording(c.City, corridor, 1)}, Program: "tideway test", Created: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
}

// recording is a run in which vehicles drive at 10 m/s and stop where the plan
// shows red.
func recording(city *geo.City, corridor []geo.SegmentID, side int) *report.Recording {
	r := &report.Recording{Begin: 7 * time.Hour, Length: 20 * time.Minute, Step: time.Second, Corridor: corridor, From: 5 * time.Minute, To: 15 * time.Minute}
	for i, s := range corridor {
		r.EndM += city.Segments.At(s).Length.M()
		r.StopAtM = append(r.StopAtM, r.EndM)
		r.EndM += 15
		if i+1 == len(corridor) {
			break
		}
		first, _ := city.LanesOf(s)
		mv := city.Movements.At(city.MovementsFrom(first + 1)[0])
		one := report.Signal{Position: i, Signal: mv.Signal, Group: mv.Group}
		plan := city.Plans.At(city.Signals.At(mv.Signal).Plan)
		for k := range 1200 {
			stage, _ := signal.StageAt(plan, time.Duration(k)*time.Second)
			one.States = append(one.States, plan.Stages[stage].States[mv.Group])
		}
		for k := range 130 {
			one.Arrivals = append(one.Arrivals, float32(9*k)+float32(k%4))
		}
		r.Signals = append(r.Signals, one)
	}
	for v := range 40 {
		t, at := report.Track{Trip: v}, 0.0
		for k := 300 + 15*v; k < 900 && at < r.EndM; k++ {
			t.AtS, t.PosM = append(t.AtS, float32(k)), append(t.PosM, float32(at))
			stop := false
			for _, s := range r.Signals {
				stop = stop || at < r.StopAtM[s.Position] && at+10 >= r.StopAtM[s.Position] && !s.States[k].IsGreen()
			}
			if !stop {
				at += 10
			}
		}
		r.Tracks = append(r.Tracks, t)
	}
	n := city.Segments.Len()
	g := sim.SegmentTable{Begin: r.Begin, Interval: 2 * time.Minute, Intervals: 10, Segments: n, QueueBackM: make([]float32, 10*n), TimeLossS: make([]float32, 10*n), Left: make([]uint32, 10*n)}
	for k := range g.QueueBackM {
		g.QueueBackM[k], g.TimeLossS[k], g.Left[k] = float32(20+k%7*(4+side)), float32(100+k%11*30), uint32(10+side)
	}
	r.Segments = g
	return r
}

func html(t testing.TB, in report.Input) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s line %d:\n%.300s\nexpected\n%.300s\n(go test -update writes it anew)", name, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, expected %d", name, len(g), len(w))
}

func TestReportIsAsItWas(t *testing.T) {
	in := made(t)
	golden(t, "report.html", html(t, in))
	var table bytes.Buffer
	if err := report.WriteCSV(&table, in.Comparison); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.csv", table.String())
	if html(t, in) != html(t, made(t)) {
		t.Error("equal inputs give different pages")
	}
}

// The page asks for nothing: no script, no link, no picture from elsewhere.
func TestPageStandsAlone(t *testing.T) {
	page := html(t, made(t))
	for _, bad := range []string{"<script", "http:", "https:", "src=", "href=", "@import", "<link", "NaN", "Inf", "%!"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "url(") - strings.Count(page, "url(#"); n != 0 {
		t.Errorf("%d outside resources", n)
	}
	for _, want := range []string{"Delay falls from 42.5 to 38.2 s per trip", "Time and space along the corridor", "Arrivals at signal C", "Queue and delay over time", "Signal timings",
		"Where time is lost and won", "relative to the base", "1 got better, 1 got worse and 2 are unclear"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestNamesOfOthersStayText(t *testing.T) {
	in := made(t)
	in.Comparison.Alternatives[0].Name = `<script>alert("x")</script>`
	in.Comparison.Alternatives[0].Changes = []string{`a" onload="b`, "<b>"}
	in.Comparison.Alternatives[0].KPIs[0].KPI = "<i>delay"
	draft := in.City.Draft()
	for i := range draft.Segments {
		draft.Segments[i].Name = "</svg><script>"
	}
	city, err := draft.Build()
	if err != nil {
		t.Fatal(err)
	}
	in.City = city
	page := html(t, in)
	for _, bad := range []string{"<script", "<i>delay", `" onload="`, "<b>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q went through", bad)
		}
	}
}

func TestReportWithoutDiagrams(t *testing.T) {
	in := made(t)
	in.Cases, in.Recordings, in.Comparison.Alternatives[0].Segments = nil, nil, nil
	if page := html(t, in); strings.Contains(page, "Time and space") || !strings.Contains(page, "Delay falls") {
		t.Error("a comparison alone must give its table")
	}
	in.Comparison.Alternatives[0].Identical = true
	if page := html(t, in); !strings.Contains(page, "Nothing changed: every replication ended exactly as the base did.") {
		t.Error("a scenario without effect must say so")
	}
	in.Recordings = make([]*report.Recording, 1)
	if err := report.Write(&bytes.Buffer{}, in); err == nil {
		t.Error("a recording too few was taken")
	}
}

func TestHeadlines(t *testing.T) {
	for _, x := range []struct {
		change func(*scenarios.KPI)
		want   string
	}{
		{func(k *scenarios.KPI) {}, "Delay falls from 42.5 to 38.2 s per trip: −4.3 s (−10.1 %), 95 % interval −5.8 to −2.8 s."},
		{func(k *scenarios.KPI) { k.Better = scenarios.Unclear }, "No certain difference: delay goes from 42.5 to 38.2 s per trip. Its 95 % interval, −5.8 to −2.8 s, leaves zero out, but among 4 indicators that may be luck (p 0.02 after Holm)."},
		{func(k *scenarios.KPI) { k.Better, k.Hi95 = scenarios.Unclear, 1 }, "No clear difference: delay goes from 42.5 to 38.2 s per trip"},
		{func(k *scenarios.KPI) { k.Alt, k.Diff, k.Lo95, k.Hi95, k.Better = 52.5, 10, 8, 12, scenarios.Worse }, "Delay rises from 42.5 to 52.5 s per trip: +10 s (+23.5 %), 95 % interval +8 to +12 s."},
		{func(k *scenarios.KPI) { k.Better, k.Lo95 = scenarios.Unclear, scenarios.Number(math.NaN()) }, "nobody can say whether by chance"},
		{func(k *scenarios.KPI) { k.KPI = "other" }, "do not allow a statement about delay"},
	} {
		in := made(t)
		x.change(&in.Comparison.Alternatives[0].KPIs[0])
		if page := html(t, in); !strings.Contains(page, strings.ReplaceAll(x.want, "+", "&#43;")) {
			t.Errorf("the page does not say %q", x.want)
		}
	}
}

// What the table says can be read back to the last bit.
func TestCSVHoldsEveryFigure(t *testing.T) {
	in := made(t)
	var b bytes.Buffer
	if err := report.WriteCSV(&b, in.Comparison); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatal(rows, err)
	}
	for i, k := range in.Comparison.Alternatives[0].KPIs {
		for col, want := range map[int]scenarios.Number{5: k.Base, 6: k.Alt, 7: k.Diff, 8: k.Lo95, 12: k.VarianceRatio} {
			v, err := strconv.ParseFloat(rows[i+1][col], 64)
			if want.Known() && (err != nil || v != float64(want)) || !want.Known() && rows[i+1][col] != "" {
				t.Errorf("%s column %d is %q, expected %v", k.KPI, col, rows[i+1][col], want)
			}
		}
	}
	b.Reset()
	if err := report.WriteSegmentsCSV(&b, in.City, in.Comparison); err != nil || strings.Count(b.String(), "\n") != 1+in.City.Segments.Len() {
		t.Errorf("%v: %s", err, b.String())
	}
}

func TestHashForgetsTimeAndNothingElse(t *testing.T) {
	a, b := made(t).Comparison, made(t).Comparison
	b.CPUS, b.WallS = 100, 50
	if report.Hash(a) != report.Hash(b) {
		t.Error("computing time changes the hash")
	}
	b.Alternatives[0].KPIs[1].Alt += 1e-9
	if report.Hash(a) == report.Hash(b) {
		t.Error("another result has the same hash")
	}
}

func TestCorridorFollowsTheStreet(t *testing.T) {
	in := made(t)
	var ids []string
	for _, s := range report.Corridor(in.City, in.Cases, in.Comparison) {
		ids = append(ids, in.City.Segments.At(s).ID)
	}
	if got := fmt.Sprint(ids); got != "[-Cd -BC -aB]" && got != "[aB BC Cd]" && got != "[gC Ch]" && got != "[-Ch -gC]" {
		t.Errorf("corridor %v is no street through the changed signal", got)
	}
	in.Comparison.Alternatives[0].Segments = nil
	if c := report.Corridor(in.City, in.Cases, in.Comparison); c != nil {
		t.Errorf("corridor %v of nothing", c)
	}
}

func corridor(city *geo.City, ids ...string) (out []geo.SegmentID) {
	for _, id := range ids {
		s, _ := city.Segments.Find(id)
		out = append(out, s)
	}
	return out
}

// A recording shows what the run did: signals as planned, ways that never lead
// back, no more arrivals than vehicles that passed.
func TestRecordingsShowTheRun(t *testing.T) {
	b := base(t)
	in := sim.Input{City: b.City, Demand: b.Demand, End: 20 * time.Minute, Seed: 3, Threads: 1}
	r, err := report.Record(context.Background(), in, corridor(b.City, "aB", "BC", "Cd"))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Signals) != 2 || len(r.Tracks) < 20 || r.From != 5*time.Minute || r.To != 15*time.Minute {
		t.Fatalf("%d signals, %d tracks, window %v to %v", len(r.Signals), len(r.Tracks), r.From, r.To)
	}
	for _, s := range r.Signals {
		plan := b.City.Plans.At(b.City.Signals.At(s.Signal).Plan)
		for k, v := range s.States {
			if stage, _ := signal.StageAt(plan, time.Duration(k)*time.Second); plan.Stages[stage].States[s.Group] != v {
				t.Fatalf("signal %d shows %q after %d s, planned was %q", s.Signal, v, k, plan.Stages[stage].States[s.Group])
			}
		}
		passed := 0
		for _, trip := range b.Demand.Trips {
			if trip.Route == 0 {
				passed++
			}
		}
		on, green, n := s.OnGreen(r.Step)
		if n == 0 || n > passed || on < 0 || on > 1 || green <= 0 || green >= 1 {
			t.Errorf("%d of %d arrivals, %v on green, green %v", n, passed, on, green)
		}
	}
	for _, track := range r.Tracks {
		for i := 1; i < len(track.AtS); i++ {
			if ds, dt := track.PosM[i]-track.PosM[i-1], track.AtS[i]-track.AtS[i-1]; ds < -1 || ds > 20*dt || dt <= 0 {
				t.Fatalf("trip %d jumps %v m in %v s", track.Trip, ds, dt)
			}
		}
	}
	if again, err := report.Record(context.Background(), in, r.Corridor); err != nil || fmt.Sprint(again.Signals) != fmt.Sprint(r.Signals) || fmt.Sprint(again.Tracks) != fmt.Sprint(r.Tracks) {
		t.Error("a second recording differs", err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := report.Record(gone, in, r.Corridor); err == nil {
		t.Error("a cancelled recording went on")
	}
	if _, err := report.Record(context.Background(), sim.Input{City: b.City, Demand: b.Demand}, nil); err == nil {
		t.Error("a run without end was recorded")
	}
}

// From simulation to page with nothing in between.
func TestSimulatedComparisonBecomesAPage(t *testing.T) {
	b := base(t)
	c := applied(t, b, shorter)
	period := sim.Input{End: 20 * time.Minute, Threads: 1}
	e := scenarios.Experiment{Base: scenarios.BaseCase(b), Alternatives: []*scenarios.Case{c}, Period: period, Seed: 1, Replications: 2, Threads: 1, Engine: sim.Version, Map: true}
	result, err := e.Compare(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, poisson := range []bool{false, true} {
		all, err := report.RecordAll(context.Background(), b, e.Alternatives, result, period, poisson)
		if err != nil || len(all) != 2 {
			t.Fatal(len(all), err)
		}
		page := html(t, report.Input{Comparison: result, City: b.City, Cases: e.Alternatives, Recordings: all, Period: period})
		for _, want := range []string{"Time and space along the corridor", "Back of queue, segment", result.Base.StateHash, sim.Version} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not hold %q", want)
			}
		}
	}
}

// Places stand in the report when their own interval leaves out 0, the
// clearest first, a turn with its levels of service.
func TestClearPlacesAreInTheReport(t *testing.T) {
	in := made(t)
	in.Comparison.Alternatives[0].Places = []scenarios.PlaceKPI{
		{Kind: "zone", ID: "quiet", KPI: "time_lost", Unit: "h", Lower: true, Base: 10, Alt: 10.1, Diff: 0.1, Lo95: -1, Hi95: 1.2, Better: scenarios.Unclear},
		{Kind: "street", ID: "High <Street>", KPI: "time_lost", Unit: "h", Lower: true, Base: 10, Alt: 8, Diff: -2, Lo95: -3, Hi95: -1, Better: scenarios.Better},
		{Kind: "turn", ID: "a > b", Signal: "C", KPI: "delay", Unit: "s", Lower: true, Base: 30, Alt: 60, Diff: 30, Lo95: 29, Hi95: 31, Better: scenarios.Worse, BaseLOS: "C", AltLOS: "E"},
	}
	var b bytes.Buffer
	if err := report.Write(&b, in); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	turn, street := strings.Index(page, "signal C, a &gt; b"), strings.Index(page, "street High &lt;Street&gt;")
	if turn < 0 || street < turn || strings.Contains(page, "zone quiet") || !strings.Contains(page, ">60 E<") {
		t.Errorf("turn at %d, street at %d, zone %v", turn, street, strings.Contains(page, "zone quiet"))
	}
}
