package sumo_test

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"tideway/geo"
	"tideway/geo/sumo"
	"tideway/unit"
)

// small is a junction drawn by hand: w and s lead in, e and n lead out.
//
//	   n
//	w -+- e    w>n turns left over an internal junction, s>n goes straight and
//	   s       has priority, w>e gives way to s>n, s>e merges with w>e.
const small = `<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
 <location netOffset="-683195.58,-4928877.56" convBoundary="0,0,100,100" projParameter="+proj=utm +zone=32 +ellps=WGS84"/>
 <edge id=":j_0" function="internal"><lane id=":j_0_0" index="0" speed="10" length="20" shape="40,50 60,50"/></edge>
 <edge id=":j_1" function="internal"><lane id=":j_1_0" index="0" speed="8" length="8" shape="40,50 48,51"/></edge>
 <edge id=":j_4" function="internal"><lane id=":j_4_0" index="0" speed="8" length="10" shape="48,51 50,60"/></edge>
 <edge id=":j_2" function="internal"><lane id=":j_2_0" index="0" speed="10" length="20" shape="50,40 50,60"/></edge>
 <edge id=":j_3" function="internal"><lane id=":j_3_0" index="0" speed="6" length="15" shape="50,40 52,48 60,50"/></edge>
 <edge id="w" from="W" to="j" priority="1" type="highway.secondary" name="West Street"><lane id="w_0" index="0" speed="13.89" length="40" shape="0,50 40,50"/></edge>
 <edge id="s" from="S" to="j" priority="2"><lane id="s_0" index="0" speed="13.89" length="40" shape="50,0 50,40" disallow="truck pedestrian"/></edge>
 <edge id="e" from="j" to="E" priority="1"><lane id="e_0" index="0" speed="13.89" length="40" shape="60,50 100,50"/></edge>
 <edge id="n" from="j" to="N" priority="2"><lane id="n_0" index="0" speed="13.89" length="40" width="2.5" shape="50,60 50,100" allow="bus taxi"/></edge>
 <edge id=":j_w0" function="walkingarea"><lane id=":j_w0_0" index="0" speed="1" length="2" shape="0,0 1,1" allow="pedestrian"/></edge>
 <junction id="W" type="dead_end" x="0" y="50" incLanes="" intLanes="" shape=""/>
 <junction id="S" type="dead_end" x="50" y="0" incLanes="" intLanes="" shape=""/>
 <junction id="E" type="dead_end" x="100" y="50" incLanes="e_0" intLanes="" shape=""/>
 <junction id="N" type="dead_end" x="50" y="100" incLanes="n_0" intLanes="" shape=""/>
 <junction id="j" type="traffic_light" x="50" y="50" incLanes="w_0 s_0" intLanes=":j_0_0 :j_4_0 :j_2_0 :j_3_0" shape="">
  <request index="0" response="1100" foes="1100" cont="0"/>
  <request index="1" response="0100" foes="0100" cont="1"/>
  <request index="2" response="0000" foes="0011" cont="0"/>
  <request index="3" response="0000" foes="0001" cont="0"/>
 </junction>
 <junction id=":j_4_0" type="internal" x="48" y="51" incLanes=":j_1_0" intLanes=":j_2_0"/>
 <tlLogic id="T" type="static" programID="0" offset="7">
  <phase duration="30" state="GgrG"/><phase duration="5" state="yyrG"/><phase duration="25" state="rrGG"/>
 </tlLogic>
 <connection from="w" to="e" fromLane="0" toLane="0" via=":j_0_0" tl="T" linkIndex="0" dir="s" state="o"/>
 <connection from="w" to="n" fromLane="0" toLane="0" via=":j_1_0" tl="T" linkIndex="1" dir="l" state="o"/>
 <connection from="s" to="n" fromLane="0" toLane="0" via=":j_2_0" tl="T" linkIndex="2" dir="s" state="O"/>
 <connection from="s" to="e" fromLane="0" toLane="0" via=":j_3_0" tl="T" linkIndex="3" dir="r" state="O" keepClear="0"/>
 <connection from="s" to=":j_w0" fromLane="0" toLane="0" dir="s" state="M"/>
 <connection from=":j_0" to="e" fromLane="0" toLane="0" dir="s" state="M"/>
 <connection from=":j_1" to="n" fromLane="0" toLane="0" via=":j_4_0" dir="l" state="m"/>
 <connection from=":j_4" to="n" fromLane="0" toLane="0" dir="l" state="M"/>
</net>`

