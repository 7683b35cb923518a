package api

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestOperationsNamesEveryMetric holds docs/operations.md to what /metrics
// shows, both ways.
func TestOperationsNamesEveryMetric(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "## What each metric means")
	told := regexp.MustCompile("tideway_[a-z_]+").FindAllString(section, -1)
	s, err := New(Options{Twin: newFakeTwin(t, 4)})
	if err != nil {
		t.Fatal(err)
	}
	shown := ownMetrics(s.metrics.registry)
	for _, name := range shown {
		if !slices.Contains(told, name) {
			t.Errorf("docs/operations.md does not tell of %s", name)
		}
	}
	for _, name := range told {
		if !slices.Contains(shown, name) {
			t.Errorf("docs/operations.md tells of %s, which /metrics does not show", name)
		}
	}
}

// ownMetrics lists the registered metrics whose names begin with tideway_, also
// those that have no value yet.
func ownMetrics(r *prometheus.Registry) (names []string) {
	all := make(chan *prometheus.Desc)
	go func() {
		r.Describe(all)
		close(all)
	}()
	name := regexp.MustCompile(`fqName: "(tideway_[^"]*)"`)
	for d := range all {
		if m := name.FindStringSubmatch(d.String()); m != nil {
			names = append(names, m[1])
		}
	}
	return names
}
