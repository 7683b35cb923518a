package gmns_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// TestEveryColumnIsDescribed holds docs/format.md to what is written.
func TestEveryColumnIsDescribed(t *testing.T) {
	doc, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range small(t) {
		if !strings.Contains(string(doc), name) {
			t.Errorf("docs/format.md does not name %s", name)
		}
		if !strings.HasSuffix(name, ".csv") {
			continue
		}
		header, err := csv.NewReader(strings.NewReader(string(file.Data))).Read()
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(doc), name)
		for _, column := range header {
			if !strings.Contains(section, "`"+column+"`") {
				t.Errorf("docs/format.md does not describe %s of %s", column, name)
			}
		}
	}
}
