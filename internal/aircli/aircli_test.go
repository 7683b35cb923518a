package aircli_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tideway/internal/aircli"
	"tideway/internal/testdata"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func object(t *testing.T, out string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return v
}

func csvRows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

const factorHead = "Category,MinSpeed_kmh,MaxSpeed_kmh,Alpha,Beta,Gamma,Delta,Epsilon,Zita,Hta,ReductionFactor_perc,CheckSpeed_kmh,CheckEF_gkm_or_MJkm\n"

func TestFactorsOfATable(t *testing.T) {
	in := file(t, "t.csv", factorHead+"PC,10,130,0,0,2,0,0,0,1,0.5,5,1\nPC,10,130,0,0,2,10,0,0,1,0,5,3.3\nPC,10,130,0,0,0,0,0,0,1,0,15,\n")
	out := filepath.Join(t.TempDir(), "v.txt")
	var b strings.Builder
	c := aircli.FactorsCmd{Table: in, Out: out, JSON: true}
	if err := c.Run(&b); err != nil {
		t.Fatal(err)
	}
	v := object(t, b.String())
	if v["rows"] != 3. || v["checked"] != 2. || v["undefined"] != 1. || math.Abs(v["max_rel_dev"].(float64)-.3/3.3) > 1e-12 || len(v["worst"].([]any)) != 1 {
		t.Errorf("%v", v)
	}
	if got, _ := os.ReadFile(out); string(got) != "1\n3\n0\n" {
		t.Errorf("values %q", got)
	}
}

