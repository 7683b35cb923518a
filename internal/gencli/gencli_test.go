package gencli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kong"

	"tideway/geo/gmns"
	"tideway/internal/gencli"
	"tideway/sim/demand/csv"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var c gencli.Cmd
	var out bytes.Buffer
	parser, err := kong.New(&c, kong.Writers(&out, &out))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	err = ctx.Run()
	return out.String(), err
}

func TestCityAndDayAreWrittenAndReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "city")
	text, err := run(t, "city", "--size", "100", "--seed", "3", "--out", dir, "--day", "2025-03-10", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var a gencli.Answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	city, _, err := gmns.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := csv.ReadDir(dir, city)
	if err != nil {
		t.Fatal(err)
	}
	if city.Version != a.CityVersion || city.Segments.Len() != 100 || len(d.Trips) != a.Trips || a.Trips == 0 || a.LargestSCC != 1 {
		t.Errorf("wrote %+v, read %s with %d segments and %d trips", a, city.Version, city.Segments.Len(), len(d.Trips))
	}
}

func TestWrongInputsAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	for _, args := range [][]string{{"--size", "5"}, {"--day", "Monday"}, {"--day", "2025-01-01", "--load", "9"}} {
		dir := filepath.Join(t.TempDir(), "city")
		if _, err := run(t, append([]string{"city", "--out", dir}, args...)...); err == nil {
			t.Errorf("%v was accepted", args)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v left a folder", args)
		}
	}
}
