package gmns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"tideway/geo"
	"tideway/geo/gmns"
	"tideway/internal/testdata"
	"tideway/unit"
)

func TestPublishedExamplesImport(t *testing.T) {
	dir := testdata.Dir(t, "gmns")
	for _, name := range []string{"zephyr/examples/Arlington_Signals", "zephyr/examples/Cambridge_Intersection", "zephyr/examples/Freeway_Interchange",
		"zephyr/examples/Lima/GMNS", "zephyr/examples/Lima/DTALite", "zephyr/examples/Cambridge_Multimodal_Network", "dtalite_odme"} {
		t.Run(name, func(t *testing.T) {
			c, a, err := gmns.Import(os.DirFS(filepath.Join(dir, name)), gmns.Options{Name: name, TimeZone: "America/New_York"})
			if err != nil {
				t.Fatal(err)
			}
			why := map[string]int{}
			for _, x := range a.Assumed {
				why[x.Kind+" "+x.Field+" "+x.Why]++
			}
			for _, x := range a.Dropped {
				why["dropped "+x.Kind+" "+x.Why]++
			}
			t.Logf("%+v, largest strongly connected part %.3f", a.Counts, a.LargestSCC)
			for k, n := range why {
				t.Logf("%5d %.150s", n, k)
			}
			if a.Counts.Segments < 1000 { // for the time it takes
				roundTrip(t, c)
			}
		})
	}
}

// plainTables is a T of two-way streets: west-middle-east, middle-north.
func plainTables() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"config.csv": file("dataset_name,short_length,long_length,speed,crs\nT,foot,mile,mph,4326\n"),
		"node.csv":   file("node_id,x_coord,y_coord,ctrl_type\nw,11.000,44,\nm,11.002,44,signal\ne,11.004,44,\nn,11.002,44.002,\n"),
		"link.csv": file("link_id,name,from_node_id,to_node_id,directed,length,facility_type,capacity,free_speed,lanes,allowed_uses\n" +
			"wm,Main,w,m,1,0.1,primary,1800,30,2,auto\nmw,Main,m,w,1,0.1,primary,1800,30,1,auto\nme,Main,m,e,0,0.1,primary,,30,1,\nmn,North,m,n,0,0.14,alley,900,,1,\npath,,w,n,1,1,,,5,1,\"walk, bike\"\n"),
		"movement.csv": file("mvmt_id,node_id,ib_link_id,ob_link_id,type\n1,m,wm,me,thru\n2,m,-me,mw,thru\n3,m,wm,mn,left\n4,m,-mn,mw,right\n"),
	}
}

func TestPlainTablesBecomeACity(t *testing.T) {
	c, a, err := gmns.Import(plainTables(), gmns.Options{TimeZone: "Europe/Rome"})
	if err != nil {
		t.Fatal(err)
	}
	wm, ok := c.Segments.Find("wm")
	if !ok {
		t.Fatal("no segment wm")
	}
	s := c.Segments.At(wm)
	if _, lanes := c.LanesOf(wm); lanes != 2 || s.Limit != 30*unit.MPH || s.Capacity.VPH() < 3599 || s.Capacity.VPH() > 3601 || s.Class != geo.Primary || s.Name != "Main" {
		t.Errorf("wm has %d lanes: %+v", lanes, s)
	}
	// 0.1 miles from node to node; the junction takes its part of it.
	if s.Length > 161 || s.Length < 130 {
		t.Errorf("wm is %v m long", s.Length)
	}
	for _, m := range c.Movements.All() {
		from, to := c.Segments.At(c.Lanes.At(m.From).Segment).ID, c.Segments.At(c.Lanes.At(m.To).Segment).ID
		if c.Nodes.At(m.Node).ID == "m" && !strings.Contains("wm>me -me>mw wm>mn -mn>mw", from+">"+to) {
			t.Errorf("movement %s>%s is not listed", from, to)
		}
	}
	if c.Signals.Len() != 1 || c.Conflicts(0) == nil && c.Conflicts(1) == nil && c.Conflicts(2) == nil {
		t.Errorf("%d signals", c.Signals.Len())
	}
	said := fmt.Sprint(a.Assumed, a.Dropped)
	for _, want := range []string{"{link path no motor vehicles", "{link mn facility_type other", "{link mn free_speed 50 km/h", "{link me capacity 1900"} {
		if !strings.Contains(said, want) {
			t.Errorf("the audit lacks %q:\n%s", want, said)
		}
	}
	roundTrip(t, c)
}

func TestLengthsInAnotherUnitThanNamed(t *testing.T) {
	files := plainTables()
	link := strings.NewReplacer("0.14,alley", "730,alley", "1,0.1,", "1,528,", "0,0.1,", "0,528,").Replace(string(files["link.csv"].Data))
	files["link.csv"].Data = []byte(link)
	c, a, err := gmns.Import(files, gmns.Options{TimeZone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	wm, _ := c.Segments.Find("wm")
	if l := c.Segments.At(wm).Length; l > 161 || l < 130 || !strings.Contains(fmt.Sprint(a.Assumed), "{link  length foot") {
		t.Errorf("length %v, assumed %v", l, a.Assumed)
	}
}

func TestPlainMistakes(t *testing.T) {
	for _, x := range []struct{ file, from, to, want string }{
		{"link.csv", "wm,Main,w,m", "wm,Main,w,x", `link.csv:2: wm: goes from node "w" to "x"`},
		{"link.csv", "mw,Main", "wm,Main", "link.csv:3: wm: link_id is empty or was used before"},
		{"link.csv", "1800,30,2", "1800,30,-2", "link.csv:2: wm: length"},
		{"node.csv", "11.000", "NaN", `node.csv:2: x_coord is "NaN"`},
		{"node.csv", "node_id,x_coord", "node_id,easting", "node.csv:1: has no column x_coord"},
	} {
		files := plainTables()
		files[x.file].Data = []byte(strings.Replace(string(files[x.file].Data), x.from, x.to, 1))
		if _, _, err := gmns.Import(files, gmns.Options{TimeZone: "UTC"}); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %q", err, x.want)
		}
	}
	if _, _, err := gmns.Import(fstest.MapFS{}, gmns.Options{TimeZone: "UTC"}); err == nil || !strings.Contains(err.Error(), "node.csv: is missing") {
		t.Error(err)
	}
}

func FuzzImport(f *testing.F) {
	base := signalTables()
	for name, file := range base {
		f.Add(name, string(file.Data))
	}
	f.Add("geometry.csv", "geometry_id,geometry\n1,\"LINESTRING (1 2,3 4)\"\n")
	f.Fuzz(func(t *testing.T, name, content string) {
		files := fstest.MapFS{name: {Data: []byte(content)}}
		for k, v := range base {
			if k != name {
				files[k] = v
			}
		}
		if c, _, err := gmns.Import(files, gmns.Options{TimeZone: "UTC"}); err == nil {
			c.LargestSCC()
		}
	})
}
