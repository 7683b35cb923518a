package sim

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain gives the property tests a fixed seed, so that whether they pass
// depends on the code alone. Exploring takes another one: go test ./sim
// -rapid.seed=$RANDOM -rapid.checks=100000.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.seed"); f.Value.String() == "0" {
		if err := f.Value.Set("1"); err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