func readText(net string, additional ...string) (*geo.City, *sumo.Report, error) {
	var more []sumo.File
	for _, a := range additional {
		more = append(more, sumo.File{Name: "x.add.xml", Reader: strings.NewReader(a)})
	}
	return sumo.Read(sumo.File{Name: "x.net.xml", Reader: strings.NewReader(net)}, more, sumo.Options{TimeZone: "Europe/Rome"})
}

func mustRead(t testing.TB, net string, additional ...string) (*geo.City, *sumo.Report) {
	t.Helper()
	c, r, err := readText(net, additional...)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func movement(t testing.TB, c *geo.City, name string) (geo.MovementID, geo.Movement) {
	t.Helper()
	m, ok := c.Movements.Find(name)
	if !ok {
		t.Fatalf("no movement %s", name)
	}
	return m, c.Movements.At(m)
}

func TestChainsBecomeOnePath(t *testing.T) {
	c, r := mustRead(t, small)
	_, left := movement(t, c, "w_0>n_0")
	if left.Length != 18 || left.WaitAt != 8 || left.Limit != 8 || left.Turn != geo.Left || left.Right != geo.GiveWay || left.Group != 1 || !left.Clear || len(left.Shape) != 3 {
		t.Errorf("left turn is %+v", left)
	}
	_, right := movement(t, c, "s_0>e_0")
	if right.WaitAt != 0 || right.Clear || right.Right != geo.Major || right.Length != 15 {
		t.Errorf("right turn is %+v", right)
	}
	if len(r.Dropped) != 2 || r.Counts.Movements != 4 || r.Counts.Nodes != 5 {
		t.Errorf("counts %+v, dropped %+v", r.Counts, r.Dropped)
	}
}

func TestRequestsBecomeConflicts(t *testing.T) {
	c, _ := mustRead(t, small)
	straight, _ := movement(t, c, "w_0>e_0")
	left, _ := movement(t, c, "w_0>n_0")
	main, _ := movement(t, c, "s_0>n_0")
	right, _ := movement(t, c, "s_0>e_0")
	for _, x := range []struct {
		m    geo.MovementID
		want []geo.Conflict
	}{
		// The lines cut at (50, 50): 10 m along both.
		{straight, []geo.Conflict{{Foe: main, Kind: geo.Crossing, At: 10, FoeAt: 10, Yield: true}, {Foe: right, Kind: geo.Merging, At: 20, FoeAt: 15, Yield: true}}},
		{left, []geo.Conflict{{Foe: main, Kind: geo.Merging, At: 18, FoeAt: 20, Yield: true}}},
		{main, []geo.Conflict{{Foe: straight, Kind: geo.Crossing, At: 10, FoeAt: 10}, {Foe: left, Kind: geo.Merging, At: 20, FoeAt: 18}}},
		{right, []geo.Conflict{{Foe: straight, Kind: geo.Merging, At: 15, FoeAt: 20}}},
	} {
		if got := c.Conflicts(x.m); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: %+v, want %+v", c.MovementName(x.m), got, x.want)
		}
	}
}

func TestTheWaitingPointSaysWhoGoesFirst(t *testing.T) {
	c, _ := mustRead(t, strings.Replace(small, `incLanes=":j_1_0" intLanes=":j_2_0"`, `incLanes=":j_1_0 s_0" intLanes=":j_3_0"`, 1))
	left, _ := movement(t, c, "w_0>n_0")
	main, _ := movement(t, c, "s_0>n_0")
	right, _ := movement(t, c, "s_0>e_0")
	yields := map[geo.MovementID]bool{}
	for _, x := range c.Conflicts(left) {
		yields[x.Foe] = x.Yield
	}
	if want := (map[geo.MovementID]bool{main: false, right: true}); !reflect.DeepEqual(yields, want) {
		t.Errorf("w_0>n_0 yields to %v, want %v (main %d, right %d)", yields, want, main, right)
	}
}

