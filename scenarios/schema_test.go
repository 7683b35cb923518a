package scenarios

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The published schema is the one the types give.
func TestPublishedSchema(t *testing.T) {
	const file = "scenario.schema.json"
	if *update {
		if err := os.WriteFile(file, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != string(Schema()) {
		t.Errorf("%s differs from the types (%v): run go test -update", file, err)
	}
}
