package citycli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tideway/internal/testdata"
)

type utdfAnswer struct {
	Counts     map[string]int `json:"counts"`
	Assumed    []any          `json:"assumed"`
	Dropped    []any          `json:"dropped"`
	Saturation struct {
		Compared int `json:"compared"`
		Half     int `json:"within_half_percent"`
		Two      int `json:"within_2_percent"`
	} `json:"saturation_flows"`
}

func TestUTDFThereAndBack(t *testing.T) {
	dir, example := t.TempDir(), filepath.Join("..", "..", "geo", "utdf", "testdata", "artery.csv")
	city, out := filepath.Join(dir, "city"), filepath.Join(dir, "out.csv")
	var a utdfAnswer
	if err := json.Unmarshal([]byte(must(t, "import", "utdf", example, "--timezone", "America/Phoenix", "--origin=-112,33.4", "--out", city, "--json")), &a); err != nil {
		t.Fatal(err)
	}
	if a.Counts["signals"] != 2 || len(a.Assumed) == 0 || len(a.Dropped) == 0 || a.Saturation.Compared != 20 || a.Saturation.Half != 20 {
		t.Errorf("%+v", a)
	}
	must(t, "export", "utdf", "--city", city, "--out", out)
	was, _ := os.ReadFile(example)
	if now, _ := os.ReadFile(out); !bytes.Equal(was, now) {
		t.Error("an unchanged city gives another file")
	}
	plan := filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(plan, []byte("name: later\nchanges: [{op: signal.adjust, select: {id: [\"1\"]}, offset_add_s: 10}]"), 0o666); err != nil {
		t.Fatal(err)
	}
	text := must(t, "export", "utdf", "--city", city, "--plan", plan, "--out", "-")
	if !strings.Contains(text, "\nOffset,1,27.5\n") || !strings.Contains(text, "\nStart,1,9,25.5,,63.5,") {
		t.Errorf("the offset is not in %.200s", text)
	}
	if err := os.Remove(filepath.Join(city, "utdf.csv")); err != nil {
		t.Fatal(err)
	}
	if text := must(t, "export", "utdf", "--city", city, "--out", "-"); !strings.Contains(text, "\nCycle Length,1,90\n") || strings.Contains(text, "Volume") {
		t.Errorf("made of the city alone: %.200s", text)
	}
}

// Saturation flows of files from practice follow from their geometry.
func TestSaturationFlowsFollowFromGeometry(t *testing.T) {
	data := testdata.Dir(t, "signals/utdf")
	for name, groups := range map[string]int{"bullhead_utdf8.csv": 40, "sigmax_utdf8_53nodes.csv": 154} {
		var a utdfAnswer
		out := must(t, "import", "utdf", filepath.Join(data, name), "--timezone", "America/Phoenix", "--out", t.TempDir(), "--json")
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatal(err)
		}
		if a.Saturation.Compared != groups || a.Saturation.Half < groups-1 || a.Saturation.Two != groups {
			t.Errorf("%s: %+v", name, a.Saturation)
		}
	}
}