func TestPermissionsClassesAndCapacity(t *testing.T) {
	c, _ := mustRead(t, small)
	w, _ := c.Segments.Find("w")
	if s := c.Segments.At(w); s.Class != geo.Secondary || s.Name != "West Street" {
		t.Errorf("segment w is %+v", s)
	}
	// Green 30 of 60 s at most for w.
	if got := c.Segments.At(w).Capacity.VPH(); got < 949 || got > 951 {
		t.Errorf("capacity of w is %v veh/h, want 950", got)
	}
	for lane, want := range map[string]geo.ClassSet{"w_0": geo.AllClasses, "n_0": geo.Classes(geo.Bus, geo.Taxi), "s_0": geo.AllClasses &^ geo.Classes(geo.Truck, geo.Pedestrian)} {
		l, _ := c.Lanes.Find(lane)
		if got := c.Lanes.At(l).Allow; got != want {
			t.Errorf("%s allows %b, want %b", lane, got, want)
		}
	}
}

func TestThePlaceOnEarth(t *testing.T) {
	c, _ := mustRead(t, small)
	w, _ := c.Nodes.Find("W")
	q := c.Frame.LonLat(c.Nodes.At(w).XY)
	if q[0] < 11.30 || q[0] > 11.31 || q[1] < 44.48 || q[1] > 44.50 {
		t.Errorf("the network lies at %v, expected the west of Bologna", q)
	}
	_, r := mustRead(t, strings.Replace(small, `projParameter="+proj=utm +zone=32 +ellps=WGS84"`, `projParameter="!"`, 1))
	if a := r.Assumed[0]; a.Field != "frame" {
		t.Errorf("a network without projection assumes %+v", a)
	}
	origin := orb.Point{8.5, 47.3}
	c, _, err := sumo.Read(sumo.File{Name: "x", Reader: strings.NewReader(strings.Replace(small, "proj=utm", "proj=x", 1))}, nil, sumo.Options{TimeZone: "UTC", Origin: &origin})
	if err != nil {
		t.Fatal(err)
	}
	if q := c.Frame.LonLat(orb.Point{}); geo.RoundLonLat(q) != origin {
		t.Errorf("(0, 0) lies at %v, asked for %v", q, origin)
	}
	// The same projection, once by its zone and once spelled out.
	spelled, _ := mustRead(t, strings.Replace(small, "+proj=utm +zone=32", "+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=500000 +y_0=0", 1))
	utm, _ := mustRead(t, small)
	if a, b := spelled.Frame.LonLat(orb.Point{50, 50}), utm.Frame.LonLat(orb.Point{50, 50}); geo.RoundLonLat(a) != geo.RoundLonLat(b) {
		t.Errorf("%v and %v", a, b)
	}
}

const programs = `<additional>
 <tlLogic id="T" type="static" programID="day" offset="-5"><phase duration="20.5" state="GgrG" minDur="5" maxDur="50" name="main"/><phase duration="3" state="yyrG"/><phase duration="36.5" state="rrGG" next="0"/></tlLogic>
 <tlLogic id="ghost" type="static" programID="day"><phase duration="20" state="G"/></tlLogic>
 <e1Detector id="loop" lane="w_0" pos="-10" freq="00:05:00"/>
 <laneAreaDetector id="area" lane="s_0" pos="10" length="20" period="60"/>
 <e1Detector id="lost" lane="x_9" pos="1"/>
 <busStop id="halt" name="Halt" lane="e_0" startPos="5" endPos="-15"/>
 <taz id="z" shape="0,0 10,0 10,10"/>
 <vType id="car"/><poi id="p1" x="0" y="0"/><poi id="p2" x="0" y="0"/>
</additional>`

