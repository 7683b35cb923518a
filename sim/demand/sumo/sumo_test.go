package sumo_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	net "tideway/geo/sumo"
	"tideway/internal/fault"
	"tideway/internal/testdata"
	"tideway/sim/demand"
	"tideway/sim/demand/sumo"
	"tideway/unit"
)

// street is a chain of segments a, b, c and a side street d that nobody can
// enter from b; buses alone may use c2.
func street(t testing.TB) *geo.City {
	t.Helper()
	d := &geo.Draft{Name: "street", TimeZone: "UTC", Frame: geo.LocalFrame(orb.Point{11, 44})}
	for i := range 6 {
		d.Nodes = append(d.Nodes, geo.Node{ID: fmt.Sprint("n", i), XY: orb.Point{float64(100 * i), 0}})
	}
	for i, id := range []string{"a", "b", "c", "d", "c2"} {
		from := geo.NodeID(min(i, 3))
		d.Segments = append(d.Segments, geo.Segment{ID: id, From: from, To: from + 1, Length: 100, Limit: 14,
			Shape: orb.LineString{{float64(100 * int(from)), 0}, {float64(100*int(from)) + 100, 0}}})
		allow := geo.MotorClasses
		if id == "c2" {
			allow = geo.Classes(geo.Bus)
		}
		d.Lanes = append(d.Lanes, geo.Lane{Segment: geo.SegmentID(i), Length: 100, Width: 3, Limit: 14, Allow: allow})
	}
	join := func(from, to geo.LaneID) {
		d.Movements = append(d.Movements, geo.Movement{From: from, To: to, Node: geo.NodeID(to), Length: 5, Limit: 10, Signal: geo.NoSignal, Allow: geo.AllClasses})
	}
	join(0, 1)
	join(1, 2)
	join(1, 4)
	d.Stops = []geo.BusStop{{ID: "market", Lane: 1, Begin: 40, End: 60}}
	c, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t testing.TB, text string) (*demand.Demand, []geo.Dropped, error) {
	t.Helper()
	return sumo.ReadAudit(street(t), 1, sumo.File{Name: "x.rou.xml", Reader: strings.NewReader(text)})
}

