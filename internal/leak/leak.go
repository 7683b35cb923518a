// Package leak tells at the end of a package's tests whether a goroutine of
// theirs still runs.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end after the last test. goleak
// itself waits 0.4 s, which a connection that is closing may need on a busy
// machine.
const patience = time.Minute

// Main runs the tests of a package, then waits until their goroutines have
// ended, and exits. Goroutines that stay fail the package.
func Main(m *testing.M, ignore ...goleak.Option) {
	status := m.Run()
	if status == 0 {
		if err := left(patience, ignore...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// left names the goroutines that still run after some time.
func left(patience time.Duration, ignore ...goleak.Option) error {
	begin := time.Now()
	err := goleak.Find(ignore...)
	for err != nil && time.Since(begin) < patience {
		err = goleak.Find(ignore...)
	}
	return err
}
