package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestOperationsNamesEveryFlag holds the tables of docs/operations.md to the
// flags of the verbs that people run as services.
func TestOperationsNamesEveryFlag(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&commands{}, kong.DefaultEnvars("TIDEWAY"), kong.BindTo(io.Discard, (*io.Writer)(nil)))
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{}
	for _, part := range strings.Split(string(raw), "| `tideway ")[1:] {
		verb, rows, _ := strings.Cut(part, "`")
		table, _, _ := strings.Cut(rows, "\n\n")
		tables[strings.Fields(verb)[0]] = table
	}
	for _, verb := range parser.Model.Children {
		for _, flag := range verb.Flags {
			for _, env := range flag.Envs {
				if env == "TIDEWAY_DATA" {
					t.Errorf("%s --%s is set by TIDEWAY_DATA, which names the data sets of tests", verb.Name, flag.Name)
				}
			}
			if table, ok := tables[verb.Name]; ok && flag.Name != "help" && !documented(table, flag) {
				t.Errorf("docs/operations.md does not tell of tideway %s --%s, %v", verb.Name, flag.Name, flag.Envs)
			}
		}
	}
	for _, verb := range []string{"serve", "demo", "worker", "ingest"} {
		if tables[verb] == "" {
			t.Errorf("docs/operations.md has no table of tideway %s", verb)
		}
	}
}

// documented reports whether one row names the flag and its variable.
func documented(table string, flag *kong.Flag) bool {
	for _, row := range strings.Split(table, "\n") {
		if strings.Contains(row, "`--"+flag.Name+"`") && len(flag.Envs) > 0 && strings.Contains(row, "`"+flag.Envs[0]+"`") {
			return true
		}
	}
	return false
}