func TestFactorOfAClass(t *testing.T) {
	var b strings.Builder
	c := aircli.FactorsCmd{Class: "PC_D_V", Pollutant: "nox", SpeedKMH: 50, JSON: true}
	if err := c.Run(&b); err != nil {
		t.Fatal(err)
	}
	if v := object(t, b.String()); math.Abs(v["value"].(float64)-.54) > .01 || v["unit"] != "g/km" {
		t.Errorf("%v", v)
	}
	b.Reset()
	c = aircli.FactorsCmd{Class: "PC_D_V", Pollutant: "co2", SpeedKMH: 50, JSON: true}
	if err := c.Run(&b); err != nil {
		t.Fatal(err)
	}
	if v := object(t, b.String()); v["value"].(float64) < 100 || v["value"].(float64) > 200 {
		t.Errorf("%v", v)
	}
	for _, bad := range []aircli.FactorsCmd{{}, {Class: "PC_D_IX", Pollutant: "NOx", SpeedKMH: 1}, {Class: "PC_D_V", Pollutant: "N2", SpeedKMH: 1}, {Class: "PC_D_V", Pollutant: "NOx"}, {Class: "a", Table: "b"}, {Table: "/none"}} {
		if err := bad.Run(&b); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

const (
	links = "id,x0_m,y0_m,x1_m,y1_m,q_g_s_m2,height_m,width_m,sigma_z0_m\na,0,-100,0,100,1e-5,0.5,7,1.3\nb,10,10,10,10,1e-5,0.5,7,1.3\n"
	met   = "H_wm2,ustar_ms,wstar_ms,zi_conv_m,zi_mech_m,L_m,z0_m,wspd_ms,wdir_deg,zref_m,temp_k\n10,0.35,0.4,300,500,-800,0.5,3.5,270,10,288\n"
)

func disperse(t *testing.T, links, receptors, met string) (map[string]any, [][]string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "c.csv")
	var b strings.Builder
	c := aircli.DisperseCmd{Links: file(t, "l.csv", links), Receptors: file(t, "r.csv", receptors), Met: file(t, "m.csv", met), Out: out, JSON: true}
	if err := c.Run(&b); err != nil {
		return nil, nil, err
	}
	return object(t, b.String()), csvRows(t, out), nil
}

func TestDisperse(t *testing.T) {
	v, rows, err := disperse(t, links, "id,x_m,y_m,z_m\n\"p,1\",50,0,1.5\nq,-50,0,1.5\nr,50,0,30\n", met+"0,0.35,0,0,500,-800,0.5,3.5,90,10,288\n")
	if err != nil {
		t.Fatal(err)
	}
	if v["links"] != 2. || v["receptors"] != 3. || v["hours"] != 2. {
		t.Errorf("%v", v)
	}
	for _, key := range []string{"load_cpu_s", "run_cpu_s", "peak_rss_mb"} {
		if _, ok := v[key].(float64); !ok {
			t.Errorf("%s is missing", key)
		}
	}
	if len(rows) != 7 || rows[1][0] != "p,1" || rows[4][1] != "1" {
		t.Fatalf("%v", rows)
	}
	at := func(i int) float64 { c, _ := strconv.ParseFloat(rows[i][2], 64); return c }
	if down, up, high := at(1), at(2), at(3); !(down > up && up > 0 && high < down) {
		t.Errorf("downwind %g, upwind %g, high %g", down, up, high)
	}
	// Without ids the rows are counted from 0; without z the height is 1.5 m.
	_, plain, err := disperse(t, links, "x_m,y_m\n50,0\n", met)
	if err != nil {
		t.Fatal(err)
	}
	if plain[1][0] != "0" || plain[1][2] != rows[1][2] {
		t.Errorf("%v, want the value of %v", plain[1], rows[1])
	}
}

func TestDisperseWithCalmAndMissingWeather(t *testing.T) {
	head := strings.SplitAfterN(met, "\n", 2)[0]
	v, rows, err := disperse(t, links, "x_m,y_m\n50,0\n", head+"10,0.1,0.4,300,500,-80,0.5,0,270,10,288\n10,-9,-9,-999,-999,-99999,0.5,3,270,10,288\n")
	if err != nil {
		t.Fatal(err)
	}
	if notes := v["notes"].([]any); len(notes) != 2 || !strings.Contains(notes[0].(string), "calm") || !strings.Contains(notes[1].(string), "missing") {
		t.Errorf("%v", notes)
	}
	if len(rows) != 3 || strings.Contains(rows[1][2], "N") {
		t.Errorf("%v", rows)
	}
}

func TestDisperseReportsAllProblemsAtOnce(t *testing.T) {
	_, _, err := disperse(t, strings.Replace(links, "7,1.3\na", "x,1.3\na", 1)+"c,0,0,east,1,-1,0.5,0,1.3\n", "x_m\n1\n", strings.Replace(met, ",270,", ",,", 1))
	for _, want := range []string{"l.csv:4", "east", "width_m", "y_m", "wind direction", "m.csv:2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
	if _, _, err := disperse(t, "", "x_m,y_m\n", met); err == nil {
		t.Error("an empty file was accepted")
	}
}

func TestValidateReproducesIdahoFalls(t *testing.T) {
	dir := testdata.Dir(t, "air/idaho_falls")
	out := filepath.Join(t.TempDir(), "v.csv")
	var b strings.Builder
	c := aircli.ValidateCmd{Met: filepath.Join(dir, "met.csv"), Observations: filepath.Join(dir, "observations.csv"), Reference: filepath.Join(dir, "rline_v12_reference.csv"), Out: out, JSON: true}
	if err := c.Run(&b); err != nil {
		t.Fatal(err)
	}
	v := object(t, b.String())
	ref := v["reference"].(map[string]any)
	if ref["n"] != 126. || ref["max_rel_dev"].(float64) > 2e-3 {
		t.Errorf("against the published outputs: %v", ref)
	}
	for i, want := range []struct{ fb, nmse float64 }{{.16, .035}, {-.01, .004}} {
		s := v["by_test"].([]any)[i].(map[string]any)
		if s["fac2"] != 1. || math.Abs(s["fb"].(float64)-want.fb) > .01 || math.Abs(s["nmse"].(float64)-want.nmse) > .002 || s["r"].(float64) < .985 {
			t.Errorf("%v", s)
		}
	}
	if rows := csvRows(t, out); len(rows) != 127 || rows[0][4] != "modelled_ppb" {
		t.Errorf("%d rows, head %v", len(rows), rows[0])
	}
}

func TestValidateNamesWhatIsMissing(t *testing.T) {
	c := aircli.ValidateCmd{
		Met:          file(t, "met.csv", "day,bag,H_wm2,ustar,wstar,zi_conv,zi_mech,L,z0,wspd,wdir,zref,temp_c\n1,2,31,0.58,0.39,61,1016,-500,0.053,5.9,258.1,3,3.97\n"),
		Observations: file(t, "obs.csv", "test,bag,x_m,c_ppb\n1,2,18,\n1,3,18,5\n4,2,far,5\n"),
	}
	var b strings.Builder
	err := c.Run(&b)
	for _, want := range []string{"obs.csv:3", "obs.csv:4", "no weather", "far"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

func FuzzDisperseInputs(f *testing.F) {
	f.Add(links, "x_m,y_m\n1,2\n", met)
	f.Add("x0_m\n\"", "x_m,y_m\n,\n", "wspd\n1\n")
	f.Fuzz(func(t *testing.T, l, r, m string) {
		if len(l)+len(r)+len(m) > 2000 {
			t.Skip("large")
		}
		dir := t.TempDir()
		for name, s := range map[string]string{"l": l, "r": r, "m": m} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := aircli.DisperseCmd{Links: filepath.Join(dir, "l"), Receptors: filepath.Join(dir, "r"), Met: filepath.Join(dir, "m"), Out: filepath.Join(dir, "o"), Threads: 1}
		var b strings.Builder
		_ = c.Run(&b) // an error is fine, a panic is not
	})
}
