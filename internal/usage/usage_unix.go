//go:build unix

package usage

import (
	"runtime"
	"syscall"
	"time"
)

// CPU returns the CPU time of the process so far, user and system, over all
// threads; 0 where the system does not tell.
func CPU() time.Duration {
	r := own()
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// PeakMB returns the highest resident memory of the process so far in MB
// (10^6 bytes); 0 where the system does not tell.
func PeakMB() float64 {
	unit := 1024.0 // Linux and the BSDs count kilobytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(own().Maxrss) * unit / 1e6
}

func own() (r syscall.Rusage) {
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return syscall.Rusage{}
	}
	return r
}
