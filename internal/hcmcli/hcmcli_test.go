package hcmcli

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"tideway/internal/testdata"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var c Cmd
	var out strings.Builder
	p, err := kong.New(&c, kong.Writers(&out, &out))
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	err = k.Run()
	return out.String(), err
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestKnownAnswers(t *testing.T) {
	file := filepath.Join(testdata.Dir(t, "signals"), "hcm_delay_known_answers.csv")
	out, err := run(t, "--in", file, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Rows []Row }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != len(want)-1 {
		t.Fatalf("%d answers for %d rows", len(got.Rows), len(want)-1)
	}
	for i, r := range got.Rows {
		answer, _ := strconv.ParseFloat(want[i+1][9], 64)
		if math.Abs(r.DelayS-answer) > 0.01 {
			t.Errorf("row %d: %.3f s, known answer %.3f s", i+1, r.DelayS, answer)
		}
	}
}

func TestOptionalColumnsAndTable(t *testing.T) {
	file := write(t, "C,g_eff,capacity,X,Qb,note\n90,36,760,0.789473684,20,queued\n90,36,760,0.789473684,,plain\n")
	out, err := run(t, "--in", file)
	if err != nil || !strings.Contains(out, "55.54") || !strings.Contains(out, "31.85") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	_, err := run(t, "--in", write(t, "C,g_eff,capacity,X\nninety,36,760,1\n90,,760,NaN\n"))
	for _, want := range []string{":2: C: is \"ninety\"", ":3: g_eff: is empty", ":3: X: is \"NaN\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
	if _, err := run(t, "--in", write(t, "C,X\n1,2\n")); err == nil || !strings.Contains(err.Error(), "g_eff") {
		t.Errorf("missing columns: %v", err)
	}
	if _, err := run(t, "--in", write(t, "C,g_eff,capacity,X\n90,100,760,1\n")); err == nil || !strings.Contains(err.Error(), ":2: green is 1m40s") {
		t.Errorf("green above the cycle: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("C,g_eff,capacity,X\n90,36,760,0.8\n")
	f.Add("C,g_eff,capacity,v,arrival_type\n90,36,760,1e9,-3\n")
	f.Fuzz(func(t *testing.T, text string) {
		if rows, err := Solve(strings.NewReader(text), "fuzz.csv"); err == nil {
			if _, err := json.Marshal(rows); err != nil {
				t.Errorf("answers cannot be written: %v", err)
			}
		}
	})
}
