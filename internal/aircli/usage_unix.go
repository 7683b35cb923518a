//go:build unix

package aircli

import (
	"runtime"
	"syscall"
	"time"
)

// used returns the CPU time of the process so far and its peak memory in MiB.
func used() (cpu time.Duration, peakMB float64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	perMB := 1024.0 // Linux counts KiB
	if runtime.GOOS == "darwin" {
		perMB = 1 << 20
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(u.Maxrss) / perMB
}
