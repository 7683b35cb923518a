package utdf_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/geo/synth"
	"tideway/geo/utdf"
	"tideway/internal/netdraw"
	"tideway/internal/testdata"
)

// files returns our own example and, where they are at hand, files from
// practice.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	paths := []string{filepath.Join("testdata", "artery.csv")}
	more, _ := filepath.Glob(filepath.Join(testdata.Base(), "signals", "utdf", "*.csv"))
	out := map[string][]byte{}
	for _, p := range append(paths, more...) {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(p)] = b
	}
	return out
}

func read(t testing.TB, name string, b []byte) *utdf.File {
	t.Helper()
	f, err := utdf.Read(name, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func imported(t testing.TB, f *utdf.File) (*geo.City, *geo.Audit) {
	t.Helper()
	c, audit, err := f.Import(utdf.Options{TimeZone: "America/Phoenix"})
	if err != nil {
		t.Fatal(err)
	}
	return c, audit
}

func export(t testing.TB, c *geo.City, kept *utdf.File) (*utdf.File, []geo.Dropped) {
	t.Helper()
	f, dropped, err := utdf.Export(c, kept)
	if err != nil {
		t.Fatal(err)
	}
	return f, dropped
}

// differences lists the fields in which two files differ, numbers as numbers.
func differences(a, b *utdf.File) (out []string) {
	if len(a.Sections) != len(b.Sections) {
		return []string{fmt.Sprintf("%d sections, %d", len(a.Sections), len(b.Sections))}
	}
	for i := range a.Sections {
		s, u := &a.Sections[i], &b.Sections[i]
		if s.Name != u.Name || !slices.Equal(s.Columns, u.Columns) || len(s.Records) != len(u.Records) {
			out = append(out, fmt.Sprintf("[%s] %d records, [%s] %d", s.Name, len(s.Records), u.Name, len(u.Records)))
			continue
		}
		for k := range s.Records {
			for j := range s.Columns {
				x, y := field(s.Records[k], j), field(u.Records[k], j)
				v, err1 := strconv.ParseFloat(x, 64)
				w, err2 := strconv.ParseFloat(y, 64)
				if same := err1 == nil && err2 == nil && v == w || x == y; !same {
					out = append(out, fmt.Sprintf("%s %s %s: %s, %s", s.Name, strings.Join(s.Records[k].Fields[:2], " "), s.Columns[j], x, y))
				}
			}
		}
	}
	return out
}

func field(r utdf.Record, j int) string {
	if j < len(r.Fields) {
		return r.Fields[j]
	}
	return ""
}

// What was read is written again byte by byte, and a city that went through its
// folder gives back every number of the file.
func TestRoundTripKeepsEveryNumber(t *testing.T) {
	for name, data := range files(t) {
		f := read(t, name, data)
		var again bytes.Buffer
		if err := f.Write(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%s: written differently, %v", name, err)
		}
		c, _ := imported(t, f)
		dir := t.TempDir()
		if err := gmns.WriteDir(dir, c); err != nil {
			t.Fatal(err)
		}
		back, _, err := gmns.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		out, dropped := export(t, back, f)
		if d := differences(f, out); len(d)+len(dropped) > 0 {
			t.Errorf("%s: %d fields differ: %v; dropped %v", name, len(d), d[:min(len(d), 5)], dropped)
		}
	}
}

// A file made of a city alone says about timings and lanes what the city says:
// made into a city and a file once more it is the same.
func TestMadeFilesRoundTrip(t *testing.T) {
	cities := map[string]*geo.City{"drawn": netdraw.City("a=B=C=d\n  | |\n  e f")}
	grid, err := synth.City(synth.Options{Segments: 200, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	cities["synthetic"] = grid
	for name, data := range files(t) {
		cities[name], _ = imported(t, read(t, name, data))
	}
	for name, c := range cities {
		first, dropped := export(t, c, nil)
		var text bytes.Buffer
		if err := first.Write(&text); err != nil {
			t.Fatal(err)
		}
		again, _ := imported(t, read(t, name, text.Bytes()))
		second, _ := export(t, again, nil)
		sections := []string{"Timeplans", "Phases", "Lanes"}
		if strings.Contains(fmt.Sprint(dropped), "bends are drawn straight") {
			sections = sections[:2] // an approach may then come from another direction
		}
		for _, section := range sections {
			a, b := only(first, section), only(second, section)
			if d := differences(a, b); len(d) > 0 {
				t.Errorf("%s: %d fields of %s differ: %v", name, len(d), section, d[:min(len(d), 6)])
			}
		}
		if again.Signals.Len() == 0 || again.Segments.Len() != c.Segments.Len() {
			t.Errorf("%s: %d signals and %d of %d segments came back; dropped %v", name, again.Signals.Len(), again.Segments.Len(), c.Segments.Len(), dropped)
		}
	}
}

func only(f *utdf.File, section string) *utdf.File {
	out := &utdf.File{}
	for _, s := range f.Sections {
		if s.Name == section {
			out.Sections = append(out.Sections, s)
		}
	}
	return out
}

func TestArteryIsReadAsMeant(t *testing.T) {
	f := read(t, "artery.csv", files(t)["artery.csv"])
	c, audit := imported(t, f)
	if n := audit.Counts; n.Nodes != 13 || n.Segments != 24 || n.Signals != 2 || n.Programs != 2 {
		t.Errorf("counts %+v", n)
	}
	p := c.Plans.At(c.Signals.At(1).Plan) // controls intersections 2 and 3
	if p.Cycle != 90*time.Second || p.Anchor != geo.AnchorGreen || len(p.Phases) != 5 {
		t.Fatalf("plan %+v", p)
	}
	// Phase 6 turns green with the cycle, phase 2 after phase 1's 15.5 s: the
	// file's offset of 48 s times the first of them, ours the last.
	if p.Offset != 63500*time.Millisecond {
		t.Errorf("offset %v, expected 63.5 s", p.Offset)
	}
	for _, ph := range p.Phases {
		if ph.Coordinated != (ph.Phase == 2 || ph.Phase == 6) {
			t.Errorf("phase %+v", ph)
		}
	}
	n, _ := c.Nodes.Find("3")
	for _, k := range c.MovementsAt(n) {
		if m := c.Movements.At(k); m.Signal != 1 {
			t.Errorf("movement %s is under signal %d", c.MovementName(k), m.Signal)
		}
	}
	wantText(t, fmt.Sprint(audit.Assumed), "artery.csv:", "a bay is drawn as a lane over the whole link", "code 3 is moved to the begin of green")
	wantText(t, fmt.Sprint(audit.Dropped), "record Lanes Volume artery.csv:", "stay in the file")
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %.2000s", p, text)
		}
	}
}

// Lanes lead where the lane groups say: at intersection 2 southbound the kerb
// lane goes straight and right, the other one left.
func TestLanesLeadWhereGroupsSay(t *testing.T) {
	c, _ := imported(t, read(t, "artery.csv", files(t)["artery.csv"]))
	got := func(segment string) (out []string) {
		s, _ := c.Segments.Find(segment)
		first, lanes := c.LanesOf(s)
		for l := range lanes {
			for _, m := range c.MovementsFrom(first + geo.LaneID(l)) {
				out = append(out, fmt.Sprintf("%d>%s", l, c.LaneName(c.Movements.At(m).To)))
			}
		}
		slices.Sort(out)
		return out
	}
	for segment, want := range map[string]string{
		"22-2": "[0>2-1_0 0>2-23_0 1>2-3_1]",
		"23-2": "[0>2-1_2 0>2-22_0 0>2-3_0]", // west of the bay for left turns
		"11-1": "[0>1-13_0 1>1-2_0 2>1-2_1 3>1-12_0]",
		"43-4": "[0>4-3_2 0>4-5_0]",
	} {
		if text := fmt.Sprint(got(segment)); text != want {
			t.Errorf("%s leads %s, expected %s", segment, text, want)
		}
	}
}

// The starts that Synchro writes follow from offset, reference and splits.
func TestStartsFollowFromOffsetAndSplits(t *testing.T) {
	for name, data := range files(t) {
		f := read(t, name, data)
		c, _ := imported(t, f)
		made, _ := export(t, c, nil)
		worst, n := 0.0, 0
		for _, s := range c.Signals.All() {
			p := c.Plans.At(s.Plan)
			if !slices.ContainsFunc(p.Phases, func(ph geo.RingPhase) bool { return ph.Coordinated }) {
				continue // its offset refers to nothing
			}
			for _, ph := range p.Phases {
				v, ok1 := value(f, "Phases", "Start", s.ID, ph.Phase)
				w, ok2 := value(made, "Phases", "Start", s.ID, ph.Phase)
				if !ok1 || !ok2 {
					t.Errorf("%s: %s phase %d has no start", name, s.ID, ph.Phase)
					continue
				}
				d := math.Mod(math.Abs(v-w), p.Cycle.Seconds())
				worst, n = math.Max(worst, math.Min(d, p.Cycle.Seconds()-d)), n+1
			}
		}
		// Pretimed files round starts to 0.1 s.
		if worst > 0.101 {
			t.Errorf("%s: a start is off by %v s", name, worst)
		}
		t.Logf("%s: %d starts, worst %.3f s", name, n, worst)
	}
}

func value(f *utdf.File, section, record, id string, phase int) (float64, bool) {
	for _, s := range f.Sections {
		k := slices.Index(s.Columns, fmt.Sprintf("D%d", phase))
		for _, r := range s.Records {
			if s.Name == section && r.Fields[0] == record && r.Fields[1] == id {
				v, err := strconv.ParseFloat(field(r, k), 64)
				return v, err == nil
			}
		}
	}
	return 0, false
}

// A changed split and offset are written, with the starts that follow; the rest
// of the file stands.
func TestExportWritesChanges(t *testing.T) {
	f := read(t, "artery.csv", files(t)["artery.csv"])
	c, _ := imported(t, f)
	plan := c.Plans.At(c.Signals.At(0).Plan)
	plan.Phases = slices.Clone(plan.Phases)
	for i, ph := range plan.Phases { // five seconds from the side street to the main one
		switch ph.Phase {
		case 2, 6:
			plan.Phases[i].Split += 5 * time.Second
		case 4, 8:
			plan.Phases[i].Split -= 5 * time.Second
		}
	}
	plan.Offset = 20 * time.Second
	p := c.Patch()
	p.SetPlan(plan)
	s, _ := c.Segments.Find("12-1")
	p.SetLimit(s, 20*0.44704)
	closed, _ := c.Segments.Find("4-43")
	p.Close(closed)
	out, dropped := export(t, p.City(), f)
	if len(dropped) != 1 || dropped[0].ID != "4-43_0" {
		t.Errorf("dropped %v", dropped)
	}
	d := strings.Join(differences(f, out), "\n")
	wantText(t, d, "Links Speed 1 SB: 30, 20", "Timeplans Offset 1 DATA: 17.5, 20", "Phases MaxGreen 1 D2: 32.7, 37.7", "Phases MaxGreen 1 D4: 30.9, 25.9",
		"Phases MaxGreen 1 D6: 30.7, 35.7", "Phases Start 1 D4: 53.5, 61", "Phases ActGreen 1 D2: 32.7, ")
	for _, line := range strings.Split(d, "\n") {
		if strings.HasPrefix(line, "Lanes") || strings.Contains(line, " 2 ") && strings.HasPrefix(line, "Phases") && !strings.Contains(line, " 1 ") {
			t.Error("changed besides:", line)
		}
	}
	again, _ := imported(t, out)
	if got := again.Plans.At(again.Signals.At(0).Plan); fmt.Sprint(got.Offset) != "20s" {
		t.Errorf("offset %v came back", got.Offset)
	} else {
		for i, ph := range got.Phases {
			if ph.Split != plan.Phases[i].Split {
				t.Errorf("phase %d: split %v, expected %v", ph.Phase, ph.Split, plan.Phases[i].Split)
			}
		}
	}
}

func TestLaneGroupsInUnits(t *testing.T) {
	f := read(t, "artery.csv", files(t)["artery.csv"])
	groups, err := f.LaneGroups()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(groups, func(g utdf.LaneGroup) bool { return g.Node == "1" && g.Name == "WBT" })
	g := groups[i]
	if g.Lanes != 3 || g.Left || !g.Right || math.Abs(g.Volume.VPH()-910) > 1e-9 || math.Abs(float64(g.TurnShare)-47.0/957) > 1e-9 || g.From != "2-1" || g.To != "1-11" || !g.Signal {
		t.Errorf("%+v", g)
	}
	if len(groups) != 12+11+5+6 {
		t.Errorf("%d groups", len(groups))
	}
}

// Everything wrong comes at once, each with its line.
func TestMalformedFilesNameEveryProblem(t *testing.T) {
	text := string(files(t)["artery.csv"])
	for _, x := range [][3]string{
		{"1,0,0,0,0,Mill,", "1,0,here,0,0,Mill,", ":18: 1: X is \"here\""},
		{"Up ID,4,43", "Up ID,4,99", "Up ID NB is \"99\", expected another node"},
		{"Speed,1,30", "Speed,1,fast", "Speed NB is \"fast\", expected a number"},
		{"Cycle Length,1,90.0", "Cycle Length,1,0", "Cycle Length is \"0\", expected more than 0 s"},
		{"Node 1,2,3", "Node 1,2,77", "controls intersection \"77\", which is not among the nodes"},
		{"Up Node,1,13", "Up Node,1,51", "Up Node NBL is \"51\", from which no link leads here"},
		{"Yellow,2,3", "Yellow,2,-3", "Yellow D1 is -3, expected 0 to 3600"},
		{"UTDFVERSION,8", "UTDFVERSION,7", "is \"7\", expected 8"},
		{"BRP,1,111", "BRP,1,101", "BRP D1 is 101, expected 111 to 999"},
		{"Phase1,1,", "Phase1,1,9", "1 NBL: has green in phase 9, which has no timings at 1"},
		{"RECORDNAME,INTID,DATA", "RECORDNAME,NODE,DATA", "the header of [Timeplans] is"},
	} {
		if !strings.Contains(text, x[0]) {
			t.Fatalf("the example has no %q", x[0])
		}
		_, _, err := read(t, "bad.csv", []byte(strings.Replace(text, x[0], x[1], 1))).Import(utdf.Options{TimeZone: "UTC"})
		wantText(t, fmt.Sprint(err), "bad.csv", x[2])
	}
	two := strings.Replace(strings.Replace(text, "1,0,0,0,0,Mill,", "1,0,here,0,0,Mill,", 1), "Cycle Length,1,90.0", "Cycle Length,1,soon", 1)
	_, _, err := read(t, "bad.csv", []byte(two)).Import(utdf.Options{TimeZone: "UTC"})
	wantText(t, fmt.Sprint(err), "importing UTDF: 2 problems", "bad.csv:18: 1: X is \"here\", expected a coordinate", "Cycle Length DATA is \"soon\", expected a number")
	for _, in := range []string{"", "x", "[Network]\n", "[Nodes]\nNode Data\nINTID,X\n1,2\n", "[Network]\na\nRECORDNAME,DATA\nUTDFVERSION,8\n"} {
		f, err := utdf.Read("empty.csv", strings.NewReader(in))
		if err == nil {
			_, _, err = f.Import(utdf.Options{TimeZone: "UTC"})
		}
		if err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

func FuzzRead(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "artery.csv"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("[Network]\nNetwork Settings\nRECORDNAME,DATA\nUTDFVERSION,8\n\n[Nodes]\nNode Data\nINTID,TYPE,X,Y\n1,1,0,0\n2,1,900,0\n\n[Links]\nLink Data\nRECORDNAME,INTID,EB\nUp ID,2,1\nLanes,2,1\n\n[Lanes]\nLane Group Data\nRECORDNAME,INTID,EBT\n"))
	f.Add([]byte("[Phases]\n\nINTID\n[\xff]\n\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := utdf.Read("fuzz.csv", bytes.NewReader(data))
		if err != nil {
			return
		}
		_, _ = file.LaneGroups()
		c, _, err := file.Import(utdf.Options{TimeZone: "UTC"})
		if err != nil {
			return
		}
		out, _, err := utdf.Export(c, file)
		if err != nil {
			t.Fatal(err)
		}
		if d := differences(file, out); len(d) > 0 {
			t.Fatal(d)
		}
	})
}
