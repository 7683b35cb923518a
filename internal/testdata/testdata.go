// Package testdata finds the real data sets that some tests use and that are
// never part of the repository.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of the named set ("bologna", "sumo/cologne8"). The
// base is TIDEWAY_DATA, else ../shared/data beside the repository. The test is
// skipped, naming the set, when the folder is absent.
func Dir(t testing.TB, set string) string {
	t.Helper()
	dir := filepath.Join(Base(), filepath.FromSlash(set))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("data set %q is not at hand (set TIDEWAY_DATA)", set)
	}
	return dir
}

// Base returns the folder that holds the data sets; it need not exist.
func Base() string {
	if base := os.Getenv("TIDEWAY_DATA"); base != "" {
		return base
	}
	return filepath.Join(root(), "..", "shared", "data")
}

// root walks up from the working directory (a test's is its package) to the
// folder that holds go.mod.
func root() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return "."
}
