package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tideway/geo"
	"tideway/live"
)

// TestDocumentedFormsAreRead holds docs/readings.md to what the decoders do.
func TestDocumentedFormsAreRead(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "readings.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	var codes []string
	for _, q := range geo.Quantities() {
		codes = append(codes, fmt.Sprintf("%d %s", q, q))
		if _, hi := live.Range(q); !strings.Contains(text, "`"+q.String()+"`") || hi <= 0 {
			t.Errorf("quantity %v is not described", q)
		}
	}
	if !strings.Contains(text, strings.Join(codes, ", ")) {
		t.Errorf("the numbers of quantities must read %s", strings.Join(codes, ", "))
	}
	for _, why := range []live.Reason{live.UnknownSensor, live.UnknownQuantity, live.OutOfRange, live.NotANumber, live.TooLate, live.InTheFuture,
		live.Duplicate, live.RateOfChange, live.Stuck, live.BadTime, live.BadUnit, live.Malformed} {
		if !strings.Contains(text, "`"+string(why)+"`") {
			t.Errorf("reason %s is not described", why)
		}
	}
	blocks := regexp.MustCompile("(?s)```(json|yaml)\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	if b, err := NDJSON(nil, []byte(blocks[0][2])); err != nil || b.Len() != 1 || len(b.Refused) != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := Columns(nil, []byte(blocks[1][2])); err != nil || b.Len() != 2 {
		t.Errorf("%+v, %v", b, err)
	}
	for i, m := range strings.Split(blocks[2][2], "---\n") {
		if _, err := ParseMapping(fmt.Sprint("example ", i+1), []byte(m)); err != nil {
			t.Error(err)
		}
	}
}

func TestExampleMappingsAreRight(t *testing.T) {
	for _, name := range []string{"loops.yaml", "regional.yaml", "air.yaml"} {
		at := filepath.Join("..", "..", "examples", "bologna", name)
		raw, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseMapping(name, raw); err != nil {
			t.Error(err)
		}
	}
}