func TestAdditionalFile(t *testing.T) {
	c, r := mustRead(t, small, programs)
	p := c.Plans.At(c.Signals.At(0).Plan)
	want := geo.Stage{Name: "main", Duration: 20500 * time.Millisecond, Min: 5 * time.Second, Max: 50 * time.Second, States: []geo.SignalState("GgrG")}
	if p.ID != "day" || p.Cycle != time.Minute || p.Offset != -5*time.Second || !reflect.DeepEqual(p.Stages[0], want) || !reflect.DeepEqual(p.Stages[2].Next, []int{0}) || c.Plans.Len() != 1 {
		t.Errorf("in force is %+v", p)
	}
	loop, _ := c.Sensors.Find("loop")
	if s := c.Sensors.At(loop); s.At != 30 || s.Heading.Diff(90) > 0.5 || s.Measures[0].Interval != 5*time.Minute || s.Match.Confidence != 1 || s.Road != "West Street" {
		t.Errorf("loop is %+v", s)
	}
	area, _ := c.Sensors.Find("area")
	if s := c.Sensors.At(area); s.At != 20 || s.Measures[0].Interval != time.Minute {
		t.Errorf("area is %+v", s)
	}
	if b := c.Stops.At(0); b.Begin != 5 || b.End != 25 || b.Name != "Halt" {
		t.Errorf("stop is %+v", b)
	}
	if z := c.Zones.At(0); len(z.Area[0][0]) != 4 {
		t.Errorf("zone is %+v", z)
	}
	if strings.Join(r.Demand, " ") != "x.add.xml" {
		t.Errorf("demand in %v", r.Demand)
	}
	dropped := ""
	for _, d := range r.Dropped {
		dropped += d.Kind + " " + d.ID + ": " + d.Why + "\n"
	}
	for _, want := range []string{"program T/0: replaced by program day", "program ghost/day", "sensor lost: x.add.xml:6", "poi : 2 found", "walkingarea :j_w0", "connection s_0>:j_w0_0"} {
		if !strings.Contains(dropped, want) {
			t.Errorf("dropped lacks %q:\n%s", want, dropped)
		}
	}
}

func TestPlansThereAndBack(t *testing.T) {
	c, _ := mustRead(t, small, programs)
	var out bytes.Buffer
	if dropped, err := sumo.WritePlans(&out, c); err != nil || len(dropped) > 0 {
		t.Fatal(dropped, err)
	}
	again, _ := mustRead(t, small, out.String())
	if a, b := c.Plans.At(0), again.Plans.At(0); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v came back as %+v", a, b)
	}
}

func TestMistakesNameFileAndLine(t *testing.T) {
	for _, x := range []struct{ name, from, to, want string }{
		{"truncated", "</net>", "", "x.net.xml:36: is not well-formed XML: unexpected EOF"},
		{"not a number", `length="40" shape="0,50`, `length="long" shape="0,50`, `x.net.xml:9: w_0: <lane> length is "long", expected a finite number`},
		{"NaN", `speed="13.89" length="40" shape="0,50`, `speed="NaN" length="40" shape="0,50`, `<lane> speed is "NaN"`},
		{"negative", `length="40" shape="0,50`, `length="-40" shape="0,50`, "length -40 m"},
		{"bad shape", `0,50 40,50`, `0,50 40;50`, `<lane> shape has the point "40;50", expected x,y`},
		{"unknown junction", `from="W"`, `from="Q"`, `x.net.xml:9: w: <edge> goes from "Q" to "j"`},
		{"unknown lane", `to="e" fromLane="0" toLane="0" via=":j_0_0"`, `to="e" fromLane="0" toLane="3" via=":j_0_0"`, "x.net.xml:28: w_0>e_3: <connection> joins lanes that do not both exist"},
		{"unknown via", `via=":j_0_0"`, `via=":j_9_0"`, `runs via lane ":j_9_0"`},
		{"short states", `state="yyrG"`, `state="yyr"`, "phase 1 has 3 states, expected 4"},
		{"strange state", `state="yyrG"`, `state="yyrX"`, `shows "X" at link 3`},
		{"twice the same edge", `edge id="e"`, `edge id="w"`, "appears twice"},
		{"bits", `response="1100"`, `response="11x0"`, `<request> has response "11x0"`},
		{"no network", small, "<routes/>", "has no <net> element"},
		{"nothing", small, "", "has no <net> element"},
		{"no time zone", "", "", "no time zone given"},
	} {
		t.Run(x.name, func(t *testing.T) {
			zone := "UTC"
			if x.name == "no time zone" {
				zone = ""
			}
			_, _, err := sumo.Read(sumo.File{Name: "x.net.xml", Reader: strings.NewReader(strings.Replace(small, x.from, x.to, 1))}, nil, sumo.Options{TimeZone: zone})
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("error %v, want %q", err, x.want)
			}
		})
	}
}