func mustParse(t testing.TB, text string) *demand.Demand {
	t.Helper()
	d, _, err := parse(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestVehiclesTypesAndRoutes(t *testing.T) {
	d := mustParse(t, `<?xml version="1.0"?><!-- <vehicle> --><routes>
	<vehicle id="late" depart="9" type="lorry" route="r1" departLane="best" departPos="-20" departSpeed="max" arrivalPos="-1"/>
	<vType id="lorry" vClass="truck" length="9" speedFactor="normc(0.9,0.2,0.5,1.5)" decel="8" tau="1.5"/>
	<route id="r1" edges=" a b
		c "/>
	<vehicle id="early" depart="00:00:02.5"><route edges="a b"/></vehicle>
	<vehicle id="twin" depart="3"><route edges="a b"/></vehicle>
	<trip id="odd &amp; &#101;nd" depart="2.5" from="a" to="c" via="b" departLane="0" departPos="7.5" departSpeed="3"/>
	</routes>`)
	if ids := tripIDs(d); !slices.Equal(ids, []string{"early", "odd & end", "twin", "late"}) {
		t.Fatalf("trips in order %q", ids)
	}
	early, odd, twin, late := d.Trips[0], d.Trips[1], d.Trips[2], d.Trips[3]
	if early.Depart != 2500*time.Millisecond || early.Route != twin.Route || early.From != 0 || early.To != 1 || d.Types[early.Type].Class != geo.Car {
		t.Errorf("early: %+v", early)
	}
	if odd.Route != demand.NoRoute || odd.From != 0 || odd.To != 2 || len(odd.Via) != 1 || odd.Lane != demand.LaneIndex || odd.Pos != demand.PosGiven || odd.PosAt != 7.5 || odd.SpeedAt != 3 || odd.ArriveAt >= 0 {
		t.Errorf("odd: %+v", odd)
	}
	if late.Lane != demand.LaneBest || late.PosAt != 80 || late.Speed != demand.SpeedMax || late.ArriveAt != 99 || len(d.Routes[late.Route].Segments) != 3 {
		t.Errorf("late: %+v", late)
	}
	lorry := d.Types[late.Type]
	want := demand.NewType("lorry", geo.Truck)
	want.Length, want.Decel, want.EmergencyDecel, want.Tau = 9, 8, 8, 1500*time.Millisecond
	want.SpeedFactor, want.SpeedDev, want.SpeedMin, want.SpeedMax = 0.9, 0.2, 0.5, 1.5
	if lorry != want {
		t.Errorf("lorry is %+v\nwant     %+v", lorry, want)
	}
}

func tripIDs(d *demand.Demand) (ids []string) {
	for _, t := range d.Trips {
		ids = append(ids, t.ID)
	}
	return ids
}

func TestBusesStopInOrder(t *testing.T) {
	d := mustParse(t, `<routes><vType id="bus" vClass="bus"/>
	<vehicle id="1" type="bus" depart="0"><route edges="a b c2"/>
		<stop busStop="market" duration="20"/><stop lane="c2_0" endPos="-10" until="90"/></vehicle>
	<trip id="2" type="bus" depart="1" from="a" to="c2"><stop lane="b_0" startPos="10" endPos="30" duration="5"/></trip></routes>`)
	one, two := d.Trips[0], d.Trips[1]
	if h := one.Stops; len(h) != 2 || h[0].Stop != "market" || h[0].Begin != 40 || h[0].Duration != 20*time.Second || h[1].End != 90 || math.Abs(h[1].Begin.M()-89.8) > 1e-9 || h[1].Until != 90*time.Second {
		t.Errorf("stops %+v", h)
	}
	if len(two.Via) != 1 || two.Via[0] != 1 {
		t.Errorf("a routed trip must pass its stop: %+v", two)
	}
}

func TestFlowsExpand(t *testing.T) {
	for _, c := range []struct {
		attrs string
		want  []float64 // departures, seconds
	}{
		{`begin="10" end="20" number="4"`, []float64{10, 12.5, 15, 17.5}},
		{`begin="0" end="10" vehsPerHour="1200"`, []float64{0, 3, 6, 9}},
		{`begin="0" end="10" period="4"`, []float64{0, 4, 8}},
		{`begin="5" period="4" number="2"`, []float64{5, 9}},
		{`begin="0" end="3" probability="1"`, []float64{0, 1, 2}},
		{`begin="0" end="3" number="0"`, nil},
	} {
		d := mustParse(t, `<routes><flow id="f" from="a" to="b" `+c.attrs+`/></routes>`)
		var got []float64
		for i, trip := range d.Trips {
			got = append(got, trip.Depart.Seconds())
			if trip.ID != fmt.Sprint("f.", i) {
				t.Errorf("%s: trip %d is called %q", c.attrs, i, trip.ID)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: departures %v, want %v", c.attrs, got, c.want)
		}
	}
	for _, pace := range []string{`probability="0.2"`, `period="exp(0.2)"`} {
		d := mustParse(t, `<routes><flow id="f" from="a" to="b" begin="0" end="50000" `+pace+`/></routes>`)
		if n := float64(len(d.Trips)); math.Abs(n-10000) > 4*math.Sqrt(10000) {
			t.Errorf("%s gives %v vehicles, want about 10000", pace, n)
		}
	}
}

func TestDistributionsAreNormalisedAndDrawnPerVehicle(t *testing.T) {
	types := `<vTypeDistribution id="mix"><vType id="x" probability=".4"/><vType id="y" probability=".75"/></vTypeDistribution>
		<routeDistribution id="ways"><route id="w1" edges="a b" probability="3"/><route edges="a b c"/></routeDistribution>
		<vTypeDistribution id="list" vTypes="y x" probabilities="0 2"/>`
	var vehicles strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&vehicles, `<vehicle id="v%d" type="mix" depart="%d" route="ways"/>`, i, i)
	}
	d := mustParse(t, "<routes>"+types+vehicles.String()+"</routes>")
	var x, short int
	for _, trip := range d.Trips {
		if d.Types[trip.Type].ID == "x" {
			x++
		}
		if d.Routes[trip.Route].ID == "w1" {
			short++
		}
	}
	if p := float64(x) / 4000; math.Abs(p-0.4/1.15) > 0.03 {
		t.Errorf("share of x is %.3f, want %.3f", p, 0.4/1.15)
	}
	if p := float64(short) / 4000; math.Abs(p-0.75) > 0.03 {
		t.Errorf("share of w1 is %.3f, want 0.75", p)
	}
	// Common random numbers: the same vehicle among others draws the same.
	alone := mustParse(t, "<routes>"+types+`<vehicle id="v17" type="mix" depart="0" route="ways"/><vehicle id="z" type="list" depart="1" route="w1"/></routes>`)
	if a, b := alone.Trips[0], d.Trips[17]; a.Key != b.Key || a.Type != b.Type || len(alone.Routes[a.Route].Segments) != len(d.Routes[b.Route].Segments) {
		t.Error("a vehicle's draw depends on the other vehicles")
	}
	if alone.Types[alone.Trips[1].Type].ID != "x" {
		t.Error("a type of probability 0 was drawn")
	}
}

func TestProblemsAreCollectedWithTheirPlace(t *testing.T) {
	_, _, err := parse(t, `<routes>
<vehicle id="v1" depart="0"><route edges="a nowhere"/></vehicle>
<vehicle id="v2" depart="x" route="r"/>
<vehicle id="v3" depart="0" route="missing"/>
<vehicle id="v4" depart="0" type="ghost"><route edges="a b"/></vehicle>
<vehicle id="v5" depart="0"><route edges="a c"/></vehicle>
<vehicle id="v5" depart="0"><route edges="a b c2"/></vehicle>
<vehicle id="v6" depart="0" departLane="left"><route edges="a b"/></vehicle>
<vehicle id="v7" depart="0"><route edges="a b"/><stop busStop="ferry" duration="1"/></vehicle>
<flow id="f1" from="a" to="b"/>
<flow id="f2" from="a" to="q" begin="5" end="3" number="2"/>
<vType id="t1" vClass="hovercraft" length="-4"/>
<vType id="t1"/>
<trip id="t9" depart="0" from="a"/>
<vehicle id="v8" depart="0"><route edges="b c"/><stop lane="a_0" duration="1"/></vehicle>
<vehicle id="v9" depart="0" departPos="200"><route edges="b c"/></vehicle>
</routes>`)
	if err == nil {
		t.Fatal("read without error")
	}
	var many *fault.Error
	if !errors.As(err, &many) {
		t.Fatalf("error is %T", err)
	}
	var text string
	for _, p := range many.Problems {
		text += p.Error() + "\n"
	}
	for _, want := range []string{
		`x.rou.xml:2: !v1: edge "nowhere"`, `x.rou.xml:3: v2: depart`, `x.rou.xml:4: v3: route "missing"`, `x.rou.xml:5: v4: vehicle type "ghost"`,
		`x.rou.xml:6: v5: !v5: no movement leads from segment "a" to "c"`, `x.rou.xml:7: v5: vehicle is already defined at x.rou.xml:6`,
		`x.rou.xml:7: v5: !v5: no movement from segment "b" to "c2" admits class car`, `x.rou.xml:8: v6: departLane is "left"`, `x.rou.xml:9: v7: bus stop "ferry"`,
		`x.rou.xml:10: f1: flow has none`, `x.rou.xml:11: f2: flow ends`, `edge "q"`, `x.rou.xml:12: t1: vClass "hovercraft"`, `length is "-4"`,
		`x.rou.xml:13: t1: vehicle type is already defined at x.rou.xml:12`, `x.rou.xml:14: t9: has neither`, `x.rou.xml:15: v8: stop`, `x.rou.xml:16: v9: departPos is 200`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no problem says %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "no XML element"},
		{`<net version="1.9"></net>`, "root element is <net>"},
		{"<routes>\n<vehicle id=\"1\" depart=\"0\">", "x.rou.xml:2: file ends inside <vehicle>"},
		{`<routes><vehicle id="1`, "file ends inside <routes>"},
		{`<routes></vehicle>`, "</vehicle> found where </routes>"},
		{`<routes><vehicle id=1/></routes>`, "without quotes"},
		{`<routes><vehicle id="&foo;"/></routes>`, "entity &foo; is unknown"},
		{`<routes/><routes/>`, "after the end"},
		{`<routes><flow id="f" from="a" to="b" begin="0" end="1" number="1000000000"/></routes>`, "above 10000000"},
		{strings.Repeat("<x>", 100), "nested more than"},
	} {
		if _, _, err := parse(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func TestWhatIsNotReadIsListed(t *testing.T) {
	_, dropped, err := parse(t, `<routes><person id="p"><walk edges="a"/></person><person id="q"/>
		<vType id="i" carFollowModel="IDM" lcStrategic="2"/><busStop id="s"/><vehicle id="v" depart="triggered" route="r"/></routes>`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"vType i", "person ", "vehicle that departs triggered "}
	for i, w := range want {
		if i >= len(dropped) || dropped[i].Kind+" "+dropped[i].ID != w {
			t.Fatalf("dropped %+v, want %q", dropped, want)
		}
	}
}

func files(t testing.TB, dir string, names ...string) (out []sumo.File) {
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sumo.File{Name: n, Reader: strings.NewReader(string(b))})
	}
	return out
}

func city(t testing.TB, dir, name string, additional ...string) *geo.City {
	t.Helper()
	var all []net.File
	for _, f := range files(t, dir, append([]string{name}, additional...)...) {
		all = append(all, net.File(f))
	}
	origin := orb.Point{7, 51}
	c, _, err := net.Read(all[0], all[1:], net.Options{TimeZone: "Europe/Rome", Origin: &origin})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var bolognaDemand = []string{"joined.rou.xml", "joined_busses.rou.xml", "joined_vtypes.add.xml"}

func TestBologna(t *testing.T) {
	dir := filepath.Join(testdata.Dir(t, "bologna"), "network")
	c := city(t, dir, "joined.net.xml", "joined_bus_stops.add.xml")
	start := time.Now()
	d, dropped, err := sumo.ReadAudit(c, 1, files(t, dir, bolognaDemand...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d trips, %d routes, %d types in %v, dropped %v", len(d.Trips), len(d.Routes), len(d.Types), time.Since(start), dropped)
	var buses, stops, ignoring int
	share := map[string]int{}
	for _, trip := range d.Trips {
		typ := d.Types[trip.Type]
		share[typ.ID]++
		stops += len(trip.Stops)
		if typ.Class == geo.Bus {
			buses++
		}
		if typ.IgnoreAllow {
			ignoring++
		}
	}
	if buses != 176 || stops != 787 {
		t.Errorf("%d buses with %d stops, want 176 and 787", buses, stops)
	}
	if ignoring == 0 || math.Abs(float64(share["passenger1"])/float64(len(d.Trips)-buses-ignoring)-0.4/1.15) > 0.02 {
		t.Errorf("%d ignoring, shares %v", ignoring, share)
	}
	if v := d.Types[d.Trips[0].Type]; v.MaxSpeed > 70*unit.MPS || v.MinGap > 3 {
		t.Errorf("type %+v", v)
	}
}

func TestScenariosOfTheBenchmarkSetAreRead(t *testing.T) {
	base := testdata.Dir(t, "sumo")
	for _, c := range []struct {
		dir, net, rou string
		trips         int
	}{
		{"cologne1", "cologne1.net.xml", "cologne1.rou.xml", 2015},
		{"cologne1", "cologne1.net.xml", "cologne1.fixed.rou.xml", 2015},
		{"cologne3", "cologne3.net.xml", "cologne3.rou.xml", 4494},
		{"cologne8", "cologne8.net.xml", "cologne8.fixed.rou.xml", 2046},
		{"grid4x4", "grid4x4.net.xml", "grid4x4_1.rou.xml", 1473},
		{"ingolstadt1", "ingolstadt1.net.xml", "ingolstadt1.fixed.rou.xml", 1716},
		{"zurich_bellevue", "Bellevue_V0.net.xml", "demand_morning.xml", 0},
	} {
		dir := filepath.Join(base, c.dir)
		d, err := sumo.Read(city(t, dir, c.net), 1, files(t, dir, c.rou)...)
		if err != nil {
			t.Errorf("%s: %v", c.rou, err)
		} else if c.trips > 0 && len(d.Trips) != c.trips {
			t.Errorf("%s: %d trips, want %d", c.rou, len(d.Trips), c.trips)
		}
	}
}

func BenchmarkBologna(b *testing.B) {
	dir := filepath.Join(testdata.Dir(b, "bologna"), "network")
	c := city(b, dir, "joined.net.xml", "joined_bus_stops.add.xml")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		in := files(b, dir, bolognaDemand...)
		b.StartTimer()
		if _, err := sumo.Read(c, 1, in...); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`<routes><vType id="t" vClass="bus" speedFactor="normc(1,.1,.2,2)"/><route id="r" edges="a b"/><vehicle id="1" type="t" route="r" depart="1" departPos="5"><stop busStop="market" duration="3"/></vehicle></routes>`,
		`<routes><flow id="f" from="a" to="c" via="b" begin="0" end="9" period="exp(1)"/><flow id="g" begin="1" end="5" probability="0.5"><route edges="a b"/></flow></routes>`,
		`<a><vTypeDistribution id="d" vTypes="x y" probabilities="1 2"/><vType id="x"/><vType id="y"/><routeDistribution id="q"><route edges="a"/><route refId="q"/></routeDistribution><!--x--><![CDATA[y]]><?p?></a>`,
		`<routes><vehicle id="1" depart="1:00:00" arrivalPos="random"><routeDistribution routes="r r" probabilities="1 0"/></vehicle><route id="r" edges="a"/></routes>`,
	} {
		f.Add(text)
	}
	c := street(f)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := sumo.ReadSmall(c, 100, sumo.File{Name: "f", Reader: strings.NewReader(text)})
		if err != nil {
			return
		}
		for _, trip := range d.Trips {
			if int(trip.Type) >= len(d.Types) || trip.Route != demand.NoRoute && len(d.Routes[trip.Route].Segments) == 0 || trip.Depart < 0 {
				t.Fatalf("unusable trip %+v", trip)
			}
			if int(trip.From) >= c.Segments.Len() || int(trip.To) >= c.Segments.Len() {
				t.Fatalf("trip without ends %+v", trip)
			}
		}
		if !slices.IsSortedFunc(d.Trips, func(a, b demand.Trip) int { return int(a.Depart - b.Depart) }) {
			t.Fatal("trips are not in order of departure")
		}
	})
}
