//go:build !unix

package aircli

import (
	"runtime"
	"time"
)

var started = time.Now()

// used returns the time since start, where CPU time cannot be had, and the
// memory obtained from the system in MiB.
func used() (cpu time.Duration, peakMB float64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return time.Since(started), float64(m.Sys) / (1 << 20)
}