// sane checks what every imported city promises.
func sane(t testing.TB, c *geo.City) {
	for id, m := range c.Movements.All() {
		for _, x := range c.Conflicts(id) {
			foe := c.Movements.At(x.Foe)
			if x.At < 0 || x.At > m.Length+0.01 || x.FoeAt < 0 || x.FoeAt > foe.Length+0.01 || x.Foe == id || (x.Kind == geo.Merging) != (m.To == foe.To) {
				t.Errorf("%s meets %s at %+v; lengths %v and %v", c.MovementName(id), c.MovementName(x.Foe), x, m.Length, foe.Length)
			}
			back := unit.Length(-1)
			for _, y := range c.Conflicts(x.Foe) {
				if y.Foe == id {
					back = y.FoeAt
				}
			}
			if back != x.At {
				t.Errorf("%s meets %s at %v, the foe says %v", c.MovementName(id), c.MovementName(x.Foe), x.At, back)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small, programs)
	f.Add(`<net><edge id="a" from="x" to="x"><lane id="a_0" length="1" shape="0,0 1,1"/></edge><junction id="x" incLanes="a_0"><request index="0" response="1" foes="1"/></junction></net>`, `<routes/>`)
	f.Fuzz(func(t *testing.T, net, additional string) {
		if c, _, err := readText(net, additional); err == nil {
			for id := range c.Movements.All() {
				c.Conflicts(id)
			}
		}
	})
}

// What a scenario asks for and SUMO cannot hold is an error; what was there
// before is only told.
func TestWhatAPlanAsksForAndTheFormatLacksIsAnError(t *testing.T) {
	c, _ := mustRead(t, small, programs)
	inForce := c.Plans.At(c.Signals.At(0).Plan)
	lost := func(base, c *geo.City) error {
		dropped, err := sumo.WritePlans(io.Discard, c)
		if err != nil {
			t.Fatal(err)
		}
		return sumo.Lost(base, c, dropped)
	}
	if err := lost(c, c); err != nil {
		t.Error(err)
	}
	pressure, bus := inForce, inForce
	pressure.ID, pressure.Kind = "p", geo.MaxPressure
	bus.ID, bus.Bus = "b", 10*time.Second
	for _, p := range []geo.Plan{pressure, bus} {
		patch := c.Patch()
		patch.SetPlan(p)
		changed := patch.City()
		if err := lost(c, changed); err == nil || !strings.Contains(err.Error(), "/"+p.ID+": has no equivalent in SUMO") {
			t.Errorf("%s: %v", p.ID, err)
		}
		if err := lost(changed, changed); err != nil {
			t.Errorf("%s was there before: %v", p.ID, err)
		}
	}
	patch := c.Patch()
	patch.SetSchedule(0, []geo.PlanSwitch{{Signal: 0, Days: geo.EveryDay, At: time.Hour, Plan: c.Signals.At(0).Plan}})
	if err := lost(c, patch.City()); err == nil || !strings.Contains(err.Error(), "changes plans during the day") {
		t.Errorf("%v", err)
	}
}
